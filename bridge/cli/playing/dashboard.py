"""What `live` shows in a terminal while it plays: meters and counters, five times a second."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ....presets.units import decibels
from ..output.saying import console

if TYPE_CHECKING:
    from ....runtime.live.engine import LiveEngine
    from ....runtime.live.reporting import LiveReport

_PER_S: Final = 5
_FLOOR_DB: Final = -60.0
_CELLS: Final = 30
# Columns: of a level's number, between name, bar and neighbour, of a name at least, and of all of these.
_NUMBER: Final = 10
_GAPS: Final = 3
_SHORTEST_NAME: Final = 4
_NARROWEST: Final = 19
# What stands below the tracks, and the line that the cursor is in.
_COUNTER_LINES: Final = 6
# Where a bar becomes yellow, and red.
_HIGH_DB: Final = -12.0
_OVER_DB: Final = 0.0


class LiveDashboard:
    """Meters and counters; a context manager that leaves its last picture.

    Args:
        engine: that plays.
    """

    def __init__(self, engine: LiveEngine):
        self._engine, self._console = engine, console(stderr=True)
        self._live = Live(console=self._console, get_renderable=self.table, refresh_per_second=_PER_S, transient=False)

    def __enter__(self) -> LiveDashboard:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a sentence above the picture."""
        self._console.print(Text(text))

    def table(self) -> Group:
        """Draw how it is now."""
        engine = self._engine
        tracks, mix = engine.peaks("dashboard")
        size = self._console.size
        return picture(
            engine.report(),
            [track.name for track in engine.preset.tracks],
            tracks,
            mix,
            width=size.width,
            height=size.height,
            heard="what comes in (bypass)" if engine.is_bypassed else "the mix",
        )


def picture(
    report: LiveReport,
    names: Sequence[str],
    peaks: Sequence[float],
    mix: Sequence[float],
    *,
    width: int,
    height: int,
    heard: str,
) -> Group:
    """Draw meters and counters into so many columns and lines: tracks side by side, so that the counters are seen.

    Args:
        report: the counters.
        names: of the tracks.
        peaks: of the tracks, factors.
        mix: peaks of its left and right.
        width: of the terminal, in characters.
        height: likewise.
        heard: what is.
    """
    counters = Table(box=None, show_header=False, pad_edge=False)
    counters.add_column()
    counters.add_column(no_wrap=True, overflow="ellipsis")
    for name, peak in zip(("mix left", "mix right"), mix, strict=True):
        counters.add_row(name, meter(decibels(peak)))
    share = report.callback_p99_ms / report.period_ms
    counters.add_row(
        "blocks",
        f"{report.blocks}: {report.late_blocks} late, {report.xruns} xruns, {report.over_blocks} over 0 dB",
    )
    counters.add_row(
        "callback",
        f"99 % in {report.callback_p99_ms:.2f} ms, worst {report.callback_worst_ms:.2f} ms, of "
        f"{report.period_ms:.2f} ms ({100 * share:.0f} %)",
    )
    counters.add_row("latency", f"{report.latency_samples} samples; you hear {heard}")
    return Group(_meters(names, peaks, width, height), counters)


def _meters(names: Sequence[str], peaks: Sequence[float], width: int, height: int) -> Table:
    """Meters of tracks in as many columns as the height asks for, and the width holds; the rest is counted."""
    free = max(1, height - _COUNTER_LINES)
    columns = min(-(-len(names) // free), max(1, width // _NARROWEST))
    rows = min(free, -(-len(names) // columns))
    left_out = len(names) - rows * columns
    if left_out > 0:
        rows -= 1
        left_out += columns
    room = width // columns - _NUMBER - _GAPS
    longest = min(max(map(len, names)), max(_SHORTEST_NAME, room // 2))
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(columns):
        table.add_column(width=longest, no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True)
    meters = [meter(decibels(peak), max(0, min(_CELLS, room - longest))) for peak in peaks]
    for row in range(rows):
        places = range(row, min(len(names), rows * columns), rows)
        table.add_row(*(cell for place in places for cell in (Text(names[place]), meters[place])))
    if left_out > 0:
        table.add_row(Text(f"+{left_out}"))
    return table


def meter(level_db: float, cells: int = _CELLS) -> Text:
    """Draw a bar of so many cells with its number."""
    share = (max(level_db, _FLOOR_DB) - _FLOOR_DB) / -_FLOOR_DB
    filled = min(cells, round(share * cells))
    colour = "red" if level_db > _OVER_DB else "yellow" if level_db > _HIGH_DB else "green"
    bar = Text("█" * filled, style=colour)
    bar.append("·" * (cells - filled), style="dim")
    bar.append(f" {level_db:6.1f} dB" if level_db > _FLOOR_DB else "      -   ")
    return bar
