"""The option that limits how long a plug-in may say nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def timed(usual_s: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--timeout`, as `limit_s`, to a command.

    Args:
        usual_s: where nothing is typed.
    """
    return click.option(
        "--timeout",
        "limit_s",
        type=click.FloatRange(min=0.1),
        default=usual_s,
        show_default=True,
        metavar="SECONDS",
        help="End a plug-in that says nothing for so long.",
    )
