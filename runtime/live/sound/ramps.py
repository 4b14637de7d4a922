"""Ramps and cross-fades: how something goes from one value to another without a click.

Both follow half a cosine, whose splatter falls faster over frequency than that of a straight line.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...audio.reading import Samples

LEVEL_RAMP_MS = 20.0
"""Time in which a gain, a pan or a send moves."""
SETTING_FADE_MS = 20.0
"""Time in which one setting of a filter or of dynamics moves, from one chain to another."""
PRESET_FADE_MS = 50.0
"""Time in which a preset follows another, A follows B, or the bypass comes in."""


@lru_cache(maxsize=16)
def fade_in(frames: int) -> Samples:
    """Make a curve from just above 0 to 1, shape (frames,); what it leaves to 1 is the same curve, mirrored."""
    curve = (0.5 - 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / frames)).astype(np.float32)
    curve.flags.writeable = False
    return curve


def frames_of(time_ms: float, sample_rate_hz: int) -> int:
    """Count the samples of a ramp; at least one."""
    return max(1, round(time_ms * sample_rate_hz / 1000))


class Ramp:
    """Factors that move to new values in a given time; one array of any shape (rows, 1).

    Args:
        values: to begin with, shape (rows, 1).
    """

    def __init__(self, values: Samples):
        self._now = values.astype(np.float32)
        self._from = self._target = self._now
        self._curve = fade_in(1)
        self._done = 1

    @property
    def is_moving(self) -> bool:
        """Whether it is on its way."""
        return self._done < len(self._curve)

    @property
    def value(self) -> Samples:
        """The factors at this moment."""
        return self._now

    @property
    def is_off(self) -> bool:
        """Whether all factors are 0 and stay so."""
        return not self.is_moving and not self._now.any()

    def go_to(self, values: Samples, frames: int) -> None:
        """Move to other values in so many samples, from wherever it is."""
        self._from, self._target = self._now, values.astype(np.float32)
        self._curve, self._done = fade_in(frames), 0

    def next(self, frames: int) -> Samples:
        """Give the factors of the next samples: shape (rows, 1) where they stand still, (rows, frames) where not."""
        if self._done >= len(self._curve):
            return self._now
        curve = self._curve[self._done : self._done + frames]
        self._done += len(curve)
        factors = self._from + (self._target - self._from) * curve
        self._now = self._target if self._done >= len(self._curve) else factors[:, -1:].copy()
        if factors.shape[1] < frames:
            rest = np.broadcast_to(self._target, (len(factors), frames - factors.shape[1]))
            factors = np.concatenate([factors, rest], axis=1)
        return factors
