"""Runs the command line: `python -m mixbridge`."""

from __future__ import annotations

from .bridge.command import main

if __name__ == "__main__":
    main()
