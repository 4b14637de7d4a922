"""Make a preset of what stands on a desk now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...presets.console import Master
from ...presets.errors import DeskError, Hint
from ...presets.preset import Preset, Provenance, Track
from ...presets.version import __version__
from ..desks.loading import load_desk
from ..desks.profile import Desk, Setting
from ..fitting.unfit import unfit
from ..osc.connection import Connection, connect
from ..osc.exchange import Progress, read
from ..osc.link import Target
from .mapping import strip_names
from .pushing import parsed
from .scope import MASTER, Strips
from .standing import note

_LONGEST_NAME = 200
Settings = Mapping[int | None, Mapping[str, float | str]]


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
    sample_rate_hz: int = 48000,
    on_progress: Progress | None = None,
) -> Pulled:
    """A preset of a desk's current state.

    Args:
        target: which desk.
        strips: those to be read; None for all that have a name, and the master.
        names: what to call tracks, by the desk's numbers; the others are called as on the desk.
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
        settings, lacking = _read(connection, desk, numbers, on_progress, with_master=with_master)
    lost = {
        _called(number, called, desk): tuple(f"No {title} on it: taken as flat." for title in missing)
        for number, missing in lacking.items()
        if missing
    }
    return preset_from(desk, called, settings, lost=lost, sample_rate_hz=sample_rate_hz)


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
    tracks: list[Track] = []
    master = Master()
    losses = dict(lost or {})
    for number, values in settings.items():
        unfitted = unfit(values, desk, MASTER if number is None else "track", sample_rate_hz)
        name = _called(number, names, desk)
        if isinstance(unfitted.strip, Master):
            master = unfitted.strip
        else:
            name = _free_name(name, tracks)
            tracks.append(Track(name=name, strip=unfitted.strip, mute=bool(values.get("mute", 0.0))))
        if unfitted.lost:
            losses[name] = (*losses.get(name, ()), *unfitted.lost)
    provenance = Provenance(
        tool=f"mixbridge {__version__}",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        note=f"pulled from {desk.title}",
    )
    return Pulled(Preset(tracks=tuple(tracks), master=master, provenance=provenance), losses)


def _called(number: int | None, names: Mapping[int, str], desk: Desk) -> str:
    return MASTER if number is None else names.get(number) or desk.label("track", number)


def _read(
    connection: Connection, desk: Desk, numbers: Iterable[int], on_progress: Progress | None, *, with_master: bool
) -> tuple[Settings, dict[int | None, tuple[str, ...]]]:
    """Values by strip, None for the master, and which plug-ins are not there."""
    asked: dict[Setting, int | None] = {}
    lacking: dict[int | None, tuple[str, ...]] = {}
    for number in (*numbers, *((None,) if with_master else ())):
        kind = "track" if number is not None else MASTER
        questions = desk.questions(kind, number or 0)
        lacks = {question: connection.dialect.lacks(question) for question in questions}
        asked.update(dict.fromkeys((question for question in questions if not lacks[question]), number))
        lacking[number] = tuple(dict.fromkeys(title for title in lacks.values() if title))
    values: dict[int | None, dict[str, float | str]] = {number: {} for number in lacking}
    for setting, wire in read(connection, asked, on_progress=on_progress).items():
        if wire is not None:
            note(values[asked[setting]], setting, wire)
    return values, lacking


def _free_name(name: str, tracks: Iterable[Track]) -> str:
    taken = {track.name for track in tracks}
    name = name[:_LONGEST_NAME]
    if name not in taken:
        return name
    count = next(count for count in range(2, 10_000) if f"{name[:190]} {count}" not in taken)
    return f"{name[:190]} {count}"
