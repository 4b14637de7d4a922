"""True peaks: how high the waveform rises between its samples, by fourfold oversampling (ITU-R BS.1770-4).

The interpolator has 32 taps a phase, flat to 0.44 of the sample rate. It is laid out as one matrix product
over short chunks of samples; chunks that cannot reach the level asked for, whatever their waveform, are
skipped.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .audio import Samples

OVERSAMPLING = 4
TAPS = 32
REACH = TAPS // 2

_CHUNK = 64


def true_peak_db(audio: Samples) -> float:
    """True peak of samples of shape (channels, n), in dBTP; -inf for silence."""
    meter = TruePeakMeter()
    meter.update(audio)
    return meter.peak_db


class TruePeakMeter:
    """The highest true peak of a stream."""

    def __init__(self) -> None:
        self._peak = 0.0
        self._tail: Samples | None = None

    def update(self, block: Samples) -> None:
        """Takes the next samples, shape (channels, n); n may be anything."""
        if self._tail is None:
            self._tail = np.zeros((block.shape[0], TAPS - 1), np.float32)
        joined = np.concatenate([self._tail, block], axis=1)
        self._peak = self._highest(joined)
        self._tail = joined[:, joined.shape[1] - (TAPS - 1) :]

    @property
    def peak(self) -> float:
        """Highest true peak so far, full scale 1.0."""
        if self._tail is None:
            return 0.0
        return self._highest(np.pad(self._tail, [(0, 0), (0, REACH)]))

    @property
    def peak_db(self) -> float:
        """Highest true peak so far, in dBTP; -inf for silence."""
        return 20 * math.log10(self.peak) if self.peak > 0 else -math.inf

    def _highest(self, samples: Samples) -> float:
        highest = max(self._peak, float(np.abs(samples).max(initial=0)))
        return max(highest, float(peaks_between(samples, highest).max(initial=0)))


def peaks_between(samples: Samples, at_least: float) -> Samples:
    """How high the waveform rises between each sample and the next.

    Args:
        samples: shape (channels, n + TAPS - 1). The first result lies between samples REACH - 1 and REACH.
        at_least: levels below this are of no interest.

    Returns:
        The largest magnitude of all channels in each gap, shape (n,); 0 where it is certainly below
        `at_least`.
    """
    gaps = samples.shape[1] - (TAPS - 1)
    chunks = max(0, -(-gaps // _CHUNK))
    result = np.zeros(chunks * _CHUNK, np.float32)
    missing = (chunks + 1) * _CHUNK - samples.shape[1]
    for channel in samples:
        padded = np.pad(channel, (0, max(0, missing)))[: (chunks + 1) * _CHUNK]
        highest = np.abs(padded).reshape(-1, _CHUNK).max(axis=1)
        reachable = np.maximum(highest[:-1], highest[1:]) * _GREATEST_GAIN
        picked = np.flatnonzero(reachable >= at_least)
        windows = padded[picked[:, None] * _CHUNK + np.arange(_CHUNK + TAPS - 1)]
        peaks = np.abs(windows @ _MATRIX).reshape(-1, OVERSAMPLING - 1, _CHUNK).max(axis=1)
        view = result.reshape(-1, _CHUNK)
        view[picked] = np.maximum(view[picked], peaks)
    return result[:gaps]


def _interpolators() -> NDArray[np.float64]:
    """Windowed sincs for the points at 1/4, 1/2 and 3/4 between two samples, shape (3, TAPS)."""
    offsets = np.arange(OVERSAMPLING - 1)[:, None] / OVERSAMPLING + 1 / OVERSAMPLING + REACH - 1
    distance = np.arange(TAPS) - offsets
    window = np.i0(7.0 * np.sqrt(np.maximum(0, 1 - (distance / REACH) ** 2))) / np.i0(7.0)
    taps = np.sinc(distance) * window
    unity: NDArray[np.float64] = taps / taps.sum(axis=1, keepdims=True)
    return unity


def _matrix(taps: NDArray[np.float64]) -> Samples:
    """Maps a chunk and its surroundings to the points between its samples, phase by phase."""
    matrix = np.zeros((_CHUNK + TAPS - 1, OVERSAMPLING - 1, _CHUNK), np.float32)
    for place in range(_CHUNK):
        matrix[place : place + TAPS, :, place] = taps.T
    return matrix.reshape(_CHUNK + TAPS - 1, -1)


_TAPS = _interpolators()
_MATRIX = _matrix(_TAPS)
_GREATEST_GAIN = float(np.abs(_TAPS).sum(axis=1).max())
