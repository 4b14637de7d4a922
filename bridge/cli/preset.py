"""The commands about presets: `show` and the group `preset`.

Each has three layers: click parses, a `run_...` function does it (and is what tests and other programs call),
and the command renders. Importing this module loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from ...presets.edit import Change
    from ...presets.preset import Preset

_STDOUT = "-"

Command = TypeVar("Command", bound=Callable[..., None])


@dataclass(frozen=True)
class Checked:
    """What `preset validate` found out about one file; error is None if it is a good preset."""

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
    from ...presets.errors import OutputError

    if out == _STDOUT:
        click.echo(files.dumps(result), nl=False)
        return
    if os.path.exists(out) and not force:  # noqa: PTH110
        raise OutputError(f"{out} is there already. Choose another name, or add --force to replace it.")
    files.save(result, out, overwrite=force)
    click.echo(f"wrote {out}", err=True)


def _writes_preset(command: Command) -> Command:
    """The options of a command that makes a preset."""
    out = click.option("-o", "--out", required=True, help="file to write; - for standard output")
    force = click.option("--force", is_flag=True, help="replace the file if it is there")
    return out(force(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="for machines")


@click.command()
@click.argument("preset")
@_json_option
def show(preset: str, *, as_json: bool) -> None:
    """Say what PRESET does, in a table and in words.

    PRESET is a file or the name of a factory preset.
    """
    from ...presets import files

    found = open_preset(preset)
    if as_json:
        click.echo(files.dumps(found), nl=False)
    else:
        _show(found)


@click.group()
def preset() -> None:
    """Compare, change and check presets.

    Where a PRESET is asked for, a file or the name of a factory preset will do.
    """


@preset.command("diff")
@click.argument("a")
@click.argument("b")
@_json_option
def diff_command(a: str, b: str, *, as_json: bool) -> None:
    """List what sounds different in preset B."""
    changes = run_diff(a, b)
    if as_json:
        click.echo(json.dumps([asdict(change) for change in changes], indent=2, ensure_ascii=False))
    elif changes:
        from rich.console import Console

        from ..report.text import diff_table

        Console().print(diff_table(changes))
    else:
        click.echo("They sound the same.")


@preset.command("scale")
@click.argument("preset_", metavar="PRESET")
@click.argument("amount", type=float)
@_writes_preset
def scale_command(preset_: str, amount: float, out: str, *, force: bool) -> None:
    """Write PRESET at AMOUNT of its effect: 0 neutral, 1 as it is, up to 1.5."""
    write_preset(run_scale(preset_, amount), out, force=force)


@preset.command("blend")
@click.argument("a")
@click.argument("b")
@click.argument("position", type=float)
@_writes_preset
def blend_command(a: str, b: str, position: float, out: str, *, force: bool) -> None:
    """Write a preset between A (POSITION 0) and B (POSITION 1)."""
    write_preset(run_blend(a, b, position), out, force=force)


@preset.command("desk-form")
@click.argument("preset_", metavar="PRESET")
@_writes_preset
def desk_form_command(preset_: str, out: str, *, force: bool) -> None:
    """Write PRESET with every input gain at 0; it sounds the same.

    Faders then carry the balance and thresholds fit the raw tracks, as on a desk.
    """
    write_preset(run_desk_form(preset_), out, force=force)


@preset.command("validate")
@click.argument("files", nargs=-1, required=True)
@_json_option
@click.pass_context
def validate_command(context: click.Context, files: tuple[str, ...], *, as_json: bool) -> None:
    """Check preset FILES; all are checked, and one bad file makes the exit code 1."""
    results = run_validate(files)
    if as_json:
        rows = [{"file": item.file, "ok": item.ok, "error": item.error} for item in results]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for item in results:
            click.echo(item.error or f"{item.file}: good")
    if not all(item.ok for item in results):
        context.exit(1)


@preset.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of presets, for editors that check while one types."""
    from ...presets.preset import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@preset.command("factory")
def factory_command() -> None:
    """List the presets that come with mixbridge."""
    from ...presets import factory

    width = max(len(name) for name in factory.names())
    for name in factory.names():
        click.echo(f"{name:{width}}  {factory.load(name).description}")


def _show(found: Preset) -> None:
    from rich.console import Console

    from ..report.text import describe_master, describe_origin, describe_strip, preset_table

    if found.description:
        click.echo(found.description)
    Console().print(preset_table(found))
    for track in found.tracks:
        notes = [track.note] if track.note else []
        _show_lines(track.name, describe_strip(track) + notes)
    _show_lines("master", describe_master(found.master))
    origin = describe_origin(found.provenance)
    if origin:
        _show_lines("origin", origin)


def _show_lines(title: str, lines: Sequence[str]) -> None:
    click.echo(title)
    for line in lines:
        click.echo(f"  {line}")
