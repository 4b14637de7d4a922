"""Put back what a desk had before a push, and prove it; what is taken back is kept, so that it can be had again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ...presets.errors import DeskError, Hint
from ..desks.loading import load_desk
from ..desks.profile import Desk, Setting
from ..fitting.strip import FittedStrip
from ..osc.connection import Connection, connect
from ..osc.exchange import Cancel, Progress, read
from ..osc.link import Target
from ..osc.locking import one_push_at_a_time
from .linking import read_links, with_partners
from .mapping import How, Placed, strip_names
from .plan import Plan, Row, StripPlan, kept_row
from .pushing import RAMP_MS, PushOptions, PushResult, change, snapshot_of
from .scope import TRACK
from .snapshots import Kept, KeptStrip, Purpose, Snapshot, Stored

_UNFITTED: Final = FittedStrip({}, None, None, (), ())


@dataclass(frozen=True)
class UndoOptions:
    """How a snapshot is put back.

    Attributes:
        target: another address of the desk; None for that of the snapshot.
        ramp_ms: how long levels take.
        to_manual: switch controls that are under automation to manual (Ardour).
        by_number: put values back on strips whose names have changed since.
        snapshot: file for what is taken back; None for one in the state folder.
    """

    target: Target | None = None
    ramp_ms: float = RAMP_MS
    to_manual: bool = False
    by_number: bool = False
    snapshot: Path | None = None


def undo(
    stored: Stored,
    options: UndoOptions | None = None,
    *,
    confirm: Callable[[Plan], bool] | None = None,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> PushResult:
    """Put a snapshot back.

    Args:
        stored: the snapshot.
        options: how.
        confirm: shown what would change; False ends it. None asks nobody.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it, and so does Ctrl-C.

    Raises:
        DeskError: the desk does not answer, or is another one than it was.
        OutputError: what is taken back cannot be kept. Nothing was sent then.
    """
    options = options or UndoOptions()
    kept = stored.snapshot
    target = options.target or kept.target
    desk = kept.on(load_desk(target.desk))
    push_options = PushOptions(ramp_ms=options.ramp_ms, to_manual=options.to_manual, snapshot=options.snapshot)
    with one_push_at_a_time(target, target.port or desk.transport.port), connect(target, desk) as connection:
        plan = _plan(kept, desk, connection, by_number=options.by_number)
        plan = plan.with_state(read(connection, [row.setting for row in plan.rows], on_progress=on_progress))
        if not options.to_manual:
            connection.dialect.require_settable(connection.link, [row.setting for row in plan.changes])
        if confirm is not None and not confirm(plan):
            return PushResult(plan, None)
        if confirm is not None:  # what the desk has may have changed while somebody was thinking
            plan = plan.with_state(read(connection, [row.setting for row in plan.rows]))
        # What takes back a restored file is an undo like that of a push.
        purpose: Purpose = "redo" if kept.purpose == "undo" else "push" if kept.purpose == "desk" else "undo"
        undone = None if kept.purpose == "desk" else stored.path.name
        done = change(
            connection,
            plan.rows,
            lambda rows: snapshot_of(desk, target, plan.strips, rows, purpose, kept.preset or stored.path.name, undone),
            push_options,
            on_progress=on_progress,
            cancel=cancel,
        )
        return PushResult(plan, done.outcome, done.snapshot, done.manual)


def plan_undo(stored: Stored, options: UndoOptions | None = None) -> Plan:
    """What an undo would do; nothing is changed.

    Raises:
        DeskError: as in :func:`undo`.
    """
    plans: list[Plan] = []

    def look(plan: Plan) -> bool:
        plans.append(plan)
        return False

    return undo(stored, options, confirm=look).plan


def _plan(kept: Snapshot, desk: Desk, connection: Connection, *, by_number: bool) -> Plan:
    names = strip_names(connection, desk)
    if not by_number:
        _require_same_names(kept, names, desk)
    strips = tuple(
        _strip(strip, desk, names.get(strip.number, strip.name) if strip.kind == TRACK else strip.name)
        for strip in kept.strips
    )
    notes: tuple[str, ...] = ()
    if kept.unread:
        notes = (f"The desk had not told {kept.unread} values when they were changed: they stay as they are.",)
    plan = Plan(desk, connection.where, strips, notes=notes)
    return with_partners(plan, read_links(connection, desk), names)


def _strip(kept: KeptStrip, desk: Desk, name: str) -> StripPlan:
    settings = {setting.key: setting for setting in desk.questions(kept.kind, kept.number)}
    rest = {setting.key: setting for setting in (desk.rest(kept.kind) if kept.kind in desk.effects else ())}
    table = desk.parameters(kept.kind)
    rows = tuple(
        Row(setting, is_fixed=setting.key in table and table[setting.key].constant is not None)
        for setting in (
            kept_row(rest[value.key], value.wire).setting
            if value.key in rest
            else _restored(settings, value, desk, kept)
            for value in kept.values
        )
    )
    hows: dict[str, How] = {"master": "master", "reverb": "effect", "delay": "effect"}
    placed = Placed(kept.name or kept.label, kept.kind, kept.number, name, hows.get(kept.kind, "as told"))
    return StripPlan(placed, desk.label(kept.kind, kept.number), _UNFITTED, rows)


def _restored(settings: dict[str, Setting], kept: Kept, desk: Desk, strip: KeptStrip) -> Setting:
    setting = settings.get(kept.key)
    types: dict[str, type] = {"f": float, "i": int, "s": str}
    if setting is None or type(kept.wire) is not types[setting.type]:
        raise DeskError(
            f"{strip.label}, {kept.key}: the profile of {desk.title} has changed since this snapshot was made, so "
            "that it cannot be put back. Use the profile of then."
        )
    return replace(setting, value=kept.wire)


def _require_same_names(kept: Snapshot, names: dict[int, str], desk: Desk) -> None:
    """A session whose strips were moved since would get the values in the wrong places."""
    for strip in kept.strips:
        renamed = any(value.key == "name" for value in strip.values)
        if strip.kind == "track" and strip.name and names and not renamed and names.get(strip.number) != strip.name:
            now = names.get(strip.number)
            raise DeskError(
                f"{desk.label('track', strip.number)} was {strip.name!r} when it was changed and is "
                f"{'gone' if now is None else repr(now)} now. Put the strips back in order, or restore by "
                "number, whatever the strips are called.",
                hints=(Hint("by_number"),),
            )
