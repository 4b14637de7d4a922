"""Which bus of a desk is which group of a preset: as the user says, or by name; and whether the tracks go there.

Nothing is routed here: what goes where on a desk is its user's, who is told where it is not as the preset has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ....presets.errors import DeskError, Hint
from ....presets.preset import Preset
from ...desks.layout import Tell
from ...desks.profile import Desk, Setting
from ...desks.ranges import Linear
from ...desks.scales import Scale, Text, WireValue
from ...desks.template import filled
from ...matching import bare_name
from ...osc.connection import Connection
from ...osc.exchange import read
from ..mapping import Placed, shown
from ..scope import BUS

_NUMBER: Final = Linear(kind="linear", low=0, high=1000, type="i")
_TEXT: Final = Text(kind="text", max_length=64)


@dataclass(frozen=True)
class GroupPlacement:
    """Where groups go.

    Attributes:
        placed: the groups that have a bus.
        left_out: those that have none.
    """

    placed: tuple[Placed, ...] = ()
    left_out: tuple[str, ...] = ()


def bus_names(connection: Connection, desk: Desk) -> dict[int, str]:
    """The names of a desk's buses, by number; empty if it has none, or they have no names.

    Raises:
        DeskError: the desk does not answer.
    """
    if desk.bus is None or connection.is_blind or desk.scale(BUS, "name") is None:
        return {}
    asked = {desk.settings(BUS, number, {"name": ""})[0]: number for number in desk.bus.numbers}
    return {asked[setting]: shown(str(name)) for setting, name in read(connection, asked).items() if name}


def split_assignments(
    assignments: Sequence[str], groups: Sequence[str], tracks: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The assignments of tracks, and those of groups: "Drums=bus/01"."""
    of_groups = tuple(
        entry
        for entry in assignments
        if (name := entry.rpartition("=")[0]) in groups and (name not in tracks or "bus" in entry.rpartition("=")[2])
    )
    return tuple(entry for entry in assignments if entry not in of_groups), of_groups


def place_groups(
    groups: Sequence[str], desk: Desk, names: Mapping[int, str], assignments: Sequence[str]
) -> GroupPlacement:
    """Bring the groups of a preset and the buses of a desk together; none is guessed.

    Args:
        groups: names in the preset.
        desk: has the buses.
        names: that the desk told, by number.
        assignments: what the user said, "Drums=bus/01" or "Drums=1".

    Raises:
        DeskError: a bus that is not there, or one for two groups.
    """
    if desk.bus is None:
        return GroupPlacement((), tuple(groups))
    told = {entry.rpartition("=")[0]: _number(entry, desk, names) for entry in assignments}
    placed: dict[str, Placed] = {}
    for group in groups:
        number = told.get(group)
        if number is not None:
            placed[group] = Placed(group, BUS, number, names.get(number, ""), "as told")
            continue
        same = [number for number, name in names.items() if name == group]
        alike = same or [number for number, name in names.items() if bare_name(name) == bare_name(group)]
        if len(alike) == 1:
            placed[group] = Placed(group, BUS, alike[0], names[alike[0]], "same name" if same else "alike")
        elif alike:
            which = " or ".join(desk.label(BUS, number) for number in alike)
            raise DeskError(
                f"the group {group!r} could be {which}, which are called so. Assign it to one of them.",
                hints=(Hint("assignments", f'"{group}={desk.label(BUS, alike[0])}"'),),
            )
    numbers = [item.number for item in placed.values()]
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        rivals = ", ".join(repr(name) for name, item in placed.items() if item.number == twice[0])
        raise DeskError(f"{rivals} would all be {desk.label(BUS, twice[0])}: give each group a bus of its own.")
    return GroupPlacement(tuple(placed.values()), tuple(group for group in groups if group not in placed))


def group_routing_notes(
    connection: Connection, desk: Desk, preset: Preset, tracks: Sequence[Placed], groups: Sequence[Placed]
) -> list[str]:
    """Tell which tracks do not go through the bus of their group.

    Raises:
        DeskError: the desk does not answer.
    """
    members = () if desk.bus is None else desk.bus.members
    if not groups or connection.is_blind:
        return []
    if not members:
        return [f"Whether tracks go through their groups is not looked at: route them to {_labels(desk, groups)}."]
    homes = {item.track: item for item in groups}
    asked = {
        (item.track, home.number): [member_question(tell, item.number, home.number) for tell in members]
        for item in tracks
        if (home := homes.get(preset.track(item.track).bus or "")) is not None
    }
    answers = read(connection, [question for questions in asked.values() for question in questions]) if asked else {}
    astray: dict[int, list[str]] = {}
    for (track, bus), questions in asked.items():
        if any(answers[question] != tell.value for question, tell in zip(questions, members, strict=True)):
            astray.setdefault(bus, []).append(track)
    return [
        f"{', '.join(names)}: not routed through {desk.label(BUS, number)} alone, as the preset has it. Route it there "
        "as a subgroup on the desk."
        for number, names in astray.items()
        if names
    ]


@dataclass(frozen=True)
class Homes:
    """Which tracks of a desk go through which of its buses.

    Attributes:
        tracks: number of the bus by number of the track, for those that go through one alone.
        names: of the buses, by number.
    """

    tracks: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)


def read_homes(connection: Connection, desk: Desk, tracks: Sequence[int]) -> Homes:
    """Ask which buses tracks are grouped in; a bus without a name is none for a group.

    Raises:
        DeskError: the desk does not answer.
    """
    if desk.bus is None or not desk.bus.members:
        return Homes()
    names = bus_names(connection, desk)
    members = desk.bus.members
    asked = {(track, bus): [member_question(tell, track, bus) for tell in members] for track in tracks for bus in names}
    answers = read(connection, [question for questions in asked.values() for question in questions]) if asked else {}
    homes: dict[int, list[int]] = {}
    for (track, bus), questions in asked.items():
        if all(answers[question] == tell.value for question, tell in zip(questions, members, strict=True)):
            homes.setdefault(track, []).append(bus)
    return Homes({track: buses[0] for track, buses in homes.items() if len(buses) == 1}, names)


def member_question(tell: Tell, track: int, bus: int) -> Setting:
    """What tells whether a track goes to a bus."""
    variables = {"n": track, "bus": bus, "odd": bus if bus % 2 else bus - 1}
    scale: Scale = _TEXT if isinstance(tell.value, str) else _NUMBER
    value: WireValue = "" if isinstance(tell.value, str) else 0
    return Setting("members", "desk", filled(tell.address, variables), (), value, scale.type, scale)


def _number(entry: str, desk: Desk, names: Mapping[int, str]) -> int:
    assert desk.bus is not None
    place = entry.rpartition("=")[2].strip()
    called = place.strip("/").lower()
    fits = [
        number
        for number in desk.bus.numbers
        if called in (str(number), desk.label(BUS, number).lower()) or names.get(number) == place
    ]
    if len(fits) != 1:
        first, last = desk.bus.numbers[0], desk.bus.numbers[-1]
        raise DeskError(
            f"assignment {entry!r}: {desk.title} has no bus {place!r}. Give a number from {first} to {last}, or what "
            f"it is called ({desk.label(BUS, first)})."
        )
    return fits[0]


def _labels(desk: Desk, groups: Sequence[Placed]) -> str:
    return ", ".join(desk.label(item.kind, item.number) for item in groups)
