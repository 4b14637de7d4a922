"""The command `scene`: presets to files that a mixer loads from a USB stick, and back.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from ...presets.preset import Preset
    from ..push.plan import Plan
    from ..push.pulling import Pulled
    from ..push.scope import Scope

_SCENE: Final = ".scn"
_CHANNEL: Final = ".chn"
_MAX_BYTES: Final = 4 * 2**20


@dataclass(frozen=True)
class Made:
    """A scene of a preset.

    Attributes:
        text: of the file.
        plan: how near the desk comes to the preset.
        left_out: what the file could not hold, in sentences.
    """

    text: str
    plan: Plan
    left_out: tuple[str, ...]


def scene_of(
    preset: Preset,
    *,
    desk: str = "x32",
    scope: Scope | None = None,
    told: tuple[str, ...] = (),
    base: str = "",
    as_channel: bool = False,
) -> Made:
    """A preset as the text of a scene or channel file.

    Args:
        preset: the mix.
        desk: profile of the mixer.
        scope: what shall be in it; None for everything.
        told: where tracks go, "Lead Vox=ch/05"; the others go by the names in the base, or by order.
        base: text of a scene of the same desk, whose other settings are kept.
        as_channel: a channel file, for a preset of one track.

    Raises:
        DeskError: it cannot be made.
    """
    from ...presets.errors import DeskError
    from ..desks.loading import load_desk
    from ..push.mapping import place_tracks
    from ..push.plan import make_plan
    from ..push.scope import SECTIONS, Scope
    from ..scenes.files import read_scene, write_channel, write_scene

    profile = load_desk(desk)
    scope = scope or Scope(frozenset(SECTIONS))
    names = _names(read_scene(base, profile).values) if base else {}
    tracks = [track.name for track in preset.tracks]
    placement = place_tracks(tracks, profile, names, told=told, strips=scope.strips, by_order=not names)
    plan = make_plan(preset, profile, "a file", placement, scope)
    values = {
        strip.placed.number: {row.setting.key: row.then_value for row in strip.rows}
        for strip in plan.strips
        if strip.rows
    }
    if not as_channel:
        written = write_scene(preset.name, values, profile, base)
    elif base:
        raise DeskError("a channel file takes no base: leave out --base, or write a scene (.scn).")
    else:
        channels = [strip for strip in plan.strips if strip.placed.kind == "track"]
        if len(channels) != 1:
            raise DeskError(
                f"a channel file holds one track, not {len(channels)}: choose one with --tracks, or write a scene "
                "(.scn)."
            )
        only = channels[0].placed
        written = write_channel(only.track, values[only.number], profile)
    labels = {strip.placed.number: strip.placed.track for strip in plan.strips}
    left_out = tuple(
        f"{labels.get(number, 'the channel')}: {', '.join(keys)} left out, since what comes before in the file's line "
        "is not known (--base takes it from a scene of your desk)."
        if not as_channel
        else f"{', '.join(keys)} is no part of a channel file: set it by hand."
        for number, keys in written.left_out.items()
    )
    return Made(written.text, plan, left_out)


def preset_of(text: str, *, desk: str = "x32", numbers: Iterable[int] | None = None) -> Pulled:
    """A preset of what a scene or channel file says.

    Args:
        text: of the file.
        desk: profile of the mixer.
        numbers: channels to be read; None for those with a name.

    Raises:
        DeskError: it is no such file, or has no channel with a name.
    """
    from ...presets.errors import DeskError
    from ..desks.loading import load_desk
    from ..push.pulling import preset_from
    from ..scenes.files import MASTER, read_scene

    profile = load_desk(desk)
    scene = read_scene(text, profile)
    names = _names(scene.values)
    wanted = sorted(names) if numbers is None else sorted(numbers)
    if not wanted:
        raise DeskError("no channel in this file has a name: say which are to be read, --tracks 1-8.")
    missing = [number for number in wanted if number not in scene.values]
    if missing:
        raise DeskError(
            f"this file has nothing about channel {', '.join(map(str, missing))}: leave it out of --tracks."
        )
    found: dict[int | None, Mapping[str, float | str]] = {number: scene.values[number] for number in wanted}
    if MASTER in scene.values:
        found[None] = scene.values[MASTER]
    return preset_from(profile, names, found, lost={"the file": scene.unread} if scene.unread else {})


@click.command()
@click.argument("source", metavar="PRESET|SCENE")
@click.option("-o", "--out", required=True, metavar="FILE", help="song.scn, vox.chn, or a preset.json from a scene.")
@click.option("--desk", default="x32", show_default=True, help="Which mixer: x32 or m32.")
@click.option(
    "--only", metavar="eq,compressor,...", help="Of trim, eq, compressor, fader, pan, mute, name.  [default: all]"
)
@click.option("--tracks", metavar="1-4,7,master", help="The only channels to be written or read.")
@click.option("--map", "told", multiple=True, metavar="TRACK=CHANNEL", help='Where a track goes: "Lead Vox=5".')
@click.option("--base", metavar="FILE", help="A scene of your desk, whose other settings are kept.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_context
def scene(context: click.Context, /, *, source: str, out: str, desk: str, force: bool, **given: Any) -> None:
    """Turn PRESET into a file that an X32 loads from a USB stick, or a SCENE (.scn, .chn) into a preset.

    Tracks go to channels in order, or by name with --base. Only what the preset has is in the file.
    """
    quiet = bool(getattr(context.obj, "quiet", False))
    if Path(source).suffix.lower() in {_SCENE, _CHANNEL}:
        _read(source, out, desk, given, force=force, quiet=quiet)
    else:
        _write(source, out, desk, given, force=force, quiet=quiet)


def _write(source: str, out: str, desk: str, given: Mapping[str, Any], *, force: bool, quiet: bool) -> None:
    from ...presets.errors import OutputError
    from ...presets.files import write_text
    from ..desks.loading import load_desk
    from ..push.scope import SECTIONS, Scope, parse_sections, parse_strips
    from .preset import open_preset

    path = Path(out)
    if path.suffix.lower() not in {_SCENE, _CHANNEL}:
        raise OutputError(f"{out}: end the name with .scn for a scene, or .chn for one channel.")
    sections = frozenset(SECTIONS) if given["only"] is None else parse_sections(given["only"])
    made = scene_of(
        open_preset(source),
        desk=desk,
        scope=Scope(sections, parse_strips(given["tracks"], load_desk(desk))),
        told=given["told"],
        base=_text(given["base"]) if given["base"] else "",
        as_channel=path.suffix.lower() == _CHANNEL,
    )
    write_text(path, made.text, overwrite=force)
    if quiet:
        return
    _say_plan(made)
    click.echo(f"wrote {out}; load it on the mixer from a USB stick, and listen before an audience does", err=True)


def _read(source: str, out: str, desk: str, given: Mapping[str, Any], *, force: bool, quiet: bool) -> None:
    from ..desks.loading import load_desk
    from ..push.scope import parse_strips
    from ..push.tables import merged
    from .preset import write_preset

    unfit = [name for name in ("only", "told", "base") if given[name]]
    if unfit:
        names = {"only": "--only", "told": "--map", "base": "--base"}
        raise click.UsageError(f"{names[unfit[0]]} is for writing a scene, not for reading one")
    strips = parse_strips(given["tracks"], load_desk(desk))
    pulled = preset_of(_text(source), desk=desk, numbers=strips.numbers if strips else None)
    write_preset(pulled.preset, out, force=force)
    if not quiet:
        for line in merged(f"{track}: {sentence}" for track, lost in pulled.lost.items() for sentence in lost):
            click.echo(f"Note: {line}", err=True)


def _names(values: Mapping[int, Mapping[str, float | str]]) -> dict[int, str]:
    return {number: str(held["name"]) for number, held in values.items() if number and held.get("name")}


def _text(path: str) -> str:
    from ...presets.errors import DeskError
    from ...presets.inputs import open_regular

    try:
        with open_regular(path) as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeskError(f"{path} cannot be read: {reason}.") from error
    if len(data) > _MAX_BYTES:
        raise DeskError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB: that is no scene of a mixer.")
    return data.decode("utf-8", errors="replace")


def _say_plan(made: Made) -> None:
    from rich.console import Console

    from ..push.tables import plan_lines, plan_table

    console = Console(stderr=True)
    console.print(plan_table(made.plan))
    for line in (*plan_lines(made.plan), *made.left_out):
        click.echo(line, err=True)
