"""Renders a preset on stems, into arrays or into files."""
