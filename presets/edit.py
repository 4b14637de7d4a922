"""New presets from old ones: less or more of it, between two, parts of another, and what differs.

Pure functions on the frozen :class:`.preset.Preset`; nothing is read, written or rendered here. Whatever
compares or mixes settings does so in the desk form (input gain 0), because only there a threshold means the
same in both presets: a level of the raw track.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel

from .checking.arguments import real_number, shown_argument
from .checking.claims import with_claims_of, without_stale
from .checking.links import made_alike
from .console import Master, Parameter, Strip, Unit, get, parameters, replace
from .errors import PresetError
from .preset import GroupBus, Preset, Track
from .scaling import blended_effect, blended_value, scaled_value
from .sections import GROUPS, SectionName, expanded, is_active, sections
from .units import allowed, gain_factor, quantity

# What can be taken from another preset.
SECTIONS: tuple[SectionName, ...] = (*sections(Strip), "mute", "buses", "reverb", "delay", "master")
MAX_AMOUNT = 1.5

_NOTE_LENGTH = 2000
# Less than a file keeps (6 digits), far less than an ear does.
_SAME_RELATIVE = 1e-5
_SAME_ABSOLUTE = 1e-6
# Adding and taking away the same gain leaves a value this near to where it was.
_ROUNDING = 1e-9

Bus = TypeVar("Bus", Strip, Master)
Node = TypeVar("Node", bound=BaseModel)
Values = dict[str, float]


@dataclass(frozen=True)
class Change:
    """One difference between two presets.

    Attributes:
        path: e.g. `tracks[Lead Vox].eq.band1.gain_db`.
        old: the value in the first; None where it has no such track.
        new: the value in the second; None where it has no such track.
        unit: of both.
    """

    path: str
    old: float | bool | str | None
    new: float | bool | str | None
    unit: Unit = ""


def move_gain(strip: Strip, gain_db: float) -> Strip:
    """Move `gain_db` from behind the compressor to before it, with the same sound.

    Exact: the threshold goes along, and saturation is tanh(drive x)/drive, whose drive gives back what the
    gain adds.

    Raises:
        PresetError: a setting would pass its limit.
    """
    return _move_gain(strip, gain_db)


def desk_form(preset: Preset) -> Preset:
    """Move every input gain to the fader: thresholds then fit the raw tracks, and the sound is the same.

    Raises:
        PresetError: a setting would pass its limit; the message names the track.
    """
    tracks = [
        track.model_copy(update={"strip": _in_desk_form(track.strip, f'Track "{track.name}"')})
        for track in preset.tracks
    ]
    buses = [bus.model_copy(update={"strip": _in_desk_form(bus.strip, f'Bus "{bus.name}"')}) for bus in preset.buses]
    master = _in_desk_form(preset.master, "Master")
    moved = preset.model_copy(update={"tracks": tuple(tracks), "buses": tuple(buses), "master": master})
    return with_claims_of(moved, preset)  # the same sound, so that what was measured of it holds


def _in_desk_form(bus: Bus, owner: str) -> Bus:
    try:
        return _move_gain(bus, -bus.input_gain_db)
    except PresetError as error:
        raise PresetError(f"{owner}: {error}") from error


def without_input_gain(bus: Bus) -> Bus:
    """Bring a strip or master into desk form, its settings free to pass the table's limits, as it is rendered."""
    rendered: Bus = _without_input_gain(bus)
    return rendered


@lru_cache(maxsize=256)  # one strip is rendered again and again where settings are tried
def _without_input_gain(bus: Any) -> Any:
    values = {**_desk_values(bus), "input_gain_db": 0.0}
    return _unchecked(bus, {path: value for path, value in values.items() if value != get(bus, path)})


def scaled(preset: Preset, amount: float) -> Preset:
    """Scale a preset's effect: 0 no effect, 1 unchanged, up to 1.5.

    Settings run from their neutral value in their own scale; those that only shape others (frequencies,
    thresholds, times) stay. Results are held inside the table's limits.

    Raises:
        PresetError: an amount outside 0..1.5.
    """
    check_amount(amount)

    def less(bus: Bus) -> Bus:
        table = parameters(type(bus))
        values = {path: scaled_value(table[path], value, amount) for path, value in _desk_values(bus).items()}
        return _from_desk(bus, values, amount * bus.input_gain_db)

    tracks = tuple(track.model_copy(update={"strip": less(track.strip)}) for track in preset.tracks)
    buses = tuple(bus.model_copy(update={"strip": less(bus.strip)}) for bus in preset.buses)
    edited = preset.model_copy(update={"tracks": tracks, "buses": buses, "master": less(preset.master)})
    return with_note(without_stale(edited), f"amount {amount:g} of {_title(preset)}")


def check_amount(amount: object) -> None:
    """Refuse what is no amount of an effect.

    Raises:
        PresetError: it is no number in 0..1.5.
    """
    number = real_number(amount)
    if number is None:
        raise PresetError(f"The amount is a number, 0 to {MAX_AMOUNT:g}, and cannot be {shown_argument(amount)}.")
    if not 0 <= number <= MAX_AMOUNT:
        raise PresetError(
            f"The amount {number:g} is out of range: 0 is no effect, 1 unchanged, {MAX_AMOUNT:g} the most."
        )


def blended(a: Preset, b: Preset, position: float) -> Preset:
    """Blend two presets: 0 is `a`, 1 is `b`.

    Tracks are matched by name and keep the order of `a`. Every setting runs in its scale: frequencies, Q and
    times by ratio, sends by amplitude. What has no middle (mute, a room's seed, names, notes, which groups there
    are) is that of the nearer one.

    Raises:
        PresetError: a position outside 0..1, or tracks that only one of them has.
    """
    if not 0 <= position <= 1:
        raise PresetError(f"The position {position:g} is out of range: 0 is the first preset, 1 the second.")
    _check_same_tracks(a, b)
    nearer = a if position < 0.5 else b

    def between(one: Bus, other: Bus) -> Bus:
        table, ends = parameters(type(one)), _desk_values(other)
        values = {
            path: blended_value(table[path], value, ends[path], position) for path, value in _desk_values(one).items()
        }
        gain_db = (1 - position) * one.input_gain_db + position * other.input_gain_db
        return _from_desk(one, values, gain_db)

    tracks = tuple(
        nearer.track(track.name).model_copy(update={"strip": between(track.strip, b.track(track.name).strip)})
        for track in a.tracks
    )
    parts = {
        "tracks": tracks,
        "buses": tuple(_blended_bus(bus, a, b, between) for bus in nearer.buses),
        "fx_bus": blended_effect(a.fx_bus, b.fx_bus, position),
        "reverb": blended_effect(a.reverb, b.reverb, position),
        "delay": blended_effect(a.delay, b.delay, position),
        "master": between(a.master, b.master),
    }
    return with_note(
        without_stale(made_alike(nearer.model_copy(update=parts))),
        f"blend of {_title(a)} and {_title(b)} at position {position:g}",
    )


def merged(
    base: Preset, other: Preset, *, sections: Collection[SectionName], tracks: Iterable[str] | None = None
) -> Preset:
    """Take some sections of `base` from `other`.

    Args:
        base: keeps whatever is not named.
        other: gives the sections.
        sections: of :data:`SECTIONS`, or groups of them: "gain" is trim, fader and mute, "fx" send, reverb and
            delay. Effects and groups are taken only where all tracks are, since all are heard through them. "master"
            is the whole master.
        tracks: names; None for all that both have.

    Raises:
        PresetError: an unknown section, or a track that one of the two does not have.
    """
    for section in sections:
        _check_known("section", section, (*SECTIONS, *GROUPS))
    taken = expanded(sections)
    names = {track.name for track in base.tracks} & {track.name for track in other.tracks}
    if tracks is not None:
        wanted = set(tracks)
        for name in sorted(wanted):
            _check_known("track in both presets", name, sorted(names))
        names = wanted
    parts: dict[str, object] = {
        "tracks": tuple(
            _merged_track(track, other.track(track.name), taken) if track.name in names else track
            for track in base.tracks
        )
    }
    if tracks is None:
        effects = {"fx_bus": "reverb", "reverb": "reverb", "delay": "delay"}
        parts.update({name: getattr(other, name) for name, section in effects.items() if section in taken})
        if "buses" in taken:
            parts.update(_regrouped(base.model_copy(update={"tracks": parts["tracks"]}), other))
    if "master" in taken:
        parts["master"] = other.master
    taken_over = made_alike(base.model_copy(update=parts))
    return with_note(without_stale(taken_over), f"{', '.join(sections)} taken from {_title(other)}")


def diff(a: Preset, b: Preset) -> tuple[Change, ...]:
    """List what sounds different in `b`, by dotted path; empty if nothing does.

    Tracks are matched by name; their order, descriptions and provenance are not heard and not compared. A
    difference below what a file keeps (6 digits) is none.
    """
    return tuple(_changes(a, b))


def _changes(a: Preset, b: Preset) -> Iterator[Change]:
    names_a, names_b = ({track.name for track in preset.tracks} for preset in (a, b))
    settings_b = {path: value for path, value, _ in _settings(b)}
    for path, old, unit in _settings(a):
        new = settings_b.get(path)
        if new is not None and not _same(old, new):
            yield Change(path, old, new, unit)
    for track in a.tracks:
        if track.name not in names_b:
            yield Change(f"tracks[{track.name}]", "present", None)
    for track in b.tracks:
        if track.name not in names_a:
            yield Change(f"tracks[{track.name}]", None, "present")
    buses_a, buses_b = ({bus.name for bus in preset.buses} for preset in (a, b))
    for name in sorted(buses_a ^ buses_b):
        was, now = ("present", None) if name in buses_a else (None, "present")
        yield Change(f"buses[{name}]", was, now)


def _settings(preset: Preset) -> Iterator[tuple[str, float | bool | str, Unit]]:
    for track in preset.tracks:
        yield f"tracks[{track.name}].mute", track.mute, ""
        yield f"tracks[{track.name}].bus", track.bus or "", ""
        yield f"tracks[{track.name}].link", track.link or "", ""
        yield from _rows(f"tracks[{track.name}]", track.strip)
    for bus in preset.buses:
        yield f"buses[{bus.name}].mute", bus.mute, ""
        yield from _rows(f"buses[{bus.name}]", bus.strip)
    for index, band in enumerate(preset.fx_bus.bands):
        yield from _rows(f"fx_bus.bands[{index}]", band)
    yield from _rows("fx_bus", preset.fx_bus)
    yield "fx_bus.seed", preset.fx_bus.seed, ""
    yield from _rows("reverb", preset.reverb)
    yield "reverb.seed", preset.reverb.seed, ""
    yield from _rows("delay", preset.delay)
    yield "delay.note", preset.delay.note or "", ""
    yield "delay.tempo_bpm", preset.delay.tempo_bpm or 0.0, ""
    yield from _rows("master", preset.master)


def _rows(prefix: str, section: BaseModel) -> Iterator[tuple[str, float, Unit]]:
    """Settings by path; without the thresholds of stages that do nothing, which are not heard."""
    for path, row in parameters(type(section)).items():
        is_heard = row.neutral is not None or row.with_gain != "adds" or is_active(section, row.section)
        if is_heard:
            yield f"{prefix}.{path}", get(section, path), row.unit


def _same(old: float | bool | str, new: float | bool | str) -> bool:
    if isinstance(old, int | str) or isinstance(new, str):  # mute, seed, names: exact
        return old == new
    return math.isclose(old, new, rel_tol=_SAME_RELATIVE, abs_tol=_SAME_ABSOLUTE)


def _move_gain(bus: Bus, gain_db: float) -> Bus:
    values = _shifted(bus, _values(bus), gain_db)
    for path, row in parameters(type(bus)).items():
        nearest = row.clamp(values[path])
        if not abs(nearest - values[path]) <= _ROUNDING * max(1.0, abs(nearest)):  # so that NaN is refused too
            raise PresetError(
                f"{quantity(gain_db, 'dB')} cannot be moved before the stages: {path} would be "
                f"{quantity(values[path], row.unit)} and must be {allowed(row)}."
            )
        values[path] = nearest
    return replace(bus, values)


def _values(bus: Strip | Master) -> Values:
    return {path: get(bus, path) for path in parameters(type(bus))}


def _unchecked(part: Node, values: Values) -> Node:
    """Copy with the values at these dotted paths, free to pass the table's limits."""
    update: dict[str, object] = {}
    for name in dict.fromkeys(path.partition(".")[0] for path in values):
        inner = {path[len(name) + 1 :]: value for path, value in values.items() if path.startswith(f"{name}.")}
        update[name] = _unchecked(getattr(part, name), inner) if inner else values[name]
    return part.model_copy(update=update)


def _shifted(bus: Strip | Master, values: Values, gain_db: float) -> Values:
    """Move gain to before the stages, without a look at the limits."""
    return {path: _moved(row, values[path], gain_db) for path, row in parameters(type(bus)).items()}


def _moved(row: Parameter, value: float, gain_db: float) -> float:
    match row.with_gain:
        case "adds":
            return value + gain_db
        case "subtracts":
            return value - gain_db
        case "divides":
            return value / gain_factor(gain_db)
        case "stays":
            return value


def _desk_values(bus: Strip | Master) -> Values:
    """Compute all values in the desk form; a step on the way, so the limits do not bind."""
    return _shifted(bus, _values(bus), -bus.input_gain_db)


def _from_desk(bus: Bus, desk: Values, input_gain_db: float) -> Bus:
    table = parameters(type(bus))
    values = _shifted(bus, desk, input_gain_db)
    return replace(bus, {path: table[path].clamp(value) for path, value in values.items()})


def _blended_bus(bus: GroupBus, a: Preset, b: Preset, between: Callable[[Strip, Strip], Strip]) -> GroupBus:
    """A group between two presets that both have it; else as it is."""
    both = [group.strip for preset in (a, b) for group in preset.buses if group.name == bus.name]
    return bus.model_copy(update={"strip": between(*both)}) if len(both) > 1 else bus


def _regrouped(base: Preset, other: Preset) -> dict[str, object]:
    """The groups of `other`, and which of the base's tracks go there."""
    places = {track.name: track.bus for track in other.tracks}
    return {
        "buses": other.buses,
        "tracks": tuple(track.model_copy(update={"bus": places.get(track.name)}) for track in base.tracks),
    }


def _merged_track(base: Track, other: Track, taken: Collection[SectionName]) -> Track:
    table = parameters(Strip)
    values, source = _desk_values(base.strip), _desk_values(other.strip)
    values.update({path: value for path, value in source.items() if table[path].section in taken})
    input_gain_db = (other if "trim" in taken else base).strip.input_gain_db
    mute = (other if "mute" in taken else base).mute
    return base.model_copy(update={"strip": _from_desk(base.strip, values, input_gain_db), "mute": mute})


def _check_same_tracks(a: Preset, b: Preset) -> None:
    names_a, names_b = ([track.name for track in preset.tracks] for preset in (a, b))
    alone = [
        f"only in the {place}: {', '.join(missing)}"
        for place, missing in (
            ("first", sorted(set(names_a) - set(names_b))),
            ("second", sorted(set(names_b) - set(names_a))),
        )
        if missing
    ]
    if alone:
        raise PresetError(f"The presets have different tracks ({'; '.join(alone)}). Give them the same track names.")


def _check_known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known) or 'none'}."
        raise PresetError(f'There is no {what} called "{name}"; {hint}')


def _title(preset: Preset) -> str:
    return f'"{preset.name}"' if preset.name else "an unnamed preset"


def with_note(preset: Preset, note: str) -> Preset:
    """Add a line to the note in a preset's provenance.

    The newest comes first, so that it is what remains where the notes get too long.
    """
    notes = "; ".join(part for part in (note, preset.provenance.note) if part)
    provenance = preset.provenance.model_copy(update={"note": notes[:_NOTE_LENGTH]})
    return preset.model_copy(update={"provenance": provenance})
