"""The commands that deal with a DAW or mixer: push, undo, pull, scene files, snapshots, the OSC server."""
