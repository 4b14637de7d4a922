"""A worker that does one job at a time, so that a long one (predict, push) never keeps the server from listening."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Literal

from ...presets.errors import MixbridgeError

State = Literal["busy", "done", "error"]

log = logging.getLogger(__name__)


class Worker:
    """Runs a job in a thread beside, and says how it ended. The thread ends with the program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = ""
        self._idle = threading.Event()
        self._idle.set()

    @property
    def running(self) -> str:
        """The name of the job that is running; empty if there is none."""
        return self._running

    def start(self, name: str, job: Callable[[], str], report: Callable[[State, str], None]) -> str:
        """Begins a job unless one is running.

        Args:
            name: for people.
            job: gives a sentence on what it did.
            report: called when it begins, and when the next job may come, with what to say.

        Returns:
            The name of the job that is in the way; empty if this one was begun.
        """
        with self._lock:
            if self._running:
                return self._running
            self._running = name
            self._idle.clear()
        threading.Thread(target=self._run, args=(name, job, report), name=f"mixbridge {name}", daemon=True).start()
        return ""

    def wait(self, timeout_s: float) -> bool:
        """Waits for the job that is running; whether it has ended."""
        return self._idle.wait(timeout_s)

    def _run(self, name: str, job: Callable[[], str], report: Callable[[State, str], None]) -> None:
        state: State = "error"
        try:
            report("busy", "")
            outcome = job()
            state = "done"
        except MixbridgeError as error:
            outcome = str(error)
        except Exception as error:
            # The server outlives a fault in a job; its cause is in the log.
            log.exception("%s failed", name)
            outcome = f"unexpected error ({type(error).__name__}): see what the server says"
        finally:
            self._running = ""
            self._idle.set()
        report(state, outcome)
