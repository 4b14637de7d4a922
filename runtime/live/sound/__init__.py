"""The console as it sounds live: units that can be replaced, and what the thread of the audio calls."""
