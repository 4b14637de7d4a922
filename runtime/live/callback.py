"""The callback of the audio: takes what comes in, plays, counts. It raises nothing, and waits only where it may."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from ..audio.reading import Samples
from .inserting.stage import InsertStage
from .memory import EngineMemory, Tally, bin_of
from .sound.console import MOST_FRAMES
from .sound.player import Player

_BREATH_S: Final = 0.0005
# A feeder or recorder that is silent for so long is not coming.
_PATIENCE_S: Final = 30.0
# Without a block for so long, something slept: the machine, this process, or the server.
_SLEPT_S: Final = 0.5
# Only this clock goes on while the machine sleeps.
_BOOT_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", None)


class AudioCallback:
    """What a backend calls for each block.

    Args:
        player: makes the sound.
        memory: shared with the process that controls this one.
        is_fed: whether stems come over the memory, and not from the backend.
        tell: takes a sentence for the user, without waiting.

    Attributes:
        may_wait: whether stems and the recorder are waited for: only where nobody hears it, or time is not real.
    """

    def __init__(self, player: Player, memory: EngineMemory, *, is_fed: bool, tell: Callable[[str], None]):
        self.may_wait = False
        self._tell = tell
        self._ended_s = math.nan
        self._player, self._memory, self._is_fed = player, memory, is_fed
        self._fields = memory.fields
        self._peaks = memory.peaks
        self._rate_hz = memory.shape.sample_rate_hz
        self._inserts = InsertStage(memory) if memory.shape.inserted else None
        self._fed = np.zeros((memory.shape.rows, MOST_FRAMES), np.float32)
        self._absolute = np.zeros((2, MOST_FRAMES), np.float32)
        self._period_ns = 0

    @property
    def rows(self) -> int:
        """Channels that come in."""
        return self._player.rows

    def process(self, inputs: Samples | None, out: Samples) -> None:
        """Fill the next block of the mix, shape (2, n).

        Args:
            inputs: shape (rows, n); None where stems come over the memory.
            out: what goes out.
        """
        frames = out.shape[1]
        passed_s = _now_s() - self._ended_s
        if passed_s > _SLEPT_S:
            self._tell(f"{passed_s:.1f} s passed without a block: did the machine sleep?")
        if self.may_wait:
            self._wait(frames)
        begin_ns = time.perf_counter_ns()
        for begin in range(0, frames, MOST_FRAMES):
            piece = out[:, begin : begin + MOST_FRAMES]
            if inputs is None or self._is_fed:
                block = self._taken(piece.shape[1])
            else:
                block = inputs[:, begin : begin + MOST_FRAMES]
            if self._inserts is not None:
                block = self._inserts.process(block)
            self._player.process(block, piece)
        self._count(out, time.perf_counter_ns() - begin_ns)
        self._ended_s = _now_s()

    def pause(self) -> None:
        """Know that the next block comes whenever a server or device is there."""
        self._ended_s = math.nan

    def tracks(self, frames: int) -> Samples:
        """Give each track's left and right of the latest block, in time with the mix, shape (2 * tracks, n)."""
        return self._player.console.tracks(frames)

    def count_xrun(self) -> None:
        """Count a block that the server or device lost."""
        self._fields[Tally.XRUNS] += 1

    def _taken(self, frames: int) -> Samples:
        """The next samples of the stems; silence where they are not there."""
        block = self._fed[:, :frames]
        played, fed = int(self._fields[Tally.PLAYED]), int(self._fields[Tally.FED])
        there = min(frames, fed - played)
        if there > 0:
            self._memory.feed.read_into(played, block[:, :there])
        if there < frames:
            block[:, max(0, there) :] = 0
            if int(self._fields[Tally.FED_END]) != fed:
                self._fields[Tally.STARVED] += 1
        self._fields[Tally.PLAYED] = played + max(0, there)
        return block

    def _wait(self, frames: int) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not self._is_ready(frames) and time.monotonic() < until:
            time.sleep(_BREATH_S)

    def _is_ready(self, frames: int) -> bool:
        fields = self._fields
        is_fed = not self._is_fed or (
            fields[Tally.FED] - fields[Tally.PLAYED] >= frames or fields[Tally.FED_END] == fields[Tally.FED]
        )
        is_made = self._inserts is None or self._inserts.is_ready(frames)
        recorded = int(fields[Tally.RECORDED])
        mixes = self._memory.mixes
        has_room = recorded < 0 or mixes.position + frames - recorded <= mixes.frames - mixes.margin
        return bool(is_fed and is_made and has_room)

    def _count(self, out: Samples, time_ns: int) -> None:
        fields, frames = self._fields, out.shape[1]
        absolute = np.abs(out, out=self._absolute[:, :frames]) if frames <= MOST_FRAMES else np.abs(out)
        peaks = absolute.max(axis=1)
        np.maximum(self._peaks[-2:], peaks, out=self._peaks[-2:])
        np.maximum(self._peaks[:-2], self._player.console.peaks, out=self._peaks[:-2])
        self._player.console.peaks[:] = 0
        self._memory.histogram[bin_of(time_ns)] += 1
        fields[Tally.BLOCKS] += 1
        fields[Tally.BLOCK_FRAMES] = frames
        fields[Tally.LATENCY] = self._player.latency_samples
        fields[Tally.BAD] = self._player.bad_blocks
        if peaks.max() > 1:
            fields[Tally.OVERS] += 1
        if time_ns > frames * 1_000_000_000 // self._rate_hz:
            fields[Tally.LATE] += 1
        fields[Tally.WORST_NS] = max(fields[Tally.WORST_NS], time_ns)


def _now_s() -> float:
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)
