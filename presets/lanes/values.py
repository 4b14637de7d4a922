"""What lanes say at a time: values and whole strips.

A single time is answered here, in plain numbers; values of all samples are in `runtime/console/moving`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from ..console import Master, Parameter, Strip, get, parameters
from ..parts.table import unchecked
from .lane import Lane, LanePoint, lane_of

Bus = TypeVar("Bus", Strip, Master)

# Values nearer together than a file keeps are the same.
_SAME = 1e-6


def value_at(item: Lane, row: Parameter, time_s: float) -> float:
    """Compute a lane's value at a time.

    Args:
        item: the lane.
        row: of its setting, whose scale says what is straight.
        time_s: any time; before the first point it has that one's value, behind the last that one's.
    """
    after = bisect_right(item.points, time_s, key=lambda point: point.time_s)
    if after == 0:
        return item.points[0].value
    before = item.points[after - 1]
    if after == len(item.points) or item.shape == "hold":
        return before.value
    following = item.points[after]
    if before.value == following.value:
        return before.value
    share = (time_s - before.time_s) / (following.time_s - before.time_s)
    return from_straight(row, (1 - share) * straight(row, before.value) + share * straight(row, following.value))


def straight(row: Parameter, value: float) -> float:
    """Bring a value to the scale in which a linear lane is straight: octaves for frequencies, ratios of times."""
    return math.log(value) if row.scale == "log" else value


def from_straight(row: Parameter, position: float) -> float:
    """Bring back what :func:`straight` made, inside the limits."""
    return row.clamp(math.exp(position) if row.scale == "log" else position)


def bus_at(bus: Bus, lanes: Sequence[Lane], time_s: float) -> Bus:
    """Compute a strip or master as its lanes have it at a time.

    >>> from mixbridge.presets.console import Strip
    >>> from mixbridge.presets.lanes.lane import lane
    >>> bus_at(Strip(), [lane("fader_db", [(0, -6), (2, 0)])], 1.0).fader_db
    -3.0
    """
    if not lanes:
        return bus
    table = parameters(type(bus))
    return unchecked(bus, {item.parameter: value_at(item, table[item.parameter], time_s) for item in lanes})


def is_still(item: Lane) -> bool:
    """Tell whether a lane has one value all the time."""
    first = item.points[0].value
    return all(point.value == first for point in item.points)


def settled(bus: Bus, lanes: Sequence[Lane]) -> tuple[Bus, tuple[Lane, ...]]:
    """Put the value of lanes that have one only into a strip or master, and give the others."""
    still = [item for item in lanes if is_still(item)]
    return bus_at(bus, still, 0.0), tuple(item for item in lanes if not is_still(item))


def same_course(a: Lane | None, b: Lane | None) -> bool:
    """Tell whether two lanes are the same but for digits that a file does not keep."""
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and len(a.points) == len(b.points) and all(map(_same_point, a.points, b.points))


def _same_point(a: LanePoint, b: LanePoint) -> bool:
    return abs(a.time_s - b.time_s) <= _SAME and math.isclose(a.value, b.value, rel_tol=1e-5, abs_tol=_SAME)


def range_of(bus: Strip | Master, lanes: Sequence[Lane], path: str) -> tuple[float, float]:
    """Find the lowest and highest value that a setting has in the song."""
    item = lane_of(lanes, path)
    values = [point.value for point in item.points] if item is not None else [get(bus, path)]
    return min(values), max(values)
