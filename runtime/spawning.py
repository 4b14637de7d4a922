"""Starts a process that runs a function of ours and nothing of the caller's script."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final

from .isolated.endings import ending_words

# Whoever was told to end with the process that started it, and was not ended by it, ends by itself after so long.
_LEFT_S: Final = 5
_NOT_FOR_IT: Final = ("SIGINT", "SIGHUP")
# A process that dies again and again is not started for ever; one that lived so long was well.
_MOST_STARTS: Final = 5
_LONG_S: Final = 60.0


class Spawned:
    """A process and the pipe to it; started at once, and ended with this one.

    Ctrl-C, a closed terminal and the end of a service are told to all processes at once. This one goes on: whoever
    started it ends it, when its work is done.

    Args:
        target: a function of a module; its last argument is the process's end of the pipe.
        name: of the process.
        arguments: what comes before, to be pickled.

    Attributes:
        pipe: this end.
    """

    def __init__(self, target: Callable[..., None], name: str, *arguments: Any):
        context = get_context("spawn")
        self.pipe, there = context.Pipe()
        self._process = context.Process(target=_run, args=(target, *arguments, there), name=name, daemon=True)
        with _without_main():
            self._process.start()
        there.close()

    @property
    def id(self) -> int:
        """Number of the process."""
        return self._process.pid or 0

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def exit_code(self, limit_s: float) -> int | None:
        """Wait so long for its end; None where it runs on."""
        self._process.join(limit_s)
        return self._process.exitcode

    def ending(self, limit_s: float) -> str:
        """Say how it ended, for which it has so long: "crashed (SIGSEGV)"."""
        return ending_words(self.exit_code(limit_s))

    def end(self, grace_s: float = 0.0) -> None:
        """End it; it may end by itself for so long."""
        self._process.join(grace_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Starts:
    """Counts how often a process that dies is started.

    Attributes:
        count: how often since one lived for a minute.
    """

    def __init__(self) -> None:
        self.count, self._begun_s = 0, time.monotonic()

    @property
    def are_over(self) -> bool:
        """Whether it was started so often that it is not to be started again."""
        return self.count >= _MOST_STARTS

    def begin(self) -> None:
        """Count a start."""
        self.count, self._begun_s = self.count + 1, time.monotonic()

    def ended(self, *, was_well: bool = False) -> None:
        """Forget the starts so far where it was well, or lived long."""
        if was_well or time.monotonic() - self._begun_s > _LONG_S:
            self.count = 0


def _run(target: Callable[..., None], *arguments: Any) -> None:
    for name in _NOT_FOR_IT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGTERM, lambda _number, _frame: signal.alarm(_LEFT_S))
    target(*arguments)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the script that runs: the new process would run it again, and not every script minds that."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: main.__dict__[name] for name in ("__spec__", "__file__") if name in main.__dict__}
    main.__dict__.pop("__file__", None)
    main.__dict__["__spec__"] = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
