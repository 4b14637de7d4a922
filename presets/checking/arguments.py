"""Arguments of public functions, as programs pass them: what is of another kind is refused in words, before any work.

Numbers may come from numpy, also as arrays without dimensions, which is what `numpy.load` gives.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Collection
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

from ..errors import MixbridgeError

Kind = TypeVar("Kind")

_LONGEST = 80


def checked_number(value: object, what: str, low: float, high: float, error: type[MixbridgeError]) -> float:
    """Give a number in low..high.

    Args:
        value: what was passed.
        what: what it is, for the message: "the ceiling in dBTP".
        low: the least that it may be.
        high: the most.
        error: what to raise.
    """
    number = real_number(value)
    if number is None or not low <= number <= high:
        raise error(f"{what} cannot be {shown_argument(value)}: {_range(low, high)}")
    return number


def checked_whole(value: object, what: str, low: int, high: int, error: type[MixbridgeError]) -> int:
    """Give a whole number in low..high; 48000.0 is one. Arguments as for :func:`checked_number`."""
    number = real_number(value)
    if number is None or not low <= number <= high or number != int(number):
        raise error(f"{what} cannot be {shown_argument(value)}: give a whole number, {low} to {high}")
    return int(number)


def checked_choice(value: object, what: str, choices: Collection[str], error: type[MixbridgeError]) -> None:
    """Refuse what is none of some words."""
    if not isinstance(value, str) or value not in choices:
        raise error(f"{what} cannot be {shown_argument(value)}: choose one of {', '.join(map(repr, choices))}")


def checked_switch(value: object, what: str, error: type[MixbridgeError]) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):  # numpy's, by its old name, too
        raise error(f"{what} is on or off, not {shown_argument(value)}: give True or False")


def checked_path(value: object, what: str, error: type[MixbridgeError]) -> Path:
    """Give a path that a file or folder can have."""
    if not isinstance(value, str | os.PathLike) or not isinstance(name := os.fspath(value), str):
        raise error(f"{what} is a path, not {shown_argument(value)}: give a string or a pathlib.Path")
    if not name or "\0" in name:
        raise error(f"{what} cannot be called {name!r}: name a file or folder; '.' is the current folder")
    return Path(name)


def checked_kind(value: Kind, kind: type[Kind], what: str, error: type[MixbridgeError]) -> Kind:
    """Give back what is of a class."""
    if not isinstance(value, kind):
        raise error(f"{what} is a {kind.__name__}, not {shown_argument(value)}")
    return value


def checked_call(value: object, what: str, error: type[MixbridgeError]) -> None:
    """Refuse what is neither None nor can be called."""
    if value is not None and not callable(value):
        raise error(f"{what} is a function, not {shown_argument(value)}")


def real_number(value: Any) -> float | None:
    """Give a number as a float, which may be infinite or NaN; None for anything else, truth values among it."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf if operator.gt(value, 0) else -math.inf


def shown_argument(value: Any) -> str:
    """Write an argument as messages have it: in one line, and not all of it."""
    if shape := getattr(value, "shape", None):
        return f"an array of shape {shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"give a number of {low:g} or more"
    return f"give a number, {low:g} to {high:g}"
