"""Oversampling for what bends a waveform: up by a power of two and down again through half-band filters.

A bent waveform has harmonics above half the sample rate, which come back as tones that no chord contains. At a
multiple of the rate they have room, and are filtered off on the way down. soxr is not used here: between chunks its
streams keep back up to 40 ms, which a player in real time cannot wait for; half-band filters take 2 ms. Two of them
in a row are one filter at four times the rate, and are computed as one.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .primitives import FilterBank

# Half the number of a side's taps, stage by stage: the first has 20 to 24 kHz for its slope (at 44.1 kHz), the others
# more and more room. 100 dB below, each.
_HALF_TAPS = (35, 10, 7, 6, 6)
_KAISER_BETA = 10.06
# Doublings that are computed as one: in three too many products would be of taps that are zero.
_TOGETHER: Final = 2
Waveform = NDArray[Any]


class Oversampler:
    """Up and down by a factor, block by block.

    Args:
        factor: 2, 4, 8, 16 or 32.
        channels: rows of a block.
        dtype: float32 or float64.
        gain: of the way up; the way down takes it back.

    Attributes:
        latency_samples: of a way up and down, at the lower rate; a whole number.
    """

    def __init__(
        self, factor: int, channels: int, dtype: type[np.float32 | np.float64] = np.float32, gain: float = 1.0
    ):
        stages = range(factor.bit_length() - 1)
        # Both ways of a stage take 4 k - 2 samples at its own higher rate.
        late = sum((4 * _HALF_TAPS[stage] - 2) * (factor >> (stage + 1)) for stage in stages)
        rest = -late % factor
        self.latency_samples = (late + rest) // factor
        parts = [stages[at : at + _TOGETHER] for at in range(0, len(stages), _TOGETHER)]
        # Twice the gain a doubling makes up for the zeros between the samples.
        ups = [2.0 ** len(part) * _taps(part) for part in parts]
        downs = [_taps(part) for part in parts]
        ups[0], downs[0] = ups[0] * gain, downs[0] / gain
        # What is missing to a whole sample is waited for at the highest rate.
        downs[-1] = np.concatenate([np.zeros(rest), downs[-1]])
        self._up = [
            FilterBank(_phases(taps, 2 ** len(part)), channels, dtype) for taps, part in zip(ups, parts, strict=True)
        ]
        self._down = [
            FilterBank(taps[None], channels, dtype, hop=2 ** len(part)) for taps, part in zip(downs, parts, strict=True)
        ][::-1]

    def up(self, block: Waveform) -> Waveform:
        """From shape (channels, n) to (channels, n * factor)."""
        for bank in self._up:
            block = bank.process(block)
        return block

    def down(self, block: Waveform) -> Waveform:
        """From shape (channels, n * factor) to (channels, n)."""
        for bank in self._down:
            block = bank.process(block)
        return block


def _taps(stages: range) -> NDArray[np.float64]:
    """The half-band filters of stages in a row as one, at the rate above the last; sum 1."""
    taps = np.ones(1)
    for stage in stages:
        half = half_band_taps(stage)
        whole = np.zeros(2 * len(half) - 1)
        whole[0::2] = half
        whole[len(half) - 1] = 0.5
        spread = np.zeros(2 * len(taps) - 1)
        spread[0::2] = taps
        taps = np.convolve(spread, whole)
    return taps


def _phases(taps: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """What each sample between two is made with, shape (factor, n)."""
    padded = np.concatenate([taps, np.zeros(-len(taps) % factor)])
    return padded.reshape(-1, factor).T


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
