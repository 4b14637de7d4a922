"""The network's view of sound: overlapping spectra, their features, and the way back.

Facts of the published model (Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement",
2023, and its config): frames of 20 ms every 10 ms at 48 kHz, under a Vorbis window; 32 bands of equal width in ERB, of
two bins at least; the level of a band in dB less its running mean; the lowest 96 bins over the root of their running
mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...audio.reading import Samples

RATE_HZ: Final = 48_000
HOP: Final = 480
FFT: Final = 960
BINS: Final = FFT // 2 + 1
BANDS: Final = 32
DEEP_BINS: Final = 96
_FEWEST_BINS: Final = 2
# Of the running means: a time constant of a second, in steps of a hop, with the digits that the model was trained with.
_KEPT: Final = 0.99
_QUIETEST_POWER: Final = 1e-10
_DB_OF_ONE: Final = 40.0

Spectra = NDArray[np.complex64]
"""Shape (frames, bins)."""

# The ERB scale of Glasberg and Moore.
_ERB_OCTAVE: Final = 9.265
_ERB_HZ: Final = 24.7 * _ERB_OCTAVE


def _window() -> NDArray[np.float32]:
    """The Vorbis window, whose square and its neighbour's add up to 1."""
    sine = np.sin(np.pi * (np.arange(FFT) + 0.5) / FFT)
    return np.sin(np.pi / 2 * sine**2).astype(np.float32)


def band_edges() -> NDArray[np.int64]:
    """Tell where the bands begin, and where the last one ends, in bins."""
    highest = _ERB_OCTAVE * np.log1p(RATE_HZ / 2 / _ERB_HZ)
    tops_hz = _ERB_HZ * np.expm1(np.arange(1, BANDS + 1) * highest / BANDS / _ERB_OCTAVE)
    edges = [0]
    for top_hz in tops_hz:
        edges.append(max(round(top_hz * FFT / RATE_HZ), edges[-1] + _FEWEST_BINS))
    edges[-1] = BINS
    return np.array(edges)


WINDOW: Final = _window()
BAND_EDGES: Final = band_edges()
BAND_WIDTHS: Final = np.diff(BAND_EDGES)


class Analysis:
    """Sound to spectra; a spectrum is of the hop that came last and the one before."""

    def __init__(self) -> None:
        self._before = np.zeros(HOP, np.float32)

    def process(self, samples: Samples) -> Spectra:
        """From whole hops, shape (n,), to spectra."""
        heard = np.concatenate((self._before, samples))
        self._before = heard[-HOP:].copy()
        frames = np.lib.stride_tricks.sliding_window_view(heard, FFT)[::HOP]
        spectra: Spectra = (np.fft.rfft(frames * WINDOW, axis=1) / FFT).astype(np.complex64)
        return spectra


class Synthesis:
    """Spectra to sound, a hop later than it came in."""

    def __init__(self) -> None:
        self._tail = np.zeros(HOP, np.float32)

    def process(self, spectra: Spectra) -> Samples:
        """From spectra to as many hops, shape (n,)."""
        frames = (np.fft.irfft(spectra, FFT, axis=1) * FFT).astype(np.float32) * WINDOW
        tails = np.concatenate((self._tail[None], frames[:, HOP:]))
        self._tail = tails[-1]
        return (frames[:, :HOP] + tails[:-1]).reshape(-1)


class SpectralFeatures:
    """What the network hears of spectra, with running means that go on from block to block."""

    def __init__(self) -> None:
        self._mean_db = np.linspace(-60, -90, BANDS)
        self._mean_magnitude = np.linspace(1e-3, 1e-4, DEEP_BINS)

    def process(self, spectra: Spectra) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give the bands, shape (1, 1, frames, bands), and the lowest bins, shape (1, 2, frames, bins)."""
        power = np.add.reduceat(np.abs(spectra) ** 2, BAND_EDGES[:-1], axis=1) / BAND_WIDTHS
        level_db = 10 * np.log10(power + _QUIETEST_POWER)
        mean_db = _running_mean(level_db, self._mean_db)
        self._mean_db = mean_db[-1]
        low = spectra[:, :DEEP_BINS]
        magnitude = _running_mean(np.abs(low), self._mean_magnitude)
        self._mean_magnitude = magnitude[-1]
        unit = low / np.sqrt(magnitude)
        bands = ((level_db - mean_db) / _DB_OF_ONE).astype(np.float32)
        return bands[None, None], np.stack((unit.real, unit.imag)).astype(np.float32)[None]


def _running_mean(values: NDArray[np.floating], before: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.signal import lfilter  # late: slow to import, seldom needed

    mean, _ = lfilter([1 - _KEPT], [1, -_KEPT], values.astype(np.float64), axis=0, zi=_KEPT * before[None])
    return np.asarray(mean)
