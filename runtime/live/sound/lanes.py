"""Lanes from a moment of the song on: for units that are made while it plays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....presets.console import Master, Strip, parameters
from ....presets.lanes.lane import SHORTEST_GAP_S, Lane, LanePoint
from ....presets.lanes.values import value_at
from ...audio.reading import Samples
from ...console.moving.courses import Motion
from ...console.moving.levels import sends_of


def lanes_from(lanes: Sequence[Lane], start_s: float, kind: type[Strip] | type[Master]) -> tuple[Lane, ...]:
    """Shift lanes so that a time of the song is their beginning; before the song, their first values hold.

    Args:
        lanes: as they are in the preset.
        start_s: what becomes 0.
        kind: whose settings they move.
    """
    if start_s == 0:
        return tuple(lanes)
    table = parameters(kind)
    shifted = []
    for item in lanes:
        later = [point for point in item.points if point.time_s - start_s >= SHORTEST_GAP_S]
        points = [LanePoint(time_s=point.time_s - start_s, value=point.value) for point in later]
        if len(later) < len(item.points):
            points.insert(0, LanePoint(time_s=0, value=value_at(item, table[item.parameter], start_s)))
        shifted.append(item.model_copy(update={"points": tuple(points)}))
    return tuple(shifted)


class MovingSends:
    """Sends of a track that lanes move, in place of a :class:`.ramps.Ramp`.

    Args:
        motion: of the strip.
        late: how much later than the song the audio comes, in samples.
    """

    is_off = False

    def __init__(self, motion: Motion, late: int):
        self._levels = sends_of(motion, late)

    def next(self, frames: int) -> Samples:
        """Give the factors of the next samples, shape (3, n)."""
        return np.stack([np.broadcast_to(np.float32(level.following(frames)), frames) for level in self._levels])
