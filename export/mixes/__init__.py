"""Whole mixes, as users get them: how they are made for judging, what is measured of them, and the page."""
