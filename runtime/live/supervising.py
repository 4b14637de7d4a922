"""The engine's process, from outside: started, told what is to change, watched, and started again where it died."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from ..spawning import Spawned, Starts
from .memory import EngineMemory, EngineState, Tally
from .messages import Connected, EngineCommand, Event, Stop
from .process import RENEWED, EngineTask, run_engine

_POLL_S: Final = 0.02
_ENDING_S: Final = 10.0


class EngineProcess:
    """Runs the engine until it is closed; the process that follows a dead one begins where that one was.

    Args:
        task: what it is started with.
        memory: that it shares.
        say: called with each sentence for the user, on a thread of its own.
        news: called again and again on that thread: what others have to say.

    Attributes:
        restarts: how often it had to be started again.
        fault: why it plays no more, and will not again; None while it does.
    """

    def __init__(
        self,
        task: EngineTask,
        memory: EngineMemory,
        say: Callable[[str], None],
        news: Callable[[], Iterable[str]],
    ):
        self._task, self._memory, self._say, self._news = task, memory, say, news
        self.restarts = 0
        self.fault: str | None = None
        # Whoever sends meanwhile waits until a process is started: what it then says is for that one.
        self._sending = threading.Lock()
        self._ending = threading.Event()
        self._process: Spawned | None = None
        self._watcher: threading.Thread | None = None

    @property
    def id(self) -> int:
        """Number of the process; 0 where there is none."""
        return 0 if self._process is None else self._process.id

    def start(self) -> None:
        """Start it; the state in the memory tells when it plays."""
        process = self._spawn()
        self._watcher = threading.Thread(target=self._watch, args=[process], name="mixbridge watching", daemon=True)
        self._watcher.start()

    def send(self, command: EngineCommand) -> None:
        """Tell it what is to change; a process that is started later begins with that."""
        with self._sending:
            self._task = self._task.after(command)
            if self._process is not None:
                try:
                    self._process.pipe.send(command)
                except OSError:  # it is gone, and started again with what is set then
                    return

    def close(self) -> None:
        """End it. One that does not play yet has nothing to end in order."""
        self._ending.set()
        is_starting = self._memory[Tally.STATE] == EngineState.STARTING
        self.send(Stop())
        if self._process is not None:
            self._process.end(0.0 if is_starting else _ENDING_S)
        if self._watcher is not None:
            self._watcher.join()

    def _spawn(self) -> Spawned:
        with self._sending:
            self._memory.fields[Tally.STATE] = EngineState.STARTING
            self._process = Spawned(run_engine, "mixbridge engine", replace(self._task, has_played=self.restarts > 0))
        return self._process

    def _watch(self, process: Spawned) -> None:
        """Hand on what the process says, and start it again if it died."""
        starts = Starts()
        starts.begin()
        while True:
            try:
                while process.pipe.poll(_POLL_S):
                    self._hear(process.pipe.recv())
            except (EOFError, OSError):
                ending = process.ending(_ENDING_S)
                is_renewed = process.exit_code(0) == RENEWED
                starts.ended(was_well=is_renewed)
                if self._ending.is_set() or self.fault is not None:
                    return
                if starts.are_over:
                    self.fault = f"the engine ended {starts.count} times unexpectedly: is this machine out of memory?"
                    return
                starts.begin()
                self.restarts += 1
                if not is_renewed:  # else it has said what happened
                    self._say(f"the engine's process {ending}; it is started again.")
                process.pipe.close()
                process = self._spawn()
            for text in self._news():
                self._say(text)
            if self._ending.is_set() and not process.is_alive:
                return

    def _hear(self, event: Event | Connected) -> None:
        if isinstance(event, Connected):
            with self._sending:
                self._task = replace(self._task, connections=event.connections)
        elif event.is_fatal:
            self.fault = event.text
        else:
            self._say(event.text)
