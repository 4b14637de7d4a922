"""What commands have in common when they speak. Importing this loads click alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ....presets.escaping import escaped, json_text

if TYPE_CHECKING:
    from rich.console import Console


def is_quiet(context: click.Context, given: Mapping[str, Any]) -> bool:
    """Whether people are not to be spoken to: `--quiet`, or `--json` among the command's options."""
    return bool(given["as_json"] or getattr(context.obj, "quiet", False))


def echo_json(data: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is no number in JSON must not be in it."""
    click.echo(json_text(data))


def say(text: object = "", *, err: bool = False) -> None:
    """Print lines for people; control characters of names in them are shown as escapes."""
    click.echo(escaped(str(text), keep="\n"), err=err)


def console(*, stderr: bool = False) -> Console:
    """Give a rich console that shows control characters of names as escapes."""
    from .escaping_console import EscapingConsole

    return EscapingConsole(stderr=stderr)


def counted(number: int, what: str) -> str:
    """1 stem, 2 stems."""
    return f"{number} {what}{'' if number == 1 else 's'}"
