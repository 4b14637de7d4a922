"""The law of a parameter, from measured points: what it shows if that holds, else a straight line, else a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...desks.filters import q_of
from .rig import PluginKnob

Points = Sequence[tuple[float, float]]
"""(raw value, value measured)."""

_MIN_POINTS: Final = 3


@dataclass(frozen=True)
class Tolerance:
    """How far measured values may be off a law: `absolute` in the unit, or `relative`, whichever is more."""

    absolute: float
    relative: float

    def holds(self, wanted: float, measured: float) -> bool:
        """Whether a value is that of the law."""
        return abs(wanted - measured) <= max(self.absolute, self.relative * abs(wanted))


GAIN: Final = Tolerance(0.06, 0.006)
FREQ: Final = Tolerance(0.1, 0.01)
QUALITY: Final = Tolerance(0.003, 0.03)
LEVEL: Final = Tolerance(0.3, 0.0)
RATIO: Final = Tolerance(0.05, 0.04)
TIME: Final = Tolerance(0.06, 0.08)


def law_of(knob: PluginKnob, points: Points, tolerance: Tolerance, factor: float = 1.0) -> dict[str, Any] | None:
    """The scale of a parameter, as a profile has it; None if what was measured is no law at all.

    Args:
        knob: with the range that it shows.
        points: at least three, by rising raw value.
        tolerance: of the quantity.
        factor: what is measured is what is shown over this: time constants.
    """
    known = [(raw, value) for raw, value in points if math.isfinite(value)]
    if len(known) < _MIN_POINTS:
        return None
    for low, high in _ends(knob, known):
        for kind, law in _LAWS.items():
            if kind == "log" and (low <= 0 or high <= 0):
                continue
            if all(tolerance.holds(law(low, high, raw), value * factor) for raw, value in known):
                return _scale(kind, low, high)
    return _table([(raw, value * factor) for raw, value in known])


def shown_octaves(knob: PluginKnob, points: Points) -> dict[str, Any] | None:
    """The scale of a bandwidth that a plug-in shows in octaves, if that is what was measured as Q."""
    if knob.low is None or knob.high is None or min(knob.low, knob.high) <= 0:
        return None
    for raw, value in points:
        if not QUALITY.holds(q_of(knob.low + raw * (knob.high - knob.low)), value):
            return None
    return _table([(raw, q_of(knob.low + raw * (knob.high - knob.low))) for raw in np.linspace(0, 1, 33)])


def _linear(low: float, high: float, raw: float) -> float:
    return low + raw * (high - low)


def _log(low: float, high: float, raw: float) -> float:
    return float(low * (high / low) ** raw)


_LAWS: Final[dict[str, Callable[[float, float, float], float]]] = {"linear": _linear, "log": _log}


def _ends(knob: PluginKnob, points: Points) -> list[tuple[float, float]]:
    """Pairs of ends to try: those that are shown, then those that the measured points have if they reach that far."""
    ends = [] if knob.low is None or knob.high is None else [(knob.low, knob.high)]
    if points[0][0] == 0 and points[-1][0] == 1:
        ends.append((points[0][1], points[-1][1]))
    return [(low, high) for low, high in ends if low != high]


def _scale(kind: str, low: float, high: float) -> dict[str, Any]:
    if low < high:
        return {"kind": kind, "low": low, "high": high, "wire": (0, 1)}
    return {"kind": kind, "low": high, "high": low, "wire": (1, 0)}


def _table(points: Points) -> dict[str, Any] | None:
    """A table of the points that go on in the direction of most; None if they go nowhere."""
    way = points[-1][1] - points[0][1]
    kept = [points[0]]
    for raw, value in points[1:]:
        if (value - kept[-1][1]) * way > abs(way) * 1e-6:
            kept.append((raw, value))
    if len(kept) < _MIN_POINTS or len(kept) < len(points) / 2:
        return None
    return {"kind": "table", "points": [(value, raw) for raw, value in kept]}
