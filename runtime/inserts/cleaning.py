"""The built-in cleaning over samples in memory: block by block, with the same result as in one go."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ...presets.inserts.insert import FULL_STRENGTH_DB
from ..audio.reading import Samples
from .deepfilter.denoiser import BLOCK_FRAMES, LATENCY_FRAMES, RATE_HZ, Denoiser
from .deepfilter.floor import noise_floor
from .in_time import InTime, counted_lag
from .terms import InsertTerms

# What is ready depends a little on how long the blocks are that go in: counted with these, it holds for all.
_COUNTED_FRAMES: Final = 64
_TINY: Final = 1e-12
# A second at once is cheaper than frame by frame.
_MOST_BLOCKS: Final = RATE_HZ // BLOCK_FRAMES


def floors_of(samples: Samples, sample_rate_hz: int) -> NDArray[np.float32]:
    """Measure the noise floors of channels, shape (channels, bins), as :func:`.deepfilter.floor.noise_floor` does.

    Args:
        samples: all of the track, shape (channels, n).
        sample_rate_hz: of them.
    """
    heard = samples
    if sample_rate_hz != RATE_HZ:
        heard = np.asarray(soxr.resample(samples.T, sample_rate_hz, RATE_HZ), np.float32).T
    return np.stack([noise_floor([np.ascontiguousarray(row)], len(row)) for row in heard])


def voice_over_noise_db(samples: Samples, sample_rate_hz: int) -> float:
    """Estimate how far a voice stands over its noise, in dB: by what the network leaves of it, and what it takes.

    Args:
        samples: of the voice, shape (channels, n).
        sample_rate_hz: of them.
    """
    cleaner = StreamCleaner(samples.shape[0], sample_rate_hz, FULL_STRENGTH_DB, None)
    left = np.concatenate((cleaner.process(samples), cleaner.flush()), axis=1).astype(np.float64)
    taken = samples - left
    return float(10 * np.log10((np.sum(left**2) + _TINY) / (np.sum(taken**2) + _TINY)))


class StreamCleaner:
    """Cleans a track that comes in blocks of any length.

    Args:
        channels: of the track, 1 or 2.
        sample_rate_hz: of it.
        strength_db: how far noise is turned down at most.
        floors: of the channels, over which sound stays; None leaves everything to the network.

    Attributes:
        latency_samples: how many samples are held back.
    """

    def __init__(self, channels: int, sample_rate_hz: int, strength_db: float, floors: NDArray[np.float32] | None):
        terms = InsertTerms(RATE_HZ, channels, BLOCK_FRAMES, LATENCY_FRAMES)
        denoiser = Denoiser(channels, strength_db, floors)
        self._in_time = InTime(
            terms, channels, sample_rate_hz, lambda block, _place: denoiser.process(block), _MOST_BLOCKS
        )
        self.latency_samples = counted_lag([terms], channels, sample_rate_hz, _COUNTED_FRAMES) + _COUNTED_FRAMES
        self._ready = np.zeros((channels, 0), np.float32)
        self._held = 0

    def process(self, block: Samples) -> Samples:
        """The next samples, from shape (channels, n) to (channels, m); m is n once enough is held back."""
        self._ready = np.concatenate((self._ready, self._in_time.process(block)), axis=1)
        self._held += block.shape[1]
        return self._given(max(0, self._held - self.latency_samples))

    def flush(self) -> Samples:
        """The samples that are held back; nothing may come behind them."""
        silence = np.zeros((len(self._ready), self.latency_samples), np.float32)
        self._ready = np.concatenate((self._ready, self._in_time.process(silence)), axis=1)
        return self._given(self._held)

    def _given(self, frames: int) -> Samples:
        out, self._ready = self._ready[:, :frames], self._ready[:, frames:]
        self._held -= frames
        return out
