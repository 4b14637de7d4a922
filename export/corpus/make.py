"""Makes a corpus, part by part, and writes its papers; what `mixbridge model corpus` runs.

Each part goes on where it was; the papers are written whatever happens.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...presets.errors import OutputError
from .build import FAILED, Factory, build, missing, session_builder
from .manifest import check_ours, write_manifest
from .packages import CorpusPart, Unpacked
from .plan import Job, plan
from .sources import CorpusSources, fetch_packages, sources_in, tune_names
from .tunes import FREEDOOM_TUNES

_log = logging.getLogger(__name__)

# A minute of ten stems, FLAC, with room to spare.
_BYTES_A_SESSION = 35_000_000

Show = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Request:
    """What to make.

    Attributes:
        folder: of the corpus.
        hours: of training sessions.
        seed: of the training sessions.
        workers: sessions made at a time.
        only: a part: "sessions", "voices" (the lone ones of the sessions), "songs", "recorded"; None is all.
    """

    folder: Path
    hours: float = 10.0
    seed: int = 1
    workers: int = 2
    only: str | None = None

    def wants(self, part: str) -> bool:
        """Tells whether a part is to be made."""
        return self.only in (None, part)


@dataclass
class BuildReport:
    """Lists what a run has made so far.

    Attributes:
        notes: lines for the user.
        failures: jobs without a session, and why.
    """

    notes: list[str] = field(default_factory=list)
    failures: list[tuple[Job, str]] = field(default_factory=list)


def planned(request: Request) -> list[Job]:
    """Lists the sessions that a request asks for, in the order of their making; nothing is fetched for it."""
    if request.only in ("songs", "recorded"):
        return []
    return _planned(request, FREEDOOM_TUNES)


def make(request: Request, report: BuildReport, show: Show, factory: Factory = session_builder) -> None:
    """Makes what a request asks for and is not there yet.

    Args:
        request: what.
        report: is told what there is, also when this is broken off.
        show: takes what is being made, how many are there and how many there will be.
        factory: makes the builder of sessions, see `build`.

    Raises:
        AudioError: the sources cannot be had.
        OutputError: the folder cannot be written, is too small, or holds what is no corpus of ours.
    """
    check_ours(request.folder)
    unpacked: list[Unpacked] = []
    command = f"mixbridge model corpus FOLDER --hours {request.hours:g} --seed {request.seed}"
    try:
        if request.wants("songs"):
            unpacked += _songs(request, report, show)
        if request.wants("sessions") or request.only == "voices":
            sources, used = _sources(request)
            unpacked += used
            _sessions(request, sources, report, show, factory)
        if request.wants("recorded"):
            unpacked += _recorded(request, report, show)
    finally:
        if request.folder.is_dir():
            entries = write_manifest(request.folder, unpacked, command)
            counted = Counter(entry.split for entry in entries)
            report.notes.append(f"{request.folder}: {counted['train']} files to train on, {counted['test']} held out")


def _sources(request: Request) -> tuple[CorpusSources, list[Unpacked]]:
    folder = request.folder / "sources"
    packages = fetch_packages(folder, ["sessions"])
    return sources_in(folder, packages), list(packages.values())


def _planned(request: Request, tunes: Sequence[str]) -> list[Job]:
    jobs = plan(request.hours, request.seed, tunes)
    return [job for job in jobs if request.only != "voices" or job.kind == "voice"]


def _sessions(request: Request, sources: CorpusSources, report: BuildReport, show: Show, factory: Factory) -> None:
    jobs = _planned(request, tune_names(sources.tunes))
    rest = missing(request.folder, jobs)
    there = len(jobs) - len(rest)
    _check_space(request.folder, len(rest))
    # One thread each: the workers are the threads.
    os.environ["OMP_NUM_THREADS"] = "1"
    (request.folder / FAILED).unlink(missing_ok=True)
    show("Sessions", there, len(jobs))
    outcomes = build(request.folder, rest, sources, request.workers, factory)
    try:
        for outcome in outcomes:
            there += 1
            show("Sessions", there, len(jobs))
            if outcome.failure is None:
                _log.info("%s: %.1f s", outcome.job.name, outcome.seconds)
                continue
            report.failures.append((outcome.job, outcome.failure))
            _log.info("%s failed: %s", outcome.job.name, outcome.failure)
            with (request.folder / FAILED).open("a", encoding="utf-8") as file:
                file.write(f"{outcome.job.split}/{outcome.job.name}: {outcome.failure}\n")
    finally:
        outcomes.close()
        whole = len(jobs) - len(missing(request.folder, jobs))
        report.notes.append(f"sessions: {whole} of {len(jobs)}, {len(report.failures)} failed")


def _check_space(folder: Path, sessions: int) -> None:
    needed = sessions * _BYTES_A_SESSION
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"{folder}: {sessions} sessions need about {needed / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free; "
            "free some, choose another folder, or fewer --hours."
        )


def _songs(request: Request, report: BuildReport, show: Show) -> list[Unpacked]:
    from .songs import collect_songs

    packages = fetch_packages(request.folder / "sources", _part("songs"))
    number = collect_songs(request.folder / "songs", packages, lambda done, total: show("Songs", done, total))
    report.notes.append(f"finished songs: {number}")
    return list(packages.values())


def _recorded(request: Request, report: BuildReport, show: Show) -> list[Unpacked]:
    from .recorded import collect_recorded

    packages = fetch_packages(request.folder / "sources", _part("recorded"))
    notes = collect_recorded(request.folder / "recorded", packages, lambda done, total: show("Recorded", done, total))
    report.notes.extend(notes)
    return list(packages.values())


def _part(part: CorpusPart) -> list[CorpusPart]:
    return [part]
