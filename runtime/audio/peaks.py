"""True peaks: how high the waveform rises between its samples, by fourfold oversampling (ITU-R BS.1770-4).

The interpolator has 32 taps a phase, flat to 0.44 of the sample rate. It is laid out as one matrix product
over short chunks of samples; chunks that cannot reach the level asked for are skipped.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...presets.units import decibels
from .reading import Samples

TAPS = 32
REACH = TAPS // 2

_CHUNK = 64
# OpenBLAS spreads larger products over threads, which spin while they wait for one another: beside other work on the
# same cores, and a session is rendered on all of them, that took 13 times as long.
_PRODUCT_ROWS = 16


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
        return decibels(self.peak)

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
    if gaps <= 0:
        return np.zeros(0, np.float32)
    if not samples.any():
        return np.zeros(gaps, np.float32)
    chunks = -(-gaps // _CHUNK)
    result = np.zeros((chunks, _CHUNK), np.float32)
    missing = max(0, (chunks + 1) * _CHUNK - samples.shape[1])
    for channel in samples:
        padded = np.pad(channel, (0, missing))[: (chunks + 1) * _CHUNK]
        highest = np.abs(padded).reshape(-1, _CHUNK).max(axis=1)
        highest = np.maximum(highest[:-1], highest[1:])
        picked = np.flatnonzero(highest * _GREATEST_GAIN >= at_least)
        windows = sliding_window_view(padded, _CHUNK + TAPS - 1)[picked * _CHUNK]
        halfway = np.abs(_product(windows, _HALFWAY))
        result[picked] = np.maximum(result[picked], halfway)
        reached = np.maximum(halfway.max(axis=1, initial=0), highest[picked])
        near = reached * _GREATEST_RISE >= at_least
        quarters = np.abs(_product(windows[near], _QUARTERS)).reshape(-1, 2, _CHUNK).max(axis=1)
        result[picked[near]] = np.maximum(result[picked[near]], quarters)
    return result.reshape(-1)[:gaps]


def _product(windows: Samples, matrix: Samples) -> Samples:
    """The matrix product, on this thread alone."""
    result = np.empty((len(windows), matrix.shape[1]), np.float32)
    whole = len(windows) // _PRODUCT_ROWS * _PRODUCT_ROWS
    pieces, results = (rows[:whole].reshape(-1, _PRODUCT_ROWS, rows.shape[1]) for rows in (windows, result))
    np.matmul(pieces, matrix, out=results)
    np.matmul(windows[whole:], matrix, out=result[whole:])
    return result


def _interpolators(places: tuple[float, ...]) -> NDArray[np.float64]:
    """Windowed sincs for points between two samples, at 0..1 of the gap, shape (places, TAPS)."""
    distance = np.arange(TAPS) - (REACH - 1) - np.array(places)[:, None]
    window = np.i0(7.0 * np.sqrt(np.maximum(0, 1 - (distance / REACH) ** 2))) / np.i0(7.0)
    taps = np.sinc(distance) * window
    unity: NDArray[np.float64] = taps / taps.sum(axis=1, keepdims=True)
    return unity


def _matrix(places: tuple[float, ...]) -> Samples:
    """Maps a chunk and its surroundings to the points between its samples, place by place."""
    taps = _interpolators(places)
    matrix = np.zeros((_CHUNK + TAPS - 1, len(places), _CHUNK), np.float32)
    for start in range(_CHUNK):
        matrix[start : start + TAPS, :, start] = taps.T
    return matrix.reshape(_CHUNK + TAPS - 1, -1)


_HALFWAY = _matrix((0.5,))
_QUARTERS = _matrix((0.25, 0.75))
# No waveform rises by more between its samples than the interpolators do at worst.
_GREATEST_GAIN = float(np.abs(_interpolators((0.25, 0.5, 0.75))).sum(axis=1).max())
# Nor, within half the sample rate, by more than sqrt(2) between points of twofold oversampling.
_GREATEST_RISE = 1.5
