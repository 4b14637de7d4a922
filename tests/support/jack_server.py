"""A JACK server with the dummy driver, of this process alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

PATIENCE_S = 30
MOST_STARTS = 5


class JackServer:
    """One that can be killed and started again under the same name."""

    def __init__(self, block_frames: int = 1024, rate_hz: int = 48000, *, waits: bool = False) -> None:
        self.name = f"mixbridge-test-{os.getpid()}-{id(self):x}"
        # Synchronous: a client that is late makes all others wait, and no block is lost.
        waiting = ["-S", "-t", "20000"] if waits else []
        self._options = ["-r", *waiting, "-d", "dummy", "-r", str(rate_hz), "-p", str(block_frames)]
        self._process: subprocess.Popen[bytes] | None = None
        self._was_killed = False

    def start(self) -> None:
        import jack

        # JACK's registry of servers is the machine's: it may be locked, or not yet know that the last one is dead.
        self._begin()
        again = MOST_STARTS

        jack.set_error_function(lambda _text: None)
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                jack.Client("probe", no_start_server=True, servername=self.name).close()
            except jack.JackError:
                assert time.monotonic() < until
                time.sleep(0.05)
                if self._process is None or self._process.poll() is not None:
                    assert again, "jackd did not start"
                    again -= 1
                    time.sleep(0.5)
                    self._begin()
            else:
                return

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            ["jackd", "-n", self.name, *self._options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        """Ends it in order: the machine has places for eight servers, and one that is killed keeps its own for ever."""
        if self._process is None and self._was_killed:
            self.start()
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE_S)
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._was_killed = True
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def jack_server(block_frames: int = 1024, *, waits: bool = False) -> Iterator[JackServer]:
    """A server that ends whatever happens; one that waits loses no block, however late its clients are."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    pytest.importorskip("jack", exc_type=(ImportError, OSError))
    server = JackServer(block_frames, waits=waits)
    try:
        server.start()
        yield server
    finally:
        server.stop()
