"""What a session is, whichever DAW wrote it: model, levels, fades, where media may be."""
