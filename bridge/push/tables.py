"""A push as people see it: how tracks were matched, what the desk can follow, what changes, and what came of it.

These make rich's tables and lines of text; printing them is the command line's. Numbers of a plan for machines are
made here as well, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...presets.escaping import escaped
from ...presets.units import quantity
from ..desks.keys import label_of, row_of
from ..osc.exchange import Outcome, Result, State
from .mapping import shown
from .plan import Plan, Row, StripPlan
from .pushing import PushResult
from .scope import MASTER
from .snapshots import Stored

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_SWITCHES: Final = ("mute", "on", "auto_time", "sidechain")
_STATES: Final[tuple[State, ...]] = ("confirmed", "same", "changed", "refused", "unconfirmed", "unverifiable", "unsent")
_STYLES: Final[dict[State, str]] = {
    "confirmed": "green",
    "changed": "bold red",
    "refused": "bold red",
    "unconfirmed": "bold red",
}
# Above these the ear may notice.
_MEAN_DB, _LARGEST_DB = 0.5, 3.0
_FINE = "dim"


def plan_table(plan: Plan, title: str = "") -> Table:
    """Strips with how they were matched, how near the desk comes to the preset, and how much changes.

    What is out of range stands in :func:`summary_lines`: at 80 columns a table has no room for it.

    Args:
        plan: of the push.
        title: above it; else the desk and its address.
    """
    table = _table(title or f"{plan.desk.title} at {plan.where}")
    table.add_column("track", overflow="ellipsis")
    table.add_column("strip", no_wrap=True)
    table.add_column("matched", no_wrap=True)
    # These break at their spaces where the terminal is narrow; else the names of the tracks would have to.
    table.add_column("EQ error", justify="right")
    table.add_column("comp. error", justify="right")
    table.add_column("level", justify="right", no_wrap=True)
    table.add_column("changes", justify="right", no_wrap=True)
    for strip in plan.strips:
        if strip.placed.track == MASTER and len(plan.strips) > 1:
            table.add_section()
        table.add_row(
            _text(strip.placed.track),
            _text(_strip_words(strip)),
            _text(strip.placed.how, _FINE),
            _eq_cell(strip),
            _compressor_cell(strip),
            _text(_level_cell(strip, is_read=plan.is_read)),
            _text(f"{len(strip.changes)} of {len(strip.rows)}" if plan.is_read else str(len(strip.rows))),
        )
    return table


def summary_lines(plan: Plan, *, with_notes: bool = True) -> list[str]:
    """What a push cannot do as the preset says, a sentence each: out of range, lost, left out; then notes."""
    clamped = (
        f"{strip.placed.track}: out of range, {words}." for strip in plan.strips for words in _clamp_words(strip)
    )
    return [*merged(dict.fromkeys(clamped)), *_lost_lines(plan), *(plan.notes if with_notes else ())]


def _lost_lines(plan: Plan) -> list[str]:
    lines = [f"{strip.placed.track}: {sentence}" for strip in plan.strips for sentence in strip.fitted.lost]
    for strip in plan.strips:
        if strip.missing:
            lines.append(f"{strip.placed.track}: {strip.label} lacks {' and '.join(strip.missing)}{_left_out(strip)}.")
    if plan.left_out:
        why = "Not among the chosen strips" if plan.is_limited else "Without a strip on the desk"
        lines.append(f"{why}, and left out: {', '.join(plan.left_out)}.")
    return merged(dict.fromkeys(lines))


def _left_out(strip: StripPlan) -> str:
    if not strip.losses:
        return ""
    *more, last = strip.losses
    return f", which leaves out {', '.join(more)}{' and ' if more else ''}{last}"


def diff_table(plan: Plan) -> Table:
    """Each setting that changes, as it is and as it will be."""
    table = _table("")
    table.add_column("strip", no_wrap=True)
    table.add_column("setting", no_wrap=True)
    table.add_column("now", justify="right")
    table.add_column("then", justify="right")
    for strip in plan.strips:
        for row in strip.changes:
            now, then = row_words(row)
            table.add_row(_text(_strip_words(strip)), row.setting.key, _text(now), _text(then))
        table.add_section()
    return table


def result_table(result: PushResult) -> Table:
    """How many settings of each strip came to what."""
    outcome = result.outcome
    by_strip: dict[str, list[Result]] = {}
    for item in outcome.results if outcome else ():
        by_strip.setdefault(item.setting.strip, []).append(item)
    present = [state for state in _STATES if outcome and outcome.of(state)]
    table = _table("")
    table.add_column("strip", no_wrap=True)
    table.add_column("track", overflow="ellipsis")
    for state in present:
        table.add_column(state, justify="right", style=_STYLES.get(state), no_wrap=True)
    for strip in result.plan.strips:
        results = by_strip.get(strip.rows[0].setting.strip, []) if strip.rows else []
        counts = (sum(item.state == state for item in results) for state in present)
        table.add_row(strip.label, _text(strip.placed.track), *(str(count) if count else "" for count in counts))
    return table


def problem_lines(result: PushResult, most: int = 24) -> list[str]:
    """The settings that are not proven, each with what the desk has instead."""
    if result.outcome is None:
        return []
    labels = {row.setting: strip.label for strip in result.plan.strips for row in strip.rows}
    bad = result.outcome.of("changed", "refused", "unconfirmed", "unsent")
    lines = []
    for item in bad[:most]:
        wanted, actual = row_words(Row(item.setting, item.found))[::-1]
        has = f"the desk has {actual}" if item.found is not None else "the desk did not say"
        lines.append(f"{item.state}: {labels[item.setting]} {item.setting.key} {wanted}; {has}")
    if len(bad) > most:
        lines.append(f"and {len(bad) - most} more (--json has all)")
    return lines


def snapshots_table(stored: Sequence[Stored]) -> Table:
    """Snapshots, the newest first."""
    table = _table("")
    table.add_column("snapshot", overflow="fold")
    table.add_column("before", no_wrap=True)
    table.add_column("preset", overflow="fold")
    table.add_column("desk", overflow="fold")
    table.add_column("values", justify="right")
    table.add_column("undone")
    used = {item.snapshot.undoes for item in stored}
    for item in stored:
        shot = item.snapshot
        where = f"{shot.desk}://{shot.host}" + (f":{shot.port}" if shot.port else "")
        undone = "yes" if item.path.name in used else ""
        table.add_row(item.path.name, shot.purpose, _text(shot.preset), _text(where), str(shot.size), undone)
    return table


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan for machines; what is not known is null."""
    return {
        "desk": plan.desk.name,
        "where": plan.where,
        "is_read": plan.is_read,
        "left_out": list(plan.left_out),
        "notes": list(plan.notes),
        "summary": summary_lines(plan),
        "strips": [_strip_as_json(strip) for strip in plan.strips],
    }


def result_as_json(result: PushResult) -> dict[str, Any]:
    """A push for machines."""
    outcome = result.outcome
    return {
        **plan_as_json(result.plan),
        "is_verified": result.is_verified,
        "is_done": result.is_done,
        "is_whole": result.is_whole,
        "cancelled": bool(outcome and outcome.cancelled),
        "problem": outcome.problem if outcome else "",
        "snapshot": str(result.snapshot) if result.snapshot else None,
        "manual": list(result.manual),
        "counts": _counts(outcome),
        "results": [
            {
                "strip": item.setting.strip,
                "key": item.setting.key,
                "address": item.setting.address,
                "state": item.state,
                "wanted": item.setting.value,
                "found": item.found,
            }
            for item in (outcome.results if outcome else ())
        ],
    }


def row_words(row: Row) -> tuple[str, str]:
    """Present and future value, with units."""
    now = row.now_value
    return ("not known" if now is None else value_words(row.setting.key, now)), value_words(
        row.setting.key, row.then_value
    )


def value_words(key: str, value: float | str) -> str:
    """A value of a desk, with its unit."""
    if isinstance(value, str):
        return shown(value) if key == "name" else value.replace("_", " ")
    if key.rpartition(".")[2] in _SWITCHES:
        return "on" if value else "off"
    if key == "pan":
        return "C" if abs(value) < 0.005 else f"{'L' if value < 0 else 'R'}{abs(value) * 100:.0f}"
    row = row_of(key)
    return quantity(float(f"{value:.4g}"), "" if row is None else row.unit)


def merged(lines: Iterable[str]) -> list[str]:
    """Sentences about several tracks that are the same, said once: "Bass, Keys: ..."."""
    tracks: dict[str, list[str]] = {}
    for line in lines:
        track, _, sentence = line.partition(": ")
        tracks.setdefault(sentence, []).append(track)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in tracks.items()]


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=_text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _text(text: str, style: str = "") -> Text:
    """Not markup: a name such as "Gtr [L]" is shown as it is."""
    from rich.text import Text

    return Text(escaped(text), style=style)


def _strip_words(strip: StripPlan) -> str:
    return f"{strip.label} {strip.placed.name}".strip() if strip.placed.name != strip.placed.track else strip.label


def _eq_cell(strip: StripPlan) -> Text:
    error = strip.eq_error_db
    if error is None:
        return _text("")
    mean_db, largest_db = error
    style = "yellow" if mean_db > _MEAN_DB or largest_db > _LARGEST_DB else ""
    return _text(f"{mean_db:.1f}, max {largest_db:.1f} dB", style)


def _compressor_cell(strip: StripPlan) -> Text:
    error = strip.compressor_error_db
    if error is None:
        return _text("")
    return _text(f"{error:.1f} dB", "yellow" if error > _LARGEST_DB else "")


def _level_cell(strip: StripPlan, *, is_read: bool) -> str:
    if not is_read:
        return ""
    step_db = strip.level_step_db
    if step_db is None:
        return "?"
    return f"{step_db:+.1f} dB" if abs(step_db) >= 0.05 else ""


def _clamp_words(strip: StripPlan) -> list[str]:
    return [
        f"{label_of(clamp.key)} {value_words(clamp.key, clamp.wanted)} -> {value_words(clamp.key, clamp.given)}"
        for clamp in strip.clamped
    ]


def _strip_as_json(strip: StripPlan) -> dict[str, Any]:
    error = strip.eq_error_db
    return {
        "track": strip.placed.track,
        "kind": strip.placed.kind,
        "number": strip.placed.number,
        "label": strip.label,
        "name": strip.placed.name,
        "matched": strip.placed.how,
        "eq_mean_error_db": round(error[0], 3) if error else None,
        "eq_max_error_db": round(error[1], 3) if error else None,
        "compressor_error_db": None if strip.compressor_error_db is None else round(strip.compressor_error_db, 3),
        "clamped": [{"key": item.key, "wanted": item.wanted, "given": item.given} for item in strip.clamped],
        "lost": list(strip.fitted.lost),
        "missing": list(strip.missing),
        "losses": list(strip.losses),
        "changes": [
            {"key": row.setting.key, "now": row.now_value, "then": row.then_value, "address": row.setting.address}
            for row in strip.changes
        ],
    }


def _counts(outcome: Outcome | None) -> dict[str, int]:
    return {state: len(outcome.of(state)) for state in _STATES} if outcome else {}
