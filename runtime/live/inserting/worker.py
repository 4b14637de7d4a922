"""The process that runs inserts in real time: it hears what was put down, and puts down what comes of it."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import numpy as np

from ....presets.errors import InsertError, MixbridgeError
from ....presets.inserts.insert import Insert
from ...audio.reading import Samples
from ...inserts.terms import InsertRules
from ..memory import EngineMemory, EngineShape, Tally
from ..messages import Event
from ..priority import CHANGES, take_priority
from .chain import LiveChain

HEADROOM_S: Final = 0.02
"""What the process may take longer than a block lasts, before it is heard."""
_BREATH_S: Final = 0.001
_WARM_S: Final = 0.5


@dataclass(frozen=True)
class LiveInserts:
    """Inserts of tracks that come in while they play.

    Attributes:
        inserts: by track, in the preset's order; empty for tracks without.
        rules: what they may do.
    """

    inserts: tuple[tuple[Insert, ...], ...]
    rules: InsertRules

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the tracks that have some."""
        return tuple(place for place, several in enumerate(self.inserts) if several)


@dataclass(frozen=True)
class InsertTask:
    """What the process is started with.

    Attributes:
        memory_name: of the shared memory.
        shape: of it.
        inserts: of the tracks.
        names: of all tracks.
        block_frames: that the audio asks for at a time.
    """

    memory_name: str
    shape: EngineShape
    inserts: LiveInserts
    names: tuple[str, ...]
    block_frames: int


def run_inserts(task: InsertTask, pipe: Connection) -> None:
    """Run until the other end of the pipe is gone; what goes wrong is said over the pipe."""
    memory = EngineMemory(task.shape, task.memory_name)
    code = 0
    try:
        InsertWorker(task, memory).run(pipe)
    except MixbridgeError as error:
        pipe.send(Event(str(error), is_fatal=True))
    except (EOFError, OSError):  # whoever started it is gone
        code = 0
    except Exception:
        traceback.print_exc()
        code = 1
    pipe.close()
    os._exit(code)


class InsertWorker:
    """Plays what is put down through the chains of tracks.

    Args:
        task: what it is to do.
        memory: where sound is put down.

    Raises:
        InsertError: an insert cannot be run here.
    """

    def __init__(self, task: InsertTask, memory: EngineMemory):
        self._task, self._memory = task, memory
        self._raw, self._made = memory.captured, memory.inserted
        self._slices = task.shape.slices
        chains = self._chains()
        lag = max(chain.lag_frames(task.block_frames) for chain in chains)
        self._warm_up(chains)
        self.latency_frames = lag + task.block_frames + round(HEADROOM_S * task.shape.sample_rate_hz)
        self._begin(self._chains())
        memory.fields[Tally.INSERT_LATENCY] = self.latency_frames

    def run(self, pipe: Connection) -> None:
        """Work until the pipe is closed.

        Raises:
            InsertError: an insert fails.
        """
        take_priority(CHANGES)
        while not pipe.poll(0):
            if not self.work():
                time.sleep(_BREATH_S)
        self._close()

    def work(self) -> bool:
        """Play what is there through the chains, as far as whole blocks go; tell whether there was anything.

        Raises:
            InsertError: an insert fails.
        """
        frames = self._task.block_frames
        if self._raw.position - self._heard < frames:
            return False
        if not self._raw.is_held(self._heard):  # it slept, and most of that time was played already
            self._close()
            self._begin(self._chains())
            return True
        block = self._raw.read(self._heard, self._heard + frames)
        self._heard += frames
        for number, (place, chain) in enumerate(zip(self._places, self._running, strict=True)):
            try:
                made = chain.process(block[self._slices[place]])
            except InsertError as error:
                raise InsertError(f'Track "{self._task.names[place]}": {error}', hints=error.hints) from error
            self._ready[number] = np.concatenate((self._ready[number], made), axis=1)
        self._hand_over()
        return True

    def _begin(self, chains: Sequence[LiveChain]) -> None:
        """Begin with what comes in from now on; what was not made is what came."""
        self._running = chains
        self._heard = self._raw.position
        self._ready: list[Samples] = [
            np.zeros((self._task.shape.channels[place], 0), np.float32) for place in self._places
        ]
        rows = self._task.shape.inserted_rows
        begin = max(self._made.position, self._heard - self._raw.frames + self._raw.margin)
        self._made.move_to(begin)
        if begin < self._heard:
            self._made.write(self._raw.read(begin, self._heard)[list(rows)])

    def _hand_over(self) -> None:
        """Put down what all chains have ready."""
        count = min(ready.shape[1] for ready in self._ready)
        if count:
            self._made.write(*(ready[:, :count] for ready in self._ready))
            self._ready = [ready[:, count:] for ready in self._ready]

    @property
    def _places(self) -> tuple[int, ...]:
        return self._task.inserts.places

    def _chains(self) -> list[LiveChain]:
        inserts, shape = self._task.inserts, self._task.shape
        chains: list[LiveChain] = []
        for place in inserts.places:
            try:
                chains.append(
                    LiveChain(inserts.inserts[place], shape.channels[place], shape.sample_rate_hz, inserts.rules)
                )
            except InsertError as error:
                raise InsertError(f'Track "{self._task.names[place]}": {error}', hints=error.hints) from error
        return chains

    def _warm_up(self, chains: Sequence[LiveChain]) -> None:
        """Play a little into nothing: libraries load what they use when it is first used."""
        shape, frames = self._task.shape, self._task.block_frames
        for place, chain in zip(self._places, chains, strict=True):
            silence = np.zeros((shape.channels[place], frames), np.float32)
            for _ in range(round(_WARM_S * shape.sample_rate_hz / frames)):
                chain.process(silence)
            chain.close()

    def _close(self) -> None:
        for chain in self._running:
            chain.close()
