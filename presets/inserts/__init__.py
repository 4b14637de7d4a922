"""What stands in front of a track's strip: networks and programs, how each is declared, read and changed."""
