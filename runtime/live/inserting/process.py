"""The process of the inserts, from outside: started before the audio, watched, and started again where it died."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from ....presets.errors import InsertError
from ...spawning import Spawned, Starts
from ..memory import EngineMemory, Tally
from .worker import InsertTask, run_inserts

_STARTING_S: Final = 150.0
_POLL_S: Final = 0.02
_ENDING_S: Final = 5.0


class InsertProcess:
    """Runs the inserts of tracks that come in.

    Args:
        task: what it is to do.
        memory: where sound is put down.
    """

    def __init__(self, task: InsertTask, memory: EngineMemory):
        self._task, self._memory = task, memory
        self._process: Spawned | None = None
        self._starts = Starts()
        self._is_over = False

    @property
    def process_id(self) -> int:
        """Number of the process; 0 where there is none."""
        return 0 if self._process is None else self._process.id

    def start(self) -> None:
        """Start it, and wait until it has said its latency.

        Raises:
            InsertError: an insert cannot be run here, or the process did not come up.
        """
        self._spawn()
        until = time.monotonic() + _STARTING_S
        while self._memory[Tally.INSERT_LATENCY] < 0:
            said = list(self.news())
            if self._is_over or time.monotonic() > until:
                raise InsertError(said[-1] if said else "the process that runs inserts did not start.")
            time.sleep(_POLL_S)

    def news(self) -> Iterator[str]:
        """Tell what happened, and start it again where it died; what fails by itself is not started again."""
        process = self._process
        if self._is_over or process is None:
            return
        has_failed = False
        try:
            while process.pipe.poll(0):
                event = process.pipe.recv()
                has_failed = True
                self._end()
                yield event.text if self._memory[Tally.INSERT_LATENCY] < 0 else f"{event.text} {_WITHOUT}"
        except (EOFError, OSError):
            if has_failed:
                return
            words = process.ending(_ENDING_S)
            self._starts.ended()
            if self._starts.are_over:
                self._end()
                yield f"the process that runs inserts {words} {self._starts.count} times. {_WITHOUT}"
                return
            yield f"the process that runs inserts {words}; it is started again, and tracks are heard without till then."
            self._spawn()

    def close(self) -> None:
        """End it."""
        self._is_over = True
        if self._process is not None:
            self._process.pipe.close()
            self._process.end(_ENDING_S)

    def _end(self) -> None:
        self._is_over = True
        self._memory.fields[Tally.INSERT_OVER] = 1

    def _spawn(self) -> None:
        self._starts.begin()
        self._process = Spawned(run_inserts, "mixbridge inserts", self._task)


_WITHOUT: Final = "Tracks are heard without their inserts from now on."
