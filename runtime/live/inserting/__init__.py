"""Inserts in real time: a process of its own runs them ahead of the audio, later by a stated time, the same for all."""
