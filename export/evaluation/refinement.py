"""Writes `docs/refinement.md`: what a search adds to the prediction, and whether the prediction is worth starting from.

`python -m mixbridge.export.evaluation.refinement CORPUS` refines held-out cases of the suites *known* and *songs* from
the prediction and, for longer, from neutral (equal loudness, centred), and measures both on rendered audio.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ...runtime.prediction.predict import predict
from ...runtime.refinement.refine import refine
from .judging import render
from .material import find_material
from .presets import levelled_preset
from .runner import Workbench, each
from .suites import SUITES, make_scene

_log = logging.getLogger(__name__)

_SUITES = {"known": "another passage of the song, settings known", "songs": "a finished song"}
_TEXT = """\
# What a search adds

`mixbridge mix --refine 30s` starts from the prediction and turns its settings until the mix, rendered by the runtime,
comes closer to the features of the reference. Measured on {cases} held-out cases of each kind, {jobs} at a time on two
cores, {seconds:g} s from the prediction, {neutral_seconds:g} s from neutral (equal loudness, centred). *Reference* is
what the search can hear; where the settings are known, *truth* is the true mix of the passage, which it cannot: where
the reference's passage has other tracks than the one that is mixed, coming closer to the one leads away from the other.
So refine towards a song whose sound is wanted, not towards another part of the same song. Made by

    {command}

| reference | against | prediction | refined | ratio: median (of means) | neutral, refined | prediction better |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class RefinedCase:
    """Distances of one case, to the reference and, where there is one, to the truth.

    Attributes:
        suite: name.
        index: of the case.
        reference: before and after from the prediction, after from neutral.
        truth: likewise; equal to `reference` for finished songs.
        renders: from the prediction and from neutral.
    """

    suite: str
    index: int
    reference: tuple[float, float, float]
    truth: tuple[float, float, float]
    renders: tuple[int, int]


def run(
    corpus: Path, model: str, cases: int, seconds: float, neutral_seconds: float, jobs: int, seed: int = 0
) -> list[RefinedCase]:
    """Refine cases, each suite's in turn, in `jobs` processes."""
    wanted = [(suite, index) for index in range(cases) for suite in _SUITES]
    cases_done = []
    for case in each(partial(_case, seconds, neutral_seconds, seed), wanted, jobs, model, find_material(corpus)):
        _log.info("%s", case)
        cases_done.append(case)
    return sorted(cases_done, key=lambda case: (case.index, case.suite))


def table(cases: Sequence[RefinedCase]) -> str:
    """Rows of the page's table."""
    rows = []
    for suite, title in _SUITES.items():
        chosen = [case for case in cases if case.suite == suite]
        if not chosen:
            continue
        for against, values in (
            ("reference", np.array([case.reference for case in chosen])),
            ("truth", np.array([case.truth for case in chosen])),
        ):
            if suite == "known" or against == "reference":
                rows.append(_row(title, against, values))
    return "\n".join(rows)


def _row(title: str, against: str, values: NDArray[np.float64]) -> str:
    before, after, neutral = values.T
    ratio = after / before
    return (
        f"| {title} | {against} | {before.mean():.3f} | {after.mean():.3f} | {np.median(ratio):.2f} "
        f"({after.mean() / before.mean():.2f}) | {neutral.mean():.3f} | {100 * np.mean(after < neutral):.0f} % |"
    )


def _case(seconds: float, neutral_seconds: float, seed: int, desk: Workbench, wanted: tuple[str, int]) -> RefinedCase:
    suite, index = wanted
    controller = desk.controller
    rate_hz = controller.manifest.sample_rate_hz
    scene = make_scene(SUITES[suite], desk.material, controller.manifest, index, seed)
    predicted = predict(controller, scene.passage, scene.reference)
    searches = [
        refine(start, scene.passage, scene.reference, sample_rate_hz=rate_hz, seconds=limit_s)
        for start, limit_s in ((predicted, seconds), (levelled_preset(scene.passage, spread=0), neutral_seconds))
    ]
    truth = tuple(
        scene.target.distance(render(scene.passage.audio, preset, rate_hz)).total
        for preset in (predicted, searches[0].preset, searches[1].preset)
    )
    reference = (searches[0].before, searches[0].after, searches[1].after)
    return RefinedCase(
        suite, index, reference, (truth[0], truth[1], truth[2]), (searches[0].renders, searches[1].renders)
    )


@click.command()
@click.argument("corpus", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("docs/refinement.md"), show_default=True)
@click.option("--model", default="default", show_default=True)
@click.option("--cases", type=click.IntRange(min=1), default=12, show_default=True, help="Of each kind.")
@click.option("--seconds", type=float, default=30.0, show_default=True)
@click.option("--neutral-seconds", type=float, default=300.0, show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
def main(corpus: Path, output: Path, model: str, cases: int, seconds: float, neutral_seconds: float, jobs: int) -> None:
    """Measure refinement on held-out cases and write a page."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    results = run(corpus, model, cases, seconds, neutral_seconds, jobs)
    command = (
        f"python -m mixbridge.export.evaluation.refinement CORPUS --model {model} --cases {cases} "
        f"--seconds {seconds:g} --neutral-seconds {neutral_seconds:g} --jobs {jobs}"
    )
    text = _TEXT.format(cases=cases, jobs=jobs, seconds=seconds, neutral_seconds=neutral_seconds, command=command)
    output.write_text(text + table(results) + "\n", encoding="utf-8")
    click.echo(str(output), err=True)


if __name__ == "__main__":
    main()
