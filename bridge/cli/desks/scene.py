"""The command `desk scene`: presets to files that a mixer loads from a USB stick, and back.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..declaring import takes
from ..options import StripOptions, Writing
from ..output.saying import console, is_quiet, say

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ...desks.profile import Desk
    from ...push.linking import Links
    from ...push.plan import Plan
    from ...push.pulling import Pulled
    from ...push.scope import Scope

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
    assignments: tuple[str, ...] = (),
    base: str = "",
    as_channel: bool = False,
) -> Made:
    """A preset as the text of a scene or channel file.

    Args:
        preset: the mix.
        desk: profile of the mixer.
        scope: what shall be in it; None for everything.
        assignments: where tracks go, "Lead Vox=ch/05"; the others go by the names in the base, or by order.
        base: text of a scene of the same desk, whose other settings are kept.
        as_channel: a channel file, for a preset of one track.

    Raises:
        DeskError: it cannot be made.
    """
    from ....presets.errors import DeskError, Hint
    from ...desks.loading import load_desk
    from ...push.linking import require_agreement, with_partners, without_pans_of_pairs
    from ...push.mapping import place_tracks
    from ...push.plan import make_plan
    from ...push.scope import SECTIONS, Scope
    from ...scenes.files import read_scene, write_channel, write_scene

    profile = load_desk(desk)
    scope = scope or Scope(frozenset(SECTIONS))
    names = _names(read_scene(base, profile).values) if base else {}
    tracks = [track.name for track in preset.tracks]
    links = _links(base, profile)
    seconds = frozenset(number + 1 for number in links.firsts)
    placement = place_tracks(
        tracks, profile, names, assignments=assignments, strips=scope.strips, by_order=not names, seconds=seconds
    )
    plan = make_plan(preset, profile, "a file", placement, scope)
    require_agreement(plan, links)
    plan = with_partners(without_pans_of_pairs(plan, links), links, names)
    values = {
        strip.placed.number: {row.setting.key: row.then_value for row in strip.rows}
        for strip in plan.strips
        if strip.rows
    }
    if not as_channel:
        written = write_scene(preset.name, values, profile, base)
    elif base:
        raise DeskError("a channel file takes no base: leave the base out, or write a scene (.scn).")
    else:
        channels = [strip for strip in plan.strips if strip.placed.kind == "track"]
        if len(channels) != 1:
            raise DeskError(
                f"a channel file holds one track, not {len(channels)}: choose one, or write a scene (.scn).",
                hints=(Hint("tracks", "NUMBER"),),
            )
        only = channels[0].placed
        written = write_channel(only.track, values[only.number], profile)
    labels = {strip.placed.number: strip.placed.track for strip in plan.strips}
    left_out = tuple(
        f"{labels.get(number, 'the channel')}: {', '.join(keys)} left out, since what comes before in the file's line "
        "is not known (a base, a scene of your desk, has it)."
        if not as_channel
        else f"{', '.join(keys)} is no part of a channel file: set it by hand."
        for number, keys in written.left_out.items()
    )
    return Made(written.text, plan, left_out)


def _links(base: str, profile: Desk) -> Links:
    """Which channels the base has linked: on the desk they stay so, and share what is set."""
    from ...push.linking import Links
    from ...scenes.files import read_links

    firsts, switches = read_links(base)
    coupling = profile.track.linked
    shared = {} if coupling is None else coupling.shared
    return Links(firsts, frozenset(section for section, at in shared.items() if at.rpartition("/")[2] in switches))


def preset_of(text: str, *, desk: str = "x32", numbers: Iterable[int] | None = None) -> Pulled:
    """A preset of what a scene or channel file says.

    Args:
        text: of the file.
        desk: profile of the mixer.
        numbers: channels to be read; None for those with a name.

    Raises:
        DeskError: it is no such file, or has no channel with a name.
    """
    from ....presets.errors import DeskError, Hint
    from ...desks.loading import load_desk
    from ...push.pulling import preset_from
    from ...scenes.files import MASTER, read_scene

    profile = load_desk(desk)
    scene = read_scene(text, profile)
    names = _names(scene.values)
    wanted = sorted(names) if numbers is None else sorted(numbers)
    if not wanted:
        raise DeskError("no channel in this file has a name: choose those to be read.", hints=(Hint("tracks", "1-8"),))
    missing = [number for number in wanted if number not in scene.values]
    if missing:
        raise DeskError(f"this file has nothing about channel {', '.join(map(str, missing))}: leave it out.")
    settings: dict[int | None, Mapping[str, float | str]] = {number: scene.values[number] for number in wanted}
    if MASTER in scene.values:
        settings[None] = scene.values[MASTER]
    return preset_from(profile, names, settings, lost={"the file": scene.unread} if scene.unread else {})


@click.command()
@click.argument("source", metavar="PRESET|SCENE")
@takes(Writing, "writing", {"output": {"help": "song.scn, vox.chn, or a preset.json from a scene."}})
@click.option("--desk", default="x32", show_default=True, help="Mixer of the file: x32 or m32.")
@takes(StripOptions, "strips")
@click.option("--base", metavar="FILE", help="A scene of your desk, whose other settings are kept.")
def scene(*, source: str, writing: Writing, desk: str, strips: StripOptions, base: str | None) -> None:
    """Convert PRESET to a file that an X32 loads from a USB stick, or a SCENE (.scn, .chn) to a preset.

    Tracks are assigned to channels in order, or by name with --base. The file holds only what the preset has.
    """
    if Path(source).suffix.lower() in {_SCENE, _CHANNEL}:
        _read(source, writing, desk, strips, base)
    else:
        _write(source, writing, desk, strips, base)


def _write(source: str, writing: Writing, desk: str, strips: StripOptions, base: str | None) -> None:
    from ....presets.errors import OutputError
    from ....presets.files import write_text
    from ...desks.loading import load_desk
    from ...push.scope import SECTIONS, Scope, parse_sections, parse_strips
    from ..preset import open_preset

    path = Path(writing.output)
    if path.suffix.lower() not in {_SCENE, _CHANNEL}:
        raise OutputError(f"{path}: end the name with .scn for a scene, or .chn for one channel.")
    sections = frozenset(SECTIONS) if strips.only is None else parse_sections(strips.only)
    made = scene_of(
        open_preset(source),
        desk=desk,
        scope=Scope(sections, parse_strips(strips.tracks, load_desk(desk))),
        assignments=strips.assignments,
        base=_base_text(base, desk) if base else "",
        as_channel=path.suffix.lower() == _CHANNEL,
    )
    write_text(path, made.text, overwrite=writing.force)
    if is_quiet():
        return
    _say_plan(made)
    say(f"wrote {path}; load it on the mixer from a USB stick, and listen before the show", err=True)


def _read(source: str, writing: Writing, desk: str, strips: StripOptions, base: str | None) -> None:
    from ...desks.loading import load_desk
    from ...push.scope import parse_strips
    from ..output.push_results import say_lost
    from ..preset import write_preset

    unfit = [
        name for name, value in (("--only", strips.only), ("--map", strips.assignments), ("--base", base)) if value
    ]
    if unfit:
        raise click.UsageError(f"{unfit[0]} is for writing a scene, not for reading one")
    chosen = parse_strips(strips.tracks, load_desk(desk))
    pulled = preset_of(_text(source), desk=desk, numbers=chosen.numbers if chosen else None)
    write_preset(pulled.preset, writing.output, force=writing.force)
    if not is_quiet():
        say_lost(pulled)


def _names(values: Mapping[int, Mapping[str, float | str]]) -> dict[int, str]:
    return {number: str(held["name"]) for number, held in values.items() if number and held.get("name")}


def _base_text(path: str, desk: str) -> str:
    """The text of a scene; one that is none is told by its name."""
    from ....presets.errors import DeskError
    from ...desks.loading import load_desk
    from ...scenes.files import read_scene

    text = _text(path)
    try:
        read_scene(text, load_desk(desk))
    except DeskError as error:
        raise DeskError(f"{path}: {error}") from error
    return text


def _text(path: str) -> str:
    from ....presets.errors import DeskError
    from ....presets.inputs import open_regular

    try:
        with open_regular(path) as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeskError(f"{path} cannot be read: {reason}.") from error
    if not data.strip():
        raise DeskError(f"{path} is empty: save the scene on the mixer again.")
    if len(data) > _MAX_BYTES:
        raise DeskError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB: that is no scene of a mixer.")
    return data.decode("utf-8", errors="replace")


def _say_plan(made: Made) -> None:
    from ...push.tables import plan_table, summary_lines

    screen = console(stderr=True)
    screen.print(plan_table(made.plan, f"{made.plan.desk.title}, in a file"))
    for line in (*summary_lines(made.plan), *made.left_out):
        say(line, err=True)
