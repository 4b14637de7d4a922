"""The console on the plug-ins that Ardour and REAPER bring along, and back."""
