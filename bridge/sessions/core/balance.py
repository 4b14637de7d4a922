"""The mix's pan in the terms of a DAW, and back: the fader and pan that give both sides the same gain.

The console pans mono tracks at constant power and balances stereo tracks by a cosine (:func:`.strip.pan_gains`); a DAW
has a law of its own. Equal sides are found for any pair of laws, since each turns from left to right without return.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....presets.units import decibels
from ....runtime.console.strip import pan_gains as mix_gains
from .fades import pan_gains
from .model import PanLaw

Sides = Callable[[float], tuple[float, float]]

# Halvings of the pan's range: to a ten-billionth of it.
_STEPS = 36


@dataclass(frozen=True)
class FaderPan:
    """A fader and a pan, -1 left to 1 right, in the terms of one law."""

    gain_db: float
    pan: float


def to_daw(fader_db: float, pan: float, channels: int, law: PanLaw) -> FaderPan:
    """Set a DAW's fader and pan so that a track has the mix's gains on both sides.

    Args:
        fader_db: of the mix.
        pan: of the mix.
        channels: of the track's stem, 1 or 2: the mix pans them differently.
        law: what the DAW's pan means on this track.
    """
    return _converted(fader_db, pan, lambda value: mix_gains(value, channels), lambda value: _daw_gains(law, value))


def from_daw(gain_db: float, pan: float, channels: int, law: PanLaw) -> FaderPan:
    """Set the mix's fader and pan for those of a DAW: the reverse of :func:`to_daw`."""
    return _converted(gain_db, pan, lambda value: _daw_gains(law, value), lambda value: mix_gains(value, channels))


def _daw_gains(law: PanLaw, pan: float) -> tuple[float, float]:
    left, right = pan_gains(law, np.array([pan]))
    return float(left[0]), float(right[0])


def _converted(gain_db: float, pan: float, given: Sides, wanted: Sides) -> FaderPan:
    left, right = given(pan)
    angle = math.atan2(right, left)
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        there = wanted(middle)
        low, high = (low, middle) if math.atan2(there[1], there[0]) >= angle else (middle, high)
    # Rounded to what the search can tell, so that both ends and the centre come out exactly.
    result = round((low + high) / 2, 9) + 0.0
    more_db = round(decibels(math.hypot(left, right) / math.hypot(*wanted(result))), 8)
    return FaderPan(gain_db + more_db, result)
