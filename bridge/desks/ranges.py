"""Scales that run from one number to another: linear, logarithmic, bandwidth, fader, table.

A value in dB, Hz or ms has a place between 0 and 1 on its scale, and so has what a desk sends and receives for it;
the grid lies between them. See :mod:`.scales` for the others and for what all have in common.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError
from .filters import octaves_of, q_of
from .wire import WireValue, float32, number_of

# Grids end here: finer ones are told from continuous ones by nobody, and a 32-bit float could not hold them.
MAX_STEPS = 100_000
# Below it, what is above 0 is so in name only: ratios to it overflow.
LOWEST_RATIO = 1e-9
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]

# Of a continuous range: what a 32-bit float, sent there and back, may lose.
CONTINUOUS_TOLERANCE = 1e-5
# The same in grid steps: an answer this near is on the grid, one farther off is told as it is.
OFF_GRID = 0.01


class _Numeric(Part):
    """A scale that runs from one number to another.

    A subclass says where between 0 and 1 a value and a wire value lie; grid, clamping and comparison are common.
    """

    steps: int | None = Field(None, ge=1, le=MAX_STEPS, description="how many steps the range has; absent: continuous")
    tolerance: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="how far off an answer may be, where the desk's grid is not known: in the value's unit; on a scale "
        "of ratios, as a part of the value (0.02 is 2 %)",
    )
    type: Literal["f", "i"] = Field("f", description="OSC type of the argument")

    def encode(self, value: float | str) -> WireValue:
        """The wire value next to `value`, clamped to the range and snapped to the grid.

        Raises:
            DeskError: not a number.
        """
        position = self._position(min(max(number_of(value), self._lowest()), self._highest()))
        grid = self._grid()
        if grid is not None:
            position = round(position * grid) / grid
        wire = self._wire(position)
        return round(wire) if self.type == "i" else float32(wire)

    def decode(self, wire: WireValue) -> float:
        """The value, in its unit, that a wire value stands for.

        Raises:
            DeskError: not a number.
        """
        position = self._wire_position(number_of(wire))
        grid = self._grid()
        if grid is not None and abs(position * grid - round(position * grid)) < OFF_GRID:
            position = round(position * grid) / grid
        return self._value(position)

    def snap(self, value: float | str) -> float:
        """The value that the desk will have after it was sent `value`."""
        return self.decode(self.encode(value))

    def same(self, a: WireValue, b: WireValue) -> bool:
        """Whether two wire values are the same setting: within half a grid step, or the desk's tolerance."""
        try:
            first, second = self._wire_position(number_of(a)), self._wire_position(number_of(b))
        except DeskError:
            return False
        grid = self._grid()
        allowed = 0.5 / grid + CONTINUOUS_TOLERANCE / grid if grid is not None else CONTINUOUS_TOLERANCE
        if abs(first - second) <= allowed:
            return True
        return self.tolerance is not None and self._distance(first, second) <= self.tolerance

    @property
    def values(self) -> tuple[float, ...] | None:
        """None: not a list."""
        return None

    def _grid(self) -> int | None:
        """Steps between the ends; a whole number on the wire is a grid, too."""
        if self.steps is None and self.type == "i":
            return max(1, round(abs(self._wire(1.0) - self._wire(0.0))))
        return self.steps

    def _distance(self, first: float, second: float) -> float:
        """Of two positions, in the unit of the tolerance."""
        return abs(self._value(first) - self._value(second))

    def _lowest(self) -> float:
        return self._value(0.0)

    def _highest(self) -> float:
        return self._value(1.0)

    def _position(self, value: float) -> float:
        raise NotImplementedError

    def _value(self, position: float) -> float:
        raise NotImplementedError

    def _wire(self, position: float) -> float:
        raise NotImplementedError

    def _wire_position(self, wire: float) -> float:
        raise NotImplementedError


class _Ranged(_Numeric):
    """A range with two ends, in raw units on the wire or stretched between two wire values."""

    low: Finite = Field(description="smallest value, in the setting's unit")
    high: Finite = Field(description="largest value")
    wire: tuple[Finite, Finite] | None = Field(
        None, description="wire values at low and at high, e.g. [0, 1], or [1, 0] if inverted; absent: raw units"
    )

    @model_validator(mode="after")
    def _has_a_range(self) -> _Ranged:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, but is {self.low:g} with a high of {self.high:g}")
        if self.wire is not None and self.wire[0] == self.wire[1]:
            raise ValueError("the two wire values must differ, e.g. [0, 1]")
        return self

    def _lowest(self) -> float:
        return self.low

    def _highest(self) -> float:
        return self.high

    def _wire(self, position: float) -> float:
        if self.wire is None:
            return self._raw(self._value(position))
        return self.wire[0] + position * (self.wire[1] - self.wire[0])

    def _wire_position(self, wire: float) -> float:
        if self.wire is None:
            return self._position(min(max(self._from_raw(wire), self.low), self.high))
        return min(max((wire - self.wire[0]) / (self.wire[1] - self.wire[0]), 0.0), 1.0)

    def _raw(self, value: float) -> float:
        return value

    def _from_raw(self, wire: float) -> float:
        return wire


class Linear(_Ranged):
    """Evenly from low to high."""

    kind: Literal["linear"]

    def _position(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def _value(self, position: float) -> float:
        return self.low + position * (self.high - self.low)


class _Logarithmic(_Ranged):
    """Equal steps are equal ratios."""

    @model_validator(mode="after")
    def _is_positive(self) -> _Logarithmic:
        if self.low < LOWEST_RATIO:
            raise ValueError(f"a {getattr(self, 'kind', 'log')} scale needs a low above 0, not {self.low:g}")
        return self

    def _position(self, value: float) -> float:
        return math.log(value / self.low) / math.log(self.high / self.low)

    def _value(self, position: float) -> float:
        return float(self.low * (self.high / self.low) ** position)

    def _distance(self, first: float, second: float) -> float:
        return abs(first - second) * math.log(self.high / self.low)


class Log(_Logarithmic):
    """Evenly in ratios, as frequencies, times and Q mostly are."""

    kind: Literal["log"]


class Bandwidth(_Logarithmic):
    """Q for us, bandwidth in octaves for the desk: 1/Q = 2 sinh(ln 2 / 2 * octaves).

    The formula is that of R. Bristow-Johnson's Audio EQ Cookbook for an analogue prototype (between the points at half
    the gain in dB). Low and high are of Q.
    """

    kind: Literal["bandwidth"]

    def _raw(self, value: float) -> float:
        return octaves_of(value)

    def _from_raw(self, wire: float) -> float:
        # A bandwidth of nothing or less is an infinite Q: the range's end.
        return q_of(min(wire, 100.0)) if wire > 0 else self.high


class Fader(_Numeric):
    """Straight lines between points, as a fader's law is printed: dB against the wire."""

    kind: Literal["fader"]
    points: tuple[tuple[Finite, Finite], ...] = Field(
        min_length=2, max_length=100, description="[dB, wire value], both rising; the first is off"
    )

    @model_validator(mode="after")
    def _rises(self) -> Fader:
        for (value, wire), (next_value, next_wire) in pairwise(self.points):
            if next_value <= value or next_wire <= wire:
                raise ValueError(f"the point [{next_value:g}, {next_wire:g}] does not rise above [{value:g}, {wire:g}]")
        return self

    @property
    def low(self) -> float:
        """Level of the lowest point."""
        return self.points[0][0]

    @property
    def high(self) -> float:
        """Level of the highest point."""
        return self.points[-1][0]

    def _position(self, value: float) -> float:
        return self._wire_position(_interpolate(value, self.points))

    def _value(self, position: float) -> float:
        return _interpolate(self._wire(position), [(wire, value) for value, wire in self.points])

    def _wire(self, position: float) -> float:
        bottom, top = self.points[0][1], self.points[-1][1]
        return bottom + position * (top - bottom)

    def _wire_position(self, wire: float) -> float:
        bottom, top = self.points[0][1], self.points[-1][1]
        return min(max((wire - bottom) / (top - bottom), 0.0), 1.0)


class Table(_Numeric):
    """Between measured points, where no formula is known: values against the wire, rising or falling.

    Between two points equal steps of the wire are equal ratios of the value if all are above 0, else equal differences.
    """

    kind: Literal["table"]
    points: tuple[tuple[Finite, Finite], ...] = Field(
        min_length=2, max_length=200, description="[value, wire value]; the wire rises, the value rises or falls"
    )

    @model_validator(mode="after")
    def _is_monotonous(self) -> Table:
        steps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(self.points)]
        if any(wire <= 0 for _, wire in steps):
            raise ValueError("the wire values have to rise")
        if not (all(value > 0 for value, _ in steps) or all(value < 0 for value, _ in steps)):
            raise ValueError("the values have to rise all along, or fall all along")
        return self

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.points[0][0], self.points[-1][0])

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.points[0][0], self.points[-1][0])

    def _position(self, value: float) -> float:
        return self._wire_position(_interpolate(self._bent(value), sorted(self._lines())))

    def _value(self, position: float) -> float:
        bent = _interpolate(self._wire(position), [(wire, value) for value, wire in self._lines()])
        return min(max(math.exp(bent) if self._is_ratio() else bent, self.low), self.high)

    def _wire(self, position: float) -> float:
        bottom, top = self.points[0][1], self.points[-1][1]
        return bottom + position * (top - bottom)

    def _wire_position(self, wire: float) -> float:
        bottom, top = self.points[0][1], self.points[-1][1]
        return min(max((wire - bottom) / (top - bottom), 0.0), 1.0)

    def _lowest(self) -> float:
        return self.low

    def _highest(self) -> float:
        return self.high

    def _distance(self, first: float, second: float) -> float:
        return abs(self._bent(self._value(first)) - self._bent(self._value(second)))

    def _is_ratio(self) -> bool:
        return self.low >= LOWEST_RATIO

    def _bent(self, value: float) -> float:
        return math.log(value) if self._is_ratio() else value

    def _lines(self) -> list[tuple[float, float]]:
        return [(self._bent(value), wire) for value, wire in self.points]


def _interpolate(x: float, points: Sequence[tuple[float, float]]) -> float:
    """Straight lines through (x, y) points with rising x, level outside."""
    if x <= points[0][0]:
        return float(points[0][1])
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return float(y0 + (x - x0) / (x1 - x0) * (y1 - y0))
    return float(points[-1][1])
