"""How a plan is made: what a desk tells before it, where tracks, groups and effects go, and what its user should know.

Nothing is set here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ....presets.preset import Preset
from ...desks.layout import EFFECTS
from ...desks.profile import Desk, Setting
from ...fitting.preset import uses
from ...osc.connection import Connection
from ...osc.exchange import Progress, read
from ..linking import Links, group_notes, read_links, require_agreement, with_partners, without_pans_of_pairs
from ..mapping import Placement, place_tracks, strip_names
from ..plan import Plan, StripPlan, kept_row, make_plan
from ..plan_notes import idle_notes, level_notes, link_notes, trim_notes, unread_notes
from ..scope import BUS, TRACK, Scope
from ..standing import keeping, questions
from .effects import ChosenEffects, Rack, bus_notes, choose_effects, read_rack
from .groups import GroupPlacement, bus_names, group_routing_notes, place_groups, split_assignments
from .plugged import PushedPlugins, resting, with_plugged_rows

RAMP_MS: Final = 500.0


@dataclass(frozen=True)
class PushOptions:
    """How a preset is pushed.

    Attributes:
        scope: what may be touched.
        assignments: where tracks go, "Lead Vox=ch/05"; the others are matched by name.
        by_order: tracks that no name matches take the strips that are free, in order.
        ramp_ms: how long levels take; 0 sets them at once.
        snapshot: file for what stood before; None for one in the state folder.
        sample_rate_hz: of the desk.
        to_manual: switch controls that are under automation to manual (Ardour).
        script: row of Ardour's Script Manager with the script that inserts missing plug-ins; None inserts nothing.
        slots: effect slots as the user says, by kind ("reverb": "1"); what is in them may be replaced.
        plugins: of the user's, which take the place of the desk's own EQ and compressor.
    """

    scope: Scope = field(default_factory=Scope)
    assignments: tuple[str, ...] = ()
    by_order: bool = False
    ramp_ms: float = RAMP_MS
    snapshot: Path | None = None
    sample_rate_hz: int = 48000
    to_manual: bool = False
    script: int | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    plugins: PushedPlugins = field(default_factory=PushedPlugins)


@dataclass(frozen=True)
class Told:
    """What a desk told before a plan is made.

    Attributes:
        names: of its strips, by number.
        buses: names of its buses.
        links: which strips are linked.
        rack: what is in its effect slots.
    """

    names: Mapping[int, str]
    buses: Mapping[int, str]
    links: Links
    rack: Rack


def _ask(connection: Connection, desk: Desk, preset: Preset, options: PushOptions) -> Told:
    return Told(
        names=strip_names(connection, desk),
        buses=bus_names(connection, desk) if preset.buses else {},
        links=read_links(connection, desk),
        rack=read_rack(connection, desk) if options.slots or options.scope.needs_effects else Rack(),
    )


def read_plan(
    preset: Preset, desk: Desk, connection: Connection, options: PushOptions, on_progress: Progress | None
) -> Plan:
    """Ask a desk for what it has, and make a plan of it.

    Args:
        preset: the mix.
        desk: the profile.
        connection: to the desk.
        options: how to push.
        on_progress: called with the share done, 0..1, and what is being done.

    Raises:
        DeskError: the desk does not answer, nothing matches, or it cannot take the preset.
    """
    known = _ask(connection, desk, preset, options)
    plan = fitted_plan(preset, desk, connection.where, known, options)
    plan = _without_missing(connection, plan, options.script)
    require_agreement(plan, known.links)
    plan = with_partners(without_pans_of_pairs(plan, known.links), known.links, known.names)
    if plan.is_blind:
        return plan.with_notes(
            f"{desk.title} cannot be asked: what is sent is not verified, cannot be undone, and levels jump."
        )
    settings = [row.setting for row in plan.rows]
    trims = _trims(plan) if options.scope.holds("compressor.on") and not options.scope.holds("trim_db") else {}
    asked = [question for question in questions(plan) if not connection.dialect.lacks(question)]
    answers = read(connection, [*settings, *trims, *asked], on_progress=on_progress)
    there = {question: answers[question] for question in asked}
    plan = keeping(plan, resting(preset, options.plugins), there, options.sample_rate_hz).with_state(answers)
    plan = _with_rest(connection, plan)
    trims_db = {label: _level_db(at, wire) for at, label in trims.items() if (wire := answers[at]) is not None}
    return plan.with_notes(
        *trim_notes(plan, trims_db),
        *idle_notes(plan, there),
        *group_notes(connection, plan),
        *routing_notes(connection, plan, preset),
        *link_notes(plan, preset, known.links),
        *bus_notes(connection, plan.desk),
        *unread_notes(plan),
        *level_notes(plan, options.ramp_ms),
    )


def _with_rest(connection: Connection, plan: Plan) -> Plan:
    """The plan with all that goes with an effect that is replaced, so that it can be put back."""
    return replace(plan, strips=tuple(_whole(connection, plan.desk, strip) for strip in plan.strips))


def _whole(connection: Connection, desk: Desk, strip: StripPlan) -> StripPlan:
    if strip.placed.kind not in EFFECTS or not any(row.replaces for row in strip.rows):
        return strip
    own = {row.setting.address for row in strip.rows}
    answers = read(connection, [setting for setting in desk.rest(strip.placed.kind) if setting.address not in own])
    rows = (kept_row(setting, wire) for setting, wire in answers.items() if wire is not None)
    return replace(strip, rows=(*strip.rows, *rows))


def routing_notes(connection: Connection, plan: Plan, preset: Preset) -> list[str]:
    """Tell which tracks do not go through the bus of their group.

    Raises:
        DeskError: the desk does not answer.
    """
    placed = [strip.placed for strip in plan.strips]
    tracks = [item for item in placed if item.kind == TRACK and item.how != "linked"]
    return group_routing_notes(connection, plan.desk, preset, tracks, [item for item in placed if item.kind == BUS])


def _without_missing(connection: Connection, plan: Plan, script: int | None) -> Plan:
    """The plan without what no plug-in can take; the strips say which they lack."""
    dialect = connection.dialect
    if script is not None and any(dialect.lacks(row.setting) for row in plan.rows):
        dialect.insert_missing(connection.link, script)
    return plan.without(dialect.lacks)


def fitted_plan(preset: Preset, desk: Desk, where: str, known: Told, options: PushOptions) -> Plan:
    """Make a plan of a preset and what a desk told, without what it has now.

    Raises:
        DeskError: nothing matches, or the desk cannot take the preset.
    """
    groups = [bus.name for bus in preset.buses]
    of_tracks, of_groups = split_assignments(options.assignments, groups, [track.name for track in preset.tracks])
    options = replace(options, assignments=of_tracks)
    placement = _placement(preset, desk, known.names, options, known.links)
    placed = GroupPlacement((), tuple(groups))
    if options.scope.strips is None or of_groups:
        placed = place_groups(groups, desk, known.buses, of_groups)
    chosen = ChosenEffects()
    if options.slots or options.scope.needs_effects:
        tracks = [track for track in preset.tracks if track.name in placement.assignment]
        kinds = [kind for kind in EFFECTS if uses(preset, tracks, kind)]
        chosen = choose_effects(desk, known.rack, {k: v for k, v in options.slots.items() if k in kinds}, kinds)
    desk = desk.with_effects(chosen.effects.values())
    plan = make_plan(
        resting(preset, options.plugins),
        desk,
        where,
        placement,
        options.scope,
        sample_rate_hz=options.sample_rate_hz,
        groups=placed.placed,
    )
    return with_plugged_rows(plan, preset, options.scope, options.plugins).with_notes(*chosen.notes)


def _placement(preset: Preset, desk: Desk, names: Mapping[int, str], options: PushOptions, links: Links) -> Placement:
    strips = options.scope.strips
    if strips is not None and strips.master and not strips.numbers and not options.assignments:
        return Placement((), ())  # the master alone
    tracks = [track.name for track in preset.tracks]
    return place_tracks(
        tracks,
        desk,
        names,
        assignments=options.assignments,
        strips=strips,
        by_order=options.by_order,
        seconds=frozenset(number + 1 for number in links.firsts),
    )


def _trims(plan: Plan) -> dict[Setting, str]:
    """The trims of the strips whose thresholds are set, with what the strips are called."""
    return {
        plan.desk.settings(strip.placed.kind, strip.placed.number, {"trim_db": 0.0})[0]: strip.label
        for strip in plan.strips
        if plan.desk.scale(strip.placed.kind, "trim_db") is not None
    }


def _level_db(setting: Setting, wire: object) -> float:
    value = setting.scale.decode(wire) if isinstance(wire, int | float | str) else 0.0
    return float(value)
