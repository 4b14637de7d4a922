"""How each kind of desk speaks OSC."""
