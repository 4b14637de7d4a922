"""What the engine's process and the one that controls it share: counters, meters, and rings of audio.

Every number has one writer. None is waited for with a lock.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import IntEnum, auto
from itertools import accumulate
from multiprocessing.shared_memory import SharedMemory
from types import TracebackType
from typing import Final

import numpy as np

from ...presets.errors import DeviceError
from .sound.ring import AudioRing


class Tally(IntEnum):
    """Places of the numbers; those of times are in nanoseconds."""

    FED = 0  # samples of the stems that were handed over, by the feeder
    FED_END = auto()  # how many there will be; -1 while nobody knows
    PLAYED = auto()  # how many of them were taken
    HEARD = auto()  # samples that came in, the position of the inputs' ring
    MIXED = auto()  # samples that went out, the position of the mixes' ring
    RECORDED = auto()  # how many of them the recorder has; -1 if there is none
    STATE = auto()
    BLOCKS = auto()
    BLOCK_FRAMES = auto()
    LATE = auto()
    XRUNS = auto()
    STARVED = auto()  # blocks for which the stems were not there in time
    BAD = auto()  # blocks that were silenced: not a number
    OVERS = auto()  # blocks with a sample above full scale
    WORST_NS = auto()
    LATENCY = auto()  # samples
    CHANGES = auto()  # changes of settings that were begun
    CHANGED_AT = auto()  # sample of the mix at which the latest did
    CAPTURED = auto()  # samples that came in, before inserts, the position of their ring
    INSERTED = auto()  # how many of them went through inserts
    INSERT_LATENCY = auto()  # samples; -1 while nobody knows
    INSERT_OVER = auto()  # whether they are run no more
    INSERT_LATE = auto()  # blocks for which what inserts make was not there in time


class EngineState(IntEnum):
    """What the engine does."""

    STARTING = 0
    RUNNING = auto()
    WAITING = auto()  # for a server or device that is gone
    ENDED = auto()


BINS: Final = 1024
_HEADER: Final = 64
# Times are told apart to a 16th of their size.
_STEPS_BITS: Final = 4


@dataclass(frozen=True)
class EngineShape:
    """How large everything is.

    Attributes:
        channels: 1 or 2, by track.
        sample_rate_hz: of everything.
        feed_frames: samples of stems that wait; 0 where they come from a device.
        tap_frames: samples that are kept of what came in and went out.
        inserted: places of the tracks that go through inserts while they come.
        insert_frames: samples that are kept of what came in, for them; 0 where there are none.
    """

    channels: tuple[int, ...]
    sample_rate_hz: int
    feed_frames: int
    tap_frames: int
    inserted: tuple[int, ...] = ()
    insert_frames: int = 0

    @property
    def rows(self) -> int:
        """Channels of all tracks together."""
        return sum(self.channels)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Rows of each track."""
        ends = list(accumulate(self.channels))
        return tuple(slice(end - count, end) for end, count in zip(ends, self.channels, strict=True))

    @property
    def inserted_rows(self) -> tuple[int, ...]:
        """Rows of the tracks that go through inserts."""
        return tuple(row for place in self.inserted for row in range(self.slices[place].start, self.slices[place].stop))


class EngineMemory:
    """The shared memory, made by the one and opened by the other.

    Args:
        shape: how large everything is.
        name: of one that was made; None makes it.

    Attributes:
        name: to open it by.
        fields: the numbers of :class:`Tally`.
        histogram: how many callbacks took how long, shape (BINS,); see :func:`bin_of`.
        peaks: highest samples since they were set to 0: of the tracks, then left and right of the mix.
        feed: stems on their way in.
        inputs: what came in.
        mixes: what went out.
        captured: what came in before inserts.
        inserted: what they made of it, rows of the tracks that have some.
    """

    def __init__(self, shape: EngineShape, name: str | None = None):
        self.shape = shape
        rows, tracks = shape.rows, len(shape.channels)
        inserted = max(1, len(shape.inserted_rows))
        rings = [rows * shape.feed_frames, rows * shape.tap_frames, 2 * shape.tap_frames]
        floats = [tracks + 2, *rings, rows * shape.insert_frames, inserted * shape.insert_frames]
        size = 8 * (_HEADER + BINS) + 4 * sum(floats)
        if name is None:
            _check_room(size)
        self._memory = SharedMemory(name, create=name is None, size=size if name is None else 0)
        self.name = self._memory.name
        buffer = memoryview(self._memory.buf or b"")
        numbers = np.frombuffer(buffer, np.int64, _HEADER + BINS)
        self.fields, self.histogram = numbers[:_HEADER], numbers[_HEADER:]
        parts, begin = [], 8 * (_HEADER + BINS)
        for count in floats:
            parts.append(np.frombuffer(buffer, np.float32, count, begin))
            begin += 4 * count
        self.peaks = parts[0]
        self.feed = self._ring(parts[1], rows, Tally.FED)
        self.inputs = self._ring(parts[2], rows, Tally.HEARD)
        self.mixes = self._ring(parts[3], 2, Tally.MIXED)
        self.captured = self._ring(parts[4], rows, Tally.CAPTURED)
        self.inserted = self._ring(parts[5], inserted, Tally.INSERTED)
        self._is_mine = name is None
        if self._is_mine:
            self.fields[Tally.FED_END] = self.fields[Tally.RECORDED] = self.fields[Tally.INSERT_LATENCY] = -1

    def __enter__(self) -> EngineMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, field: Tally) -> int:
        return int(self.fields[field])

    @property
    def insert_latency(self) -> int:
        """How much later inserts let sound out, in samples."""
        return max(0, self[Tally.INSERT_LATENCY])

    def close(self) -> None:
        """Let go of it; whoever made it removes it."""
        # Arrays hold the memory open: they go first.
        for name in ("fields", "histogram", "peaks", "feed", "inputs", "mixes", "captured", "inserted"):
            self.__dict__.pop(name, None)
        with contextlib.suppress(BufferError):  # somebody still holds an array: it goes with the process
            self._memory.close()
        if self._is_mine:
            self._is_mine = False
            self._memory.unlink()

    def _ring(self, part: np.ndarray[tuple[int], np.dtype[np.float32]], rows: int, field: Tally) -> AudioRing:
        return AudioRing(part.reshape(rows, -1), self.fields[field : field + 1])


def _check_room(size: int) -> None:
    """Refuse what the system has no room for: a process that wrote there would be killed."""
    try:
        status = os.statvfs("/dev/shm")
    except (OSError, AttributeError):  # not on this system
        return
    free = status.f_bavail * status.f_frsize
    if size > free:
        raise DeviceError(
            f"live needs {size / 2**20:.0f} MiB of shared memory, and /dev/shm has {free / 2**20:.0f} MiB left: "
            "make it larger (in Docker by its shm-size), or play fewer tracks."
        )


def bin_of(time_ns: int) -> int:
    """Find the place of a time in the histogram: octaves, in 16 steps each."""
    octave = max(time_ns, 16).bit_length() - 1
    return (octave << _STEPS_BITS) + ((time_ns >> (octave - _STEPS_BITS)) & 15 if time_ns >= 16 else 0)


def time_of(place: int) -> int:
    """Tell the longest time of a place in the histogram, in nanoseconds."""
    octave, step = place >> _STEPS_BITS, place & 15
    return (17 + step) << (octave - _STEPS_BITS)


def percentile_ns(histogram: np.ndarray[tuple[int], np.dtype[np.int64]], share: float) -> int:
    """Find the time that this share of callbacks did not pass; 0 if there were none."""
    sums = histogram.cumsum()
    if not sums[-1]:
        return 0
    return time_of(int(np.searchsorted(sums, share * sums[-1])))
