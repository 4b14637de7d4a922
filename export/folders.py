"""The folder that the torch side keeps work in, so that none is written into the current folder unasked."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path


def cache_folder(name: str) -> Path:
    """Gives a folder in the user's cache, such as `~/.cache/mixbridge/evaluation`; it may not exist yet.

    Args:
        name: what is kept there.
    """
    return user_cache_path("mixbridge", appauthor=False) / name
