"""Sound that comes in pieces, at an insert's rate and in its blocks, and back: in time with what went in.

How far behind the last sample that went in the last one is that came out is counted beforehand, with nothing in place
of the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import soxr

from ..audio.reading import Samples
from .terms import InsertTerms

_COUNTED_S: Final = 3.0

Run = Callable[[Samples, int], Samples]
"""What an insert makes of a block, whose place in its sound is told."""


class InTime:
    """Runs an insert over pieces of any length; what comes out goes on where it ended, only later to be had.

    Args:
        terms: of the insert, which goes block by block.
        channels: of the sound.
        sample_rate_hz: of the sound.
        run: what it makes of a block at its rate; None leaves it as it is, to count.
        most_blocks: how many blocks it takes at once, where so many are there.
    """

    def __init__(
        self, terms: InsertTerms, channels: int, sample_rate_hz: int, run: Run | None = None, most_blocks: int = 1
    ):
        self._run, self._block = run, terms.block_frames or 1
        self._most = self._block * most_blocks
        self._waiting = np.zeros((channels, 0), np.float32)
        self._early, self._place = terms.latency_frames, 0
        self._there = self._back = None
        rates = sample_rate_hz, terms.sample_rate_hz
        if rates[0] != rates[1]:
            self._there = soxr.ResampleStream(*rates, channels, dtype="float32", quality="HQ")
            self._back = soxr.ResampleStream(*reversed(rates), channels, dtype="float32", quality="HQ")

    def process(self, block: Samples) -> Samples:
        """The next samples that are ready, shape (channels, n)."""
        out = self._blocks(block if self._there is None else _resampled(self._there, block))
        return out if self._back is None else _resampled(self._back, out)

    def _blocks(self, block: Samples) -> Samples:
        waiting = np.concatenate((self._waiting, block), axis=1)
        whole = waiting.shape[1] // self._block * self._block
        self._waiting = waiting[:, whole:]
        made = [waiting[:, :0]]
        for begin in range(0, whole, self._most):
            part = waiting[:, begin : min(begin + self._most, whole)]
            made.append(part if self._run is None else self._run(part, self._place))
            self._place += part.shape[1]
        out = np.concatenate(made, axis=1)
        late, self._early = out[:, self._early :], max(0, self._early - out.shape[1])
        return late


def counted_lag(terms: Sequence[InsertTerms], channels: int, sample_rate_hz: int, block_frames: int) -> int:
    """Count how many samples at most are not ready yet when blocks of this length went through inserts.

    Args:
        terms: of the inserts, one after the other.
        channels: of the sound.
        sample_rate_hz: of it.
        block_frames: of the blocks that go in.
    """
    counted = [InTime(item, channels, sample_rate_hz) for item in terms]
    silence = np.zeros((channels, block_frames), np.float32)
    fed = given = lag = 0
    while fed < _COUNTED_S * sample_rate_hz:
        block = silence
        for stage in counted:
            block = stage.process(block)
        fed += block_frames
        given += block.shape[1]
        lag = max(lag, fed - given)
    return lag


def _resampled(stream: soxr.ResampleStream, block: Samples) -> Samples:
    if not block.shape[1]:
        return block
    made: Samples = stream.resample_chunk(np.ascontiguousarray(block.T)).T
    return np.ascontiguousarray(made)
