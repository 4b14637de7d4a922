"""The commands `desk list`, `show`, `check` and `schema`: which desks there are, and what a profile says of one.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from ..declaring import takes
from ..options import Saying
from ..output.saying import console, echo_json, say

if TYPE_CHECKING:
    from ...desks.profile import Desk, DeskParameter

_CHECKED: Final = {
    "running": "with the desk itself",
    "emulator": "with an emulator",
    "documents": "from documents only",
    "none": "not at all",
}
_LISTED: Final = 12


@click.command("list")
@takes(Saying, "saying")
def list_command(*, saying: Saying) -> None:
    """List the desks that mixbridge knows."""
    from ...desks.loading import desk_names, load_desk

    desks = [load_desk(name) for name in desk_names()]
    if saying.as_json:
        rows = [
            {"name": item.name, "aliases": item.aliases, "title": item.title, "checked": item.checked} for item in desks
        ]
        echo_json(rows)
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("desk", "what it is", "port", "read back", "profile checked"):
        table.add_column(heading)
    for item in desks:
        transport = item.transport
        names = ", ".join((item.name, *item.aliases))
        port = f"{transport.protocol} {transport.port}"
        table.add_row(names, item.title, port, "no" if item.is_blind else "yes", _CHECKED[item.checked])
    console().print(table)
    say("To add a desk, write a profile for it: see docs/desks.md.")


@click.command("show")
@click.argument("name")
def show_command(name: str) -> None:
    """List the settings of the desk NAME, with their addresses and ranges. NAME may be the path of a profile.

    If NAME is an address such as x32://192.168.1.20, say what answers there.
    """
    from ...desks.loading import load_desk

    if "://" in name:
        _introduce(name)
        return
    desk = load_desk(name)
    say(f"{desk.title} ({desk.transport.protocol} port {desk.transport.port})")
    say(f"Profile checked: {_CHECKED[desk.checked]}.")
    for sentence in (*desk.notes, *desk.cannot):
        say(f"  {sentence}")
    for kind in desk.strips:
        _show_strip(desk, kind)


def _introduce(name: str) -> None:
    from ...desks.loading import load_desk
    from ...osc.connection import connect
    from ...osc.exchange import hello
    from ...osc.link import Target

    target = Target.parse(name)
    desk = load_desk(target.desk)
    with connect(target, desk) as connection:
        info = hello(connection)
        if info is None:
            say(f"{desk.title} cannot be asked: whether it listens at {connection.where} is not known.")
            return
        parts = (info.model, info.name and f"called {info.name!r}", info.firmware and f"version {info.firmware}")
        say(f"{connection.where} answers: {', '.join(part for part in parts if part)}.")


@click.command("check")
@click.argument("files", nargs=-1, required=True)
@takes(Saying, "saying")
@click.pass_context
def check_command(context: click.Context, files: tuple[str, ...], *, saying: Saying) -> None:
    """Check profile FILES. All are checked; the exit code is 1 if any of them is bad."""
    from ...desks.loading import check_desk

    mistakes_by_file = {file: check_desk(file) for file in files}
    if saying.as_json:
        rows = [{"file": file, "ok": not mistakes, "mistakes": mistakes} for file, mistakes in mistakes_by_file.items()]
        echo_json(rows)
    else:
        for file, mistakes in mistakes_by_file.items():
            say("\n".join(mistakes) if mistakes else f"{file}: good")
    if any(mistakes_by_file.values()):
        context.exit(1)


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of profiles, for editors that check while you type."""
    from ...desks.loading import json_schema

    echo_json(json_schema())


def _show_strip(desk: Desk, kind: str) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    numbers = desk.strips[kind].numbers
    which = f"{desk.label(kind, numbers[0])} to {desk.label(kind, numbers[-1])}" if len(numbers) > 1 else "one"
    table = Table(title=f"{kind}: {which}", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("setting", "address", "range"):
        table.add_column(heading, overflow="fold")
    for key, parameter in desk.parameters(kind).items():
        before = " ".join(map(str, parameter.before))
        table.add_row(key, Text(f"{parameter.address} {before}".strip()), Text(", ".join(_range_words(key, parameter))))
    console().print(table)


def _range_words(key: str, parameter: DeskParameter) -> Iterator[str]:
    from ...push.tables import value_words

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
