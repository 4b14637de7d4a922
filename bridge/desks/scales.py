"""How a value in dB, Hz, ms or words becomes the number or text that a desk expects on the wire, and back.

Each scale is a pair of pure functions, `encode` and `decode`, inverse on the desk's own grid. A scale clamps to its
range; floats are rounded to the 32 bits that OSC carries, so that what is compared is what was sent. Nothing here
knows addresses or sockets.
"""

from __future__ import annotations

import math
import struct
import unicodedata
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError

WireValue = int | float | str
WireType = Literal["f", "i", "s"]

# Grids end here: finer ones are told from continuous ones by nobody, and a 32-bit float could not hold them.
MAX_STEPS = 100_000
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]

# Of a continuous range: what a 32-bit float, sent there and back, may lose.
CONTINUOUS_TOLERANCE = 1e-5
# What a 32-bit float may lose of a grid step: an answer this near is on the grid, one farther off is told as it is.
OFF_GRID = 0.01


class _Numeric(Part):
    """A scale that runs from one number to another.

    A subclass says where between 0 and 1 a value and a wire value lie; grid, clamping and comparison are common.
    """

    steps: int | None = Field(None, ge=1, le=MAX_STEPS, description="how many steps the range has; absent: continuous")
    tolerance: float | None = Field(
        None, gt=0, le=1e6, description="how far off a desk's answer may be, in the value's unit, where that is coarse"
    )
    type: Literal["f", "i"] = Field("f", description="OSC type of the argument")

    def encode(self, value: float | str) -> WireValue:
        """The wire value next to `value`, clamped to the range and snapped to the grid.

        Raises:
            DeskError: not a number.
        """
        position = self._position(min(max(_number(value), self._lowest()), self._highest()))
        grid = self._grid()
        if grid is not None:
            position = round(position * grid) / grid
        wire = self._wire(position)
        return round(wire) if self.type == "i" else _float32(wire)

    def decode(self, wire: WireValue) -> float:
        """The value, in its unit, that a wire value stands for.

        Raises:
            DeskError: not a number.
        """
        position = self._wire_position(_number(wire))
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
            first, second = self._wire_position(_number(a)), self._wire_position(_number(b))
        except DeskError:
            return False
        grid = self._grid()
        allowed = 0.5 / grid + CONTINUOUS_TOLERANCE / grid if grid is not None else CONTINUOUS_TOLERANCE
        if abs(first - second) <= allowed:
            return True
        return self.tolerance is not None and abs(self._value(first) - self._value(second)) <= self.tolerance

    @property
    def values(self) -> tuple[float, ...] | None:
        """None: not a list."""
        return None

    def _grid(self) -> int | None:
        """Steps between the ends; a whole number on the wire is a grid, too."""
        if self.steps is None and self.type == "i":
            return max(1, round(abs(self._wire(1.0) - self._wire(0.0))))
        return self.steps

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
        if self.low <= 0:
            raise ValueError(f"a {getattr(self, 'kind', 'log')} scale needs a low above 0, not {self.low:g}")
        return self

    def _position(self, value: float) -> float:
        return math.log(value / self.low) / math.log(self.high / self.low)

    def _value(self, position: float) -> float:
        return float(self.low * (self.high / self.low) ** position)


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


class Choice(Part):
    """One of a list of numbers or names; the wire carries its place in the list, or what `wire` says."""

    kind: Literal["choice"]
    values: tuple[Finite, ...] | tuple[str, ...] = Field(
        min_length=1, max_length=1000, description="numbers in the setting's unit, or names"
    )
    wire: tuple[int, ...] | tuple[Finite, ...] | tuple[str, ...] | None = Field(
        None, max_length=1000, description="as many wire values; absent: 0, 1, 2, ..."
    )
    type: WireType = Field("i", description="OSC type of the argument")

    @model_validator(mode="after")
    def _pairs(self) -> Choice:
        if len(set(self.values)) != len(self.values):
            raise ValueError("a value stands twice in the list")
        if self.wire is None:
            if self.type == "s":
                raise ValueError('a choice of type "s" needs its texts as `wire = ["...", ...]`')
            return self
        if len(self.wire) != len(self.values):
            raise ValueError(f"{len(self.values)} values, but {len(self.wire)} in `wire`: they go in pairs")
        if len(set(self.wire)) != len(self.wire):
            raise ValueError("a wire value stands twice in `wire`")
        if any(isinstance(wire, str) != (self.type == "s") for wire in self.wire):
            raise ValueError('texts in `wire` need `type = "s"`, numbers "i" or "f"')
        return self

    @property
    def low(self) -> float | None:
        """The smallest, if they are numbers."""
        numbers = self._numbers()
        return min(numbers) if numbers else None

    @property
    def high(self) -> float | None:
        """The largest, if they are numbers."""
        numbers = self._numbers()
        return max(numbers) if numbers else None

    def encode(self, value: float | str) -> WireValue:
        """The wire value of the choice named, or of the nearest number.

        Raises:
            DeskError: a name that is not in the list, or a name where numbers are listed.
        """
        index = self._index(value)
        return index if self.wire is None and self.type == "i" else self._wires()[index]

    def decode(self, wire: WireValue) -> float | str:
        """What a wire value stands for.

        Raises:
            DeskError: the desk answered something that is not in the list.
        """
        wires = self._wires()
        if wire in wires:
            return self.values[wires.index(wire)]
        # A desk may write 4 where it is sent 4.0.
        for known, value in zip(wires, self.values, strict=True):
            if _as_float(known) is not None and _as_float(known) == _as_float(wire):
                return value
        raise DeskError(f"the desk answered {_short(wire)}, which is none of {', '.join(map(str, wires))}")

    def snap(self, value: float | str) -> float | str:
        """The value that the desk will have after it was sent `value`."""
        return self.decode(self.encode(value))

    def same(self, a: WireValue, b: WireValue) -> bool:
        """Whether two wire values are the same choice."""
        try:
            return self.decode(a) == self.decode(b)
        except DeskError:
            return a == b

    def _numbers(self) -> list[float]:
        return [value for value in self.values if not isinstance(value, str)]

    def _wires(self) -> tuple[WireValue, ...]:
        wires: tuple[WireValue, ...] = tuple(range(len(self.values))) if self.wire is None else self.wire
        return tuple(float(wire) for wire in wires) if self.type == "f" else wires

    def _index(self, value: float | str) -> int:
        numbers = self._numbers()
        if not numbers:
            if value in self.values:
                return self.values.index(value)
            raise DeskError(f"{_short(value)} is none of {', '.join(map(str, self.values))}")
        wanted = _number(value)
        if min(numbers) > 0 and wanted > 0:  # ratios and times are near by ratio
            return min(range(len(numbers)), key=lambda index: abs(math.log(numbers[index] / wanted)))
        return min(range(len(numbers)), key=lambda index: abs(numbers[index] - wanted))


class Switch(Part):
    """Off (0) or on (1)."""

    kind: Literal["switch"]
    wire: tuple[int, int] = Field((0, 1), description="wire values of off and on; [1, 0] if the desk says it inverted")
    type: Literal["f", "i"] = Field("i", description="OSC type of the argument")

    @model_validator(mode="after")
    def _differ(self) -> Switch:
        if self.wire[0] == self.wire[1]:
            raise ValueError("off and on must differ on the wire, e.g. [0, 1]")
        return self

    @property
    def low(self) -> float:
        """Off."""
        return 0.0

    @property
    def high(self) -> float:
        """On."""
        return 1.0

    @property
    def values(self) -> tuple[float, ...]:
        """Both."""
        return (0.0, 1.0)

    def encode(self, value: float | str) -> WireValue:
        """The wire value of on for everything from a half up."""
        wire = self.wire[1 if _number(value) >= 0.5 else 0]
        return float(wire) if self.type == "f" else wire

    def decode(self, wire: WireValue) -> float:
        """1.0 for on, 0.0 for off, whichever is nearer."""
        found = _number(wire)
        return 1.0 if abs(found - self.wire[1]) < abs(found - self.wire[0]) else 0.0

    def snap(self, value: float | str) -> float:
        """0.0 or 1.0."""
        return self.decode(self.encode(value))

    def same(self, a: WireValue, b: WireValue) -> bool:
        """Whether both are on, or both off."""
        try:
            return self.decode(a) == self.decode(b)
        except DeskError:
            return False


class Text(Part):
    """A name, as long as the desk's display."""

    kind: Literal["text"]
    max_length: int = Field(ge=1, le=256, description="characters that the desk keeps")
    ascii: bool = Field(True, description="whether it knows nothing but ASCII; accents are then dropped")
    type: Literal["s"] = Field("s", description="OSC type of the argument")

    @property
    def low(self) -> None:
        """None: a text has no range."""
        return

    @property
    def high(self) -> None:
        """None: a text has no range."""
        return

    @property
    def values(self) -> None:
        """None: not a list."""
        return

    def encode(self, value: float | str) -> WireValue:
        """The text, cut to what the desk can hold, without control characters."""
        text = str(value)
        if self.ascii:
            folded = unicodedata.normalize("NFKD", text)
            text = "".join(char if char.isascii() else "?" for char in folded if not unicodedata.combining(char))
        text = "".join(char for char in text if char.isprintable())
        return text.strip()[: self.max_length].strip()

    def decode(self, wire: WireValue) -> str:
        """The text as the desk has it."""
        return str(wire)

    def snap(self, value: float | str) -> str:
        """The text as the desk will have it."""
        return self.decode(self.encode(value))

    def same(self, a: WireValue, b: WireValue) -> bool:
        """Whether both are the same text."""
        return a == b


Scale = Linear | Log | Bandwidth | Fader | Choice | Switch | Text
AnyScale = Annotated[Scale, Field(discriminator="kind")]


def octaves_of(q: float) -> float:
    """Bandwidth in octaves of a bell with this Q (analogue prototype, Audio EQ Cookbook)."""
    return 2.0 / math.log(2.0) * math.asinh(1.0 / (2.0 * q))


def q_of(octaves: float) -> float:
    """Q of a bell with this bandwidth in octaves (analogue prototype, Audio EQ Cookbook)."""
    return 1.0 / (2.0 * math.sinh(math.log(2.0) / 2.0 * octaves))


def _interpolate(x: float, points: Any) -> float:
    """Straight lines through (x, y) points with rising x, level outside."""
    if x <= points[0][0]:
        return float(points[0][1])
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return float(y0 + (x - x0) / (x1 - x0) * (y1 - y0))
    return float(points[-1][1])


def _number(value: WireValue) -> float:
    number = None if isinstance(value, str) else _as_float(value)
    if number is None:
        raise DeskError(f"a number is expected here, not {_short(value)}")
    return number


def _as_float(value: object) -> float | None:
    """The finite number that a value is or spells; None for everything else."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _float32(value: float) -> float:
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
