"""Charts of lanes: a setting over the song, with its points; in the report as SVG, and as a picture of its own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from ...presets.console import Master, Parameter, Strip, parameters
from ...presets.errors import OutputError, PresetError
from ...presets.extras import install_command
from ...presets.lanes.lane import Lane
from ...presets.lanes.values import is_still
from ...presets.lanes.words import course
from ...presets.preset import Preset
from .charts import Axis, Line, line_chart
from .lanes import setting_words

_SIZE: Final = (340, 150)
# Steps between lines of an axis, and how many lines there are at most.
_STEPS: Final = (1.0, 2.0, 5.0)
_MOST_LINES: Final = 6
_TIME_STEPS_S: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
_PAN_TICKS: Final = ((-1.0, "L"), (-0.5, ""), (0.0, "C"), (0.5, ""), (1.0, "R"))
_HZ_TICKS: Final = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0, 20000.0)
# A lane of one value is shown with so much around it.
_AROUND: Final = 3.0
_INK, _SOFT, _GRID, _ORANGE, _PAPER = "#1f2328", "#66707a", "#e3e0da", "#c2410c", "#fbfaf8"
# A picture of more shows the first of them; it would only take longer.
MOST_PANELS: Final = 60


@dataclass(frozen=True)
class LaneChart:
    """A lane in the report.

    Attributes:
        caption: what moves, and how, in words.
        chart: the setting over time, with its points.
    """

    caption: str
    chart: Markup


def lane_charts(lanes: Sequence[Lane], part: type[Strip] | type[Master], length_s: float) -> list[LaneChart]:
    """Draw the lanes of a strip or the master that move.

    Args:
        lanes: which.
        part: whose they are.
        length_s: of the song; lanes that go on behind its end are drawn to theirs.
    """
    table = parameters(part)
    charts = []
    for item in lanes:
        if is_still(item):
            continue
        row, words = table[item.parameter], setting_words(item.parameter, part)
        end_s = max(length_s, item.points[-1].time_s, 1.0)
        times, values = path_of(item, end_s)
        chart = line_chart(
            f"{words} over time",
            _time_axis(end_s),
            value_axis(item, row),
            [Line(times, values, "mix")],
            size=_SIZE,
            dots=Line([point.time_s for point in item.points], [point.value for point in item.points], "mix"),
        )
        charts.append(LaneChart(f"{words}{_unit_words(row)} over time: {course(item, row)}", chart))
    return charts


def draw_lanes(preset: Preset, path: Path) -> None:
    """Draws the lanes of a preset as a picture: a panel for each, on one time.

    Args:
        preset: which.
        path: a .png, .svg or .pdf file.

    Raises:
        PresetError: nothing moves in it.
        OutputError: matplotlib is not installed, the ending is none of these, or the file cannot be written.
    """
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise OutputError(f"{path}: a picture is a .png, .svg or .pdf file.")
    panels = list(moving_lanes(preset))[:MOST_PANELS]
    if not panels:
        raise PresetError("this preset has no lanes that move, so there is nothing to draw.")
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise OutputError(f"a picture needs matplotlib: {install_command('picture')}.") from error
    figure = Figure(figsize=(10, 0.7 + 1.5 * len(panels)), layout="constrained", facecolor=_PAPER)
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    end_s = max(1.0, *(item.points[-1].time_s for _, item, _ in panels)) * 1.04
    for axes, (name, item, part) in zip(rows, panels, strict=True):
        draw_lane(axes, item, parameters(part)[item.parameter], end_s, f"{name}: {setting_words(item.parameter, part)}")
    _write_time(rows[-1], end_s)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about letters of names that the font does not have
            figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def draw_lane(axes: Any, item: Lane, row: Parameter, end_s: float, title: str) -> None:
    """Draw a lane with its points into a panel of matplotlib's."""
    scale = value_axis(item, row)
    times, values = path_of(item, end_s)
    axes.set_facecolor(_PAPER)
    axes.plot(times, values, color=_ORANGE, linewidth=1.8)
    axes.plot([p.time_s for p in item.points], [p.value for p in item.points], "o", color=_ORANGE, markersize=4)
    if scale.log:
        axes.set_yscale("log")
    axes.set(xlim=(0, end_s), ylim=(scale.low, scale.high))
    axes.set_yticks([value for value, _ in scale.ticks], [label for _, label in scale.ticks], color=_SOFT)
    axes.minorticks_off()
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8)
    shown = "".join(letter if letter.isprintable() else "?" for letter in title)[:100]
    axes.set_title(f"{shown}{_unit_words(row)}", loc="left", color=_INK, fontsize=9, parse_math=False)
    for side in axes.spines.values():
        side.set_visible(False)


def moving_lanes(preset: Preset) -> Iterator[tuple[str, Lane, type[Strip] | type[Master]]]:
    """List what moves in a preset: whose lane it is, the lane, and what its owner is."""
    owners = [(track.name, track.lanes) for track in preset.tracks] + [(bus.name, bus.lanes) for bus in preset.buses]
    for name, lanes in owners:
        yield from ((name, item, Strip) for item in lanes if not is_still(item))
    yield from (("Master", item, Master) for item in preset.master_lanes if not is_still(item))


def path_of(item: Lane, end_s: float) -> tuple[list[float], list[float]]:
    """List the corners of a lane's course, from the song's beginning to its end."""
    times, values = [0.0], [item.points[0].value]
    for before, point in pairwise((None, *item.points)):
        if point is None:
            continue
        if before is not None and item.shape == "hold":
            times.append(point.time_s)
            values.append(before.value)
        times.append(point.time_s)
        values.append(point.value)
    return [*times, end_s], [*values, item.points[-1].value]


def value_axis(item: Lane, row: Parameter) -> Axis:
    """Choose an axis that shows a lane, with lines at round values."""
    values = [point.value for point in item.points]
    low, high = min(values), max(values)
    if row.scale == "log":
        low, high = max(row.low, low / 1.25), min(row.high, high * 1.25)
        ticks = tuple((value, f"{value / 1000:g}k" if value >= 1000 else f"{value:g}") for value in _HZ_TICKS)
        ticks = tuple(tick for tick in ticks if low <= tick[0] <= high)
        return Axis(low, high, ticks if row.unit == "Hz" and ticks else _plain_ticks(low, high), True)
    if row.section == "pan":
        return Axis(-1.0, 1.0, _PAN_TICKS)
    around = max((high - low) * 0.15, _AROUND if row.unit == "dB" and high - low < _AROUND else 0.0)
    low, high = max(row.low, low - around), min(row.high, high + around)
    if high <= low:
        low, high = low - 1, high + 1
    return Axis(low, high, _plain_ticks(low, high))


def _plain_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST_LINES))
    step = next(step * power for step in (*_STEPS, 10.0) if (high - low) / (step * power) <= _MOST_LINES)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple((step * n, f"{step * n:.6g}".replace("-", "\N{MINUS SIGN}")) for n in range(first, last + 1))


def _time_axis(end_s: float) -> Axis:
    return Axis(0.0, end_s, tuple((time_s, _clock(time_s)) for time_s in _time_ticks(end_s)))


def _time_ticks(end_s: float) -> list[float]:
    step = next((step for step in _TIME_STEPS_S if end_s / step <= _MOST_LINES), _TIME_STEPS_S[-1])
    return [float(time_s) for time_s in np.arange(0, end_s + 1e-6, step)]


def _clock(time_s: float) -> str:
    whole = int(time_s)
    return f"{whole // 60}:{whole % 60:02d}" + (".5" if time_s - whole >= 0.5 else "")


def _write_time(axes: Any, end_s: float) -> None:
    ticks = _time_ticks(end_s)
    axes.set_xticks(ticks, [_clock(time_s) for time_s in ticks], color=_SOFT)


def _unit_words(row: Parameter) -> str:
    return f", {row.unit}" if row.unit and row.unit != ":1" else ""
