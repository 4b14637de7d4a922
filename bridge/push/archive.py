"""A snapshot of a whole desk as a file: taken, compared, and restored by section and strip.

It holds every setting that the profile knows, of all strips, of buses, and of effects that tracks are sent to, as it
goes over the wire; routing and other effects of a mixer are in no profile. Restoring one is :func:`.undoing.undo`, with
a way back and proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ...presets.errors import DeskError, Hint
from ..desks.keys import section_of
from ..desks.loading import load_desk
from ..desks.profile import Desk, Setting
from ..desks.scales import WireValue
from ..osc.connection import Connection, connect
from ..osc.exchange import Progress, hello, read
from ..osc.link import Target
from . import snapshots
from .mapping import strip_names
from .plan import Row
from .pushing import parsed
from .routing.effects import choose_effects, read_rack
from .scope import MASTER, TRACK, Scope
from .snapshots import Kept, KeptStrip, Snapshot


@dataclass(frozen=True)
class Difference:
    """A setting that two snapshots have otherwise.

    Attributes:
        label: of the strip, as the desk's users call it.
        name: of the strip, in the second snapshot.
        row: the setting as the second snapshot has it, `now` as the first has it.
    """

    label: str
    name: str
    row: Row


def take_snapshot(target: Target | str, *, on_progress: Progress | None = None) -> Snapshot:
    """Read everything that a desk's profile knows.

    Args:
        target: which desk.
        on_progress: called with the share done, 0..1, and what is being done.

    Raises:
        DeskError: the desk does not answer, or cannot be asked.
    """
    target = parsed(target)
    desk = load_desk(target.desk)
    if desk.is_blind:
        raise DeskError(f"{desk.title} cannot be asked for its settings: there is nothing to keep.")
    with connect(target, desk) as connection:
        names = strip_names(connection, desk)
        model = _model(connection)
        chosen_effects = choose_effects(desk, read_rack(connection, desk), {}, desk.effect_kinds)
        desk = desk.with_effects(chosen_effects.effects.values())
        asked = _questions(connection, desk, sorted(names) if desk.track.listed else list(desk.track.numbers))
        answers = read(
            connection, [question for questions in asked.values() for question in questions], on_progress=on_progress
        )
    strips = (
        _strip(desk, kind, number, names.get(number, "") if kind == TRACK else "", questions, answers)
        for (kind, number), questions in asked.items()
    )
    return Snapshot(
        created=snapshots.now(),
        purpose="desk",
        preset=model[:300],
        desk=snapshots.profile_name(target),
        host=target.host,
        port=target.port or desk.transport.port,
        effects=snapshots.kept_effects(desk),
        strips=tuple(strip for strip in strips if strip.values),
        unread=sum(value is None for value in answers.values()),
    )


def chosen(snapshot: Snapshot, scope: Scope) -> Snapshot:
    """Keep of a snapshot what lies in a scope.

    Raises:
        DeskError: nothing does.
    """
    strips = []
    for strip in snapshot.strips:
        is_chosen = scope.strips is None or (
            scope.strips.master
            if strip.kind == MASTER
            else strip.number in scope.strips.numbers and strip.kind == TRACK
        )
        values = tuple(value for value in strip.values if is_chosen and section_of(value.key) in scope.sections)
        if values:
            strips.append(strip.model_copy(update={"values": values}))
    if not strips:
        raise DeskError(
            "the snapshot holds nothing of these sections and strips.", hints=(Hint("only"), Hint("tracks"))
        )
    return snapshot.model_copy(update={"strips": tuple(strips)})


def differences(first: Snapshot, second: Snapshot) -> list[Difference]:
    """List what the second snapshot has otherwise than the first, or has alone.

    Raises:
        DeskError: they are of two kinds of desk, or of another version of the profile.
    """
    desk, other = second.on(load_desk(first.desk)), load_desk(second.desk)
    if desk.name != other.name:
        raise DeskError(f"one snapshot is of {desk.title}, the other of {other.title}: they cannot be compared.")
    before: dict[tuple[str, int, str], WireValue] = {
        (strip.kind, strip.number, value.key): value.wire for strip in first.strips for value in strip.values
    }
    return [
        Difference(strip.label, strip.name, row)
        for strip in second.strips
        for row in _rows(strip, desk, before)
        if row.changes
    ]


def _model(connection: Connection) -> str:
    """What the desk is, its name and version; a desk that told its names need not tell that."""
    try:
        info = hello(connection)
    except DeskError:
        return ""
    return "" if info is None else " ".join(part for part in (info.model, info.name, info.firmware) if part)


def _rows(strip: KeptStrip, desk: Desk, before: Mapping[tuple[str, int, str], WireValue]) -> Iterator[Row]:
    settings = {setting.key: setting for setting in desk.questions(strip.kind, strip.number)}
    for value in strip.values:
        if value.key not in settings:
            raise DeskError(f"{strip.label}, {value.key}: the profile of {desk.title} has no such setting any more.")
        setting = replace(settings[value.key], value=value.wire)
        yield Row(setting, before.get((strip.kind, strip.number, value.key)))


def _questions(connection: Connection, desk: Desk, numbers: list[int]) -> dict[tuple[str, int], list[Setting]]:
    strips = [(TRACK, number) for number in numbers]
    strips += [
        (kind, number) for kind, strip in desk.strips.items() if kind not in {TRACK, MASTER} for number in strip.numbers
    ]
    strips += [(MASTER, 0)] if MASTER in desk.strips else []
    lacks = connection.dialect.lacks
    return {
        (kind, number): [question for question in desk.questions(kind, number) if not lacks(question)]
        for kind, number in strips
    }


def _strip(
    desk: Desk,
    kind: str,
    number: int,
    name: str,
    questions: list[Setting],
    answers: Mapping[Setting, WireValue | None],
) -> KeptStrip:
    values = ((question.key, answers[question]) for question in questions)
    return KeptStrip.model_validate(
        {
            "kind": kind,
            "number": number,
            "label": desk.label(kind, number),
            "name": name[:256],
            "values": tuple(Kept(key=key, wire=wire) for key, wire in values if wire is not None),
        }
    )
