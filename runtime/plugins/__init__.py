"""Hosts plug-ins of the user's (VST3, Audio Units) in processes of their own, as stages of a strip."""
