"""New presets from old ones: less or more of it, between two, parts of another, and what differs.

Pure functions on the frozen :class:`.preset.Preset`; nothing is read, written or rendered here. Whatever
compares or mixes settings does so in the desk form (input gain 0), because only there a threshold means the
same in both presets: a level of the raw track.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import TypeVar

from .checking.arguments import real_number, shown_argument
from .checking.claims import with_claims_of, without_stale
from .checking.links import made_alike
from .console import Strip, parameters
from .editing.changing_inserts import blended_inserts, scaled_inserts
from .editing.differences import Change, diff
from .editing.gain import Bus, desk_values, from_desk, move_gain, moved_gain, without_input_gain
from .editing.moving_lanes import blended_lanes, merged_lanes, scaled_lanes, shifted_lanes
from .errors import PresetError
from .preset import GroupBus, Preset, Track
from .scaling import blended_effect, blended_value, scaled_value
from .sections import GROUPS, SectionName, expanded, sections

__all__ = [
    "MAX_AMOUNT",
    "SECTIONS",
    "Bus",
    "Change",
    "blended",
    "check_amount",
    "desk_form",
    "diff",
    "merged",
    "move_gain",
    "scaled",
    "with_note",
    "without_input_gain",
]

# What can be taken from another preset.
SECTIONS: tuple[SectionName, ...] = (*sections(Strip), "inserts", "mute", "buses", "reverb", "delay", "master")
MAX_AMOUNT = 1.5

_NOTE_LENGTH = 2000

Owner = TypeVar("Owner", Track, GroupBus)


def desk_form(preset: Preset) -> Preset:
    """Move every input gain to the fader: thresholds then fit the raw tracks, and the sound is the same.

    Raises:
        PresetError: a setting would pass its limit; the message names the track.
    """
    tracks = [_owner_in_desk_form(track, "Track") for track in preset.tracks]
    buses = [_owner_in_desk_form(bus, "Bus") for bus in preset.buses]
    master = _in_desk_form(preset.master, "Master")
    lanes = shifted_lanes(type(master), preset.master_lanes, -preset.master.input_gain_db)
    update = {"tracks": tuple(tracks), "buses": tuple(buses), "master": master, "master_lanes": lanes}
    moved = preset.model_copy(update=update)
    return with_claims_of(moved, preset)  # the same sound, so that what was measured of it holds


def _owner_in_desk_form(owner: Owner, kind: str) -> Owner:
    strip = owner.strip
    update = {
        "strip": _in_desk_form(strip, f'{kind} "{owner.name}"'),
        "lanes": shifted_lanes(Strip, owner.lanes, -strip.input_gain_db),
    }
    return owner.model_copy(update=update)


def _in_desk_form(bus: Bus, owner: str) -> Bus:
    try:
        return moved_gain(bus, -bus.input_gain_db)
    except PresetError as error:
        raise PresetError(f"{owner}: {error}") from error


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
        values = {path: scaled_value(table[path], value, amount) for path, value in desk_values(bus).items()}
        return from_desk(bus, values, amount * bus.input_gain_db)

    def scaled_owner(owner: Owner) -> Owner:
        lanes = scaled_lanes(owner.strip, owner.lanes, amount)
        inserts = scaled_inserts(owner.inserts, amount)
        return owner.model_copy(update={"strip": less(owner.strip), "lanes": lanes, "inserts": inserts})

    update = {
        "tracks": tuple(map(scaled_owner, preset.tracks)),
        "buses": tuple(map(scaled_owner, preset.buses)),
        "master": less(preset.master),
        "master_lanes": scaled_lanes(preset.master, preset.master_lanes, amount),
        "master_inserts": scaled_inserts(preset.master_inserts, amount),
    }
    edited = preset.model_copy(update=update)
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
        table, ends = parameters(type(one)), desk_values(other)
        values = {
            path: blended_value(table[path], value, ends[path], position) for path, value in desk_values(one).items()
        }
        gain_db = (1 - position) * one.input_gain_db + position * other.input_gain_db
        return from_desk(one, values, gain_db)

    def blended_owner(owner: Owner, one: Owner, other: Owner) -> Owner:
        lanes = blended_lanes(one.strip, one.lanes, other.strip, other.lanes, position)
        inserts = blended_inserts(one.inserts, other.inserts, position)
        strip = between(one.strip, other.strip)
        return owner.model_copy(update={"strip": strip, "lanes": lanes, "inserts": inserts})

    tracks = tuple(blended_owner(nearer.track(track.name), track, b.track(track.name)) for track in a.tracks)
    parts = {
        "tracks": tracks,
        "buses": tuple(_blended_bus(bus, a, b, blended_owner) for bus in nearer.buses),
        "fx_bus": blended_effect(a.fx_bus, b.fx_bus, position),
        "reverb": blended_effect(a.reverb, b.reverb, position),
        "delay": blended_effect(a.delay, b.delay, position),
        "master": between(a.master, b.master),
        "master_lanes": blended_lanes(a.master, a.master_lanes, b.master, b.master_lanes, position),
        "master_inserts": blended_inserts(a.master_inserts, b.master_inserts, position),
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
        parts["master_lanes"] = other.master_lanes
        parts["master_inserts"] = other.master_inserts
    taken_over = made_alike(base.model_copy(update=parts))
    return with_note(without_stale(taken_over), f"{', '.join(sections)} taken from {_title(other)}")


def _blended_bus(
    bus: GroupBus, a: Preset, b: Preset, between: Callable[[GroupBus, GroupBus, GroupBus], GroupBus]
) -> GroupBus:
    """A group between two presets that both have it; else as it is."""
    both = [group for preset in (a, b) for group in preset.buses if group.name == bus.name]
    return between(bus, *both) if len(both) > 1 else bus


def _regrouped(base: Preset, other: Preset) -> dict[str, object]:
    """The groups of `other`, and which of the base's tracks go there."""
    places = {track.name: track.bus for track in other.tracks}
    return {
        "buses": other.buses,
        "tracks": tuple(track.model_copy(update={"bus": places.get(track.name)}) for track in base.tracks),
    }


def _merged_track(base: Track, other: Track, taken: Collection[SectionName]) -> Track:
    table = parameters(Strip)
    values, source = desk_values(base.strip), desk_values(other.strip)
    values.update({path: value for path, value in source.items() if table[path].section in taken})
    input_gain_db = (other if "trim" in taken else base).strip.input_gain_db
    mute = (other if "mute" in taken else base).mute
    lanes = merged_lanes(base.strip, base.lanes, other.strip, other.lanes, taken)
    strip = from_desk(base.strip, values, input_gain_db)
    inserts = (other if "inserts" in taken else base).inserts
    return base.model_copy(update={"strip": strip, "lanes": lanes, "mute": mute, "inserts": inserts})


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
