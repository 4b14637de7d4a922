"""A process that runs somebody else's code, from outside: a pipe there and one back, bounds in time, its last words.

What it prints is kept, as far as it is short, and never comes between what it answers; who speaks with it says in which
form. Ctrl-C is not for it, and what it started ends with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Final, Literal

from .endings import ending_words, hanging_words, last_words

_KEPT_BYTES: Final = 4096
_ENDING_S: Final = 5.0


class IsolatedFault(Exception):  # noqa: N818  (whoever speaks with the process says whose error it is)
    """A process crashed, hung, or said what makes no sense.

    Args:
        kind: which of these.
        words: of it, to follow a name: "crashed (SIGSEGV)".
        printed: what it printed, the beginning and the end of it.
    """

    def __init__(self, kind: Literal["crashed", "hung"], words: str, printed: bytes = b""):
        super().__init__(words)
        self.kind, self.words, self.printed = kind, words, printed

    @property
    def with_last_words(self) -> str:
        """The words, and the last line that was printed."""
        said = last_words(self.printed)
        return f"{self.words}: {said}" if said else f"{self.words}."


class IsolatedProcess:
    """A process with pipes; started at once.

    Args:
        command: program and arguments.
        added: variables of its environment beside those of this process.
        without: names of variables that it does not get.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], added: Mapping[str, str] | None = None, without: Sequence[str] = ()):
        kept = {name: value for name, value in os.environ.items() if name not in without}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, **(added or {})},
            start_new_session=True,
        )
        self._late_s: float | None = None
        self._first, self._last = b"", b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def printed(self) -> bytes:
        """What it printed so far: the beginning, and the end where that is not all."""
        return self._first + self._last

    def send(self, data: bytes) -> None:
        """Write into its pipe.

        Raises:
            IsolatedFault: it has ended.
        """
        try:
            stream = _pipe(self._process.stdin)
            stream.write(data)
            stream.flush()
        except OSError as error:
            raise self.ended() from error

    def receive(self, size: int) -> bytes:
        """Read so many bytes of what it answers.

        Raises:
            IsolatedFault: it ended before.
        """
        data = _pipe(self._process.stdout).read(size)
        if len(data) < size:
            raise self.ended()
        return data

    def line(self) -> bytes:
        """Read a line of what it answers.

        Raises:
            IsolatedFault: it ended before.
        """
        data = _pipe(self._process.stdout).readline()
        if not data.endswith(b"\n"):
            raise self.ended()
        return data

    @contextlib.contextmanager
    def within(self, limit_s: float) -> Iterator[None]:
        """End it where what is done inside takes longer; whoever waits for its answer then hears of it."""

        def stop() -> None:
            self._late_s = limit_s
            self.kill()

        timer = threading.Timer(limit_s, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def ended(self) -> IsolatedFault:
        """Say how it ended, as it did."""
        try:
            code: int | None = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:  # it closed its pipe, and runs on
            code = None
        self._listener.join(_ENDING_S)
        if self._late_s is not None:
            return IsolatedFault("hung", hanging_words(self._late_s), self.printed)
        return IsolatedFault("crashed", ending_words(code), self.printed)

    def kill(self) -> None:
        """End it with all that it started, whatever it does."""
        kill_group(self._process)

    def close(self, grace_s: float = 0.0) -> None:
        """Close its pipe, and end it; it may end by itself for so long."""
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        if grace_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self.kill()
        self._process.wait()
        self._listener.join(_ENDING_S)
        with contextlib.suppress(OSError):
            _pipe(self._process.stdout).close()

    def _listen(self) -> None:
        """Keep the beginning and the end of what is printed: a plug-in may print for hours."""
        with _pipe(self._process.stderr) as stream, contextlib.suppress(OSError, ValueError):
            while data := os.read(stream.fileno(), _KEPT_BYTES):
                room = _KEPT_BYTES - len(self._first)
                self._first += data[:room]
                self._last = (self._last + data[room:])[-_KEPT_BYTES:]


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, with all that it started."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("the process has no pipe")
    return stream
