"""The command group `desk`: which desks there are, what one can do, and whether a profile of one's own is right.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from ..desks.profile import Desk, Parameter

_CHECKED: Final = {
    "running": "with the desk itself",
    "emulator": "with an emulator",
    "documents": "after documents alone",
    "none": "not at all",
}
_LISTED: Final = 12


@click.group()
def desk() -> None:
    """List and check the DAWs and mixers that presets can be sent to."""


@desk.command("list")
@click.option("--json", "as_json", is_flag=True, help="for machines")
def list_command(*, as_json: bool) -> None:
    """List the desks that mixbridge knows."""
    from ..desks.loading import desk_names, load_desk

    desks = [load_desk(name) for name in desk_names()]
    if as_json:
        rows = [
            {"name": item.name, "aliases": item.aliases, "title": item.title, "checked": item.checked} for item in desks
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("desk", "what it is", "port", "read back", "profile checked"):
        table.add_column(heading)
    for item in desks:
        transport = item.transport
        names = ", ".join((item.name, *item.aliases))
        port = f"{transport.protocol} {transport.port}"
        table.add_row(names, item.title, port, "no" if item.is_blind else "yes", _CHECKED[item.checked])
    Console().print(table)
    click.echo("Another one is described in a file: see docs/desks.md.")


@desk.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """Say what the desk NAME can do. NAME may be the path of a profile."""
    from ..desks.loading import load_desk

    found = load_desk(name)
    click.echo(f"{found.title} ({found.transport.protocol} port {found.transport.port})")
    click.echo(f"Profile checked: {_CHECKED[found.checked]}.")
    for sentence in (*found.notes, *found.cannot):
        click.echo(f"  {sentence}")
    for kind in found.strips:
        _show_strip(found, kind)


@desk.command("check")
@click.argument("files", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="for machines")
@click.pass_context
def check_command(context: click.Context, files: tuple[str, ...], *, as_json: bool) -> None:
    """Check profile FILES; all are checked, and one bad file makes the exit code 1."""
    from ..desks.loading import check_desk

    found = {file: check_desk(file) for file in files}
    if as_json:
        rows = [{"file": file, "ok": not mistakes, "mistakes": mistakes} for file, mistakes in found.items()]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for file, mistakes in found.items():
            click.echo("\n".join(mistakes) if mistakes else f"{file}: good")
    if any(found.values()):
        context.exit(1)


@desk.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of profiles, for editors that check while one types."""
    from ..desks.loading import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _show_strip(found: Desk, kind: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    numbers = found.strips[kind].numbers
    which = f"{found.label(kind, numbers[0])} to {found.label(kind, numbers[-1])}" if len(numbers) > 1 else "one"
    table = Table(title=f"{kind}: {which}", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("setting", "address", "range"):
        table.add_column(heading, overflow="fold")
    for key, parameter in found.parameters(kind).items():
        before = " ".join(map(str, parameter.before))
        table.add_row(key, Text(f"{parameter.address} {before}".strip()), Text(", ".join(_range_words(key, parameter))))
    Console().print(table)


def _range_words(key: str, parameter: Parameter) -> Iterator[str]:
    from ..push.tables import value_words

    scale = parameter.scale
    if parameter.constant is not None:
        yield f"always {value_words(key, parameter.constant)}"
    elif scale.values is not None and len(scale.values) <= _LISTED:
        yield " ".join(value_words(key, value) for value in scale.values)
    elif scale.low is not None and scale.high is not None:
        yield f"{value_words(key, scale.low)} to {value_words(key, scale.high)}"
        steps = getattr(scale, "steps", None)
        if steps:
            yield f"{steps} steps"
    else:
        yield "text"
