"""A ring of audio: one thread or process writes, others read what was written while it is still there.

No lock: the position is moved after the samples are in their place, and a reader looks at it again when it has copied.
The arrays may be in shared memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...audio.reading import Samples


class AudioRing:
    """The latest samples of some rows.

    Args:
        audio: where they are kept, shape (rows, frames).
        position: shape (1,); how many samples were written in all, the place of the next.
    """

    def __init__(self, audio: Samples, position: NDArray[np.int64]):
        self._audio, self._position = audio, position
        self.rows, self.frames = audio.shape

    @classmethod
    def of(cls, rows: int, frames: int) -> AudioRing:
        """Make a ring of silence in this process."""
        return cls(np.zeros((rows, frames), np.float32), np.zeros(1, np.int64))

    @property
    def position(self) -> int:
        """How many samples were written so far."""
        return int(self._position[0])

    def move_to(self, position: int) -> None:
        """Go on at another place; for who writes, and says what lies between."""
        self._position[0] = position

    def write(self, *blocks: Samples) -> None:
        """Append samples; blocks of shape (r, n) fill the rows one below the other."""
        position = int(self._position[0])
        count = blocks[0].shape[1]
        place = position % self.frames
        first = min(count, self.frames - place)
        if first == count and len(blocks) == 1:  # as it nearly always is
            self._audio[: len(blocks[0]), place : place + count] = blocks[0]
            self._position[0] = position + count
            return
        row = 0
        for block in blocks:
            below = row + block.shape[0]
            self._audio[row:below, place : place + first] = block[:, :first]
            if first < count:
                self._audio[row:below, : count - first] = block[:, first:]
            row = below
        self._position[0] = position + count

    def read(self, begin: int, end: int) -> Samples:
        """Copy the samples from one place up to another, shape (rows, end - begin).

        What lies before the first sample is silent. The caller asks for no more than is there.
        """
        block = np.empty((self.rows, end - begin), np.float32)
        self.read_into(begin, block)
        return block

    def read_into(self, begin: int, block: Samples, first_row: int = 0) -> None:
        """Copy the samples from a place on into an array of shape (r, n), from a row on."""
        before = min(block.shape[1], max(0, -begin))
        if before:
            block[:, :before] = 0
        rows = slice(first_row, first_row + block.shape[0])
        place = (begin + before) % self.frames
        first = min(block.shape[1] - before, self.frames - place)
        block[:, before : before + first] = self._audio[rows, place : place + first]
        if before + first < block.shape[1]:
            block[:, before + first :] = self._audio[rows, : block.shape[1] - before - first]

    def is_held(self, begin: int) -> bool:
        """Tell whether what was written at a place is still there, with a margin for what is being written."""
        return bool(self.position - begin <= self.frames - self.margin)

    @property
    def margin(self) -> int:
        """How much of the ring is not counted on, as it may be overwritten next."""
        return int(self.frames // 8)
