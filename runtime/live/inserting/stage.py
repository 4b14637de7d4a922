"""Inserts as the audio's thread sees them: it puts down what comes in, and takes what was made of it, later.

Nothing is run here. Where it was not made in time, the track is heard as it came, in time with the others.
"""

from __future__ import annotations

import numpy as np

from ...audio.reading import Samples
from ..memory import EngineMemory, Tally
from ..sound.console import MOST_FRAMES


class InsertStage:
    """What comes in, later by the inserts' latency, and through them where a track has some.

    Args:
        memory: shared with the process that runs them, which has said its latency.
    """

    def __init__(self, memory: EngineMemory):
        shape = memory.shape
        self._raw, self._made, self._fields = memory.captured, memory.inserted, memory.fields
        self.latency_frames = memory[Tally.INSERT_LATENCY]
        self._rows = np.array(shape.inserted_rows)
        self._out = np.zeros((shape.rows, MOST_FRAMES), np.float32)
        self._new = np.zeros((len(self._rows), MOST_FRAMES), np.float32)
        # Where the share of what was made is at the end of the last block: 1 all of it, 0 nothing.
        self._share = 1.0

    def is_ready(self, frames: int) -> bool:
        """Tell whether the next so many samples are made already, or nobody makes them any more."""
        is_made = self._made.position >= self._raw.position + frames - self.latency_frames
        return bool(is_made or self._fields[Tally.INSERT_OVER])

    def process(self, block: Samples) -> Samples:
        """Take the next samples, shape (rows, n), n at most `MOST_FRAMES`, and give as many that came before."""
        self._raw.write(block)
        frames = block.shape[1]
        begin = self._raw.position - frames - self.latency_frames
        out = self._out[:, :frames]
        self._raw.read_into(begin, out)
        there = max(0, min(frames, self._made.position - begin))
        if there == frames and self._share == 1:
            new = self._new[:, :frames]
            self._made.read_into(begin, new)
            out[self._rows] = new
        else:
            self._fade(begin, there, out)
        if there < frames:
            self._fields[Tally.INSERT_LATE] += 1
        return out

    def _fade(self, begin: int, there: int, out: Samples) -> None:
        """Go over to what came in as far as something else is there, or back over the whole block."""
        frames = out.shape[1]
        new = self._new[:, :there]
        self._made.read_into(begin, new)
        aim = 1.0 if there == frames else 0.0
        shares = np.linspace(self._share, aim, there + 1, dtype=np.float32)[1:]
        rows = self._rows
        out[rows, :there] += (new - out[rows, :there]) * shares
        self._share = aim
