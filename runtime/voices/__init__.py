"""Voices: what a raw voice is like, and the strip that an engineer would give it."""
