"""The plan of a push that plays: what stands when the song begins, and how settings move from there.

Lanes bring their own settings into the plan: a fader that has a lane is set, though others stay untouched. Whatever
moves is in the plan, so that it is kept before and can be put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ....presets.console import Master, Strip, parameters
from ....presets.editing.passages import preset_at
from ....presets.errors import DeskError, Hint
from ....presets.lanes.values import is_still
from ....presets.lanes.words import course as course_words
from ....presets.preset import Preset
from ....presets.sections import SectionName
from ...desks.keys import section_of
from ...desks.profile import Desk, Setting
from ...osc.connection import Connection
from ...osc.exchange import Progress, read
from ...report.lanes import setting_words
from ..plan import Plan, Row
from ..routing.planning import PushOptions, read_plan
from .courses import DeskCourse, Moving, course, moving_strips

_LISTED: Final = 8


@dataclass(frozen=True)
class LaneLine:
    """A lane of the preset in a plan.

    Attributes:
        track: name of the track or group; "master".
        strip: what people call the desk's.
        what: name of the setting.
        course: how it runs, in words.
        settings: how many settings of the desk move for it and the lanes of the same section.
        is_written: whether the desk writes it down as automation.
    """

    track: str
    strip: str
    what: str
    course: str
    settings: int
    is_written: bool


@dataclass(frozen=True)
class LanePlan:
    """A push that plays, before it is done.

    Attributes:
        plan: what stands at the beginning; its notes say what moves and what does not.
        courses: how settings move from there.
        lines: the lanes, for people.
        written: settings that the desk writes down as automation.
    """

    plan: Plan
    courses: tuple[DeskCourse, ...]
    lines: tuple[LaneLine, ...]
    written: tuple[Setting, ...]

    @property
    def end_s(self) -> float:
        """When the last setting has moved."""
        return max(item.end_s for item in self.courses)


def read_lane_plan(
    preset: Preset,
    desk: Desk,
    connection: Connection,
    options: PushOptions,
    time_s: float,
    *,
    all_lanes: bool,
    on_progress: Progress | None = None,
) -> LanePlan:
    """Ask a desk for what it has, and plan to move it as the lanes of a preset say.

    Args:
        preset: the mix.
        desk: the profile.
        connection: to the desk.
        options: how to push.
        time_s: where the song is.
        all_lanes: play lanes of sections, too, that the scope does not name.
        on_progress: called with the share done, 0..1, and what is being done.

    Raises:
        DeskError: the preset has no lanes that move, the desk has nothing to move for any, or as for a push.
    """
    wanted = lane_sections(preset)
    if not wanted:
        raise DeskError(
            "this preset has no lanes that move, so there is nothing to play: push it as it is, or draw lanes "
            "(`mixbridge mix`, with automation)."
        )
    scope = options.scope
    wide = replace(scope, sections=scope.sections | wanted) if all_lanes else scope
    base = preset_at(preset, time_s)
    plan = read_plan(base, desk, connection, replace(options, scope=wide), on_progress)
    desk = plan.desk
    moving = moving_strips(preset, plan.strips)
    plan = _narrowed(plan, scope.sections, {id(item.plan): item.sections for item in moving})
    # Its strips are others now.
    moving = moving_strips(preset, plan.strips)
    courses: list[DeskCourse] = []
    for item in moving:
        plan, found = _with_courses(plan, item, desk, connection, options, wide.sections)
        courses += found
    if not courses:
        raise DeskError(
            f"nothing that the lanes move can be set on {desk.title} here: look at the plan of a plain push.",
            hints=(Hint("only", ",".join(sorted(wanted))),),
        )
    written = tuple(item.setting for item in courses if connection.dialect.can_write(item.setting))
    places = {(item.strip, item.key) for item in written}
    lines = tuple(line for item in moving for line in _lines(item, courses, places))
    notes = _notes(preset, plan, courses, written, moving)
    return LanePlan(plan.with_notes(*notes), tuple(courses), lines, written)


def lane_sections(preset: Preset) -> frozenset[SectionName]:
    """List the sections in which lanes of a preset move."""
    found = set()
    for owner, item in preset.all_lanes():
        if not is_still(item):
            found.add(parameters(Master if owner == "master" else Strip)[item.parameter].section)
    return frozenset(found)


def _narrowed(plan: Plan, sections: frozenset[SectionName], moving: dict[int, frozenset[str]]) -> Plan:
    """Leave out what is in the plan only because lanes of other strips are."""
    strips = []
    for strip in plan.strips:
        allowed = sections | moving.get(id(strip), frozenset())
        rows = tuple(row for row in strip.rows if section_of(row.setting.key) in allowed)
        strips.append(replace(strip, rows=rows))
    return replace(plan, strips=tuple(strips))


def _with_courses(
    plan: Plan,
    moving: Moving,
    desk: Desk,
    connection: Connection,
    options: PushOptions,
    sections: frozenset[SectionName],
) -> tuple[Plan, list[DeskCourse]]:
    """The courses of a strip, and the plan with rows for all of them."""
    placed = moving.plan.placed
    fits = moving.fits(desk, options.sample_rate_hz)
    standing = {row.setting.key: row for row in moving.plan.rows}
    later: dict[str, float | str] = {}
    for fit in fits.values:
        for key, value in fit.items():
            # What is off at the beginning has no row yet.
            if key not in standing and section_of(key) in sections and section_of(key) in moving.sections:
                later.setdefault(key, value)
    fresh = desk.settings(placed.kind, placed.number, later) if later else []
    fresh = [item for item in fresh if item.key not in standing and not connection.dialect.lacks(item)]
    told = read(connection, fresh) if fresh and not connection.is_blind else {}
    # They get their first values when it plays, and are only kept here.
    rows = [Row(item).with_now(told.get(item)) for item in fresh]
    rows = [row if row.now is None else replace(row, setting=replace(row.setting, value=row.now)) for row in rows]
    usable = {row.setting.key: row.setting for row in moving.plan.rows if not row.follows} | {
        item.key: item for item in fresh
    }
    found = [course(setting, moving.plan.label, fits) for setting in usable.values()]
    courses = [item for item in found if item is not None]
    whole = replace(moving.plan, rows=(*moving.plan.rows, *rows))
    strips = tuple(whole if strip is moving.plan else strip for strip in plan.strips)
    return replace(plan, strips=strips), courses


def _lines(moving: Moving, courses: Sequence[DeskCourse], written: set[tuple[str, str]]) -> Iterator[LaneLine]:
    kind = type(moving.strip)
    table = parameters(kind)
    for item in moving.lanes:
        section = table[item.parameter].section
        own = [
            found.setting
            for found in courses
            if found.strip == moving.plan.label and section_of(found.setting.key) == section
        ]
        yield LaneLine(
            track=moving.plan.placed.track,
            strip=moving.plan.label,
            what=setting_words(item.parameter, kind),
            course=course_words(item, table[item.parameter]),
            settings=len(own),
            is_written=any((setting.strip, setting.key) in written for setting in own),
        )


def _notes(
    preset: Preset, plan: Plan, courses: Sequence[DeskCourse], written: Sequence[Setting], moving: Sequence[Moving]
) -> Iterator[str]:
    played = {item.plan.placed.track for item in moving}
    owners = [(track.name, track.lanes) for track in preset.tracks] + [(bus.name, bus.lanes) for bus in preset.buses]
    owners.append(("master", preset.master_lanes))
    left = [name for name, lanes in owners if name not in played and not all(map(is_still, lanes))]
    if left:
        more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
        yield f"Without a strip here, lanes of these are not played: {', '.join(left[:_LISTED])}{more}."
    unwritten = len(courses) - len(written)
    if written and unwritten:
        yield (
            f"{plan.desk.title} writes {len(written)} of the {len(courses)} settings that move as automation: faders, "
            "pans, trims and mutes. The others move while this runs, and are not written."
        )
