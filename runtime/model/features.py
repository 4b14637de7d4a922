"""What a mix sounds like, in a few numbers, and how far two mixes are apart.

The features are those of Diff-MST's audio-feature loss: level, crest factor, stereo width, stereo imbalance
and the spectrum of mid and side in Bark bands. Here they are computed with numpy, to judge mixes and to
refine settings; :mod:`mixbridge.export.compact.feature_loss` computes the same with torch, from the constants and
filters of this file. Levels are compared as they are: whoever wants to compare mixes at equal loudness
matches it before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError

Float32Array = NDArray[np.float32]

FFT_SIZE = 32768
HOP = 8192
BARK_BANDS = 24
BARK_LOW_HZ = 20.0
BARK_HIGH_HZ = 20000.0
LOG_FLOOR = 1e-8
# Below this an amplitude counts as this: silence has features too (crest 0 dB, width 0, imbalance 0).
AMPLITUDE_FLOOR = 1e-8
# Centring mirrors half a frame at each end, which needs one sample more than that.
MIN_SAMPLES = FFT_SIZE // 2 + 1


@dataclass(frozen=True)
class Features:
    """The features of one stereo mix.

    Attributes:
        rms: root mean square of left and right, shape (2,), full scale 1.0.
        crest_db: peak over rms of left and right, shape (2,).
        width: power of left - right over power of left + right.
        imbalance: (right - left) / (right + left), in power; -1 is all left.
        bark: log of the mean magnitude in each Bark band, shape (24, 2): of left + right and of left - right.
    """

    rms: Float32Array
    crest_db: Float32Array
    width: float
    imbalance: float
    bark: Float32Array


@dataclass(frozen=True)
class Weights:
    """How much each term counts in a distance; the defaults are the reference's."""

    rms: float = 0.1
    crest: float = 0.001
    width: float = 1.0
    imbalance: float = 1.0
    bark: float = 0.1


@dataclass(frozen=True)
class FeatureDistance:
    """The terms of a distance, each the mean squared difference of a feature times its weight."""

    rms: float
    crest: float
    width: float
    imbalance: float
    bark: float

    @property
    def total(self) -> float:
        """Sum of the terms."""
        return self.rms + self.crest + self.width + self.imbalance + self.bark


DEFAULT_WEIGHTS = Weights()


def mix_features(audio: Float32Array, sample_rate_hz: int = 44100) -> Features:
    """Measure a stereo mix.

    Args:
        audio: samples, shape (2, samples), full scale 1.0.
        sample_rate_hz: of the audio; it decides which FFT bins belong to which Bark band.

    Returns:
        Its features; finite for silence too.

    Raises:
        AudioError: not stereo, or shorter than 16385 samples (0.37 s at 44.1 kHz).
    """
    if audio.ndim != 2 or audio.shape[0] != 2 or audio.shape[1] < MIN_SAMPLES:
        raise AudioError(
            f"features are measured on stereo of at least {MIN_SAMPLES} samples, shape (2, samples), "
            f"but this audio has shape {audio.shape}; pass a longer passage, or both channels"
        )
    left, right = audio = audio.astype(np.float32, copy=False)
    mid_side = np.stack([left + right, left - right])
    power = np.mean(np.square(audio, dtype=np.float64), axis=1)
    mid_power, side_power = np.mean(np.square(mid_side, dtype=np.float64), axis=1)
    rms = np.maximum(np.sqrt(power), AMPLITUDE_FLOOR)
    peak = np.maximum(np.abs(audio).max(axis=1), AMPLITUDE_FLOOR)
    magnitude = np.stack([_mean_magnitude(channel) for channel in mid_side])
    bark = np.log(magnitude @ bark_filters(sample_rate_hz) + LOG_FLOOR)
    return Features(
        rms=rms.astype(np.float32),
        crest_db=(20 * np.log10(peak / rms)).astype(np.float32),
        width=float(side_power / max(mid_power, AMPLITUDE_FLOOR**2)),
        imbalance=float((power[1] - power[0]) / max(power.sum(), AMPLITUDE_FLOOR**2)),
        bark=bark.T.astype(np.float32),
    )


def feature_distance(a: Features, b: Features, weights: Weights = DEFAULT_WEIGHTS) -> FeatureDistance:
    """How far two mixes are apart; 0 for the same features, and the same from either side."""
    return FeatureDistance(
        rms=weights.rms * _mean_square(a.rms - b.rms),
        crest=weights.crest * _mean_square(a.crest_db - b.crest_db),
        width=weights.width * (a.width - b.width) ** 2,
        imbalance=weights.imbalance * (a.imbalance - b.imbalance) ** 2,
        bark=weights.bark * _mean_square(a.bark - b.bark),
    )


@cache
def bark_filters(sample_rate_hz: int, fft_size: int = FFT_SIZE) -> Float32Array:
    """Triangular filters, evenly spaced on Traunmüller's Bark scale, each peaking at 1.

    Args:
        sample_rate_hz: of the audio.
        fft_size: length of the transform the filters are for.

    Returns:
        Read-only array of shape (fft_size / 2 + 1, 24).
    """
    bin_hz = np.linspace(0, sample_rate_hz / 2, fft_size // 2 + 1)[:, np.newaxis]
    edges_hz = _bark_edges_hz()
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bin_hz - low) / (centre - low)
    falling = (high - bin_hz) / (high - centre)
    filters = np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)
    filters.flags.writeable = False
    return filters


@cache
def hann_window() -> Float32Array:
    """The analysis window, periodic Hann, shape (FFT_SIZE,), read-only."""
    phase = 2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE
    window = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
    window.flags.writeable = False
    return window


def _bark_edges_hz() -> NDArray[np.float64]:
    """The corners of the filters: two more than there are bands, because neighbours overlap by half.

    Traunmüller corrects his scale below 2 and above 20.1 Bark. The reference's filter bank undoes the lower
    correction on the way back to Hz but not the upper one, so its last corners lie too high, the very last at
    31.7 kHz instead of 20 kHz. It stays as it is: features are only comparable if they are the same.
    """
    low_bark, high_bark = _bark(BARK_LOW_HZ), _bark(BARK_HIGH_HZ)
    bark = np.linspace(low_bark, high_bark, BARK_BANDS + 2)
    bark = np.where(bark < 2, (bark - 0.3) / 0.85, bark)
    return np.asarray(1960 * (bark + 0.53) / (26.28 - bark))


def _bark(freq_hz: float) -> float:
    """H. Traunmüller, Analytical expressions for the tonotopic sensory scale, JASA 88 (1990)."""
    bark = 26.81 * freq_hz / (1960 + freq_hz) - 0.53
    if bark < 2:
        return bark + 0.15 * (2 - bark)
    if bark > 20.1:
        return bark + 0.22 * (bark - 20.1)
    return bark


def _mean_magnitude(channel: Float32Array) -> Float32Array:
    """Magnitude averaged over time, shape (FFT_SIZE / 2 + 1,); frames are centred on multiples of HOP."""
    padded = np.pad(channel, FFT_SIZE // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP]
    from scipy.fft import rfft  # late, as in audio/loudness.py

    total = np.zeros(FFT_SIZE // 2 + 1, np.float32)
    for frame in frames:  # one at a time: a frame fits the cache, all of them do not
        total += np.abs(rfft(frame * hann_window(), workers=1))
    return total / np.float32(len(frames))


def _mean_square(difference: Float32Array) -> float:
    return float(np.mean(np.square(difference, dtype=np.float64)))
