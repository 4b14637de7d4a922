"""The cleaning itself: sound in, sound out, later by 30 ms, block by block with the same result as in one go.

What is left of the noise is said in dB: below the limit nothing is turned down further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....presets.units import gain_factor
from ...audio.reading import Samples
from .floor import RunningFloor, protected
from .network import LOOKAHEAD, ORDER, Decided, Network
from .spectrum import BAND_WIDTHS, DEEP_BINS, FFT, HOP, RATE_HZ, Analysis, Spectra, SpectralFeatures, Synthesis

LATENCY_FRAMES: Final = FFT - HOP + LOOKAHEAD * HOP
"""Samples by which what comes out is later than what came in."""
BLOCK_FRAMES: Final = HOP
"""Blocks are multiples of so many samples."""

__all__ = ["BLOCK_FRAMES", "LATENCY_FRAMES", "RATE_HZ", "Denoiser"]


class Denoiser:
    """Cleans channels, each by itself.

    Args:
        channels: how many.
        strength_db: how far noise is turned down at most; 0 leaves everything.
        floors: noise floors of the channels, over which sound stays: rows of bins, or floors that are found while sound
            comes; None leaves everything to the network.
    """

    def __init__(
        self, channels: int, strength_db: float, floors: NDArray[np.float32] | Sequence[RunningFloor] | None = None
    ):
        kept = gain_factor(-strength_db)
        self._channels = [_Channel(kept, None if floors is None else floors[place]) for place in range(channels)]

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n), a multiple of :data:`BLOCK_FRAMES`."""
        rows = [channel.process(row) for channel, row in zip(self._channels, block, strict=True)]
        return np.stack(rows)


class _Channel:
    def __init__(self, kept: float, floor: NDArray[np.float32] | RunningFloor | None):
        self._kept, self._floor = kept, floor
        self._analysis, self._features, self._synthesis = Analysis(), SpectralFeatures(), Synthesis()
        self._network = Network()
        self._before: Spectra = np.zeros((ORDER - 1, FFT // 2 + 1), np.complex64)

    def process(self, samples: Samples) -> Samples:
        """The next samples of one channel."""
        spectra = self._analysis.process(samples)
        decided = self._network.process(*self._features.process(spectra))
        heard = np.concatenate((self._before, spectra))
        self._before = heard[-(ORDER - 1) :]
        # What is decided now is of the frame before the last two, which lies in the middle of those that are filtered.
        noisy = heard[ORDER - 1 - LOOKAHEAD : -LOOKAHEAD]
        clean = _cleaned(noisy, heard, decided)
        if self._floor is not None:
            around = np.lib.stride_tricks.sliding_window_view(np.abs(heard) ** 2, ORDER, axis=0).mean(axis=-1)
            floor = self._floor.hear(spectra) if isinstance(self._floor, RunningFloor) else self._floor
            clean = protected(noisy, clean, around, floor)
        return self._synthesis.process(self._kept * noisy + (1 - self._kept) * clean)


def _cleaned(noisy: Spectra, heard: Spectra, decided: Decided) -> Spectra:
    clean = noisy * np.repeat(decided.gains, BAND_WIDTHS, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(heard[:, :DEEP_BINS], ORDER, axis=0)
    clean[:, :DEEP_BINS] = np.einsum("fbo,fbo->fb", windows, decided.filters)
    return clean
