"""Plug-ins that users own: found, loaded in a process of their own, measured, and described by profiles."""
