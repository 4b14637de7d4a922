"""Ducking: an effect's return is turned down while what feeds it is loud, and blooms in the gaps."""

from __future__ import annotations

import numpy as np

from ....presets.console import Ducking
from ...audio.reading import Samples
from ..primitives import Reduction

# In dB of gain for each dB above the threshold: by half, so that the return follows loud words without pumping.
SLOPE = 0.5
ATTACK_MS = 60.0
RELEASE_MS = 1500.0


class Ducker:
    """Turns a return down by half a dB for each dB that its sends are above the threshold, up to the range.

    Args:
        settings: from the preset; range 0 leaves the return as it is.
        sample_rate_hz: of the audio.
    """

    def __init__(self, settings: Ducking, sample_rate_hz: int):
        self._is_active = settings.range_db > 0
        self._reduction = Reduction(
            settings.threshold_db, settings.range_db, ATTACK_MS, RELEASE_MS, sample_rate_hz, SLOPE
        )

    def process(self, sends: Samples, wet: Samples) -> Samples:
        """The return for the same stretch of sends and wet sound, shapes (2, n)."""
        if not self._is_active or not sends.shape[1]:
            return wet
        return wet * np.exp(-self._reduction.process(np.abs(sends).max(axis=0)))
