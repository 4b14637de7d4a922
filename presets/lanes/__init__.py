"""Lanes: settings that move while a song plays, as points in time. Automation, in the words of a DAW."""
