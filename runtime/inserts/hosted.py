"""A strange model in a process of its own: it may crash, hang or ask for memory without end, and only it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Final

import numpy as np

from ...presets.errors import InsertError
from ..audio.reading import Samples
from .host import BLOCK, HEADER, TERMS, send_block
from .terms import InsertTerms

_MEMORY_BYTES: Final = 16 * 2**30
_LONGEST_TEXT: Final = 65_536
_MOST_FRAMES: Final = 2**30
# Each thread of a library takes address space before it does anything.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "2"}
_OPENING_S: Final = 120.0


class HostedModel:
    """A model that another process runs.

    Args:
        module: what the process runs, which serves by :mod:`.host`.
        settings: of the model, for that.
        name: of the insert, for errors.
        timeout_s: for each block.
        terms: makes the terms of what the process says.

    Raises:
        InsertError: it cannot be opened.
    """

    def __init__(
        self,
        module: str,
        settings: Mapping[str, object],
        name: str,
        timeout_s: float,
        terms: Callable[[Mapping[str, int | None]], InsertTerms],
    ):
        self._name, self._timeout_s = name, timeout_s
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        told = json.dumps({**settings, "memory_bytes": _MEMORY_BYTES})
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
        try:
            with self._watched(max(_OPENING_S, timeout_s)):
                self.terms = terms(json.loads(self._answer(TERMS)))
        except BaseException:
            self.close()
            raise

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        with self._watched(self._timeout_s):
            try:
                send_block(self._pipe(self._process.stdin), block)
            except OSError as error:
                self._answer(BLOCK)  # which says why
                raise InsertError(f"{self._name} stopped.") from error
            answer = self._answer(BLOCK)
        return np.frombuffer(answer, "<f4").reshape(self._shape)

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _answer(self, kind: bytes) -> bytes:
        stream = self._pipe(self._process.stdout)
        header = stream.read(HEADER.size)
        if len(header) < HEADER.size:
            raise InsertError(f"{self._name} {self._how_it_ended()}")
        said, first, second = HEADER.unpack(header)
        size = 4 * first * second if said == BLOCK else first
        if (said == BLOCK and second > _MOST_FRAMES) or (said != BLOCK and size > _LONGEST_TEXT):
            raise InsertError(f"{self._name} answered with what is no sound.")
        data = stream.read(size)
        if len(data) < size:
            raise InsertError(f"{self._name} {self._how_it_ended()}")
        if said != kind:
            raise InsertError(f"{self._name} failed: {data.decode('utf-8', 'replace')}")
        self._shape = (first, second)
        return data

    @contextlib.contextmanager
    def _watched(self, timeout_s: float) -> Iterator[None]:
        """End the process where it takes too long; what waits for its answer then sees the end of the pipe."""
        self._is_late = False

        def stop() -> None:
            self._is_late = True
            self._kill()

        self._limit_s = timeout_s
        timer = threading.Timer(timeout_s, stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        if self._is_late:
            return (
                f"did not answer within {self._limit_s:g} s, and was stopped. `timeout_s` of the insert gives it more."
            )
        self._said.seek(0)
        last = [line for line in self._said.read().decode("utf-8", "replace").splitlines() if line.strip()][-1:]
        return (
            f"crashed ({f'signal {-code}' if code < 0 else f'code {code}'}){': ' if last else '.'}{''.join(last)[:300]}"
        )

    def _kill(self) -> None:
        kill_group(self._process)

    @staticmethod
    def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
        if stream is None:
            raise TypeError("the process has no pipe")
        return stream


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, with all that it started."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
