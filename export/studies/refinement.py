"""Measures what a search adds to the prediction, and whether the prediction is worth starting from.

`mixbridge model refinement CORPUS -o docs/refinement.md` refines held-out cases of the suites *known* and *songs* from
the prediction and, for longer, from neutral (equal loudness, centred), and measures both on rendered audio; then whole
sessions as `mix` does, by measures that the search does not see (:mod:`.refined_sessions`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ...runtime.model.bundle import open_bundle
from ...runtime.prediction.predict import predict
from ...runtime.refinement.refine import refine
from ..evaluation.judging import render
from ..evaluation.material import find_material
from ..evaluation.presets import levelled_preset
from ..evaluation.runner import Workbench, each
from ..evaluation.suites import SUITES, make_scene
from ..whole_files import check_page, write_text
from . import refined_sessions

_log = logging.getLogger(__name__)

Say = Callable[[str], object]

_SUITES = {"known": "another passage of the song, settings known", "songs": "a finished song"}
TITLE = "# What a search adds"
_TEXT = """\
{title}

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


@dataclass(frozen=True)
class RefinementRequest:
    """What to measure.

    Attributes:
        corpus: folder with held-out sessions and songs.
        model: a bundle's folder, or the name of a model that ships.
        cases: of each suite.
        seconds: for a search from the prediction.
        neutral_seconds: for a search from neutral.
        jobs: worker processes.
        sessions: whole ones, each like one song.
        seed: of all that is drawn.
    """

    corpus: Path
    model: str
    cases: int
    seconds: float
    neutral_seconds: float
    jobs: int
    sessions: int = 12
    seed: int = 0


def run(request: RefinementRequest, page: Path | None = None, say: Say = _log.info) -> list[RefinedCase]:
    """Refines cases, each suite's in turn, and writes the page about them.

    Args:
        request: what to measure.
        page: to write; None writes none.
        say: takes a line for each case.

    Raises:
        ModelError: the corpus lacks what a suite needs, or the model cannot be loaded.
        OutputError: the page cannot be written, or is there and none of ours.
    """
    if page is not None:
        check_page(page, TITLE)
    material, manifest = find_material(request.corpus), open_bundle(request.model).manifest
    for suite in _SUITES:
        if lack := SUITES[suite].missing(material, manifest):
            raise ModelError(f"suite {suite}: {lack}")
    numbered = [(suite, index) for index in range(request.cases) for suite in _SUITES]
    work = partial(_case, request.seconds, request.neutral_seconds, request.seed)
    cases = []
    for case in each(work, numbered, request.jobs, request.model, material):
        say(f"{case.suite} {case.index}: {case.reference[0]:.3f} predicted, {case.reference[1]:.3f} refined")
        cases.append(case)
    cases.sort(key=lambda case: (case.index, case.suite))
    whole = refined_sessions.run(request.corpus, request.model, request.sessions, say)
    if page is not None:
        text = _TEXT.format(title=TITLE, command=_command(request), **vars(request)) + table(cases) + "\n"
        write_text(page, text + refined_sessions.chapter(whole))
    return cases


def _command(request: RefinementRequest) -> str:
    return (
        f"mixbridge model refinement CORPUS --model {request.model} --cases {request.cases} "
        f"--seconds {request.seconds:g} --neutral-seconds {request.neutral_seconds:g} --jobs {request.jobs} "
        f"--sessions {request.sessions}"
    )


def table(cases: Sequence[RefinedCase]) -> str:
    """Makes the rows of the page's table."""
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


def _case(
    seconds: float, neutral_seconds: float, seed: int, bench: Workbench, numbered: tuple[str, int]
) -> RefinedCase:
    suite, index = numbered
    controller = bench.controller
    rate_hz = controller.manifest.sample_rate_hz
    scene = make_scene(SUITES[suite], bench.material, controller.manifest, index, seed)
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
