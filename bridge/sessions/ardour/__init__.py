"""Ardour sessions (.ardour)."""
