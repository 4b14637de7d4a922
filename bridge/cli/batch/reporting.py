"""What `batch` says, to people and to machines: the plan, what was done, and how far a batch is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ....runtime.broken_off import told_where_broken_off
from ..output.saying import console, echo_json, say

if TYPE_CHECKING:
    from ....runtime.batch.driver import FinishedBatch
    from ....runtime.batch.items import BatchItem, ItemEvent
    from ....runtime.batch.ledger import LedgerEntry
    from ....runtime.batch.manifest import Listed
    from ...batch.outputs import BatchOutput
    from ..options import Trying

_LISTED = 20
_WIDEST_NAME = 36


def say_left_out(left_out: Sequence[str]) -> None:
    """List what of a folder is no session, on standard error."""
    for item in left_out[:_LISTED]:
        say(f"Left out: {item}", err=True)
    if len(left_out) > _LISTED:
        say(f"Left out: {len(left_out) - _LISTED} more; --json lists all", err=True)


def say_batch(done: FinishedBatch, output: BatchOutput, saying: Trying, left_out: Sequence[str]) -> None:
    """Say what a batch did."""
    from ....runtime.batch.driver import state_of
    from ...batch.page import PAGE

    if saying.as_json:
        echo_json(
            {
                "output": str(output),
                "page": output.within(PAGE),
                "seconds": round(done.seconds, 2),
                **_counts([state_of(event) for event in done.results]),
                "not_begun": done.unfinished,
                "left_out": list(left_out),
                "items": [_event_as_json(event, output) for event in done.results],
            }
        )
        return
    for event in done.failed:
        say(f"Set aside: {event.item.name}: {_error(event)}", err=True)
    if saying.is_quiet:
        return
    counts = Counter(state_of(event) for event in done.results)
    words = [_said(counts)]
    if done.unfinished:
        words.append(f"{done.unfinished} not begun, since too many failed")
    say(f"{'; '.join(words)}; {done.seconds:.1f} s")
    say(f"  {output.within(PAGE)}")


def say_event(event: ItemEvent, output: BatchOutput, saying: Trying) -> None:
    """Say that an item is begun or done: a line for people, a line of JSON for programs."""
    from ....runtime.batch.driver import state_of

    if saying.as_json:
        echo_json(_event_as_json(event, output), in_a_line=True)
    elif _error(event):
        say(f"Set aside: {event.item.name}: {_error(event)}", err=True)
    elif not saying.is_quiet:
        words = {"begun": "mixing", "rendered": f"mixed in {event.seconds:.1f} s", "kept": "done already"}
        say(f"{event.item.name}: {words[state_of(event)]}")


def _said(counts: Counter[str]) -> str:
    parts = [f"{counts['rendered']} mixed"]
    if counts["kept"]:
        parts.append(f"{counts['kept']} done already")
    if counts["failed"]:
        parts.append(f"{counts['failed']} set aside")
    return ", ".join(parts)


def stopped(output: BatchOutput, *, quiet: bool) -> AbstractContextManager[None]:
    """Say how to go on, where a batch is broken off."""

    def tell() -> None:
        if not quiet:
            say(f"What was done stays in {output}; the same command goes on from there.", err=True)

    return told_where_broken_off(tell)


def say_plan(listed: Listed, output: BatchOutput, *, force: bool, as_json: bool) -> None:
    """Say what a batch would do with each item: mix it, mix it again, skip it, or set it aside."""
    plans = [_planned(item, output, force=force) for item in listed.items]
    if as_json:
        echo_json({"output": str(output), "items": plans, "left_out": list(listed.left_out), "dry_run": True})
        return
    _table(("session", "would be", ""), [(plan["item"], plan["plan"], plan.get("error", "")) for plan in plans])
    counts = Counter(plan["plan"] for plan in plans)
    say(", ".join(f"{number} would be {plan}" for plan, number in counts.items()))


def _planned(item: BatchItem, output: BatchOutput, *, force: bool) -> dict[str, Any]:
    from ....presets.errors import MixbridgeError
    from ...batch.addresses import has_addresses
    from ...batch.work import PreparedItem, standing

    plan: dict[str, Any] = {"item": item.name, "session": item.session, "output": output.within(item.name)}
    if has_addresses(item):
        return {**plan, "plan": "fetched, and mixed if it is not done"}
    try:
        prepared = PreparedItem(item)
    except (MixbridgeError, OSError) as error:
        return {**plan, "plan": "set aside", "error": str(error)}
    is_done, is_there = standing(output, prepared)
    what = "skipped" if is_done and not force else "mixed again" if is_there else "mixed"
    return {**plan, "plan": what, "key": prepared.key}


def say_status(output: BatchOutput, *, as_json: bool) -> None:
    """Say how far a batch is, from its ledger.

    Raises:
        OutputError: there is none.
    """
    from ...batch.outputs import status_at

    status = status_at(output)
    states = [_state(entry, running=status.running) for entry in status.entries.values()]
    if as_json:
        echo_json(
            {
                "output": str(output),
                "running": status.running,
                "started": status.started,
                "ended": status.ended or None,
                "total": status.total,
                **_counts(states),
                "items": [
                    _entry_as_json(entry, state) for entry, state in zip(status.entries.values(), states, strict=True)
                ],
            }
        )
        return
    rows = [
        (entry.name, state, f"{entry.seconds:.1f} s" if entry.seconds else "", entry.error)
        for entry, state in zip(status.entries.values(), states, strict=True)
        if state != "kept"
    ]
    _table(("session", "state", "took", ""), rows[-_LISTED:])
    done = sum(state in ("rendered", "kept", "failed") for state in states)
    how = "at work" if status.running else status.ended or "broken off: run the same command again to go on"
    if status.running is None:
        how = f"broken off, or at work on another machine; the last is of {status.latest}"
    say(f"{done} of {max(status.total, len(states))}: {_said(Counter(states))}; {how}")


def _state(entry: LedgerEntry, *, running: bool | None) -> str:
    if entry.state != "begun":
        return entry.state
    return "begun" if running is None else "at work" if running else "broken off"


def _entry_as_json(entry: LedgerEntry, state: str) -> dict[str, Any]:
    return {
        "item": entry.name,
        "session": entry.session,
        "state": state,
        "seconds": entry.seconds,
        "time": entry.time,
        "error": entry.error or None,
        **entry.figures,
    }


def _event_as_json(event: ItemEvent, output: BatchOutput) -> dict[str, Any]:
    from ....runtime.batch.driver import state_of
    from ....runtime.batch.items import ItemOutcome

    data: dict[str, Any] = {
        "item": event.item.name,
        "session": event.item.session,
        "state": state_of(event),
        "seconds": round(event.seconds, 2),
        "error": _error(event) or None,
    }
    if isinstance(event.result, ItemOutcome):
        figures = event.result.figures
        data |= {"key": event.result.key, "output": output.within(event.item.name), **figures}
        data["mix"] = output.within(f"{event.item.name}/{figures['mix']}") if "mix" in figures else None
    return data


def _error(event: ItemEvent) -> str:
    from ....runtime.batch.items import Failure

    return event.result.message if isinstance(event.result, Failure) else ""


def _counts(states: Sequence[str]) -> dict[str, int]:
    return {state: states.count(state) for state in ("rendered", "kept", "failed")}


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold" if place else "ellipsis", max_width=None if place else _WIDEST_NAME)
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)
