"""Mute automation as gains: 1 where a track is heard, 0 where it is muted, with ramps that do not click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .model import Automation

RAMP_S: Final = 0.005


@dataclass(frozen=True)
class Muting:
    """When a track is muted.

    Attributes:
        always: from beginning to end.
        automation: linear gains over time where it is muted at times; else None.
    """

    always: bool
    automation: Automation | None = None


def muting(steps: Iterable[tuple[float, bool]]) -> Muting:
    """Turn a mute's automation into gains.

    Args:
        steps: (seconds, whether it is muted from there on), at least one; before the first it is as there.
    """
    ordered = sorted(steps, key=lambda step: step[0])
    states = {muted for _, muted in ordered}
    if len(states) == 1:
        return Muting(always=states.pop())
    points: list[tuple[float, float]] = []
    for time, muted in ordered:
        gain = 0.0 if muted else 1.0
        if not points:
            points.append((time, gain))
        elif gain != points[-1][1]:
            start = max(time, points[-1][0])  # behind a ramp that has not ended
            points += [(start, points[-1][1]), (start + RAMP_S, gain)]
    return Muting(False, Automation(tuple(points)))
