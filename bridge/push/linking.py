"""Strips that a desk has linked, in a plan: a linked pair is one strip, in scope, plan, snapshot and proof.

What is set on one of them the desk sets on the other, for the sections that it shares; so the other's values stand in
the plan, too, and are kept before and read back after. What linked strips do not share is set on both; pans stay as
they are, since a linked pair is a stereo one. The groups that a strip is in are only told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ...presets.errors import DeskError
from ...presets.sections import SectionName
from ..desks.coupling import GroupQuestions, group_questions, member_question, pair_questions, shared_questions
from ..desks.keys import section_of
from ..desks.profile import Desk, Setting
from ..osc.connection import Connection
from ..osc.exchange import read
from .mapping import Placed
from .plan import Plan, Row, StripPlan
from .scope import TRACK

# What belongs to one of two linked strips alone.
_OWN: Final = frozenset({"pan", "name"})
_AUDIBLE_DB: Final = 0.05
_LISTED: Final = 6


@dataclass(frozen=True)
class Links:
    """Which strips of a desk are linked.

    Attributes:
        firsts: numbers of the first strip of each pair; the other is the next.
        shared: sections that linked strips have in common.
        is_known: whether the desk told; True also where a desk links nothing.
    """

    firsts: frozenset[int] = frozenset()
    shared: frozenset[SectionName] = frozenset()
    is_known: bool = True

    def partner(self, number: int) -> int | None:
        """Number of the strip that this one is linked with, if any."""
        if number in self.firsts:
            return number + 1
        return number - 1 if number - 1 in self.firsts else None

    def is_second(self, number: int) -> bool:
        """Whether it is the second strip of a linked pair."""
        return number - 1 in self.firsts


def read_links(connection: Connection, desk: Desk) -> Links:
    """Ask which strips are linked, and what they share; what the desk does not tell of a section counts as shared.

    Raises:
        DeskError: the desk does not answer.
    """
    pairs, shared = pair_questions(desk), shared_questions(desk)
    if not pairs or connection.is_blind:
        return Links()
    answers = read(connection, [*pairs.values(), *shared.values()])
    is_shared = {section: _is_on(question, answers[question], default=True) for section, question in shared.items()}
    return Links(
        firsts=frozenset(number for number, question in pairs.items() if _is_on(question, answers[question])),
        shared=frozenset(section for section, is_one in is_shared.items() if is_one),
        is_known=all(answers[question] is not None for question in pairs.values()),
    )


def require_agreement(plan: Plan, links: Links) -> None:
    """Refuse two tracks with different settings for linked strips.

    Raises:
        DeskError: names the strips, what they differ in, and what to do.
    """
    for first, second in _both_placed(plan, links):
        others = {row.setting.key: row for row in second.rows}
        differing = [
            row.setting.key
            for row in first.rows
            if section_of(row.setting.key) in links.shared
            and (other := others.get(row.setting.key)) is not None
            and not row.setting.scale.same(row.setting.value, other.setting.value)
        ]
        if differing:
            more = f" and {len(differing) - _LISTED} more" if len(differing) > _LISTED else ""
            keys = ", ".join(differing[:_LISTED]) + more
            raise DeskError(
                f"{first.label} ({first.placed.track}) and {second.label} ({second.placed.track}) are linked on the "
                f"desk and cannot differ in {keys}. Unlink them on the desk, send a single track to the pair, or leave "
                "out what they share."
            )


def without_pans_of_pairs(plan: Plan, links: Links) -> Plan:
    """The plan without the pan of a track that is alone on a linked pair: its strips stand left and right."""
    strips = []
    for strip in plan.strips:
        partner = links.partner(strip.placed.number) if strip.placed.kind == TRACK else None
        is_alone = partner is not None and _strip_at(plan, partner) is None
        rows = tuple(row for row in strip.rows if not (is_alone and section_of(row.setting.key) == "pan"))
        strips.append(replace(strip, rows=rows))
    labels = [new.label for old, new in zip(plan.strips, strips, strict=True) if old.rows != new.rows]
    notes = [f"Of linked strips the pans stay as they are: {', '.join(labels)}."] if labels else []
    return replace(plan, strips=tuple(strips)).with_notes(*notes)


def with_partners(plan: Plan, links: Links, names: Mapping[int, str]) -> Plan:
    """The plan with a strip for each that is linked with one of the plan."""
    strips: list[StripPlan] = []
    notes: list[str] = []
    for strip in plan.strips:
        number = strip.placed.number
        partner = links.partner(number) if strip.placed.kind == TRACK else None
        other = _strip_at(plan, partner)
        if partner is None:
            strips.append(strip)
        elif other is not None:
            strips.append(_following(strip, other, links) if links.is_second(number) else strip)
        else:
            pair = _partner(strip, partner, plan.desk, links, names)
            strips += [strip, pair] if pair.rows else [strip]
            notes.append(f"{strip.placed.track}: {strip.label} and {pair.label} are linked, so that both are set.")
    if not links.is_known:
        notes.append("The desk did not tell which of its strips are linked: they are taken for single ones.")
    return replace(plan, strips=tuple(strips)).with_notes(*notes)


def group_notes(connection: Connection, plan: Plan) -> list[str]:
    """Tell which strips of the plan are in groups that are muted, or not at 0 dB.

    Raises:
        DeskError: the desk does not answer.
    """
    desk = plan.desk
    tracks = [strip for strip in plan.strips if strip.placed.kind == TRACK]
    members = {
        member_question(desk, groups, strip.placed.number): (groups, strip)
        for groups in desk.track.groups
        for strip in tracks
    }
    if not members or connection.is_blind:
        return []
    answers = read(connection, members)
    of_group: dict[GroupQuestions, list[str]] = {}
    for question, (groups, strip) in members.items():
        bits = answers[question]
        mask = bits if isinstance(bits, int) else 0
        for group in range(1, groups.count + 1):
            if mask >> (group - 1) & 1:
                of_group.setdefault(group_questions(desk, groups, group), []).append(strip.label)
    asked = [item for group in of_group for item in (group.mute, group.level) if item is not None]
    states = read(connection, asked)
    return [
        f"{', '.join(labels)}: in {group.title}, which {state}."
        for group, labels in of_group.items()
        if (state := _group_state(group, states))
    ]


def _group_state(group: GroupQuestions, states: Mapping[Setting, object]) -> str:
    if _is_on(group.mute, states.get(group.mute)):
        return "is muted, so that nothing is heard of it"
    level = states.get(group.level) if group.level is not None else None
    if group.level is None or not isinstance(level, int | float):
        return ""
    level_db = float(group.level.scale.decode(level))
    return "" if abs(level_db) < _AUDIBLE_DB else f"stands at {level_db:+.1f} dB: it is heard so much louder or softer"


def _is_on(question: Setting, wire: object, *, default: bool = False) -> bool:
    return bool(question.scale.decode(wire)) if isinstance(wire, int | float) else default


def _both_placed(plan: Plan, links: Links) -> list[tuple[StripPlan, StripPlan]]:
    tracks = [strip for strip in plan.strips if strip.placed.kind == TRACK]
    pairs = (
        (strip, _strip_at(plan, strip.placed.number + 1)) for strip in tracks if strip.placed.number in links.firsts
    )
    return [(first, second) for first, second in pairs if second is not None]


def _strip_at(plan: Plan, number: int | None) -> StripPlan | None:
    strips = (strip for strip in plan.strips if strip.placed.kind == TRACK and strip.placed.number == number)
    return next(strips, None)


def _following(strip: StripPlan, other: StripPlan, links: Links) -> StripPlan:
    """The strip, whose shared settings that are those of the other need not be sent."""
    theirs = {row.setting.key: row.setting for row in other.rows}
    rows = []
    for row in strip.rows:
        twin = theirs.get(row.setting.key)
        is_same = twin is not None and row.setting.scale.same(row.setting.value, twin.value)
        rows.append(replace(row, follows=is_same and section_of(row.setting.key) in links.shared))
    return replace(strip, rows=tuple(rows))


def _partner(strip: StripPlan, number: int, desk: Desk, links: Links, names: Mapping[int, str]) -> StripPlan:
    """The other strip of a pair, with the values of this one."""
    settings = {setting.key: setting for setting in desk.questions(strip.placed.kind, number)}
    rows = [
        Row(
            replace(settings[key], value=row.setting.value),
            follows=section_of(key) in links.shared,
            is_fixed=row.is_fixed,
        )
        for row in strip.rows
        if section_of(key := row.setting.key) not in _OWN and key in settings
    ]
    placed = Placed(strip.placed.track, strip.placed.kind, number, names.get(number, ""), "linked")
    return StripPlan(placed, desk.label(strip.placed.kind, number), strip.fitted, tuple(rows))
