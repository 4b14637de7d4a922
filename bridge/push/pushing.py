"""Push a preset to a desk: plan, keep what is there, set, prove. The entry points for programs are here.

    result = push_preset(preset, "x32://192.168.1.20")
    print(result.sentence)

What is shown to people is made in :mod:`.tables`; the command line is `push_commands.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...presets.checking.arguments import checked_kind, shown_argument
from ...presets.errors import DeskError, Hint, PresetError
from ...presets.preset import Preset
from ..desks.loading import load_desk
from ..desks.profile import Desk
from ..osc.connection import Connection, connect
from ..osc.dialects.base import Missing
from ..osc.exchange import Cancel, Outcome, Progress, read
from ..osc.link import Target
from ..osc.locking import one_push_at_a_time
from . import snapshots
from .linking import Links
from .ordering import touched
from .plan import Plan, Row, StripPlan
from .routing.effects import untold_rack
from .routing.planning import RAMP_MS, PushOptions, Told, fitted_plan, read_plan
from .routing.plugged import with_plugins
from .snapshots import Kept, KeptStrip, Purpose, Snapshot
from .stages import run

__all__ = [
    "RAMP_MS",
    "Changed",
    "PushOptions",
    "PushResult",
    "change",
    "parsed",
    "plan_push",
    "push_preset",
    "require_plugins",
    "snapshot_of",
]

Confirm = Callable[[Plan], bool]


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
    desk = with_plugins(load_desk(target.desk), preset, options.plugins)
    with one_push_at_a_time(target, target.port or desk.transport.port), connect(target, desk) as connection:
        plan = read_plan(preset, desk, connection, options, on_progress)
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
    desk = with_plugins(load_desk(target.desk), preset, options.plugins)
    if offline:
        known = Told({}, {}, Links(), untold_rack(desk))
        plan = fitted_plan(preset, desk, _where(target, desk), known, replace(options, by_order=True))
        return plan.with_notes("The desk was not asked: what it has now, and the names of its strips, are not known.")
    with connect(target, desk) as connection:
        return read_plan(preset, desk, connection, options, on_progress)


def change(
    connection: Connection,
    rows: Sequence[Row],
    snapshot: Callable[[Sequence[Row]], Snapshot],
    options: PushOptions,
    *,
    also: Sequence[Row] = (),
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Changed:
    """Keep what stands, then set what shall stand; for pushes and for taking them back.

    Args:
        connection: to the desk.
        rows: all settings, with what the desk has now.
        snapshot: makes one of rows.
        options: how.
        also: rows of these that are kept though they stand already: they will be moved later.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams.
    """
    later = set(map(id, also)) | set(map(id, touched(rows)))
    kept = [row for row in rows if id(row) in later and row.now is not None]
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
                KeptStrip.model_validate(
                    {
                        "kind": placed.kind,
                        "number": placed.number,
                        "label": strip.label,
                        "name": placed.name[:256],
                        "values": tuple(values),
                    }
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
        effects=snapshots.kept_effects(desk),
        plugins=desk.plugged,
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


def require_plugins(plan: Plan, connection: Connection) -> None:
    """Refuses a push that lacks plug-ins, where their desk does not go without.

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
        if advice:
            raise DeskError(advice, hints=(Hint("insert_plugins", "ROW"),))


def _where(target: Target, desk: Desk) -> str:
    return f"{target.host}:{target.port or desk.transport.port}"
