"""Talks to people and the world: command line, report."""
