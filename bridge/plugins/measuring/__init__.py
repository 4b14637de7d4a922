"""Measuring a plug-in: which parameter moves what, in which law. Runs in the process that has loaded it."""
