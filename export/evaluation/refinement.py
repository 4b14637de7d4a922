"""Writes `docs/refinement.md`: what a search adds to the prediction, and whether the prediction is worth starting from.

`mixbridge model refinement CORPUS` refines held-out cases of the suites *known* and *songs* from
the prediction and, for longer, from neutral (equal loudness, centred), and measures both on rendered audio.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.prediction.predict import predict
from ...runtime.refinement.refine import refine
from .judging import render
from .material import find_material
from .presets import levelled_preset
from .runner import Workbench, each
from .suites import SUITES, make_scene

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


def write_page(
    corpus: Path,
    page: Path,
    model: str,
    cases: int,
    seconds: float,
    neutral_seconds: float,
    jobs: int,
    *,
    say: Callable[[str], None],
) -> None:
    """Refines held-out cases and writes the page.

    Args:
        corpus: folder with held-out sessions.
        page: Markdown file to write.
        model: a bundle's folder, or the name of a model that ships.
        cases: of each kind.
        seconds: of a search from the prediction.
        neutral_seconds: of a search from neutral settings.
        jobs: processes.
        say: takes a line about each case.
    """
    outcomes = run(corpus, model, cases, seconds, neutral_seconds, jobs, say=say)
    command = (
        f"mixbridge model refinement CORPUS --model {model} --cases {cases} "
        f"--seconds {seconds:g} --neutral-seconds {neutral_seconds:g} --jobs {jobs}"
    )
    text = _TEXT.format(cases=cases, jobs=jobs, seconds=seconds, neutral_seconds=neutral_seconds, command=command)
    page.write_text(text + table(outcomes) + "\n", encoding="utf-8")


def run(
    corpus: Path,
    model: str,
    cases: int,
    seconds: float,
    neutral_seconds: float,
    jobs: int,
    seed: int = 0,
    *,
    say: Callable[[str], None] = lambda _line: None,
) -> list[RefinedCase]:
    """Refines cases, each suite's in turn, in `jobs` processes."""
    wanted = [(suite, index) for index in range(cases) for suite in _SUITES]
    outcomes = []
    for case in each(partial(_case, seconds, neutral_seconds, seed), wanted, jobs, model, find_material(corpus)):
        say(str(case))
        outcomes.append(case)
    return sorted(outcomes, key=lambda case: (case.index, case.suite))


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
