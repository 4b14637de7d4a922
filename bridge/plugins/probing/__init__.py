"""Plug-ins found on this machine, each loaded in a process of its own."""
