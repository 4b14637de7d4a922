"""What commands have in common when they speak. Importing this loads click alone."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ....presets.escaping import escaped, json_text

if TYPE_CHECKING:
    from rich.console import Console


_NARROWEST = 40


def is_quiet() -> bool:
    """Tells whether `--quiet` was typed."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().params.get("quiet"))


def echo_json(data: Mapping[str, Any] | Sequence[Any], *, in_a_line: bool = False) -> None:
    """Print JSON on standard output; what is no number in JSON must not be in it."""
    click.echo(json_text(data, indent=None) if in_a_line else json_text(data))


def say(text: object = "", *, err: bool = False) -> None:
    """Print lines for people, broken between words where a terminal would break them inside one.

    Control characters of names in them are shown as escapes.
    """
    lines = escaped(str(text), keep="\n").split("\n")
    if (sys.stderr if err else sys.stdout).isatty():
        lines = [part for line in lines for part in wrapped(line, shutil.get_terminal_size().columns)]
    click.echo("\n".join(lines), err=err)


def wrapped(line: str, columns: int) -> list[str]:
    """Break a line between words; what follows is indented a little more. Paths and addresses stay whole."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.lstrip(),
        max(columns, _NARROWEST),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def console(*, stderr: bool = False) -> Console:
    """Give a rich console that shows control characters of names as escapes."""
    from .escaping_console import EscapingConsole

    return EscapingConsole(stderr=stderr)


def is_verbose() -> bool:
    """Tells whether `--verbose` was typed."""
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().params.get("verbose"))


def say_hint(old: str, new: str) -> None:
    """Tell on standard error what something is called now."""
    if not is_quiet():
        click.echo(f"Hint: {old} is now {new}; the next version will not know the old name.", err=True)


def counted(number: int, what: str) -> str:
    """Gives 1 stem, 2 stems."""
    return f"{number} {what}{'' if number == 1 else 's'}"
