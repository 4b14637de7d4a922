"""The commands about presets: the group `preset`.

Each has three layers: click parses, a `run_...` function does it (and is what tests and other programs call),
and the command renders. Importing this module loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .declaring import takes
from .options import PRESET_FILE, Saying, Writing
from .output.saying import console, echo_json, say

if TYPE_CHECKING:
    from ...presets.edit import Change
    from ...presets.preset import Preset

_STDOUT = "-"


@dataclass(frozen=True)
class Checked:
    """The outcome of `preset check` for one file; error is None if it is a usable preset."""

    file: str
    error: str | None

    @property
    def ok(self) -> bool:
        """Whether the file is a preset that can be used."""
        return self.error is None


def open_preset(path_or_name: str) -> Preset:
    """The preset in a file, or the factory preset of this name where there is no such file.

    Raises:
        PresetError: neither exists, or the file is not a usable preset.
    """
    from ...presets import factory, files
    from ...presets.errors import PresetError

    if os.path.exists(path_or_name):  # noqa: PTH110  (Path.exists raises for an impossible name)
        return files.load(path_or_name)
    if path_or_name in factory.names():
        return factory.load(path_or_name)
    known = ", ".join(factory.names())
    raise PresetError(f"{path_or_name}: there is no such file, nor such a factory preset ({known}).")


def run_diff(a: str, b: str) -> tuple[Change, ...]:
    """What sounds different between two presets, given by path or factory name."""
    from ...presets import edit

    return edit.diff(open_preset(a), open_preset(b))


def run_validate(paths: Sequence[str]) -> list[Checked]:
    """Check every file, whatever the others are like."""
    from ...presets import files
    from ...presets.errors import PresetError

    results = []
    for path in paths:
        try:
            files.load(path)
        except PresetError as error:
            results.append(Checked(path, str(error)))
        else:
            results.append(Checked(path, None))
    return results


def run_scale(source: str, amount: float) -> Preset:
    """The preset at this amount of its effect, 0..1.5."""
    from ...presets import edit

    return edit.scaled(open_preset(source), amount)


def run_blend(a: str, b: str, position: float) -> Preset:
    """Between two presets: 0 is the first, 1 the second."""
    from ...presets import edit

    return edit.blended(open_preset(a), open_preset(b), position)


def run_desk_form(source: str) -> Preset:
    """The same sound with every input gain at 0."""
    from ...presets import edit

    return edit.desk_form(open_preset(source))


def write_preset(result: Preset, out: str, *, force: bool) -> None:
    """To a file, or to standard output for "-".

    Raises:
        OutputError: the file is there already and may not be replaced, or it cannot be written.
    """
    from ...presets import files
    from ...presets.errors import Hint, OutputError

    if out == _STDOUT:
        click.echo(files.dumps(result), nl=False)
        return
    if os.path.exists(out) and not force:  # noqa: PTH110
        raise OutputError(
            f"{out} is there already: choose another name, or allow it to be replaced.", hints=(Hint("overwrite"),)
        )
    files.save(result, out, overwrite=force)
    say(f"wrote {out}", err=True)


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw its lanes over time into a .png, .svg or .pdf file (needs matplotlib: the extra `picture`).",
)
@takes(Saying, "saying")
def show(preset_: str, *, picture: Path | None, saying: Saying) -> None:
    """Show what PRESET does, in a table and in words.

    PRESET is a file or the name of a factory preset.
    """
    from ...presets import files

    preset = open_preset(preset_)
    if picture is not None:
        from ..report.lane_charts import draw_lanes

        draw_lanes(preset, picture)
    if saying.as_json:
        click.echo(files.dumps(preset), nl=False)
        return
    _show(preset)
    if picture is not None:
        say(f"  {picture}")


@click.command("diff")
@click.argument("a")
@click.argument("b")
@takes(Saying, "saying")
def diff_command(a: str, b: str, *, saying: Saying) -> None:
    """List what sounds different in preset B, compared with preset A.

    A and B are files or names of factory presets.
    """
    changes = run_diff(a, b)
    if saying.as_json:
        echo_json([asdict(change) for change in changes])
    elif changes:
        from ..report.tables import diff_table

        console().print(diff_table(changes))
    else:
        say("They sound the same.")


@click.command("scale")
@click.argument("preset_", metavar="PRESET")
@click.argument("amount", type=float)
@takes(Writing, "writing", PRESET_FILE)
def scale_command(preset_: str, amount: float, *, writing: Writing) -> None:
    """Write PRESET with AMOUNT of its effect: 0 none, 0.5 half, 1 unchanged, up to 1.5."""
    write_preset(run_scale(preset_, amount), writing.output, force=writing.force)


@click.command("blend")
@click.argument("a")
@click.argument("b")
@click.argument("position", type=float)
@takes(Writing, "writing", PRESET_FILE)
def blend_command(a: str, b: str, position: float, *, writing: Writing) -> None:
    """Write a preset between A (POSITION 0) and B (POSITION 1)."""
    write_preset(run_blend(a, b, position), writing.output, force=writing.force)


@click.command("desk-form")
@click.argument("preset_", metavar="PRESET")
@takes(Writing, "writing", PRESET_FILE)
def desk_form_command(preset_: str, *, writing: Writing) -> None:
    """Write PRESET with every input gain at 0; it sounds the same.

    The faders then carry the balance, and the thresholds fit the raw tracks, as on a desk.
    """
    write_preset(run_desk_form(preset_), writing.output, force=writing.force)


@click.command("check")
@click.argument("files", nargs=-1, required=True)
@takes(Saying, "saying")
@click.pass_context
def check_command(context: click.Context, files: tuple[str, ...], *, saying: Saying) -> None:
    """Check preset FILES. All are checked; the exit code is 1 if any of them is bad."""
    results = run_validate(files)
    if saying.as_json:
        echo_json([{"file": item.file, "ok": item.ok, "error": item.error} for item in results])
    else:
        for item in results:
            say(item.error or f"{item.file}: good")
    if not all(item.ok for item in results):
        context.exit(1)


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of presets, for editors that check while you type."""
    from ...presets.preset import json_schema

    echo_json(json_schema())


@click.command("list")
@takes(Saying, "saying")
def list_command(*, saying: Saying) -> None:
    """List the presets that come with mixbridge."""
    from ...presets import factory

    presets = {name: factory.load(name) for name in factory.names()}
    if saying.as_json:
        echo_json([{"name": name, "description": preset.description} for name, preset in presets.items()])
        return
    width = max(map(len, presets))
    for name, preset in presets.items():
        say(f"{name:{width}}  {preset.description}")


def _show(preset: Preset) -> None:
    from ...presets.console import Master, Strip
    from ...presets.inserts.words import insert_words
    from ..report.brief import describe_role
    from ..report.lanes import describe_lanes
    from ..report.tables import preset_table
    from ..report.text import describe_effects, describe_inserts, describe_master, describe_origin, describe_strip

    if preset.description:
        say(preset.description)
    console().print(preset_table(preset))
    for track in preset.tracks:
        notes = [track.note] if track.note else []
        role = describe_role(track)
        _show_lines(
            f"{track.name} ({role})" if role else track.name,
            [*describe_inserts(track), *describe_strip(track), *describe_lanes(track.lanes, Strip), *notes],
        )
    for bus in preset.buses:
        members = ", ".join(track.name for track in preset.tracks if track.bus == bus.name) or "no track"
        lines = [*describe_inserts(bus), *describe_strip(bus), *describe_lanes(bus.lanes, Strip)]
        _show_lines(f"{bus.name} (group of {members})", lines)
    effects = describe_effects(preset)
    if effects:
        _show_lines("effects", effects)
    inserts = map(insert_words, preset.master_inserts)
    _show_lines("master", [*inserts, *describe_master(preset.master), *describe_lanes(preset.master_lanes, Master)])
    origin = describe_origin(preset.provenance)
    if origin:
        _show_lines("origin", origin)


def _show_lines(title: str, lines: Sequence[str]) -> None:
    say(title)
    for line in lines:
        say(f"  {line}")
