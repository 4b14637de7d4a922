"""The console while music plays: an engine in a process of its own, and what it is fed and controlled by."""
