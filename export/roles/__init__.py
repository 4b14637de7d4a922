"""Trains what tells a track's role by its sound: examples from a corpus, and a small network."""
