"""Tracks that a mix adds to a REAPER project: groups, returns of effects, and returns as audio."""
