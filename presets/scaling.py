"""A single value between off and on, or between two presets: how each scale of the table runs.

What is done with whole presets stands in :mod:`.edit`.
"""

from __future__ import annotations

import math
from typing import TypeVar

from .console import Delay, FxBand, FxBus, Parameter, Reverb, get, parameters, replace
from .units import decibels, gain_factor

Effect = TypeVar("Effect", FxBand, FxBus, Reverb, Delay)


def scaled_value(row: Parameter, value: float, amount: float) -> float:
    """A value at an amount of its effect: 0 is neutral, 1 as it is; one without a neutral value stays."""
    if row.neutral is None:
        return value
    if row.scale == "level":
        return _level(row, _amplitude(row, value) * amount)
    if row.scale == "log":
        return float(row.neutral * (value / row.neutral) ** amount)
    return row.neutral + amount * (value - row.neutral)


def blended_value(row: Parameter, a: float, b: float, position: float) -> float:
    """A value between two, 0 the first, 1 the second: in its scale."""
    if row.scale == "level":
        return _level(row, (1 - position) * _amplitude(row, a) + position * _amplitude(row, b))
    if row.scale == "log":
        return math.exp((1 - position) * math.log(a) + position * math.log(b))
    return (1 - position) * a + position * b


def _amplitude(row: Parameter, level_db: float) -> float:
    return 0.0 if level_db <= row.low else gain_factor(level_db)


def _level(row: Parameter, amplitude: float) -> float:
    return row.low if amplitude <= 0 else max(decibels(amplitude), row.low)


def blended_effect(a: Effect, b: Effect, position: float) -> Effect:
    """An effect bus between two; what has no middle (seed, note value) is that of the nearer one."""
    nearer = a if position < 0.5 else b
    table = parameters(type(a))
    values = {path: row.clamp(blended_value(row, get(a, path), get(b, path), position)) for path, row in table.items()}
    between = replace(nearer, values)
    if isinstance(a, FxBus) and isinstance(b, FxBus):
        bands = tuple(blended_effect(one, other, position) for one, other in zip(a.bands, b.bands, strict=True))
        return between.model_copy(update={"bands": bands})
    return between
