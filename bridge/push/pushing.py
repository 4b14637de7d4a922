"""Push a preset to a desk: plan, keep what is there, set, prove. The entry points for programs are here.

    result = push_preset(preset, "x32://192.168.1.20")
    print(result.sentence)

What is shown to people is made in :mod:`.tables`; the command line is `push_commands.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ...presets.checking.arguments import checked_kind, shown_argument
from ...presets.errors import DeskError, Hint, PresetError
from ...presets.preset import Preset
from ..desks.loading import load_desk
from ..desks.profile import Desk, Setting
from ..osc.connection import Connection, connect
from ..osc.dialects.base import Missing
from ..osc.exchange import Cancel, Outcome, Progress, read, track_names
from ..osc.link import Target
from ..osc.locking import one_push_at_a_time
from . import snapshots
from .linking import Links, group_notes, read_links, require_agreement, with_partners, without_pans_of_pairs
from .mapping import Placement, place_tracks, shown
from .ordering import touched
from .plan import Plan, Row, StripPlan, level_notes, make_plan, trim_notes, unread_notes
from .scope import MASTER, Scope
from .snapshots import Kept, KeptStrip, Purpose, Snapshot
from .stages import run
from .standing import keeping, questions

RAMP_MS: Final = 500.0
Confirm = Callable[[Plan], bool]


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
    """

    scope: Scope = field(default_factory=Scope)
    assignments: tuple[str, ...] = ()
    by_order: bool = False
    ramp_ms: float = RAMP_MS
    snapshot: Path | None = None
    sample_rate_hz: int = 48000
    to_manual: bool = False
    script: int | None = None


@dataclass(frozen=True)
class Changed:
    """A desk that was changed: what became of each setting, where the former values are, what is manual now."""

    outcome: Outcome
    snapshot: Path | None
    manual: tuple[str, ...]


@dataclass(frozen=True)
class PushResult:
    """What a push did.

    Attributes:
        plan: what was to be done, and what stood before.
        outcome: what became of each setting; None if nothing was sent, because nobody wanted it.
        snapshot: file with what stood before; None if nothing was to be changed, or the desk does not tell.
        manual: controls whose automation was switched to manual, and is so still.
    """

    plan: Plan
    outcome: Outcome | None
    snapshot: Path | None = None
    manual: tuple[str, ...] = ()

    @property
    def is_verified(self) -> bool:
        """Whether every value is proven to stand."""
        return self.outcome is not None and self.outcome.complete

    @property
    def is_done(self) -> bool:
        """Whether every value stands, or was sent to a desk that cannot be asked."""
        states = {"confirmed", "same", "unverifiable"}
        outcome = self.outcome
        if outcome is None or outcome.cancelled or outcome.problem:
            return False
        return all(result.state in states for result in outcome.results)

    @property
    def is_whole(self) -> bool:
        """Whether it is done, and no track of the preset was left out that nobody wanted to leave out."""
        return self.is_done and (self.plan.is_limited or not self.plan.left_out)

    @property
    def sentence(self) -> str:
        """What came of it, in a sentence."""
        if self.outcome is None:
            return "nothing was sent"
        counts = [
            f"{len(results)} {state}"
            for state in ("confirmed", "same", "changed", "refused", "unconfirmed", "unverifiable", "unsent")
            if (results := self.outcome.of(state))
        ]
        account = f"{self.plan.desk.title} at {self.plan.where}: {', '.join(counts)}"
        left_out = "" if self.plan.is_limited else ", ".join(self.plan.left_out)
        parts = (account, left_out and f"left out: {left_out}", self.outcome.problem)
        return "; ".join(part for part in parts if part)


def push_preset(
    preset: Preset,
    target: Target | str,
    options: PushOptions | None = None,
    *,
    confirm: Confirm | None = None,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> PushResult:
    """Set a desk to a preset, with a way back, and prove it.

    Args:
        preset: the mix.
        target: which desk, e.g. "ardour://127.0.0.1:3819".
        options: how; None for faders and mutes left alone, tracks matched by name, levels gliding.
        confirm: shown the plan with what the desk has now; False ends it. None asks nobody.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it, and so does Ctrl-C.

    Raises:
        DeskError: the desk does not answer, nothing matches, or it cannot take the preset. Nothing was sent then.
        OutputError: the snapshot cannot be written. Nothing was sent then.
    """
    checked_kind(preset, Preset, "what is pushed", PresetError)
    options = PushOptions() if options is None else checked_kind(options, PushOptions, "options", DeskError)
    target = parsed(target)
    desk = load_desk(target.desk)
    with one_push_at_a_time(target, target.port or desk.transport.port), connect(target, desk) as connection:
        plan = _read_plan(preset, desk, connection, options, on_progress)
        require_plugins(plan, connection)
        if not options.to_manual:
            connection.dialect.require_settable(connection.link, [row.setting for row in plan.changes])
        if confirm is not None:
            if not confirm(plan):
                return PushResult(plan, None)
            # What the desk has may have changed while somebody was thinking.
            plan = plan.with_state(read(connection, [row.setting for row in plan.rows]))
        done = change(
            connection,
            plan.rows,
            lambda rows: snapshot_of(plan.desk, target, plan.strips, rows, "push", preset.name),
            options,
            on_progress=on_progress,
            cancel=cancel,
        )
        return PushResult(plan, done.outcome, done.snapshot, done.manual)


def plan_push(
    preset: Preset,
    target: Target | str,
    options: PushOptions | None = None,
    *,
    offline: bool = False,
    on_progress: Progress | None = None,
) -> Plan:
    """What a push would do; nothing is changed.

    Args:
        preset: the mix.
        target: which desk.
        options: how.
        offline: the desk is not there; tracks that are not told take its strips in order.
        on_progress: called with the share done, 0..1, and what is being done.

    Raises:
        DeskError: as in :func:`push_preset`.
    """
    checked_kind(preset, Preset, "what is pushed", PresetError)
    options = PushOptions() if options is None else checked_kind(options, PushOptions, "options", DeskError)
    target = parsed(target)
    desk = load_desk(target.desk)
    if offline:
        plan = _fitted_plan(preset, desk, _where(target, desk), {}, replace(options, by_order=True), Links())
        return plan.with_notes("The desk was not asked: what it has now, and the names of its strips, are not known.")
    with connect(target, desk) as connection:
        return _read_plan(preset, desk, connection, options, on_progress)


def change(
    connection: Connection,
    rows: Sequence[Row],
    snapshot: Callable[[Sequence[Row]], Snapshot],
    options: PushOptions,
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Changed:
    """Keep what stands, then set what shall stand; for pushes and for taking them back.

    Args:
        connection: to the desk.
        rows: all settings, with what the desk has now.
        snapshot: makes one of rows.
        options: how.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams.
    """
    kept = [row for row in touched(rows) if row.now is not None]
    path = snapshots.save(snapshot(kept), options.snapshot) if kept else None
    changing = [row.setting for row in rows if row.changes]
    manual = connection.dialect.before_push(connection.link, changing, to_manual=options.to_manual)
    try:
        outcome = run(connection, rows, options.ramp_ms, on_progress=on_progress, cancel=cancel)
    finally:
        connection.dialect.after_push(connection.link)
    return Changed(outcome, path, manual)


def snapshot_of(
    desk: Desk,
    target: Target,
    strips: Iterable[StripPlan],
    rows: Sequence[Row],
    purpose: Purpose,
    preset: str = "",
    undoes: str | None = None,
) -> Snapshot:
    """A snapshot of what rows have now."""
    kept: list[KeptStrip] = []
    for strip in strips:
        own = {id(row.setting) for row in strip.rows}
        values = [
            Kept(key=row.setting.key, wire=row.now) for row in rows if id(row.setting) in own and row.now is not None
        ]
        if values:
            placed = strip.placed
            kept.append(
                KeptStrip(
                    kind="master" if placed.kind == MASTER else "track",
                    number=placed.number,
                    label=strip.label,
                    name=placed.name[:256],
                    values=tuple(values),
                )
            )
    return Snapshot(
        created=snapshots.now(),
        purpose=purpose,
        undoes=undoes,
        preset=preset[:300],
        desk=snapshots.profile_name(target),
        host=target.host,
        port=target.port or desk.transport.port,
        strips=tuple(kept),
        unread=sum(row.now is None for row in rows),
    )


def parsed(target: Target | str) -> Target:
    """A target, from what was typed if need be."""
    if isinstance(target, Target):
        return target
    if not isinstance(target, str):
        raise DeskError(f"a desk is named by an address like x32://192.168.1.20, not {shown_argument(target)}.")
    return Target.parse(target)


def strip_names(connection: Connection, desk: Desk) -> dict[int, str]:
    """The names of a desk's tracks, fit to be shown.

    Raises:
        DeskError: the desk does not answer.
    """
    return {number: shown(name) for number, name in track_names(connection, desk).items()}


def require_plugins(plan: Plan, connection: Connection) -> None:
    """Refuses a push that lacks plug-ins.

    Raises:
        DeskError: names the strips and what to do.
    """
    missing = [
        Missing(strip.placed.number, strip.placed.name or strip.placed.track, strip.missing)
        for strip in plan.strips
        if strip.missing
    ]
    if missing:
        advice = connection.dialect.advice(missing)
        raise DeskError(advice, hints=(Hint("insert_plugins", "ROW"),))


def _read_plan(
    preset: Preset, desk: Desk, connection: Connection, options: PushOptions, on_progress: Progress | None
) -> Plan:
    names = strip_names(connection, desk)
    links = read_links(connection, desk)
    plan = _fitted_plan(preset, desk, connection.where, names, options, links)
    plan = _without_missing(connection, plan, options.script)
    require_agreement(plan, links)
    plan = with_partners(without_pans_of_pairs(plan, links), links, names)
    if plan.is_blind:
        return plan.with_notes(
            f"{desk.title} cannot be asked: what is sent is not verified, cannot be undone, and levels jump."
        )
    settings = [row.setting for row in plan.rows]
    trims = _trims(plan) if options.scope.holds("compressor.on") and not options.scope.holds("trim_db") else {}
    asked = [question for question in questions(plan) if not connection.dialect.lacks(question)]
    answers = read(connection, [*settings, *trims, *asked], on_progress=on_progress)
    plan = keeping(plan, preset, {question: answers[question] for question in asked}, options.sample_rate_hz)
    plan = plan.with_state(answers)
    trims_db = {label: _level_db(at, wire) for at, label in trims.items() if (wire := answers[at]) is not None}
    return plan.with_notes(
        *trim_notes(plan, trims_db),
        *group_notes(connection, plan),
        *unread_notes(plan),
        *level_notes(plan, options.ramp_ms),
    )


def _without_missing(connection: Connection, plan: Plan, script: int | None) -> Plan:
    """The plan without what no plug-in can take; the strips say which they lack."""
    dialect = connection.dialect
    if script is not None and any(dialect.lacks(row.setting) for row in plan.rows):
        dialect.insert_missing(connection.link, script)
    return plan.without(dialect.lacks)


def _fitted_plan(
    preset: Preset, desk: Desk, where: str, names: Mapping[int, str], options: PushOptions, links: Links
) -> Plan:
    return make_plan(
        preset,
        desk,
        where,
        _placement(preset, desk, names, options, links),
        options.scope,
        sample_rate_hz=options.sample_rate_hz,
    )


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


def _where(target: Target, desk: Desk) -> str:
    return f"{target.host}:{target.port or desk.transport.port}"
