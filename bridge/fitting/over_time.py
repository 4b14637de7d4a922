"""A strip that moves, fitted to a desk: the desk's settings at all times where that matters.

A strip is fitted at the points of its lanes, and between them where a fit is no straight line of its points. So what a
fit does to a setting (thresholds in the desk form, makeup on the fader, six bands in four) is done to each of its
values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ...presets.console import Master, Strip, parameters
from ...presets.edit import Bus
from ...presets.editing.moving_lanes import as_linear
from ...presets.lanes.lane import Lane
from ...presets.lanes.values import bus_at
from ..desks.profile import Desk
from .abilities import highest
from .strip import FittedStrip, fit_strip

# What moves straight on a desk if its lanes are straight: levels and positions, one setting each.
_STRAIGHT: Final = frozenset({"fader", "pan", "send", "trim"})
# Between the points of others a strip is fitted again so often, as long as these are not too many.
_FIT_EVERY_S: Final = 0.5
_MOST_FITS: Final = 600


@dataclass(frozen=True)
class FitsOverTime:
    """What a strip has on a desk over time.

    Attributes:
        times: in seconds, rising.
        values: at each, by canonical key, on the desk's grid.
    """

    times: tuple[float, ...]
    values: tuple[Mapping[str, float | str], ...]


def fits_over_time(
    bus: Bus, lanes: Sequence[Lane], desk: Desk, kind: str, sample_rate_hz: int, trim_db: float = 0.0
) -> FitsOverTime:
    """Fit a strip or master whose lanes move to a desk.

    Args:
        bus: settings of the preset.
        lanes: of these, that move.
        desk: where they are to stand.
        kind: of the desk's strip: "track", "bus" or "master".
        sample_rate_hz: of the desk.
        trim_db: where its trim stands all the time; what the fader cannot give beside it is cut off.
    """
    drawn = [as_linear(item) for item in lanes]
    times = _times(drawn, parameters(type(bus)))
    values = []
    for time_s in times:
        moved: Bus = bus_at(bus, drawn, time_s)
        fitted: FittedStrip = fit_strip(moved, desk, kind, sample_rate_hz, trims=trim_db > 0, least_trim_db=trim_db)
        values.append(_with_one_trim(dict(fitted.values), trim_db, desk, kind))
    return FitsOverTime(times, tuple(values))


def sections_of(bus: Strip | Master, lanes: Sequence[Lane]) -> frozenset[str]:
    """List the sections of a strip or master that lanes belong to."""
    table = parameters(type(bus))
    return frozenset(table[item.parameter].section for item in lanes)


def times_between(lanes: Sequence[Lane], every_s: float) -> tuple[float, ...]:
    """List the times of all points, and more between those where anything moves.

    Args:
        lanes: linear ones.
        every_s: no two times are further apart, while something moves.
    """
    points = sorted({point.time_s for item in lanes for point in item.points})
    times = points[:1]
    for begin, end in pairwise(points):
        pieces = max(math.ceil((end - begin) / every_s), 1) if _moves(lanes, begin, end) else 1
        times += [begin + (end - begin) * piece / pieces for piece in range(1, pieces + 1)]
    return tuple(times)


def _times(lanes: Sequence[Lane], table: Mapping[str, object]) -> tuple[float, ...]:
    points = [point.time_s for item in lanes for point in item.points]
    if all(getattr(table[item.parameter], "section", "") in _STRAIGHT for item in lanes):
        return times_between(lanes, math.inf)
    return times_between(lanes, max(_FIT_EVERY_S, (max(points) - min(points)) / _MOST_FITS))


def _moves(lanes: Sequence[Lane], begin_s: float, end_s: float) -> bool:
    """Tell whether anything moves between two times that are neighbours."""
    for item in lanes:
        for earlier, later in pairwise(item.points):
            if earlier.time_s < end_s and later.time_s > begin_s and earlier.value != later.value:
                return True
    return False


def _with_one_trim(values: dict[str, float | str], trim_db: float, desk: Desk, kind: str) -> dict[str, float | str]:
    """A trim stands still; what a fader cannot give in one moment is cut off."""
    more_db = float(values.pop("trim_db", 0.0)) - trim_db
    fader = desk.scale(kind, "fader_db")
    if more_db > 0 and fader is not None and "fader_db" in values:
        values["fader_db"] = min(float(values["fader_db"]) + more_db, highest(fader))
    return values
