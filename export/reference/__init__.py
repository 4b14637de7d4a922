"""The published architecture of Diff-MST in torch, so that its checkpoints load."""
