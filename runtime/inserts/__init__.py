"""Networks and programs in front of a track's strip: what a preset's inserts do to its stems."""
