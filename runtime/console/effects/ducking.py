"""Ducking: an effect's return is turned down while what feeds it is loud, and blooms in the gaps."""

from __future__ import annotations

import math

import numpy as np

from ....presets.console import Ducking
from ...audio.reading import Samples
from ..primitives import Follower

# In dB of gain for each dB above the threshold: by half, so that the return follows loud words without pumping.
_SLOPE = 0.5
_ATTACK_MS = 60.0
_RELEASE_MS = 1500.0
_EXPONENT = 20
_NEPER_PER_DB = math.log(10) / 20


class Ducker:
    """Turns a return down by half a dB for each dB that its sends are above the threshold, up to the range.

    Args:
        settings: from the preset; range 0 leaves the return as it is.
        sample_rate_hz: of the audio.
    """

    def __init__(self, settings: Ducking, sample_rate_hz: int):
        self._is_active = settings.range_db > 0
        self._level = Follower(_ATTACK_MS, _RELEASE_MS, sample_rate_hz, _EXPONENT)
        self._threshold = np.float32(settings.threshold_db * _NEPER_PER_DB + _EXPONENT * math.log(2))
        self._range = np.float32(settings.range_db * _NEPER_PER_DB)

    def process(self, sends: Samples, wet: Samples) -> Samples:
        """The return for the same stretch of sends and wet sound, shapes (2, n)."""
        if not self._is_active or not sends.shape[1]:
            return wet
        level = self._level.process(np.abs(sends).max(axis=0))
        np.log(level, out=level)
        level -= self._threshold
        level *= np.float32(_SLOPE)
        reduction = np.clip(level, 0, self._range, out=level)
        return wet * np.exp(-reduction)
