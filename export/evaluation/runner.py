"""Runs a suite: cases in worker processes, each kept as soon as it is done.

Cases are kept in a file by model, suite, seed and material: the same command goes on where it was interrupted, and
more cases of the same seed add to those that are there.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from ...presets.errors import ModelError
from ...runtime.model.bundle import open_bundle
from ...runtime.model.controller import Controller
from .cases import CaseResult, Cause, append, load, values_of
from .explain import explain
from .material import Material
from .presets import settings_fingerprint
from .suites import MODEL, SUITES, run_case

Progress = Callable[[int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Raised whenever cases of before can no longer stand beside new ones.
_PROTOCOL = 6
_WORST_SHARE = 0.05


def run_suite(
    suite: str,
    model: str | Path,
    material: Material,
    cases: int = 200,
    seed: int = 0,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[CaseResult]:
    """Judge a model on the cases of one suite.

    Args:
        suite: a name in :data:`.suites.SUITES`.
        model: a bundle's folder, or the name of a model that ships.
        material: see :func:`.material.find_material`.
        cases: how many; sessions take turns.
        seed: of all that is drawn.
        jobs: worker processes, one thread each; 1 works in this process.
        cache: folder that keeps cases; None keeps none.
        progress: called with the number of cases that are there.

    Returns:
        The cases by number.

    Raises:
        ModelError: the material has nothing for this suite, or the model cannot be loaded.
        AudioError: a file cannot be used.
    """
    lacks = SUITES[suite].missing(material, open_bundle(model).manifest)
    if lacks:
        raise ModelError(f"suite {suite}: {lacks}")
    path = cache / f"{_key(suite, model, material, seed)}.jsonl" if cache else None
    kept = {index: CaseResult(**item) for index, item in load(path).items()} if path else {}
    results = {index: case for index, case in kept.items() if index < cases}
    missing = [index for index in range(cases) if index not in results]
    _report(progress, len(results))
    for case in each(partial(_case, suite, seed), missing, jobs, model, material):
        _keep(path, case)
        results[case.index] = case
        _report(progress, len(results))
    return [results[index] for index in range(cases)]


def explain_worst(
    cases: Sequence[CaseResult],
    model: str | Path,
    material: Material,
    seed: int = 0,
    jobs: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> dict[int, Cause]:
    """Look into the worst 5 % of a suite's cases.

    Args:
        cases: what :func:`run_suite` found for the same model, material and seed.
        model: as there, like all else.
        material: likewise.
        seed: likewise.
        jobs: likewise.
        cache: likewise.
        progress: called with the number of cases looked into.

    Returns:
        Causes by case number, worst first.
    """
    suite = cases[0].suite
    path = cache / f"{_key(suite, model, material, seed)}-causes.jsonl" if cache else None
    kept = {index: Cause(**item) for index, item in load(path).items()} if path else {}
    worst = [case.index for case in worst_cases(cases)]
    missing = [index for index in worst if index not in kept]
    for cause in each(partial(_cause, suite, seed), missing, jobs, model, material):
        _keep(path, cause)
        kept[cause.index] = cause
        _report(progress, sum(index in kept for index in worst))
    return {index: kept[index] for index in worst}


def worst_cases(cases: Sequence[CaseResult]) -> list[CaseResult]:
    """Gives the worst 5 % by the model's total, worst first; one at least."""
    order = np.argsort(-values_of(cases, MODEL), kind="stable")
    return [cases[at] for at in order[: max(1, round(_WORST_SHARE * len(cases)))]]


def _key(suite: str, model: str | Path, material: Material, seed: int) -> str:
    sha = open_bundle(model).manifest_sha256
    rest = json.dumps([_PROTOCOL, material.fingerprint, round(settings_fingerprint(), 3)])
    return f"{sha[:12]}-{suite}-{seed}-{hashlib.sha256(rest.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Workbench:
    """What a worker keeps from case to case."""

    controller: Controller
    material: Material


_desk: list[Workbench] = []


def _open_desk(model: str | Path, material: Material) -> None:
    """Opens the workbench in this process, with one thread: there are as many workers as cores."""
    torch.set_num_threads(1)
    _desk[:] = [Workbench(Controller(model, "cpu", threads=1), material)]


def _start_worker(model: str | Path, material: Material) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; a case that has begun is finished
    _open_desk(model, material)


def _at_desk(do: Callable[[Workbench, Item], Result], item: Item) -> Result:
    return do(_desk[0], item)


def _case(suite: str, seed: int, desk: Workbench, index: int) -> CaseResult:
    return run_case(SUITES[suite], desk.material, desk.controller, index, seed)


def _cause(suite: str, seed: int, desk: Workbench, index: int) -> Cause:
    return explain(SUITES[suite], desk.material, desk.controller, index, seed)


def each(
    do: Callable[[Workbench, Item], Result], items: Sequence[Item], jobs: int, model: str | Path, material: Material
) -> Iterator[Result]:
    """Do something with each item, in worker processes.

    Args:
        do: a function of a module; it has the model and the material at hand.
        items: what to do it with.
        jobs: worker processes, one thread each; 1 works in this process.
        model: a bundle's folder, or the name of a model that ships.
        material: what is judged.

    Returns:
        Results in the order in which they are done. Interrupted, it finishes what has begun and drops the rest.
    """
    if jobs == 1 or len(items) < 2:
        if items:
            _open_desk(model, material)
        yield from (_at_desk(do, item) for item in items)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(items)), context, _start_worker, (model, material))
    try:
        futures: list[Future[Result]] = [pool.submit(_at_desk, do, item) for item in items]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _keep(path: Path | None, item: CaseResult | Cause) -> None:
    if path is not None:
        append(path, item)


def _report(progress: Progress | None, done: int) -> None:
    if progress is not None:
        progress(done)
