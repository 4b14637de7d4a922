"""The values that travel over OSC, and reading numbers from what may be anything. Pure functions."""

from __future__ import annotations

import math
import struct
from typing import Annotated, Literal

from pydantic import Field

from ...presets.errors import DeskError

WireValue = int | float | str
WireType = Literal["f", "i", "s"]
Int32 = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


def number_of(value: WireValue) -> float:
    """A wire value as a finite number.

    Raises:
        DeskError: it is a text, infinite, or not a number.
    """
    number = None if isinstance(value, str) else spelled_number(value)
    if number is None:
        raise DeskError(f"a number is expected here, not {short(value)}")
    return number


def spelled_number(value: object) -> float | None:
    """The finite number that a value is or spells ("4.0"); None for everything else."""
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def float32(value: float) -> float:
    """The nearest of the 32-bit floats, which is what OSC carries."""
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


def short(value: object) -> str:
    """The value for a message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
