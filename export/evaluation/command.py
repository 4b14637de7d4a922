"""What `mixbridge model evaluate` does: suite after suite with a progress bar, then the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ...presets.errors import ModelError
from ...runtime.model.bundle import Manifest, open_bundle
from ..whole_files import check_page
from .material import Material, find_material
from .page.report import TITLE, EvaluationResults, pictures_of, write_report
from .runner import explain_worst, run_suite, worst_cases
from .suites import SUITES

ALL = "all"


@dataclass(frozen=True)
class EvaluationRequest:
    """What was asked for.

    Attributes:
        corpus: folder with held-out sessions in `test/`.
        model: a bundle's folder, or the name of a model that ships.
        suite: names with commas between them, or "all" for those that the corpus has something for.
        songs: folder of finished songs; None takes the corpus's.
        cases: of each suite.
        seed: of all that is drawn.
        jobs: worker processes.
        output: the page.
        cache: folder that keeps cases.
    """

    corpus: Path
    model: str
    suite: str
    songs: Path | None
    cases: int
    seed: int
    jobs: int
    output: Path
    cache: Path


def judge(request: EvaluationRequest) -> list[Path]:
    """Run the suites and write the page.

    Returns:
        The files written.

    Raises:
        ModelError: an unknown suite, a corpus without anything for it, or a model that cannot be loaded.
        AudioError: a file cannot be used.
        OutputError: the page cannot be written, or is there and none of ours.
    """
    check_page(request.output, TITLE, pictures_of(request.output))
    bundle = open_bundle(request.model)
    material = find_material(request.corpus, request.songs)
    suites, left_out = _chosen(request.suite, material, bundle.manifest)
    common = (request.model, material)
    cases, causes = {}, {}
    with _progress() as progress:
        for suite in suites:
            bar = _bar(progress, suite, request.cases)
            cases[suite] = run_suite(suite, *common, request.cases, request.seed, request.jobs, request.cache, bar)
            if SUITES[suite].explained:
                bar = _bar(progress, f"{suite}: the worst", len(worst_cases(cases[suite])))
                causes[suite] = explain_worst(cases[suite], *common, request.seed, request.jobs, request.cache, bar)
    return write_report(EvaluationResults(bundle, _command(request), cases, causes, left_out), request.output)


def _chosen(names: str, material: Material, manifest: Manifest) -> tuple[list[str], dict[str, str]]:
    """Chooses the suites to run; gives those left out, with the reason."""
    wanted = list(SUITES) if names == ALL else [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        raise ModelError(f"no suite {', '.join(map(repr, unknown))}; there are {', '.join(SUITES)}, and {ALL}")
    lacks = {name: lack for name in wanted if (lack := SUITES[name].missing(material, manifest))}
    if lacks and (names != ALL or len(lacks) == len(wanted)):
        raise ModelError("; ".join(f"suite {name}: {lack}" for name, lack in lacks.items()))
    return [name for name in wanted if name not in lacks], lacks


def _command(request: EvaluationRequest) -> str:
    return (
        f"mixbridge model evaluate CORPUS --model {request.model} --suite {request.suite} "
        f"--cases {request.cases} --seed {request.seed}"
    )


def _progress() -> AbstractContextManager[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True))


def _bar(progress: Progress, name: str, total: int) -> Callable[[int], None]:
    task = progress.add_task(name, total=total)
    return lambda done: progress.update(task, completed=done)
