"""Inserts under edits: at an amount, between two presets, and whether a preset has any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from ..checking.claims import without_stale
from ..console import get, parameters, replace
from ..errors import PresetError
from ..inserts.insert import MOST_INSERTS, Insert
from ..preset import GroupBus, Preset, Track
from ..scaling import blended_value, scaled_value

Inserts = tuple[Insert, ...]
Owner = TypeVar("Owner", Track, GroupBus)
_TABLE = parameters(Insert)


def scaled_inserts(inserts: Sequence[Insert], amount: float) -> Inserts:
    """Give inserts at an amount of their effect."""
    return tuple(_at(insert, amount) for insert in inserts)


def blended_inserts(one: Sequence[Insert], other: Sequence[Insert], position: float) -> Inserts:
    """Give inserts between those of two tracks, or of two groups.

    The same inserts with other settings are blended; those that only one has fade; of different ones the nearer
    one's stay.
    """
    if [_identity(insert) for insert in one] == [_identity(insert) for insert in other]:
        pairs = zip(one, other, strict=True)
        return tuple(_between(first, second, position) for first, second in pairs)
    if not one or not other:
        fading, share = (one, 1 - position) if one else (other, position)
        return tuple(_at(insert, share) for insert in fading if share > 0)
    return tuple(one if position < 0.5 else other)


def same_inserts(one: Sequence[Insert], other: Sequence[Insert]) -> bool:
    """Tell whether two tracks run the same things, though with other settings."""
    return [_identity(insert) for insert in one] == [_identity(insert) for insert in other]


def tracks_with_inserts(preset: Preset) -> Iterator[Track]:
    """List the tracks that are heard through inserts."""
    return (track for track in preset.tracks if track.inserts and not track.mute)


def buses_with_inserts(preset: Preset) -> Iterator[GroupBus]:
    """List the groups that are heard through inserts."""
    used = {track.bus for track in preset.tracks if not track.mute}
    return (bus for bus in preset.buses if bus.inserts and not bus.mute and bus.name in used)


def with_track_inserts(preset: Preset, name: str, added: Insert | tuple[()]) -> Preset:
    """Give a preset with one more insert in front of a track, or with none there.

    Raises:
        PresetError: there is no such track, or it has as many as it may have.
    """
    return without_stale(preset.model_copy(update={"tracks": _added(preset.tracks, "track", name, added)}))


def with_bus_inserts(preset: Preset, name: str, added: Insert | tuple[()]) -> Preset:
    """Give a preset with one more insert in front of a group's strip, or with none there; errors are likewise."""
    return without_stale(preset.model_copy(update={"buses": _added(preset.buses, "group", name, added)}))


def with_master_inserts(preset: Preset, added: Insert | tuple[()]) -> Preset:
    """Give a preset with one more insert in front of the master, or with none there; errors are likewise."""
    inserts = _longer(preset.master_inserts, added, "the master")
    return without_stale(preset.model_copy(update={"master_inserts": inserts}))


def without_track_inserts(preset: Preset) -> Preset:
    """Give a preset for stems that went through its inserts already."""
    if not any(track.inserts for track in preset.tracks):
        return preset
    tracks = tuple(track.model_copy(update={"inserts": ()}) for track in preset.tracks)
    return preset.model_copy(update={"tracks": tracks})


def without_inserts(preset: Preset) -> Preset:
    """Give a preset without any inserts, those of groups and the master included."""
    if not any(True for _ in preset.bus_inserts()):
        return without_track_inserts(preset)
    buses = tuple(bus.model_copy(update={"inserts": ()}) for bus in preset.buses)
    return without_track_inserts(preset).model_copy(update={"buses": buses, "master_inserts": ()})


def _added(owners: Sequence[Owner], kind: str, name: str, added: Insert | tuple[()]) -> tuple[Owner, ...]:
    known = [owner.name for owner in owners]
    if name not in known:
        raise PresetError(f"there is no {kind} {name!r} for an insert; there are: {', '.join(known) or 'none'}.")
    return tuple(
        owner.model_copy(update={"inserts": _longer(owner.inserts, added, f"{kind} {name!r}")})
        if owner.name == name
        else owner
        for owner in owners
    )


def _longer(inserts: Inserts, added: Insert | tuple[()], owner: str) -> Inserts:
    if not isinstance(added, Insert):
        return ()
    if len(inserts) == MOST_INSERTS:
        raise PresetError(f"{owner} has {MOST_INSERTS} inserts, and may have no more.")
    return (*inserts, added)


def _at(insert: Insert, amount: float) -> Insert:
    row = _TABLE[insert.strength]
    value = row.clamp(scaled_value(row, get(insert, insert.strength), amount))
    return replace(insert, {insert.strength: value})


def _between(one: Insert, other: Insert, position: float) -> Insert:
    nearer = one if position < 0.5 else other
    values = {path: blended_value(row, get(one, path), get(other, path), position) for path, row in _TABLE.items()}
    return replace(nearer, values)


def _identity(insert: Insert) -> Insert:
    return replace(insert.model_copy(update={"match_loudness": False, "protect": True}), dict.fromkeys(_TABLE, 0.0))
