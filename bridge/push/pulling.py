"""Make a preset of what stands on a desk now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...presets.console import Delay, Master, Reverb
from ...presets.errors import DeskError, Hint
from ...presets.preset import LINKED, GroupBus, Preset, Provenance, Track
from ...presets.version import __version__
from ..desks.loading import load_desk
from ..desks.profile import Desk, Setting
from ..fitting.effects import unfit_effect
from ..fitting.unfit import unfit
from ..osc.connection import Connection, connect
from ..osc.exchange import Progress, read
from ..osc.link import Target
from .linking import Links, read_links
from .mapping import strip_names
from .pushing import parsed
from .routing.effects import choose_effects, read_rack
from .routing.groups import Homes, read_homes
from .scope import BUS, MASTER, TRACK, Strips
from .standing import note

_LONGEST_NAME = 200
_EVERYWHERE = frozenset({"eq", "compressor"})
Settings = Mapping[int | None, Mapping[str, float | str]]
# Kind of strip, and its number.
Place = tuple[str, int]


@dataclass(frozen=True)
class Pulled:
    """What was found on a desk.

    Attributes:
        preset: with a track for each strip.
        lost: what a preset cannot hold, by name of the track, in sentences.
    """

    preset: Preset
    lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def pull_preset(
    target: Target | str,
    strips: Strips | None = None,
    *,
    names: Mapping[int, str] | None = None,
    slots: Mapping[str, str] | None = None,
    sample_rate_hz: int = 48000,
    on_progress: Progress | None = None,
) -> Pulled:
    """A preset of a desk's current state.

    Args:
        target: which desk.
        strips: those to be read; None for all that have a name, and the master.
        names: what to call tracks, by the desk's numbers; the others are called as on the desk.
        slots: effect slots of reverb and delay as the user says, by kind; the others are found.
        sample_rate_hz: of the desk.
        on_progress: called with the share done, 0..1, and what is being done.

    Raises:
        DeskError: the desk does not answer, cannot be asked, or has no strip with a name.
    """
    target = parsed(target)
    desk = load_desk(target.desk)
    if desk.is_blind:
        raise DeskError(f"{desk.title} cannot be asked for its settings, so that no preset can be made of them.")
    with connect(target, desk) as connection:
        called = {**strip_names(connection, desk), **(names or {})}
        numbers = sorted(strips.numbers) if strips is not None else sorted(called)
        with_master = MASTER in desk.strips and (strips is None or strips.master)
        if not numbers and not with_master:
            raise DeskError(
                f"no strip of {desk.title} has a name: choose those to be read.", hints=(Hint("tracks", "1-8"),)
            )
        found = choose_effects(desk, read_rack(connection, desk), slots or {}, desk.effect_kinds)
        desk = desk.with_effects(found.effects.values())
        homes = read_homes(connection, desk, numbers)
        links = read_links(connection, desk)
        places: list[Place] = [(TRACK, number) for number in numbers]
        places += [(BUS, number) for number in sorted(set(homes.tracks.values()))]
        places += [(kind, effect.slot) for kind, effect in desk.effects.items()]
        places += [(MASTER, 0)] if with_master else []
        settings, lacking = _read(connection, desk, places, on_progress)
    lost = {
        _called(kind, number, called, homes.names, desk): tuple(
            f"No {title} on it: taken as flat." for title in missing
        )
        for (kind, number), missing in lacking.items()
        if missing
    }
    return _preset(desk, called, settings, lost, homes, links, sample_rate_hz)


def preset_from(
    desk: Desk,
    names: Mapping[int, str],
    settings: Settings,
    *,
    lost: Mapping[str, tuple[str, ...]] | None = None,
    sample_rate_hz: int = 48000,
) -> Pulled:
    """A preset of settings as a desk has them.

    Args:
        desk: whose they are.
        names: of the tracks, by number; the others are called as the desk's users call the strip.
        settings: by key, by number of the track; None is the master.
        lost: what is known to be missing, by name of the track.
        sample_rate_hz: of the desk.
    """
    places: dict[Place, Mapping[str, float | str]] = {
        (MASTER, 0) if number is None else (TRACK, number): values for number, values in settings.items()
    }
    return _preset(desk, names, places, lost or {}, Homes(), Links(), sample_rate_hz)


def _preset(
    desk: Desk,
    names: Mapping[int, str],
    settings: Mapping[Place, Mapping[str, float | str]],
    lost: Mapping[str, tuple[str, ...]],
    homes: Homes,
    links: Links,
    sample_rate_hz: int,
) -> Pulled:
    tracks: dict[int, Track] = {}
    buses: dict[int, GroupBus] = {}
    parts: dict[str, Master | Reverb | Delay] = {}
    losses = dict(lost)
    for (kind, number), values in settings.items():
        if kind in desk.effects:
            parts[kind] = unfit_effect(values, desk, kind)
            continue
        unfitted = unfit(values, desk, kind, sample_rate_hz)
        name = _called(kind, number, names, homes.names, desk)
        mute = bool(values.get("mute", 0.0))
        if isinstance(unfitted.strip, Master):
            parts[MASTER] = unfitted.strip
        elif kind == BUS:
            name = _free_name(name, {bus.name for bus in buses.values()})
            buses[number] = GroupBus(name=name, strip=unfitted.strip, mute=mute)
        else:
            name = _free_name(name, {track.name for track in tracks.values()})
            tracks[number] = Track(name=name, strip=unfitted.strip, mute=mute)
        if unfitted.lost:
            losses[name] = (*losses.get(name, ()), *unfitted.lost)
    for number, bus in homes.tracks.items():
        tracks[number] = tracks[number].model_copy(update={"bus": buses[bus].name})
    provenance = Provenance(
        tool=f"mixbridge {__version__}",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        note=f"pulled from {desk.title}",
    )
    preset = Preset.model_validate(
        {
            "tracks": tuple(_linked(tracks, links, desk)),
            "buses": tuple(buses.values()),
            "provenance": provenance,
            **parts,
        }
    )
    return Pulled(preset, losses)


def _linked(tracks: Mapping[int, Track], links: Links, desk: Desk) -> Iterator[Track]:
    """The tracks; those of linked strips that share all of their stages are linked in the preset, too."""
    pairs = {
        number: first
        for first in links.firsts
        if {first, first + 1} <= tracks.keys()
        and all(getattr(tracks[first].strip, name) == getattr(tracks[first + 1].strip, name) for name in LINKED)
        for number in (first, first + 1)
    }
    for number, track in tracks.items():
        first = pairs.get(number)
        yield track if first is None else track.model_copy(update={"link": f"{desk.label(TRACK, first)} pair"})


def _called(kind: str, number: int, names: Mapping[int, str], buses: Mapping[int, str], desk: Desk) -> str:
    if kind == MASTER:
        return MASTER
    return (buses if kind == BUS else names if kind == TRACK else {}).get(number) or desk.label(kind, number)


def _read(
    connection: Connection, desk: Desk, places: Iterable[Place], on_progress: Progress | None
) -> tuple[dict[Place, Mapping[str, float | str]], dict[Place, tuple[str, ...]]]:
    """Values by strip, and which plug-ins are not there."""
    asked: dict[Setting, Place] = {}
    lacking: dict[Place, tuple[str, ...]] = {}
    for place in places:
        questions = desk.questions(*place)
        lacks = {question: connection.dialect.lacks(question) for question in questions}
        asked.update(dict.fromkeys((question for question in questions if not lacks[question]), place))
        # Where stages are plug-ins, others and sends that are not there are off, as in a preset without them.
        needed = (
            title
            for question, title in lacks.items()
            if title and (not desk.plugins or question.key.split(".")[0] in _EVERYWHERE)
        )
        lacking[place] = tuple(dict.fromkeys(needed))
    values: dict[Place, dict[str, float | str]] = {place: {} for place in lacking}
    for setting, wire in read(connection, asked, on_progress=on_progress).items():
        if wire is not None:
            note(values[asked[setting]], setting, wire)
    return dict(values), lacking


def _free_name(name: str, taken: Collection[str]) -> str:
    name = name[:_LONGEST_NAME]
    if name not in taken:
        return name
    count = next(count for count in range(2, 10_000) if f"{name[:190]} {count}" not in taken)
    return f"{name[:190]} {count}"
