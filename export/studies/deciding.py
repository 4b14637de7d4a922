"""Measures what the parts of deciding are worth: roles, their names, the network, what engineers do.

`mixbridge model deciding CORPUS -o docs/deciding.md` mixes held-out cases with all of it, and without one part at a
time. The parts of the network and of its training are :mod:`.ablations`'.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from ...presets.errors import ModelError
from ...presets.preset import Preset
from ...presets.roles import Role
from ...runtime.model.analysis import Passage
from ...runtime.model.controller import Controller
from ...runtime.prediction.hearing import decided
from ...runtime.prediction.predict import neutral, predict, predict_musically, settings
from ...runtime.prediction.role_mix import plain_by_role
from ..evaluation.judging import render
from ..evaluation.material import find_material
from ..evaluation.suites import SUITES, EvaluationScene, make_scene
from ..whole_files import check_page, write_text

TITLE: Final = "# What the parts of deciding are worth"
_SUITES: Final = ("known", "songs")
_WHOLE: Final = "the whole"
_TEXT = """\
{title}

Each way of deciding mixed the same {cases} held-out cases of each suite, before the master is fitted to the reference;
[quality.md](quality.md) says what they are and how distances are measured. Made by

    {command}

{tables}
"""
_T = TypeVar("_T")
Way = Callable[[Controller, EvaluationScene], Preset]


@dataclass(frozen=True)
class DecidingRequest:
    """What to measure.

    Attributes:
        corpus: folder with held-out sessions and songs.
        model: a bundle's folder, or the name of a model that ships.
        cases: of each suite.
        seed: of all that is drawn.
    """

    corpus: Path
    model: str
    cases: int
    seed: int = 0


def run(request: DecidingRequest, page: Path, say: Callable[[str], object]) -> None:
    """Decide and judge the cases, and write the page.

    Raises:
        AudioError: a file of the corpus cannot be used.
        ModelError: the corpus lacks what a suite needs, or the model cannot be loaded.
        OutputError: the page cannot be written, or is there and none of ours.
    """
    check_page(page, TITLE)
    controller, material = Controller(request.model, "cpu", threads=1), find_material(request.corpus)
    tables = []
    for name in _SUITES:
        suite = SUITES[name]
        if lack := suite.missing(material, controller.manifest):
            raise ModelError(f"suite {name}: {lack}")
        totals: dict[str, list[float]] = {way: [] for way in WAYS}
        for index in range(request.cases):
            scene = make_scene(suite, material, controller.manifest, index, request.seed)
            for way, distance in judged(controller, scene).items():
                totals[way].append(distance)
            say(f"{name}: {index + 1} of {request.cases}")
        tables.append(table(suite.title, totals))
    command = f"mixbridge model deciding CORPUS --model {request.model} --cases {request.cases} --seed {request.seed}"
    write_text(page, _TEXT.format(title=TITLE, cases=request.cases, command=command, tables="\n".join(tables)))


def judged(controller: Controller, scene: EvaluationScene) -> dict[str, float]:
    """Measure the distance of the mix of a scene to what it should sound like, by each way of deciding."""
    rate_hz = controller.manifest.sample_rate_hz
    distances = {}
    for name, way in WAYS.items():
        mix = render(_by_number(scene).passage.audio, way(controller, scene), rate_hz)
        distances[name] = float(scene.target.distance(mix).total)
    return distances


def table(title: str, totals: Mapping[str, list[float]]) -> str:
    """Write the distances of a suite in Markdown."""
    whole = totals[_WHOLE]
    lines = [f"## {title}", "", "| decided by | mean | median | mean / the whole's | nearer than the whole in |"]
    lines.append("|---|---|---|---|---|")
    for name, found in totals.items():
        mean, middle = statistics.fmean(found), statistics.median(found)
        nearer = sum(one < other for one, other in zip(found, whole, strict=True))
        against = "-" if name == _WHOLE else f"{nearer} of {len(found)}"
        lines.append(f"| {name} | {mean:.3f} | {middle:.3f} | {mean / statistics.fmean(whole):.2f} | {against} |")
    return "\n".join([*lines, ""])


def _whole(controller: Controller, scene: EvaluationScene) -> Preset:
    return _numbered(scene, predict_musically(controller, scene.passage, scene.reference))


def _told(controller: Controller, scene: EvaluationScene) -> Preset:
    roles: dict[str, Role] = {name: role for name, role in scene.session.roles.items() if name in scene.passage.audio}
    return _numbered(scene, predict_musically(controller, scene.passage, scene.reference, roles))


def _heard_only(controller: Controller, scene: EvaluationScene) -> Preset:
    """As if every track were called by its number."""
    return predict_musically(controller, _by_number(scene).passage, scene.reference)


def _alone(controller: Controller, scene: EvaluationScene) -> Preset:
    return _numbered(scene, predict(controller, scene.passage, scene.reference))


def _alone_without_roles(controller: Controller, scene: EvaluationScene) -> Preset:
    passage, manifest = scene.passage, controller.manifest
    names = list(passage.heard)
    outputs = decided(controller, passage, scene.reference, names)
    strips, master = settings(manifest.layout, outputs, manifest.track_level_lufs, passage, names)
    preset = neutral(passage)
    tracks = tuple(track.model_copy(update={"strip": strips.get(track.name, track.strip)}) for track in preset.tracks)
    return _numbered(scene, preset.model_copy(update={"tracks": tracks, "master": master}))


def _practice(controller: Controller, scene: EvaluationScene) -> Preset:
    manifest = controller.manifest
    preset = predict(controller, scene.passage, scene.reference)
    level_lufs = manifest.track_level_lufs
    return _numbered(scene, plain_by_role(preset, scene.passage, scene.reference, manifest.sample_rate_hz, level_lufs))


WAYS: Final[Mapping[str, Way]] = {
    _WHOLE: _whole,
    "roles told, none found out": _told,
    "roles by sound alone, without names": _heard_only,
    "the network alone, without what engineers do": _alone,
    "the network alone, without roles either": _alone_without_roles,
    "what engineers do by role, without the network": _practice,
}
"""Ways of deciding by what they have or lack; each gives a preset for tracks that are called by their number."""


def _by_number(scene: EvaluationScene) -> EvaluationScene:
    passage = scene.passage
    names = {name: _number(place) for place, name in enumerate(passage.loudness_lufs)}

    def renamed(values: Mapping[str, _T]) -> dict[str, _T]:
        return {names[name]: value for name, value in values.items()}

    called: Passage = replace(
        passage,
        audio=renamed(passage.audio),
        loudness_lufs=renamed(passage.loudness_lufs),
        excerpts=renamed(passage.excerpts),
        whole_lufs=renamed(passage.whole_lufs),
    )
    return replace(scene, passage=called)


def _numbered(scene: EvaluationScene, preset: Preset) -> Preset:
    names = {name: _number(place) for place, name in enumerate(scene.passage.loudness_lufs)}
    tracks = tuple(track.model_copy(update={"name": names[track.name]}) for track in preset.tracks)
    return preset.model_copy(update={"tracks": tracks})


def _number(place: int) -> str:
    return f"Track {place + 1}"
