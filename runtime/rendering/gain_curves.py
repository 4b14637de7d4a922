"""What the master and the finish did to the level of a mix, sample by sample, so that stems can be given the same.

An equalizer or a match curve treats a sum as the sum of its parts. A compressor and a limiter do not: what they do
depends on the sum. But it is a gain that changes with time; applied to each stem, it makes stems that add up to the
finished mix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...presets.console import Master
from ...presets.lanes.lane import Lane
from ..audio.reading import Samples
from ..console.match import MatchProcessor
from ..console.strip import MasterTone


class GainCurves:
    """Two gains for each frame of a mix, in a file each: of the master's dynamics, and of the finish.

    Args:
        folder: where the files are, until :meth:`close`.
        frames: of the mix.
    """

    def __init__(self, folder: Path, frames: int):
        self._paths = [folder / f"{name}-gain.raw" for name in ("master", "finish")]
        self._master, self._finish = (np.memmap(path, np.float32, "w+", shape=(frames,)) for path in self._paths)
        self._frames = frames
        self._at = 0

    def take_master(self, gains: Samples) -> None:
        """Takes the master's next gains, shape (n,)."""
        end = min(self._frames, self._at + len(gains))
        self._master[self._at : end] = gains[: end - self._at]
        self._at = end

    def begin_finish(self) -> None:
        """Begins the finish, or begins it anew."""
        self._at = 0

    def take_finish(self, gains: Samples) -> None:
        """Takes the next gains of the finish, shape (n,)."""
        end = min(self._frames, self._at + len(gains))
        self._finish[self._at : end] = gains[: end - self._at]
        self._at = end

    def fill_finish(self, gain: float) -> None:
        """Sets one gain for the whole finish."""
        self._finish[:] = gain

    def between(self, begin: int, end: int) -> Samples:
        """Gives both gains together for some frames, shape (n,)."""
        product: Samples = self._master[begin:end] * self._finish[begin:end]
        return product

    def close(self) -> None:
        """Removes the files."""
        del self._master, self._finish
        for path in self._paths:
            path.unlink(missing_ok=True)


class PostMaster:
    """Gives a stem what the mix got: the master's equalizer and match curve, and the gains.

    A match curve of linear phase holds samples back: the first blocks are shorter, and :meth:`flush` gives the rest.

    Args:
        master: of the mix.
        curves: what was done to the mix.
        sample_rate_hz: of both.
        lanes: of the master.
    """

    def __init__(self, master: Master, curves: GainCurves, sample_rate_hz: int, lanes: Sequence[Lane] = ()):
        self._tone = MasterTone(master, sample_rate_hz, lanes=lanes)
        self._match = MatchProcessor(master.match, sample_rate_hz)
        self._early = self._match.latency_samples
        self._curves = curves
        self._at = 0

    def __call__(self, block: Samples) -> Samples:
        """Processes the next block, shape (2, n)."""
        late = self._match.process(self._tone.process(block))[:, self._early :]
        self._early -= block.shape[1] - late.shape[1]
        begin, self._at = self._at, self._at + late.shape[1]
        return late * self._curves.between(begin, self._at)

    def flush(self) -> Samples:
        """Give what is held back; nothing may come behind it."""
        return self(np.zeros((2, self._match.latency_samples), np.float32))
