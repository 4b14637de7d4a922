"""The report, and settings in words."""
