"""Styles: settings that an engineer gives to a track, told from many of theirs; no reference is needed."""
