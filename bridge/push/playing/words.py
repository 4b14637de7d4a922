"""A push that plays as people see it: its lanes before, and what came of them after; the same as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ....presets.lanes.words import clock
from ...osc.song import SongPosition
from ..plan import Row
from ..tables import plan_as_json, result_as_json, row_words
from .planning import LanePlan
from .playing import PlayResult

if TYPE_CHECKING:
    from rich.table import Table


def lane_table(lanes: LanePlan) -> Table:
    """Each lane: whose it is, how it runs, and what the desk makes of it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title="moves with the song", title_justify="left", show_edge=False)
    for name in ("track", "strip", "setting", "course", "automation"):
        table.add_column(name, overflow="fold" if name == "course" else "ellipsis")
    for line in lanes.lines:
        how = "written" if line.is_written else "moved" if line.settings else "not there"
        table.add_row(*(Text(word) for word in (line.track, line.strip, line.what, line.course, how)))
    return table


def lanes_as_json(lanes: LanePlan) -> dict[str, Any]:
    """A plan with its lanes."""
    return {
        **plan_as_json(lanes.plan),
        "ends_s": round(lanes.end_s, 3),
        "lanes": [
            {
                "track": line.track,
                "strip": line.strip,
                "setting": line.what,
                "course": line.course,
                "desk_settings": line.settings,
                "written": line.is_written,
            }
            for line in lanes.lines
        ],
    }


def played_as_json(result: PlayResult) -> dict[str, Any]:
    """All that was done."""
    report = result.report
    return {
        **result_as_json(result.push),
        "lanes": lanes_as_json(result.lanes)["lanes"],
        "played": None
        if report is None
        else {
            "moves": report.moves,
            "passes": report.passes,
            "locates": report.locates,
            "worst_late_ms": round(1000 * report.worst_late_s, 1),
            "worst_off_ms": round(1000 * report.worst_off_s, 1),
            "slowest_ms": round(1000 * report.slowest_s, 1),
            "cancelled": report.cancelled,
            "problem": report.problem,
            "ends": [
                {"strip": item.setting.strip, "key": item.setting.key, "state": item.state} for item in result.ends
            ],
            "written": [f"{item.strip}: {item.key}" for item in result.written],
        },
    }


def waiting_words(lanes: LanePlan) -> str:
    """What is said when the song may begin."""
    return (
        f"Ready: start {lanes.plan.desk.title}; {len(lanes.courses)} settings follow it until {clock(lanes.end_s)}. "
        "Ctrl-C ends it."
    )


def position_words(position: SongPosition | None) -> str:
    """Where the song is."""
    if position is None:
        return "waiting for a position"
    return f"{'playing' if position.rolls else 'standing'} at {clock(position.time_s)}"


def played_lines(result: PlayResult) -> Iterator[str]:
    """What came of the lanes, a sentence each."""
    report = result.report
    if report is None:
        return
    passes = f"{report.passes} pass{'es' if report.passes != 1 else ''}"
    located = (
        f", located {report.locates} time{'s' if report.locates != 1 else ''} on the way" if report.locates else ""
    )
    yield f"Played: {report.moves} values in {passes}{located}."
    if result.written:
        yield (
            f"{result.lanes.plan.desk.title} has written {len(result.written)} controls as automation, and plays it "
            "from now on; its own undo takes that back."
        )
    yield from problems_of(result)
    if report.cancelled:
        yield "Stopped: settings stand where they were then."


def problems_of(result: PlayResult) -> Iterator[str]:
    """What went wrong with the lanes, a sentence each."""
    for item in result.ends:
        if item.state not in {"confirmed", "unverifiable"}:
            wanted, actual = row_words(Row(item.setting, item.found))[::-1]
            has = f"the desk has {actual}" if item.found is not None else "the desk did not say"
            yield f"{item.state}: {item.setting.strip} {item.setting.key} {wanted}; {has}"
    if result.report is not None and result.report.problem:
        yield f"{'The connection broke' if result.report.is_lost else 'Ended early'}: {result.report.problem}"
