"""How the optional parts of mixbridge are installed, in the one way that works until it is on PyPI: from a clone."""

from __future__ import annotations

from typing import Literal

Extra = Literal["live", "midi", "picture", "cuda", "train", "corpus", "docs", "ray", "watch", "cloud", "web", "clean"]


def install_command(extra: Extra) -> str:
    """Say which command installs an extra, and where to run it."""
    return f"pip install '.[{extra}]' in a clone of mixbridge"
