"""What can be said of a sound in figures: spectrum, loudness, width, balance.

For reports. Figures are of passages in memory; nothing is decided by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...presets.units import power_decibels
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.peaks import true_peak_db
from ...runtime.audio.reading import Samples
from ...runtime.practice.sounds import mean_power

Curve = NDArray[np.float64]

# Exact centres, base 2, from 31 Hz to 20 kHz.
THIRDS_HZ: Curve = 1000 * 2.0 ** (np.arange(-15, 14) / 3)

_FFT = 16384
_TINY = 1e-12


@dataclass(frozen=True)
class SoundFigures:
    """A passage in figures.

    Attributes:
        loudness_lufs: integrated; -inf for silence.
        true_peak_dbtp: likewise.
        thirds_db: power in each third octave at a loudness of 0 LUFS; NaN where the sample rate or silence has none.
        width: share of the power that is in the side channel, 0 mono to 0.5 unrelated channels and 1 opposite ones.
        balance_db: how much louder the right channel is than the left.
    """

    loudness_lufs: float
    true_peak_dbtp: float
    thirds_db: Curve
    width: float
    balance_db: float

    @property
    def crest_db(self) -> float:
        """Peak over loudness: how lively or how squeezed."""
        return self.true_peak_dbtp - self.loudness_lufs


def measure(audio: Samples, sample_rate_hz: int) -> SoundFigures:
    """Measure samples of shape (1 or 2, n)."""
    loudness = integrated_loudness(audio, sample_rate_hz)
    left, right = (audio[0], audio[-1])
    power_left, power_right = _power(left), _power(right)
    side, total = _power((left - right) / 2), (power_left + power_right) / 2
    return SoundFigures(
        loudness,
        true_peak_db(audio),
        tone(audio, sample_rate_hz, loudness),
        side / total if total > _TINY else 0.0,
        power_decibels((power_right + _TINY) / (power_left + _TINY)),
    )


def tone(audio: Samples, sample_rate_hz: int, loudness_lufs: float) -> Curve:
    """Measure third octaves, brought to a loudness of 0 LUFS for comparing; NaN for silence."""
    if not math.isfinite(loudness_lufs):
        return np.full(len(THIRDS_HZ), np.nan)
    return third_octaves_db(audio, sample_rate_hz) - loudness_lufs


def third_octaves_db(audio: Samples, sample_rate_hz: int) -> Curve:
    """Measure power in the bands of :data:`THIRDS_HZ`, in dB; NaN for bands above half the sample rate."""
    # Channels add up, as in loudness.
    _, summed = mean_power(audio, sample_rate_hz, np.hanning(_FFT).astype(np.float32))
    power = summed / _FFT**2
    cumulative = np.concatenate(([0.0], np.cumsum(power)))
    bin_edges_hz = (np.arange(len(cumulative)) - 0.5) * sample_rate_hz / _FFT
    edges_hz = np.append(THIRDS_HZ / 2 ** (1 / 6), THIRDS_HZ[-1] * 2 ** (1 / 6))
    bands = np.diff(np.interp(edges_hz, bin_edges_hz, cumulative))
    return np.where(0.48 * sample_rate_hz > THIRDS_HZ, 10 * np.log10(bands + _TINY), np.nan)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))
