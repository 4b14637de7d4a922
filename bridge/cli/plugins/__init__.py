"""The commands that deal with plug-ins: scan, show, measure, check, save."""
