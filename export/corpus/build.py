"""Makes sessions in worker processes, one folder each: whole, or not there.

A worker keeps its soundfonts loaded from one session to the next. It works in a folder beside the splits and moves the
result where it belongs when it is whole, so that whoever reads the corpus meanwhile, and whoever breaks the build off,
finds whole sessions only. A session that fails, crashes its worker or takes too long is told with its reason; the
others go on. What is there is not made again.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import shutil
import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Protocol

from ...presets.errors import OutputError
from .plan import Job
from .sources import CorpusSources

_log = logging.getLogger(__name__)

META = "meta.json"
PARTIAL = ".partial"
FAILED = "failed.txt"
# Ten times what the slowest session takes on a busy core.
LONGEST_SESSION_S = 300.0
_LOOK_EVERY_S = 1.0
_LEAVE_S = 5.0


class Builder(Protocol):
    """Makes sessions one after another."""

    def build(self, job: Job, folder: Path) -> None:
        """Writes a session's files and its meta.json into an existing, empty folder."""
        ...


Factory = Callable[[CorpusSources], Builder]


def session_builder(sources: CorpusSources) -> Builder:
    """Makes the builder of the corpus, in the worker that uses it."""
    from .session import SessionBuilder
    from .voices import sing

    return SessionBuilder(sources, sing)


@dataclass(frozen=True)
class JobOutcome:
    """What became of a job.

    Attributes:
        job: which.
        seconds: that it took.
        failure: why there is no session; None if there is one.
    """

    job: Job
    seconds: float
    failure: str | None = None


@dataclass(eq=False)
class _Worker:
    """A process with its end of the line, and what it is doing."""

    process: SpawnProcess
    line: Connection
    job: Job | None = None
    since_s: float = field(default_factory=time.monotonic)


def session_folder(corpus: Path, job: Job) -> Path:
    """Names the folder of a job's session."""
    return corpus / job.split / job.name


def missing(corpus: Path, jobs: Sequence[Job]) -> list[Job]:
    """Lists the jobs whose sessions are not there, in their order."""
    return [job for job in jobs if not (session_folder(corpus, job) / META).is_file()]


def build(
    corpus: Path, jobs: Sequence[Job], sources: CorpusSources, workers: int, factory: Factory = session_builder
) -> Generator[JobOutcome, None, None]:
    """Makes the sessions of some jobs and says of each what became of it, as it ends.

    Closing the iterator, as a KeyboardInterrupt does, ends the workers; sessions under way are dropped.

    Args:
        corpus: folder of the splits.
        jobs: what to make; see `missing`.
        sources: what to make it of.
        workers: processes at a time.
        factory: gives each worker its builder; must be importable by name.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        shutil.rmtree(corpus / PARTIAL, ignore_errors=True)
        (corpus / PARTIAL).mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{corpus}: cannot be written ({error.strerror}); choose another folder.") from error
    waiting = list(reversed(jobs))
    context = multiprocessing.get_context("spawn")
    team = [_hire(context, corpus, sources, factory) for _ in range(min(workers, len(jobs)))]
    try:
        while waiting or any(worker.job for worker in team):
            for worker in team:
                if worker.job is None and waiting:
                    _give(worker, waiting.pop())
            for outcome, worker in _ended(team):
                if outcome.failure and not worker.process.is_alive():
                    team[team.index(worker)] = _hire(context, corpus, sources, factory)
                yield outcome
    finally:
        _dismiss(team)
        shutil.rmtree(corpus / PARTIAL, ignore_errors=True)


def _give(worker: _Worker, job: Job) -> None:
    worker.job, worker.since_s = job, time.monotonic()
    # A worker that has died meanwhile is found out by `_ended`.
    with suppress(OSError):
        worker.line.send(job)


def _ended(team: Sequence[_Worker]) -> list[tuple[JobOutcome, _Worker]]:
    """Waits a little; the jobs that have ended meanwhile."""
    busy = {worker.line: worker for worker in team if worker.job}
    wait(list(busy), timeout=_LOOK_EVERY_S)
    ended = []
    for line, worker in busy.items():
        passed_s = time.monotonic() - worker.since_s
        job = worker.job
        if job is None:
            continue
        if line.poll():
            ended.append((JobOutcome(job, passed_s, _answer(worker)), worker))
        elif passed_s > LONGEST_SESSION_S:
            _end(worker)
            ended.append((JobOutcome(job, passed_s, f"took more than {LONGEST_SESSION_S:.0f} s"), worker))
        else:
            continue
        worker.job = None
    return ended


def _answer(worker: _Worker) -> str | None:
    """Reads why the job of a worker failed, or None; its death counts as an answer."""
    try:
        failure = worker.line.recv()
    except (EOFError, OSError):
        _end(worker)
        return f"its worker died with code {worker.process.exitcode}"
    return None if failure is None else str(failure)


def _hire(context: SpawnContext, corpus: Path, sources: CorpusSources, factory: Factory) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, corpus, sources, factory), daemon=True)
    process.start()
    # Only the worker may hold its end, or its death would not end the line.
    theirs.close()
    return _Worker(process, ours)


def _end(worker: _Worker) -> None:
    worker.process.join(0.1)
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join(_LEAVE_S)


def _dismiss(team: Sequence[_Worker]) -> None:
    for worker in team:
        with suppress(OSError):
            worker.line.send(None)
    for worker in team:
        worker.process.join(0.0 if worker.job else _LEAVE_S)
        _end(worker)
        worker.line.close()


def _work(line: Connection, corpus: Path, sources: CorpusSources, factory: Factory) -> None:
    """Runs a worker: jobs come, answers go, None ends it."""
    # Ctrl-C reaches all processes of a terminal; the one that holds the line decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    builder: Builder | None = None
    with suppress(EOFError, OSError):
        while (job := line.recv()) is not None:
            try:
                builder = builder or factory(sources)
                _build_whole(builder, job, corpus)
            # Whatever goes wrong with one session is that session's; it is told, not hidden.
            except Exception as error:
                _log.info("%s failed", job.name, exc_info=True)
                line.send(f"{type(error).__name__}: {error}")
            else:
                line.send(None)


def _build_whole(builder: Builder, job: Job, corpus: Path) -> None:
    partial = corpus / PARTIAL / job.name
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        builder.build(job, partial)
        check_session(partial)
        target = session_folder(corpus, job)
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder that lacks its meta.json is none of ours to keep: a session is whole or is not there.
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_session(folder: Path) -> None:
    """Makes sure that a session's files are those that its meta.json names, and at least one.

    Raises:
        OutputError: they are not; the builder is at fault.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        named = [str(stem["file"]) for stem in meta["stems"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{folder.name}: {META} is missing or not usable ({error}).") from error
    there = sorted(path.name for path in folder.iterdir() if path.name != META)
    if not named or sorted(named) != there:
        raise OutputError(f"{folder.name}: {META} names {sorted(named)}, but there are {there}.")
