"""Counts how often guard rails act on held-out cases, as predicted and after they were put right.

`mixbridge model guard-counts CORPUS` prints the table. A case is one of the evaluation's: raw tracks of a
passage, and a reference that the model hears beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...presets.errors import ModelError
from ...presets.preset import Confidence, Finding
from ...runtime.model.controller import Controller
from ...runtime.model.familiarity import load_familiarity
from ...runtime.prediction.confidence import Strangeness, strange, weigh
from ...runtime.prediction.guard_rails.guards import guard
from ...runtime.prediction.guard_rails.rails import RULES
from ...runtime.prediction.predict import predict
from ...runtime.prediction.trial import Trial
from ..evaluation.material import Material, find_material
from ..evaluation.suites import SUITES, Suite, make_scene


@dataclass(frozen=True)
class GuardedCase:
    """What was found in one case.

    Attributes:
        tracks: how many there are.
        before: what guard rails put right in the prediction.
        after: what they would still put right after that.
        confidence: how far the result can be trusted.
    """

    tracks: int
    before: tuple[Finding, ...]
    after: tuple[Finding, ...]
    confidence: Confidence


def run(corpus: Path, model: str, suite: str, songs: Path | None, cases: int, seed: int) -> list[GuardedCase]:
    """Counts on cases of a suite.

    Args:
        corpus: folder with held-out sessions.
        model: a bundle's folder, or the name of a model that ships.
        suite: its name.
        songs: folder of finished songs; None takes the corpus's.
        cases: how many.
        seed: of all that is drawn.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the corpus lacks what the suite needs, or the model cannot be loaded.
    """
    controller, material = Controller(model, "cpu", threads=1), find_material(corpus, songs)
    if lack := SUITES[suite].missing(material, controller.manifest):
        raise ModelError(f"suite {suite}: {lack}")
    return count(controller, SUITES[suite], material, cases, seed)


def count(
    controller: Controller,
    suite: Suite,
    material: Material,
    cases: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[GuardedCase]:
    """Run cases of a suite, the same as its evaluation's.

    Raises:
        ModelError: the corpus lacks what the suite needs.
    """
    results = []
    for index in range(cases):
        results.append(_case(controller, suite, material, index, seed))
        if progress is not None:
            progress(len(results))
    return results


def table(cases: Sequence[GuardedCase]) -> str:
    """Makes a table of the counts in Markdown: cases, and tracks where a rail is about tracks."""
    tracks = sum(case.tracks for case in cases)
    lines = [
        f"| guard rail | of {len(cases)} predictions | settings put right (of {tracks} tracks) | still after that |",
        "|---|---|---|---|",
    ]
    for rule in RULES:
        hits = sum(any(finding.rule == rule.name for finding in case.before) for case in cases)
        before = sum(finding.rule == rule.name for case in cases for finding in case.before)
        after = sum(finding.rule == rule.name for case in cases for finding in case.after)
        lines.append(f"| {rule.name} | {hits} | {before} | {after} |")
    levels = Counter(case.confidence.level for case in cases)
    amounts = Counter(case.confidence.amount for case in cases if case.confidence.amount < 1)
    levels_text = ", ".join(f"{levels[level]} {level}" for level in ("high", "fair", "low"))
    eased = ", ".join(f"{100 * amount:.0f} % in {number}" for amount, number in sorted(amounts.items())) or "none"
    return "\n".join([*lines, "", f"Confidence: {levels_text}. Amount reduced: {eased}."])


def _case(controller: Controller, suite: Suite, material: Material, index: int, seed: int) -> GuardedCase:
    manifest = controller.manifest
    scene = make_scene(suite, material, manifest, index, seed)
    trial = Trial(scene.passage, scene.reference, manifest.sample_rate_hz, manifest.track_level_lufs)
    guarded = guard(predict(controller, scene.passage, scene.reference), trial)
    familiarity = load_familiarity(controller.bundle)
    strangeness = strange(controller, familiarity, trial) if familiarity is not None else Strangeness()
    _, confidence = weigh(guarded.preset, trial, strangeness)
    again = guard(guarded.preset, trial).findings if guarded.findings else ()
    return GuardedCase(len(scene.passage.audio), guarded.findings, again, confidence)
