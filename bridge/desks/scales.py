"""How a value in dB, Hz, ms or words becomes the number or text that a desk expects on the wire, and back.

Each scale is a pair of pure functions, `encode` and `decode`, inverse on the desk's own grid. A scale clamps to its
range; floats are rounded to the 32 bits that OSC carries, so that what is compared is what was sent. Ranges of numbers
stand in :mod:`.ranges`, lists, switches and texts here. Nothing in it knows addresses or sockets.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ...presets.console import Part
from ...presets.errors import DeskError
from .filters import octaves_of, q_of
from .ranges import Bandwidth, Fader, Finite, Linear, Log, Table
from .wire import Int32, WireType, WireValue, float32, number_of, short, spelled_number

__all__ = [
    "AnyScale",
    "Bandwidth",
    "Choice",
    "Fader",
    "Finite",
    "Linear",
    "Log",
    "Scale",
    "Switch",
    "Table",
    "Text",
    "WireType",
    "WireValue",
    "octaves_of",
    "q_of",
]


class Choice(Part):
    """One of a list of numbers or names; the wire carries its place in the list, or what `wire` says."""

    kind: Literal["choice"]
    values: tuple[Finite | str, ...] = Field(
        min_length=1, max_length=1000, description="numbers in the setting's unit, or names"
    )
    wire: tuple[Int32 | Finite | str, ...] | None = Field(
        None, max_length=1000, description="as many wire values; absent: 0, 1, 2, ..."
    )
    type: WireType = Field("i", description="OSC type of the argument")

    @model_validator(mode="after")
    def _pairs(self) -> Choice:
        if len({isinstance(value, str) for value in self.values}) > 1:
            raise ValueError("the values have to be either all numbers or all names")
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
        allowed = {"s": str, "i": int, "f": int | float}[self.type]
        if not all(isinstance(wire, allowed) for wire in self.wire):
            raise ValueError('in `wire`, texts need `type = "s"`, whole numbers "i", any numbers "f"')
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
        return self._wires()[self._index(value)]

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
            if spelled_number(known) is not None and spelled_number(known) == spelled_number(wire):
                return value
        raise DeskError(f"the desk answered {short(wire)}, which is none of {', '.join(map(str, wires))}")

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
        return tuple(float32(float(wire)) for wire in wires) if self.type == "f" else wires

    def _index(self, value: float | str) -> int:
        numbers = self._numbers()
        if not numbers:
            if value in self.values:
                return self.values.index(value)
            raise DeskError(f"{short(value)} is none of {', '.join(map(str, self.values))}")
        wanted = number_of(value)
        if min(numbers) > 0 and wanted > 0:  # ratios and times are near by ratio
            return min(range(len(numbers)), key=lambda index: abs(math.log(numbers[index] / wanted)))
        return min(range(len(numbers)), key=lambda index: abs(numbers[index] - wanted))


class Switch(Part):
    """Off (0) or on (1)."""

    kind: Literal["switch"]
    wire: tuple[Int32, Int32] = Field(
        (0, 1), description="wire values of off and on; [1, 0] if the desk says it inverted"
    )
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
        wire = self.wire[1 if number_of(value) >= 0.5 else 0]
        return float(wire) if self.type == "f" else wire

    def decode(self, wire: WireValue) -> float:
        """1.0 for on, 0.0 for off, whichever is nearer."""
        number = number_of(wire)
        return 1.0 if abs(number - self.wire[1]) < abs(number - self.wire[0]) else 0.0

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


Scale = Linear | Log | Bandwidth | Fader | Table | Choice | Switch | Text
AnyScale = Annotated[Scale, Field(discriminator="kind")]
