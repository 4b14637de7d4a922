"""Small line charts as SVG, drawn with the page's own fonts and colours (classes in `templates/report.html.j2`).

They are written directly because a report has four for each track: a plotting library needs a tenth of a second for
each and fixes their colours, which a page that is read by day, by night and on paper cannot have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import ArrayLike

_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 14, 8, 22


@dataclass(frozen=True)
class Axis:
    """One direction of a chart.

    Attributes:
        low: value at its beginning.
        high: value at its end.
        ticks: where lines are drawn, with what is written there.
        log: equal ratios are equally far.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Place a value: 0 at the beginning of the axis, 1 at its end; values outside stay at the border."""
        if self.log:
            share = math.log(max(value, _SMALLEST) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        xs: values along, shape (n,).
        ys: values up, shape (n,); the line is broken where one is NaN.
        style: a class of the page's style sheet.
    """

    xs: ArrayLike
    ys: ArrayLike
    style: str


@dataclass(frozen=True)
class Columns:
    """A histogram behind the curves: the higher the more often.

    Attributes:
        edges: between the columns, shape (n + 1,).
        shares: heights, 0..1, shape (n,).
    """

    edges: Sequence[float]
    shares: Sequence[float]


_SMALLEST = 1e-9

FREQUENCIES = Axis(
    20,
    20000,
    ((50, "50"), (100, "100"), (200, "200"), (500, "500"), (1000, "1k"), (2000, "2k"), (5000, "5k"), (10000, "10k")),
    True,
)


def decibel_axis(low_db: float, high_db: float, step_db: float) -> Axis:
    """Make an axis in dB with a line every `step_db`."""
    first = math.ceil(low_db / step_db)
    last = math.floor(high_db / step_db)
    return Axis(
        low_db, high_db, tuple((step_db * n, f"{step_db * n:g}".replace("-", "\u2212")) for n in range(first, last + 1))
    )


def line_chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Iterable[Line],
    *,
    size: tuple[int, int] = (340, 190),
    columns: Columns | None = None,
    mark: float | None = None,
    dots: Line | None = None,
) -> Markup:
    """Draw a chart as an SVG element.

    Args:
        title: said to those who cannot see it.
        x: along.
        y: up.
        lines: drawn in this order.
        size: width and height in px.
        columns: a histogram behind the lines.
        mark: an upright line here.
        dots: points on top of the lines.
    """
    frame = _Frame(x, y, *size)
    parts = [
        *(frame.upright(value, label) for value, label in x.ticks),
        *(frame.level(value, label) for value, label in y.ticks),
        *([frame.columns(columns)] if columns else []),
        *([frame.mark(mark)] if mark is not None and x.low < mark < x.high else []),
        *(frame.line(line) for line in lines),
        *([frame.dots(dots)] if dots is not None else []),
    ]
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        *size, title, Markup("").join(parts)
    )


class _Frame:
    """Where values lie on the paper."""

    def __init__(self, x: Axis, y: Axis, width: int, height: int):
        self._x, self._y = x, y
        self._width = width - _LEFT - _RIGHT
        self._bottom = height - _BOTTOM
        self._height = self._bottom - _TOP

    def upright(self, value: float, label: str) -> Markup:
        place = self._along(value)
        text = f'<text x="{place:.0f}" y="{self._bottom + 14}" text-anchor="middle">{escape(label)}</text>'
        return Markup(f'<path class="grid" d="M{place:.1f} {_TOP}V{self._bottom}"/>{text}')

    def level(self, value: float, label: str) -> Markup:
        place = self._up(value)
        style = "zero" if value == 0 else "grid"
        text = f'<text x="{_LEFT - 5}" y="{place + 3.5:.1f}" text-anchor="end">{escape(label)}</text>'
        return Markup(f'<path class="{style}" d="M{_LEFT} {place:.1f}h{self._width}"/>{text}')

    def mark(self, value: float) -> Markup:
        return Markup(f'<path class="mark" d="M{self._along(value):.1f} {_TOP}V{self._bottom}"/>')

    def columns(self, columns: Columns) -> Markup:
        steps = [f"M{self._along(columns.edges[0]):.1f} {self._bottom}"]
        for edge, share in zip(columns.edges[1:], columns.shares, strict=True):
            steps.append(f"V{self._bottom - share * self._height:.1f}H{self._along(edge):.1f}")
        return Markup(f'<path class="columns" d="{"".join(steps)}V{self._bottom}Z"/>')

    def line(self, line: Line) -> Markup:
        steps, pen = [], "M"
        for along, up in zip(np.asarray(line.xs).tolist(), np.asarray(line.ys).tolist(), strict=True):
            if math.isnan(up):
                pen = "M"
                continue
            steps.append(f"{pen}{self._along(along):.1f} {self._up(up):.1f}")
            pen = "L"
        return Markup(f'<path class="line {escape(line.style)}" d="{"".join(steps)}"/>')

    def dots(self, dots: Line) -> Markup:
        places = zip(np.asarray(dots.xs).tolist(), np.asarray(dots.ys).tolist(), strict=True)
        circles = "".join(f'<circle cx="{self._along(x):.1f}" cy="{self._up(y):.1f}" r="2.5"/>' for x, y in places)
        return Markup(f'<g class="dots {escape(dots.style)}">{circles}</g>')

    def _along(self, value: float) -> float:
        return _LEFT + self._x.share(value) * self._width

    def _up(self, value: float) -> float:
        return self._bottom - self._y.share(value) * self._height
