"""Processes of this machine that do the items of a batch, each one item at a time.

A process that takes too long or dies is ended and replaced. An item whose process died is begun once more, since the
cause may have been outside of it; after that it is set aside.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

from .items import BatchItem, BatchPlace, Failure, ItemEvent, ItemOutcome
from .limits import Limits, processor_s
from .worker import OUT_OF_MEMORY

_MODULE: Final = f"{__package__}.worker"
# Threads of libraries would fight for the cores that the processes share; arenas of malloc hold on to memory.
_FEW_THREADS: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
_MOST_ATTEMPTS: Final = 2
_TICK_S: Final = 0.2
_LAST_WORDS_BYTES: Final = 2000


@dataclass(frozen=True)
class Work:
    """What the processes of a pool do.

    Attributes:
        job: "module:function", as :data:`.worker.Job`.
        place: for all items.
        limits: of each item.
    """

    job: str
    place: BatchPlace
    limits: Limits = field(default_factory=Limits)


class LocalPool:
    """Processes of this machine.

    Args:
        work: what they do.
        workers: how many there are at most.
    """

    def __init__(self, work: Work, workers: int):
        self._work = work
        self._workers = workers
        self._inbox: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()

    def run(self, items: Iterable[BatchItem | None]) -> Iterator[ItemEvent]:
        """Do items, and tell what happens to them; the processes are gone when this ends or is closed.

        Args:
            items: None among them stands for "nothing yet, ask again".
        """
        coming, again = iter(items), deque[tuple[BatchItem, int]]()
        crew: list[_Worker] = []
        has_more = True
        try:
            while has_more or again or any(worker.item for worker in crew):
                while (free := self._free(crew)) is not None and (has_more or again):
                    chosen = again.popleft() if again else _next(coming)
                    if chosen is None:
                        has_more = False
                    elif chosen[0] is None:
                        break
                    else:
                        worker = free if isinstance(free, _Worker) else self._hired(crew)
                        worker.begin(chosen[0], chosen[1])
                        yield ItemEvent(chosen[0], worker.name, attempt=chosen[1])
                yield from self._heard(crew, again)
        finally:
            for worker in crew:
                worker.kill("closed")
            for worker in crew:
                worker.wait()
                worker.close()

    def _free(self, crew: list[_Worker]) -> _Worker | bool | None:
        """Find a process without an item; True if one may be started, None if all are busy."""
        idle = next((worker for worker in crew if worker.item is None and worker.why is None), None)
        return idle or (True if len(crew) < self._workers else None)

    def _hired(self, crew: list[_Worker]) -> _Worker:
        crew.append(_Worker(self._work, self._inbox))
        return crew[-1]

    def _heard(self, crew: list[_Worker], again: deque[tuple[BatchItem, int]]) -> Iterator[ItemEvent]:
        """Wait a moment for what processes say, and end those that take too long."""
        with contextlib.suppress(queue.Empty):
            worker, said = self._inbox.get(timeout=_TICK_S)
            while True:
                if said is None:
                    crew.remove(worker)
                    worker.wait()
                    yield from self._lost(worker, again)
                    worker.close()
                elif worker.item is not None:
                    yield from worker.told(said)
                worker, said = self._inbox.get_nowait()
        for worker in crew:
            if worker.item is not None and worker.is_late:
                worker.kill("time")

    def _lost(self, worker: _Worker, again: deque[tuple[BatchItem, int]]) -> Iterator[ItemEvent]:
        item = worker.item
        if item is None:
            return
        if worker.why == "time":
            failure = Failure(
                "stopped",
                f"{item.session}: was stopped after {worker.seconds:.0f} s, the limit for {worker.length_s:.0f} s of "
                "stems: look for a damaged file, or allow more with --time-limit.",
            )
        elif worker.attempt < _MOST_ATTEMPTS:
            again.append((item, worker.attempt + 1))
            return
        else:
            failure = Failure(
                "stopped",
                f"{item.session}: its process ended {worker.attempt} times ({worker.end()}); it may want more memory "
                f"than there is: use fewer --workers, or mix it alone.{worker.last_words()}",
            )
        yield ItemEvent(item, worker.name, worker.seconds, failure, worker.attempt)


class _Worker:
    """One process, and the item that it has."""

    def __init__(self, work: Work, inbox: queue.Queue[tuple[_Worker, dict[str, Any] | None]]):
        settings = {
            "parent": os.getpid(),
            "job": work.job,
            "place": asdict(work.place),
            "memory_bytes": work.limits.memory_bytes,
        }
        self._limits = work.limits
        self._errors = _unnamed_file()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **_FEW_THREADS},
        )
        self.name = str(self._process.pid)
        self.item: BatchItem | None = None
        self.attempt = 1
        self.why: str | None = None
        self.length_s = 0.0
        self._deadline_s = 0.0
        self._processor_limit_s: float | None = None
        self._processor_before_s: float | None = None
        self._begun_s = 0.0
        self._reader = threading.Thread(target=self._read, args=(inbox,), daemon=True)
        self._reader.start()

    @property
    def seconds(self) -> float:
        """How long the item has been at work."""
        return time.monotonic() - self._begun_s

    @property
    def is_late(self) -> bool:
        """Whether the item has had its time: of the processor, or by the clock."""
        if time.monotonic() > self._deadline_s:
            return True
        if self._processor_limit_s is None or self._processor_before_s is None:
            return False
        taken_s = processor_s(self._process.pid)
        return taken_s is not None and taken_s > self._processor_before_s + self._processor_limit_s

    def begin(self, item: BatchItem, attempt: int) -> None:
        """Hand an item to the process; if it is dead already, that shows like any other death."""
        self.item, self.attempt = item, attempt
        self._begun_s = time.monotonic()
        self.length_s = 0.0
        self._deadline_s = self._begun_s + max(self._limits.start_s, self._limits.time_s or 0.0)
        self._processor_limit_s, self._processor_before_s = None, processor_s(self._process.pid)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(item.as_json()).encode() + b"\n")
            self._process.stdin.flush()

    def told(self, said: dict[str, Any]) -> Iterator[ItemEvent]:
        """Take in what the process said."""
        assert self.item is not None
        match said.pop("event"):
            case "length":
                self.length_s = said["seconds"]
                wanted = self.length_s, self.item.options.refine
                self._deadline_s = self._begun_s + self._limits.time_for(*wanted)
                if self._limits.time_s is None:
                    self._processor_limit_s = self._limits.processor_s_for(*wanted)
            case "done":
                yield self._ended(ItemOutcome(**said))
            case "failed":
                yield self._ended(Failure(**said))

    def _ended(self, result: ItemOutcome | Failure) -> ItemEvent:
        assert self.item is not None
        if isinstance(result, Failure) and result.kind == OUT_OF_MEMORY:
            self.why = "memory"  # it ends by itself, and takes no more
        event = ItemEvent(self.item, self.name, self.seconds, result, self.attempt)
        self.item = None
        return event

    def kill(self, why: str) -> None:
        """End the process at once."""
        self.why = self.why or why
        self._process.kill()

    def wait(self) -> None:
        """Wait until the process is gone, and let go of what belongs to it."""
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def close(self) -> None:
        """Let go of its last words."""
        self._errors.close()

    def end(self) -> str:
        """Say how the process ended."""
        code = self._process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """Give the last line that the process wrote to its standard error."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - _LAST_WORDS_BYTES))
        lines = self._errors.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f" It last said: {last}" if last else ""

    def _read(self, inbox: queue.Queue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):  # cut off by its end
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))


def _unnamed_file() -> IO[bytes]:
    """Make a file without a name, in memory where there is such a thing: nothing is left of it, however this ends."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("last words"), "w+b", buffering=0)
    return tempfile.TemporaryFile()


def _next(coming: Iterator[BatchItem | None]) -> tuple[BatchItem | None, int] | None:
    """Take the next item, for its first attempt; None at the end."""
    try:
        return next(coming), 1
    except StopIteration:
        return None
