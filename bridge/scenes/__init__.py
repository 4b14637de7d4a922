"""Scene files of mixers."""
