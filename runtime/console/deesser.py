"""The de-esser: sibilance is turned down in its own band, and nothing else.

The law. The band is a bell of 0 dB at its centre, Q 1.4 (R. Bristow-Johnson's band-pass). Its level is followed (of
stereo, that of the louder channel), and where it is above the threshold the band is turned down by as much as it is
above, up to the range. What is turned down is taken away from the sound: audio - (1 - gain) * band, which at the
centre is the gain and far from it nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...presets.console import DeEsser
from ..audio.reading import Samples
from .eq import HIGHEST_FREQ
from .primitives import Reduction, SectionStream, short_filter

BAND_Q = 1.4
ATTACK_MS = 2.0
RELEASE_MS = 150.0


class DeEsserProcessor:
    """One de-esser over mono or stereo audio, fed block by block, without latency.

    Args:
        settings: from the preset; range 0 passes audio through.
        channels: 1 or 2.
        sample_rate_hz: of the audio.
        moves_band: its frequency will be retuned.
    """

    latency_samples = 0

    def __init__(self, settings: DeEsser, channels: int, sample_rate_hz: int, *, moves_band: bool = False):
        self.is_active = settings.range_db > 0
        if not self.is_active:
            return
        self._freq_hz, self._rate_hz = settings.freq_hz, sample_rate_hz
        section = band_section(settings.freq_hz, sample_rate_hz)
        self._band: Any = SectionStream(section, channels) if moves_band else short_filter(section, channels)
        self._reduction = Reduction(settings.threshold_db, settings.range_db, ATTACK_MS, RELEASE_MS, sample_rate_hz)

    def retune(self, settings: DeEsser) -> None:
        """Take other settings from here on."""
        if not self.is_active:
            return
        if settings.freq_hz != self._freq_hz:
            self._freq_hz = settings.freq_hz
            self._band.retune(band_section(settings.freq_hz, self._rate_hz))
        self._reduction.retune(settings.threshold_db, settings.range_db)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if not self.is_active or not block.shape[1]:
            return block
        band = self._band.process(block).astype(np.float32, copy=False)
        reduction = self._reduction.process(np.abs(band).max(axis=0))
        if not reduction.any():
            return block
        taken = np.float32(1) - np.exp(-reduction)
        result: Samples = block - taken * band
        return result


def band_section(freq_hz: float, sample_rate_hz: int) -> NDArray[np.float64]:
    """The band-pass, as one second-order section, shape (1, 6); 0 dB at its centre."""
    omega = 2 * math.pi * min(freq_hz, HIGHEST_FREQ * sample_rate_hz) / sample_rate_hz
    alpha = math.sin(omega) / (2 * BAND_Q)
    a0 = 1 + alpha
    return np.array([[alpha / a0, 0, -alpha / a0, 1, -2 * math.cos(omega) / a0, (1 - alpha) / a0]])
