"""What commands have in common when they speak. Importing this loads click alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click


def is_quiet(context: click.Context, given: Mapping[str, Any]) -> bool:
    """Whether people are not to be spoken to: `--quiet`, or `--json` among the command's options."""
    return bool(given["as_json"] or getattr(context.obj, "quiet", False))


def echo_json(data: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is no number in JSON must not be in it."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def counted(number: int, what: str) -> str:
    """1 stem, 2 stems."""
    return f"{number} {what}{'' if number == 1 else 's'}"
