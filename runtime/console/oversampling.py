"""Oversampling for what bends a waveform: up by a power of two and down again through half-band filters.

A bent waveform has harmonics above half the sample rate, which come back as tones that no chord contains. At a
multiple of the rate they have room, and are filtered off on the way down. soxr is not used here: between chunks its
streams keep back up to 40 ms, which a player in real time cannot wait for; half-band filters take 2 ms.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Half the number of a side's taps, stage by stage: the first has 20 to 24 kHz for its slope (at 44.1 kHz), the others
# more and more room. 100 dB below, each.
_HALF_TAPS = (35, 10, 7, 6, 6)
_KAISER_BETA = 10.06
# Samples that go through a filter together. Small enough that BLAS takes one thread for a piece of the saturation.
_STEP = 16
Waveform = NDArray[Any]


class Oversampler:
    """Up and down by a factor, block by block.

    Args:
        factor: 2, 4, 8, 16 or 32.
        channels: rows of a block.
        dtype: float32 or float64.

    Attributes:
        latency_samples: of a way up and down, at the lower rate; a whole number.
    """

    def __init__(self, factor: int, channels: int, dtype: type[np.float32 | np.float64] = np.float32):
        stages = range(factor.bit_length() - 1)
        self._up = [_Up(stage, channels, dtype) for stage in stages]
        self._down = [_Down(stage, channels, dtype) for stage in reversed(stages)]
        # Both ways of a stage take 4 k - 2 samples at its own higher rate.
        late = sum((4 * _HALF_TAPS[stage] - 2) * (factor >> (stage + 1)) for stage in stages)
        rest = -late % factor
        self.latency_samples = (late + rest) // factor
        self._rest = np.zeros((channels, rest), dtype)

    def up(self, block: Waveform) -> Waveform:
        """From shape (channels, n) to (channels, n * factor)."""
        for stage in self._up:
            block = stage.process(block)
        return block

    def down(self, block: Waveform) -> Waveform:
        """From shape (channels, n * factor) to (channels, n)."""
        if self._rest.shape[1]:
            joined = np.concatenate([self._rest, block], axis=1)
            block, self._rest = joined[:, : block.shape[1]], joined[:, block.shape[1] :]
        for stage in self._down:
            block = stage.process(block)
        return block


class _Up:
    """Twice the samples: the input itself, and between its samples a filtered one."""

    def __init__(self, stage: int, channels: int, dtype: type[np.float32 | np.float64]):
        self._filter = _Filter((2 * half_band_taps(stage)).astype(dtype))
        self._before = np.zeros((channels, self._filter.length - 1), dtype)

    def process(self, block: Waveform) -> Waveform:
        joined = np.concatenate([self._before, block], axis=1)
        count, half = block.shape[1], self._filter.length // 2
        self._before = joined[:, count:].copy()
        raised = np.empty((block.shape[0], 2 * count), joined.dtype)
        for row, samples in zip(raised, joined, strict=True):
            row[0::2] = self._filter.apply(samples)
            row[1::2] = samples[half : half + count]
        return raised


class _Down:
    """Half the samples, filtered before."""

    def __init__(self, stage: int, channels: int, dtype: type[np.float32 | np.float64]):
        self._filter = _Filter(half_band_taps(stage).astype(dtype))
        self._half = dtype(0.5)
        self._even = np.zeros((channels, self._filter.length - 1), dtype)
        self._odd = np.zeros((channels, self._filter.length // 2), dtype)

    def process(self, block: Waveform) -> Waveform:
        even = np.concatenate([self._even, block[:, 0::2]], axis=1)
        odd = np.concatenate([self._odd, block[:, 1::2]], axis=1)
        count = block.shape[1] // 2
        self._even, self._odd = even[:, count:].copy(), odd[:, count:].copy()
        lowered = odd[:, :count] * self._half
        for row, samples in zip(lowered, even, strict=True):
            np.add(row, self._filter.apply(samples), out=row)
        return lowered


class _Filter:
    """A short filter: windows of the samples, one after so many others, times a table of shifted taps.

    As a product of matrices it is two to six times as fast as numpy's convolution, which takes one sample at a time.
    Each sample's sum is taken in the order of the taps, so that blocks of any length make the same digits.
    """

    def __init__(self, taps: Waveform):
        self._taps = taps
        self.length = len(taps)
        self._table = np.zeros((self.length + _STEP - 1, _STEP), taps.dtype)
        for shift in range(_STEP):
            self._table[shift : shift + self.length, shift] = taps[::-1]

    def apply(self, samples: Waveform) -> Waveform:
        """The samples, filtered, as far as all taps meet one; shape (n,) to (n - length + 1,)."""
        count = len(samples) - self.length + 1
        # Of a single window BLAS makes another kind of product, with other last digits.
        rows = max(2, -(-count // _STEP))
        missing = rows * _STEP + self.length - 1 - len(samples)
        if missing:
            samples = np.concatenate([samples, np.zeros(missing, samples.dtype)])
        size = samples.itemsize
        windows = np.ndarray((rows, len(self._table)), samples.dtype, samples, 0, (_STEP * size, size))
        product: Waveform = windows @ self._table
        return product.reshape(-1)[:count]


@cache
def half_band_taps(stage: int) -> NDArray[np.float64]:
    """The taps of a stage's half-band filter beside its centre's: every other one, an even number, sum 0.5.

    Args:
        stage: 0 goes from the sample rate to twice of it, 1 from there to four times, and so on.
    """
    from scipy.signal import firwin

    half = _HALF_TAPS[stage]
    taps = firwin(4 * half - 1, 0.5, window=("kaiser", _KAISER_BETA))[0::2]
    return np.asarray(taps * (0.5 / taps.sum()))
