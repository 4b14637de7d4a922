"""Lanes in words: how many points, from when to when, and what the value does meanwhile."""

from __future__ import annotations

from ..console import Parameter
from ..units import quantity
from .lane import Lane


def clock(time_s: float) -> str:
    """Write a time in a song.

    >>> clock(75.25)
    '1:15.2'
    """
    tenths = round(time_s * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def course(lane: Lane, row: Parameter) -> str:
    """Say how a lane runs: "4 points, 0:12.0 to 0:14.5, -6 to 0 dB"."""
    values = [point.value for point in lane.points]
    low, high = (float(f"{value:.4g}") for value in (min(values), max(values)))
    count = len(values)
    first, last = clock(lane.points[0].time_s), clock(lane.points[-1].time_s)
    held = ", held" if lane.shape == "hold" else ""
    if low == high:
        return f"{count} point{'s' * (count > 1)}{held}, {quantity(low, row.unit)} all the time"
    low_words = quantity(low, row.unit if row.unit == ":1" else "")
    return f"{count} points{held}, {first} to {last}, {low_words} to {quantity(high, row.unit)}"
