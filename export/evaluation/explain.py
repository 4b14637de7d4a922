"""Looks into a case that went badly: which settings, which tracks, and what the reference could not have told.

The model's settings are exchanged for the true ones a group at a time (all pans, all faders, ... or one track), and
the mix is rendered and judged anew: how much better it gets is how much that group is to blame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...presets.console import Strip
from ...presets.errors import ModelError
from ...presets.preset import Preset, Track
from ...runtime.audio.reading import Samples
from ...runtime.model.controller import Controller
from ...runtime.model.features import feature_distance
from ...runtime.model.layout import balance_gain_db
from ...runtime.prediction.predict import predict_musically
from .cases import Cause
from .judging import HARDLY_HEARD, render, shares, terms_of
from .material import Material
from .suites import EvaluationScene, Suite, make_scene

_GROUPS = {"levels": "fader_db", "pans": "pan", "EQ": "eq", "compressors": "compressor"}
_MUCH = 0.2
_MOST = 0.5
_NAMED = 3
# A band this much below the loudest, in nepers of magnitude: 60 dB.
_QUIET_NEPER = 60 / 20 * np.log(10)


@dataclass(frozen=True)
class _Trial:
    """What the distance becomes once something is put right."""

    name: str
    total: float


def explain(suite: Suite, material: Material, controller: Controller, index: int, seed: int) -> Cause:
    """Finds the probable cause of one case's distance.

    Raises:
        ModelError: nobody knows the true settings of this suite.
    """
    scene = make_scene(suite, material, controller.manifest, index, seed)
    if scene.truth is None:
        raise ModelError(f"suite {suite.name} has no true settings to compare with")
    truth = _faders_around_zero(scene.truth)
    model = _faders_around_zero(predict_musically(controller, scene.passage, scene.reference))
    rate_hz = controller.manifest.sample_rate_hz
    features = scene.target.measure(render(scene.passage.audio, model, rate_hz))
    terms = terms_of(feature_distance(features, scene.target.features))
    groups = [_Trial(name, _total(scene, _with_group(model, truth, field), rate_hz)) for name, field in _GROUPS.items()]
    groups.append(_Trial("master", _total(scene, model.model_copy(update={"master": truth.master}), rate_hz)))
    tracks = [
        _Trial(track.name, _total(scene, _with_track(model, truth, at), rate_hz))
        for at, track in enumerate(model.tracks)
    ]
    group, track = (min(trials, key=lambda trial: trial.total) for trials in (groups, tracks))
    here, there = _lonely(scene, truth, rate_hz)
    quiet = _quiet_share(features.bark, scene.target.features.bark)
    sentences = [_main_term(terms), *_one_sided(here, there), *_blamed(group, track, terms["total"])]
    if quiet * terms["bark"] > _MUCH * terms["total"]:
        sentences.append(f"{100 * quiet:.0f} % of the bark term is of bands 60 dB below the loudest")
    kind = _kind(here, there, quiet * terms["bark"] / terms["total"], group, track, terms["total"])
    return Cause(index, kind, "; ".join(sentences))


def _kind(
    here: Mapping[str, float], there: Mapping[str, float], quiet: float, group: _Trial, track: _Trial, total: float
) -> str:
    if max(sum(here.values()), sum(there.values())) > _MUCH:
        return "tracks that play in one passage only"
    if quiet > _MOST:
        return "sound near silence"
    if track.total < (1 - _MOST) * total and len(here) + len(there) == 0:
        return "one track"
    if group.total < (1 - _MOST) * total:
        return f"one group of settings: {group.name}"
    return "several settings together"


def _main_term(terms: Mapping[str, float]) -> str:
    name = max((term for term in terms if term != "total"), key=lambda term: terms[term])
    return f"{100 * terms[name] / terms['total']:.0f} % {name}"


def _one_sided(here: Mapping[str, float], there: Mapping[str, float]) -> list[str]:
    sentences = []
    if sum(here.values()) > _MUCH:
        sentences.append(
            f"{_listed(here)} make {100 * sum(here.values()):.0f} % of the mix, hardly heard in the reference"
        )
    if sum(there.values()) > _MUCH:
        sentences.append(f"{_listed(there)} make {100 * sum(there.values()):.0f} % of the reference, hardly heard here")
    return sentences


def _listed(shares: Mapping[str, float]) -> str:
    """Gives the loudest three by name."""
    names = sorted(shares, key=lambda name: -shares[name])
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _blamed(group: _Trial, track: _Trial, total: float) -> list[str]:
    sentences = []
    if group.total < total:
        sentences.append(f"with the true {group.name} {group.total:.3f}")
    if track.total < total:
        sentences.append(f"with {track.name} put right {track.total:.3f}")
    return sentences or ["no single group or track put right makes it better"]


def _lonely(scene: EvaluationScene, truth: Preset, rate_hz: int) -> tuple[dict[str, float], dict[str, float]]:
    """Finds tracks that play in one passage only, with their share of its power: in the one heard, in the reference."""
    here, there = (shares(audio, truth, rate_hz) for audio in (scene.passage.audio, scene.elsewhere))
    return (
        {name: share for name, share in here.items() if there[name] < HARDLY_HEARD <= share},
        {name: share for name, share in there.items() if here[name] < HARDLY_HEARD <= share},
    )


def _quiet_share(bark: Samples, true_bark: Samples) -> float:
    """Measures the part of the bark term in bands (of mid or side) that are near silence in what it should be."""
    error = np.square(bark - true_bark)
    return float(error[true_bark < true_bark.max() - _QUIET_NEPER].sum() / max(error.sum(), 1e-12))


def _total(scene: EvaluationScene, preset: Preset, rate_hz: int) -> float:
    faders = [track.strip.fader_db for track in preset.tracks]
    master = preset.master.model_copy(update={"input_gain_db": balance_gain_db(faders)})
    mix = render(scene.passage.audio, preset.model_copy(update={"master": master}), rate_hz)
    return scene.target.distance(mix).total


def _with_group(model: Preset, truth: Preset, field: str) -> Preset:
    return _with_strips(
        model,
        [track.strip.model_copy(update={field: getattr(right.strip, field)}) for track, right in _pairs(model, truth)],
    )


def _with_track(model: Preset, truth: Preset, at: int) -> Preset:
    return _with_strips(
        model,
        [right.strip if number == at else track.strip for number, (track, right) in enumerate(_pairs(model, truth))],
    )


def _faders_around_zero(preset: Preset) -> Preset:
    """Removes the common offset of faders: only without it presets can exchange them."""
    offset_db = balance_gain_db([track.strip.fader_db for track in preset.tracks]) + 10 * np.log10(len(preset.tracks))
    return _with_strips(
        preset,
        [
            track.strip.model_copy(update={"fader_db": track.strip.fader_db + float(offset_db)})
            for track in preset.tracks
        ],
    )


def _pairs(model: Preset, truth: Preset) -> list[tuple[Track, Track]]:
    return [(track, truth.track(track.name)) for track in model.tracks]


def _with_strips(preset: Preset, strips: list[Strip]) -> Preset:
    tracks = tuple(
        track.model_copy(update={"strip": strip}) for track, strip in zip(preset.tracks, strips, strict=True)
    )
    return preset.model_copy(update={"tracks": tracks})
