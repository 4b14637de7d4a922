"""The command `batch` and what it says."""
