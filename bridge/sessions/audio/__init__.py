"""Folders and wide WAV files as sessions."""
