"""Spectra on the features' frames, and their bins in groups: what :mod:`.sensitivity` adds and multiplies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..audio.loudness import k_weights
from ..audio.reading import Samples
from ..model.features import FFT_SIZE, HOP, bark_filters, hann_window

Matrix = NDArray[np.float64]

# Of a long passage every second frame of the features' is enough for a direction.
_LONG = 4 * FFT_SIZE
_GROUPS_PER_OCTAVE = 24
_LOWEST_HZ = 20.0


@dataclass(frozen=True)
class BinGroups:
    """FFT bins in groups narrow enough for any filter of the console.

    Attributes:
        first: index of each group's first bin.
        centre_hz: of each group.
        bark: the features' filters, shape (groups, 24).
        k_weights: gain in power of the loudness meter.
    """

    first: NDArray[np.intp]
    centre_hz: Matrix
    bark: Matrix
    k_weights: Matrix

    @property
    def count(self) -> int:
        """How many groups."""
        return len(self.first)


@cache
def groups_of(sample_rate_hz: int) -> BinGroups:
    """The groups of the features' transform at this rate."""
    bins_hz = np.fft.rfftfreq(FFT_SIZE, 1 / sample_rate_hz)
    octaves = np.log2(sample_rate_hz / 2 / _LOWEST_HZ)
    edges_hz = _LOWEST_HZ * 2 ** (np.arange(1, octaves * _GROUPS_PER_OCTAVE) / _GROUPS_PER_OCTAVE)
    first = np.unique(np.concatenate([[0], np.searchsorted(bins_hz, edges_hz)]))
    counts = np.diff([*first, len(bins_hz)])
    centre_hz = np.add.reduceat(bins_hz, first) / counts
    bark = np.add.reduceat(bark_filters(sample_rate_hz).astype(np.float64), first, axis=0) / counts[:, None]
    return BinGroups(first, centre_hz, bark, k_weights(centre_hz, sample_rate_hz))


def spectrum(channel: Samples) -> NDArray[np.complex64]:
    """Shape (frames, bins); frames are centred as the features' are."""
    padded = np.pad(channel, FFT_SIZE // 2, mode="reflect")
    hop = 2 * HOP if len(channel) >= _LONG else HOP
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::hop]
    return np.stack([scipy.fft.rfft(frame * hann_window(), workers=1) for frame in frames])


def power(values: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Squared magnitudes."""
    return np.square(values.real) + np.square(values.imag)
