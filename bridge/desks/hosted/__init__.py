"""Plug-ins of the user's that stand on the strips of a DAW."""
