"""What `live` shows in a terminal while it plays: meters and counters, five times a second."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.table import Table
from rich.text import Text

from ....presets.units import decibels
from ..output.saying import console

if TYPE_CHECKING:
    from ....runtime.live.engine import LiveEngine

_PER_S: Final = 5
_FLOOR_DB: Final = -60.0
_CELLS: Final = 30
# Where a bar becomes yellow, and red.
_HIGH_DB: Final = -12.0
_OVER_DB: Final = 0.0


class LiveDashboard:
    """Meters and counters; a context manager that leaves its last picture.

    Args:
        engine: that plays.
    """

    def __init__(self, engine: LiveEngine):
        self._engine = engine
        self._live = Live(
            console=console(stderr=True), get_renderable=self.table, refresh_per_second=_PER_S, transient=False
        )

    def __enter__(self) -> LiveDashboard:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a sentence above the picture."""
        self._live.console.print(Text(text))

    def table(self) -> Table:
        """Draw how it is now."""
        engine = self._engine
        report, (tracks, mix) = engine.report(), engine.peaks()
        table = Table(box=None, show_header=False, pad_edge=False)
        names = [track.name for track in engine.preset.tracks]
        for name, peak in zip([*names, "mix left", "mix right"], [*tracks, *mix], strict=True):
            table.add_row(Text(name, overflow="ellipsis", no_wrap=True), meter(decibels(peak)))
        share = report.callback_p99_ms / report.period_ms
        table.add_row(
            "blocks",
            f"{report.blocks}: {report.late_blocks} late, {report.xruns} xruns, {report.over_blocks} over 0 dB",
        )
        table.add_row(
            "callback",
            f"99 % in {report.callback_p99_ms:.2f} ms, worst {report.callback_worst_ms:.2f} ms, of "
            f"{report.period_ms:.2f} ms ({100 * share:.0f} %)",
        )
        heard = "what comes in (bypass)" if engine.is_bypassed else "the mix"
        table.add_row("latency", f"{report.latency_samples} samples; you hear {heard}")
        return table


def meter(level_db: float) -> Text:
    """Draw a bar with its number."""
    share = (max(level_db, _FLOOR_DB) - _FLOOR_DB) / -_FLOOR_DB
    filled = min(_CELLS, round(share * _CELLS))
    colour = "red" if level_db > _OVER_DB else "yellow" if level_db > _HIGH_DB else "green"
    bar = Text("█" * filled, style=colour)
    bar.append("·" * (_CELLS - filled), style="dim")
    bar.append(f" {level_db:6.1f} dB" if level_db > _FLOOR_DB else "      -   ")
    return bar
