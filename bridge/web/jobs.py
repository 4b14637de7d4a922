"""Jobs of the page: one at a time, in a thread beside, with how far they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...presets.errors import PresetError
from ..server.worker import State, Worker

Outcome = tuple[str, dict[str, Any] | None]


@dataclass(frozen=True)
class PageJob:
    """Something that takes a while, for the page.

    Attributes:
        name: "predict", "render", "plan", "push", "undo push".
        state: as it stands.
        share: how far it is, 0..1.
        text: what is being done, or how it ended.
        result: what came of it, for the page to show.
    """

    name: str
    state: State
    share: float = 0.0
    text: str = ""
    result: dict[str, Any] | None = None


class PageJobs:
    """Runs jobs.

    Args:
        tell: called when one begins, goes on or ends.

    Attributes:
        latest: the job that runs, or ran last.
    """

    def __init__(self, tell: Callable[[], None]):
        self._tell, self._worker = tell, Worker()
        self.latest: PageJob | None = None
        self._comes_to_an_end = False

    def start(self, name: str, job: Callable[[], Outcome], *, comes_to_an_end: bool = False) -> None:
        """Begin a job.

        Args:
            name: for people.
            job: gives a sentence on what it did, and its result.
            comes_to_an_end: the server waits for it before it ends: it changes a desk.

        Raises:
            PresetError: another one is at work.
        """
        results: list[dict[str, Any] | None] = []

        def run() -> str:
            text, result = job()
            results.append(result)
            return text

        def report(state: State, text: str) -> None:
            self.latest = PageJob(name, state, float(state == "done"), text, results[0] if results else None)
            self._tell()

        running = self._worker.start(name, run, report)
        if running:
            raise _busy(running)
        self._comes_to_an_end = comes_to_an_end

    def refuse_if_busy(self) -> None:
        """Say that a job is at work.

        Raises:
            PresetError: one is.
        """
        if self._worker.running:
            raise _busy(self._worker.running)

    def progress(self, share: float, text: str) -> None:
        """Say how far the job is."""
        if self.latest is not None:
            self.latest = replace(self.latest, share=min(1.0, share), text=text)
            self._tell()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the job that is running; whether it has ended."""
        return self._worker.wait(timeout_s)

    def finish(self, timeout_s: float) -> None:
        """Let a job that changes a desk come to its end; others leave nothing behind."""
        if self._comes_to_an_end:
            self.wait(timeout_s)


def _busy(running: str) -> PresetError:
    return PresetError(f"{running!r} is still at work: wait until it is done.")
