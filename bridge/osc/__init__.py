"""OSC: packets, links with pacing, and what each kind of desk answers."""
