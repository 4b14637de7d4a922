"""What stands in front of a strip: networks and programs, how each is declared, read and changed."""
