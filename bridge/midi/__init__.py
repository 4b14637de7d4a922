"""Controllers over MIDI: what they say, what it sets, and what they are told."""
