"""The OSC server: controllers read and change a preset."""
