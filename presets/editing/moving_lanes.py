"""Lanes under edits: at an amount, between two presets, taken from another, moved with gain.

Every point is treated as the setting itself would be: in the desk form, in the setting's scale, held in its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..console import Master, Parameter, Strip, get, parameters
from ..lanes.lane import SHORTEST_GAP_S, Lane, LanePoint, lane_of
from ..lanes.values import value_at
from ..scaling import blended_value, scaled_value
from .gain import moved

Lanes = tuple[Lane, ...]
Change = Callable[[Parameter, float], float]

# A jump in a linear lane.
JUMP_S = 1e-3


def scaled_lanes(bus: Strip | Master, lanes: Sequence[Lane], amount: float) -> Lanes:
    """Give a bus's lanes at an amount of their effect."""
    gain_db = bus.input_gain_db

    def less(row: Parameter, value: float) -> float:
        return moved(row, scaled_value(row, moved(row, value, -gain_db), amount), amount * gain_db)

    return _changed(type(bus), lanes, less)


def shifted_lanes(part: type[Strip] | type[Master], lanes: Sequence[Lane], gain_db: float) -> Lanes:
    """Give lanes as they are where gain was moved to before the stages."""
    return _changed(part, lanes, lambda row, value: moved(row, value, gain_db)) if gain_db else tuple(lanes)


def blended_lanes(
    one: Strip | Master, lanes: Sequence[Lane], other: Strip | Master, others: Sequence[Lane], position: float
) -> Lanes:
    """Give lanes between those of two strips or masters; a setting without a lane stands still."""
    gain_db = (1 - position) * one.input_gain_db + position * other.input_gain_db
    result = []
    for path in dict.fromkeys(item.parameter for item in (*lanes, *others)):
        row = parameters(type(one))[path]
        drawn = _same_shape(lane_of(lanes, path), lane_of(others, path))
        ends = [_desk_course(bus, item, path, row) for bus, item in zip((one, other), drawn, strict=True)]
        present = [item for item in drawn if item is not None]
        points = tuple(
            LanePoint(time_s=time_s, value=row.clamp(moved(row, value, gain_db)))
            for time_s in _times(present)
            for value in [blended_value(row, ends[0](time_s), ends[1](time_s), position)]
        )
        result.append(Lane(parameter=path, shape=present[0].shape, points=points))
    return tuple(result)


def merged_lanes(
    base: Strip, lanes: Sequence[Lane], other: Strip, others: Sequence[Lane], taken: Collection[str]
) -> Lanes:
    """Give lanes of which some sections come from another strip; see :func:`mixbridge.presets.edit.merged`."""
    table = parameters(Strip)
    gain_db = (other if "trim" in taken else base).input_gain_db
    kept = [item for item in lanes if table[item.parameter].section not in taken]
    come = [item for item in others if table[item.parameter].section in taken]
    return (
        *shifted_lanes(Strip, kept, gain_db - base.input_gain_db),
        *shifted_lanes(Strip, come, gain_db - other.input_gain_db),
    )


def as_linear(item: Lane) -> Lane:
    """Draw a lane of held values as a linear one: a jump takes a millisecond."""
    if item.shape == "linear":
        return item
    points: list[LanePoint] = []
    for point in item.points:
        if points and points[-1].value != point.value:
            gap_s = point.time_s - points[-1].time_s
            before_s = point.time_s - min(JUMP_S, gap_s / 2)
            if before_s - points[-1].time_s >= SHORTEST_GAP_S and point.time_s - before_s >= SHORTEST_GAP_S:
                points.append(LanePoint(time_s=before_s, value=points[-1].value))
        points.append(point)
    return item.model_copy(update={"shape": "linear", "points": tuple(points)})


def _changed(part: type[Strip] | type[Master], lanes: Sequence[Lane], change: Change) -> Lanes:
    table = parameters(part)

    def new(item: Lane) -> Lane:
        row = table[item.parameter]
        points = tuple(point.model_copy(update={"value": row.clamp(change(row, point.value))}) for point in item.points)
        return item.model_copy(update={"points": points})

    return tuple(map(new, lanes))


def _desk_course(bus: Strip | Master, item: Lane | None, path: str, row: Parameter) -> Callable[[float], float]:
    """A setting over time in the desk form, with a lane or without."""
    if item is None:
        value = moved(row, get(bus, path), -bus.input_gain_db)
        return lambda _: value
    return lambda time_s: moved(row, value_at(item, row, time_s), -bus.input_gain_db)


def _same_shape(a: Lane | None, b: Lane | None) -> tuple[Lane | None, Lane | None]:
    if a is None or b is None or a.shape == b.shape:
        return a, b
    return as_linear(a), as_linear(b)


def _times(lanes: Sequence[Lane]) -> list[float]:
    """Collect the times of lanes, but for those that come too soon behind another."""
    times: list[float] = []
    for time_s in sorted(point.time_s for item in lanes for point in item.points):
        if not times or time_s - times[-1] >= SHORTEST_GAP_S:
            times.append(time_s)
    return times
