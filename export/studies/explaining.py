"""Explains one case of the evaluation, as its page does with the worst of them (:mod:`..evaluation.explain`)."""

from __future__ import annotations

from pathlib import Path

from ...presets.errors import ModelError
from ...runtime.model.controller import Controller
from ..evaluation.cases import Cause
from ..evaluation.explain import explain
from ..evaluation.material import find_material
from ..evaluation.suites import SUITES


def run(corpus: Path, model: str, suite: str, songs: Path | None, index: int, seed: int) -> Cause:
    """Finds the probable cause of one case's distance.

    Args:
        corpus: folder with held-out sessions.
        model: a bundle's folder, or the name of a model that ships.
        suite: name of one whose true settings are known.
        songs: folder of finished songs; None takes the corpus's.
        index: of the case.
        seed: of the evaluation.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the corpus lacks what the suite needs, or the model cannot be loaded.
    """
    controller, material = Controller(model, "cpu", threads=1), find_material(corpus, songs)
    if lack := SUITES[suite].missing(material, controller.manifest):
        raise ModelError(f"suite {suite}: {lack}")
    return explain(SUITES[suite], material, controller, index, seed)
