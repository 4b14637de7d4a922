"""REAPER projects (.RPP)."""
