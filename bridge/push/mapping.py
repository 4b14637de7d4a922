"""Which track of a preset is which strip of a desk: as the user says, by name, by likeness, or by order if asked to.

A strip is never guessed: what could be two things is refused, with what to write instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...presets.errors import DeskError, Hint
from ..desks.profile import Desk
from ..matching import bare_name
from ..osc.connection import Connection
from ..osc.exchange import track_names
from .scope import Strips, numbers_of

How = Literal["as told", "same name", "alike", "by order", "linked", "master", "effect"]
_LISTED = 24
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Placed:
    """A track of the preset and its strip.

    Attributes:
        track: name in the preset, of a track or group; "master", "reverb" and "delay" for these.
        kind: "track", "bus", "master", "reverb" or "delay".
        number: of the strip, as the desk counts; 0 for the master.
        name: what the desk calls the strip; empty if it does not tell.
        how: what told so.
    """

    track: str
    kind: str
    number: int
    name: str
    how: How


@dataclass(frozen=True)
class Placement:
    """Where tracks go.

    Attributes:
        placed: in the preset's order.
        left_out: tracks without a strip.
    """

    placed: tuple[Placed, ...]
    left_out: tuple[str, ...]

    @property
    def assignment(self) -> dict[str, int]:
        """Number of the strip by track name."""
        return {item.track: item.number for item in self.placed}


def place_tracks(
    tracks: Sequence[str],
    desk: Desk,
    names: Mapping[int, str],
    *,
    assignments: Sequence[str] = (),
    strips: Strips | None = None,
    by_order: bool = False,
    seconds: frozenset[int] = frozenset(),
) -> Placement:
    """Bring the tracks of a preset and the strips of a desk together.

    Args:
        tracks: names in the preset.
        desk: has the strips.
        names: that the desk told, by number; empty if it cannot tell.
        assignments: what the user said, "Lead Vox=ch/05", "Lead Vox=5" or "Lead Vox=Vocals"; one to a strip that is
            not to be used leaves the track out.
        strips: the only ones to be used; None for all.
        by_order: put the tracks that no name matches on the strips that are free, in order, named or not.
        seconds: strips that are the second of a linked pair, which is one strip.

    Raises:
        DeskError: nothing matches, or something matches twice.
    """
    told = _assigned(assignments, tracks, desk, names)
    # What was assigned to a strip that is not to be used goes to no other one either.
    placements = {track: placed for track, placed in told.items() if placed.number in numbers_of(desk, strips)}
    matched = [track for track in tracks if track in placements or track not in told]
    usable = {
        number: names[number]
        for number in numbers_of(desk, strips)
        if names.get(number) and not (number in seconds and names.get(number - 1) == names[number])
    }
    _match_labels(matched, numbers_of(desk, strips), names, desk, placements)
    _match(matched, _told_apart(usable, tracks), names, desk, placements)
    if by_order:
        _fill(matched, _free(numbers_of(desk, strips), names, desk, seconds, placements), names, placements)
    if not placements:
        raise _nothing_matched(tracks, usable, desk)
    left_out = tuple(track for track in tracks if track not in placements)
    return Placement(tuple(placements[track] for track in tracks if track in placements), left_out)


def _assigned(
    assignments: Sequence[str], tracks: Sequence[str], desk: Desk, names: Mapping[int, str]
) -> dict[str, Placed]:
    placements: dict[str, Placed] = {}
    taken: dict[int, str] = {}
    for entry in assignments:
        track, place = _split(entry, tracks)
        number = _number(place, entry, desk, names)
        if track in placements:
            raise DeskError(
                f"assignment {entry!r}: {track!r} stands in another assignment already; a track has one strip."
            )
        if number in taken:
            raise DeskError(
                f"assignment {entry!r}: {desk.label('track', number)} was given to {taken[number]!r} already; "
                "give each track a strip of its own."
            )
        taken[number] = track
        placements[track] = Placed(track, "track", number, names.get(number, ""), "as told")
    return placements


def _split(entry: str, tracks: Sequence[str]) -> tuple[str, str]:
    places = [place for place, letter in enumerate(entry) if letter == "="]
    pairs = [(entry[:place], entry[place + 1 :].strip()) for place in places]
    pair = next((pair for pair in pairs if pair[0] in tracks), None)
    if pair is None and pairs:
        raise DeskError(f"assignment {entry!r}: the preset has no track {pairs[0][0]!r}. It has: {listed(tracks)}.")
    if pair is None or not pair[1]:
        raise DeskError(f'the assignment {entry!r} is not of the form "Preset name=strip", e.g. "Lead Vox=5".')
    return pair


def _number(place: str, entry: str, desk: Desk, names: Mapping[int, str]) -> int:
    """A number, what the desk's users call the strip, or its name."""
    known = sorted(names) if names and desk.track.listed else desk.track.numbers
    if place.isdecimal() and int(place) in known:
        return int(place)
    called = place.strip("/").lower()
    by_label = [number for number in known if desk.label("track", number).lower() == called]
    by_name = [number for number, name in names.items() if name == place]
    by_likeness = [number for number, name in names.items() if bare_name(name) == bare_name(place)]
    fits = by_label or by_name or by_likeness
    if len(fits) > 1:
        raise DeskError(
            f"assignment {entry!r}: {place!r} is the name of {listed_strips(fits, desk)}. "
            "Give the number of one of them."
        )
    if not fits:
        raise DeskError(
            f"assignment {entry!r}: {desk.title} has no strip {place!r}. Give a number from {known[0]} to {known[-1]}, "
            f"what it is called ({desk.label('track', known[0])}), or its name{_names_words(names)}."
        )
    return fits[0]


def _free(
    numbers: Iterable[int],
    names: Mapping[int, str],
    desk: Desk,
    seconds: frozenset[int],
    placements: Mapping[str, Placed],
) -> list[int]:
    """The strips that are left, one of each linked pair."""
    there = [number for number in numbers if number in names or not names or not desk.track.listed]
    taken = {placed.number for placed in placements.values()}
    blocked = {number for number in seconds if number - 1 in there} | {number - 1 for number in seconds & taken}
    return [number for number in there if number not in blocked]


def _match_labels(
    tracks: Sequence[str], numbers: Iterable[int], names: Mapping[int, str], desk: Desk, placements: dict[str, Placed]
) -> None:
    """Tracks that are called as the desk's users call a strip, as those pulled from strips without a name are."""
    taken = {placed.number for placed in placements.values()}
    labels = {desk.label("track", number): number for number in numbers if not names.get(number)}
    for track in tracks:
        number = labels.get(track)
        if track not in placements and number is not None and number not in taken and names:
            placements[track] = Placed(track, "track", number, "", "same name")


def _told_apart(usable: Mapping[int, str], tracks: Sequence[str]) -> dict[int, str]:
    """Names by number; strips of one name are counted as pulled ("Kick", "Kick 2") if the preset has all of these."""
    numbers: dict[str, list[int]] = {}
    for number, name in usable.items():
        numbers.setdefault(name, []).append(number)
    called = dict(usable)
    for name, same in numbers.items():
        counted = [name, *(f"{name} {count}" for count in range(2, len(same) + 1))]
        if len(same) > 1 and set(counted) <= set(tracks):
            called.update(zip(same, counted, strict=True))
    return called


def _match(
    tracks: Sequence[str],
    usable: Mapping[int, str],
    names: Mapping[int, str],
    desk: Desk,
    placements: dict[str, Placed],
) -> None:
    """By name, then by likeness, so that a likeness takes no strip from a track of its very name."""
    steps: tuple[tuple[How, Callable[[str, str, Desk], bool]], ...] = (("same name", _same), ("alike", _alike))
    for how, alike in steps:
        taken = {placed.number for placed in placements.values()}
        wanted: Counter[int] = Counter()
        fresh: dict[str, Placed] = {}
        for track in tracks:
            if track in placements:
                continue
            fits = [n for n, name in usable.items() if n not in taken and alike(track, name, desk)]
            if len(fits) > 1:
                raise DeskError(
                    f"{track!r} could be {listed_strips(fits, desk)}, which are called so. Assign it to one of them.",
                    hints=(Hint("assignments", f'"{track}={fits[0]}"'),),
                )
            for number in fits:
                wanted[number] += 1
                fresh[track] = Placed(track, "track", number, names[number], "same name" if how != "alike" else "alike")
        for number, count in wanted.items():
            if count > 1:
                rivals = [track for track, placed in fresh.items() if placed.number == number]
                raise DeskError(
                    f"{listed(rivals)} could all be {desk.label('track', number)} ({usable[number]!r}). Assign each of "
                    "them to a strip.",
                    hints=(Hint("assignments", f'"{rivals[0]}={number}"'),),
                )
        placements.update(fresh)


def _same(track: str, name: str, _desk: Desk) -> bool:
    return track == name


def _alike(track: str, name: str, desk: Desk) -> bool:
    """Letters and digits alike; a desk may cut names to what its display holds."""
    scale = desk.scale("track", "name")
    spellings = {bare_name(track), bare_name(str(scale.snap(track)) if scale is not None else track)}
    return bare_name(name) in spellings


def _fill(tracks: Sequence[str], free: Iterable[int], names: Mapping[int, str], placements: dict[str, Placed]) -> None:
    taken = {placed.number for placed in placements.values()}
    numbers = (number for number in free if number not in taken)
    for track in tracks:
        if track not in placements:
            number = next(numbers, None)
            if number is None:
                return
            placements[track] = Placed(track, "track", number, names.get(number, ""), "by order")


def _nothing_matched(tracks: Sequence[str], usable: Mapping[int, str], desk: Desk) -> DeskError:
    if not tracks:
        return DeskError(
            "this preset has no tracks: choose the master alone, to send that.", hints=(Hint("tracks", "master"),)
        )
    way = "Assign them, or take the strips in order."
    hints = (Hint("assignments", f'"{tracks[0]}=1"'), Hint("by_order"))
    if not usable:
        return DeskError(f"{desk.title} tells no names of its strips, so no track can be matched. {way}", hints=hints)
    return DeskError(
        f"no track of the preset ({listed(tracks)}) is called like a strip of {desk.title} "
        f"({listed(list(usable.values()))}). {way}",
        hints=hints,
    )


def _names_words(names: Mapping[int, str]) -> str:
    return f" (there are {listed(list(names.values()))})" if names else ""


def shown(text: str) -> str:
    """A text that a desk told, so that it can stand in a terminal and a file whatever it holds."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST_NAME])


def listed(names: Sequence[str]) -> str:
    """Names for a message, not too many of them."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(map(repr, names[:_LISTED])) or "none") + more


def listed_strips(numbers: Sequence[int], desk: Desk) -> str:
    """Strips for a message."""
    return " or ".join(desk.label("track", number) for number in numbers)


def strip_names(connection: Connection, desk: Desk) -> dict[int, str]:
    """The names of a desk's tracks, fit to be shown.

    Raises:
        DeskError: the desk does not answer.
    """
    return {number: shown(name) for number, name in track_names(connection, desk).items()}
