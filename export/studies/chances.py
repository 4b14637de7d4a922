"""Fits how likely a prediction is better than the plain mix, and measures whether that number means what it says.

`mixbridge model chances CORPUS` predicts mixes of held-out sessions towards held-out songs, some of them cut short,
summed to mono, turned to one side or down, and asks on *other* passages of both, which the prediction did not hear,
whether its mix is nearer than the plain one. The weights of :mod:`...runtime.prediction.chances` are fitted to the
answers; the error of calibration is that of sessions that were left out of the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import ModelError
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples
from ...runtime.model.analysis import Passage, heard_in
from ...runtime.model.controller import Controller
from ...runtime.model.familiarity import load_familiarity
from ...runtime.model.references import cut_reference
from ...runtime.prediction.chances import Signs, Weighing, values
from ...runtime.prediction.confidence import Strangeness, signs_for, strange, trial_of
from ...runtime.prediction.predict import predict_safely
from ...runtime.prediction.trial import Trial
from ..compact.band_cache import read_stereo, session_folders, stem_files

_MOST_TRACKS, _SESSION_S, _OTHERS = 6, 40, 4
# Weights that may only lower the number, and by this at least where the sign is there in full.
_LOWERING = [field.name != "gain" for field in fields(Signs)]
_LEAST_LOWERING = 0.2
_RIDGE, _ROUNDS, _RATE = 0.005, 6000, 0.3
_FOLDS, _BINS = 5, 5
_KINDS = ("as it is", "as it is", "as it is", "short", "mono", "one side", "quiet")


@dataclass(frozen=True)
class ChanceCase:
    """One prediction and whether it was better where it was not heard.

    Attributes:
        session: folder of the session.
        kind: what was done to the reference.
        signs: what was known with the prediction.
        better: share of other passages on which its mix was nearer than the plain one, 0..1.
    """

    session: str
    kind: str
    signs: Signs
    better: float


@dataclass(frozen=True)
class ChanceFit:
    """What came out.

    Attributes:
        weighing: fitted to all cases.
        error: expected calibration error on sessions that were left out, 0..1.
        share: of passages in which the predictions were better.
        bins: for each part of the cases by their number: how many, what was said, what came true.
    """

    weighing: Weighing
    error: float
    share: float
    bins: tuple[tuple[int, float, float], ...]


def run(corpus: Path, songs: Path, model: str, cases: int, seed: int, say: Callable[[str], None]) -> ChanceFit:
    """Collect cases and fit.

    Args:
        corpus: folder of held-out sessions.
        songs: folder of held-out songs.
        model: a bundle's folder, or the name of one that ships.
        cases: how many.
        seed: of all that is drawn.
        say: is told how far it is.

    Raises:
        ModelError: there are no sessions, or no songs.
    """
    found = []
    for case in collected(Controller(model, "cpu", threads=1), corpus, songs, cases, seed):
        found.append(case)
        say(f"{len(found)}/{cases} {case.session}, {case.kind}: nearer in {100 * case.better:.0f} %")
    return fitted(found, seed)


def collected(controller: Controller, corpus: Path, songs: Path, cases: int, seed: int) -> Iterator[ChanceCase]:
    """Predict, and measure on passages that were not heard."""
    numbers = np.random.default_rng(seed)
    sessions = [folder for folder in session_folders(corpus) if len(stem_files(folder)) > 1]
    tunes = sorted(path for path in songs.iterdir() if path.suffix in {".flac", ".wav", ".ogg"})
    if not sessions or not tunes:
        raise ModelError(
            f"{corpus}, {songs}: sessions of two and more tracks and songs are needed, held out from training"
        )
    for number in range(cases):
        folder = sessions[number % len(sessions)]
        song = read_stereo(tunes[int(numbers.integers(len(tunes)))])[0]
        kind = _KINDS[int(numbers.integers(len(_KINDS)))]
        case = _case(controller, folder, song, kind, numbers)
        if case is not None:
            yield case


def fitted(cases: Sequence[ChanceCase], seed: int = 0) -> ChanceFit:
    """Fit the weights, and measure their calibration on sessions that were left out."""
    rows = np.array([values(case.signs) for case in cases])
    better = np.array([case.better for case in cases], np.float64)
    sessions = sorted({case.session for case in cases})
    fold = np.random.default_rng(seed).permutation(len(sessions)) % _FOLDS
    place = np.array([fold[sessions.index(case.session)] for case in cases])
    said = np.zeros(len(cases))
    for number in range(_FOLDS):
        out = place == number
        if out.any() and not out.all():
            weighing = _fit(rows[~out], better[~out])
            said[out] = [weighing.probability(case.signs) for case, is_out in zip(cases, out, strict=True) if is_out]
    bins = _binned(said, better)
    error = sum(count * abs(told - true) for count, told, true in bins) / max(len(cases), 1)
    return ChanceFit(_fit(rows, better), error, float(better.mean()), bins)


def _fit(rows: NDArray[np.float64], better: NDArray[np.float64]) -> Weighing:
    """Logistic regression by gradient descent, held to weights that lower."""
    bias, weights = 0.0, np.where(_LOWERING, -_LEAST_LOWERING, 0.5)
    for _ in range(_ROUNDS):
        wrong = 1 / (1 + np.exp(-(bias + rows @ weights))) - better
        bias -= _RATE * float(wrong.mean())
        weights = weights - _RATE * (rows.T @ wrong / len(rows) + _RIDGE * weights)
        weights = np.where(_LOWERING, np.minimum(weights, -_LEAST_LOWERING), weights)
    return Weighing(round(bias, 3), tuple(round(float(weight), 3) for weight in weights))


def _binned(said: NDArray[np.float64], better: NDArray[np.float64]) -> tuple[tuple[int, float, float], ...]:
    """Parts of equal size, by what was said."""
    parts = np.array_split(np.argsort(said, kind="stable"), _BINS)
    return tuple((len(part), float(said[part].mean()), float(better[part].mean())) for part in parts if len(part))


def table(fit: ChanceFit) -> str:
    """Write what came out: the weights to enter, and how far the number means what it says."""
    names = [field.name for field in fields(Signs)]
    lines = [
        f"WEIGHING = Weighing(bias={fit.weighing.bias}, weights={fit.weighing.weights})",
        f"in the order of {', '.join(names)}",
        "",
        "| cases | said | came true |",
        "|---|---|---|",
        *(f"| {count} | {100 * said:.0f} % | {100 * true:.0f} % |" for count, said, true in fit.bins),
        "",
        f"better in {100 * fit.share:.0f} %; calibration error {fit.error:.3f} on sessions left out of the fit",
    ]
    return "\n".join(lines)


def _case(
    controller: Controller, folder: Path, song: Samples, kind: str, numbers: np.random.Generator
) -> ChanceCase | None:
    manifest = controller.manifest
    rate_hz, samples, length = manifest.sample_rate_hz, manifest.window_samples, manifest.reference_length
    files = stem_files(folder)[:_MOST_TRACKS]
    audio = {file.stem: read_stereo(file)[0][:, : _SESSION_S * rate_hz] for file in files}
    audio = {name: track[:1] if np.array_equal(track[0], track[1]) else track for name, track in audio.items()}
    reference = cut_reference(_changed(song, kind, rate_hz), rate_hz, rate_hz, length)
    passage = heard_in(audio, rate_hz, samples)
    preset = predict_safely(controller, passage, reference)
    confidence = preset.provenance.confidence
    trial = trial_of(controller, preset, passage, reference)
    others = [_other_trial(controller, preset, passage, audio, song, numbers) for _ in range(_OTHERS)]
    if confidence is None or confidence.probability is None or None in others:
        return None
    known = load_familiarity(controller.bundle)
    strangeness = strange(controller, known, trial) if known is not None else Strangeness()
    plain = trial.plain(preset)
    distances = trial.distance(preset), trial.distance(plain)
    signs = signs_for(preset, trial, *distances, confidence.amount, strangeness)
    nearer = [other.distance(preset) < other.distance(plain) for other in others if other is not None]
    return ChanceCase(folder.name, kind, signs, sum(nearer) / len(nearer))


def _other_trial(
    controller: Controller,
    preset: Preset,
    passage: Passage,
    audio: dict[str, Samples],
    song: Samples,
    numbers: np.random.Generator,
) -> Trial | None:
    """Another passage of the tracks and of the song, as it is; None where nothing plays there."""
    manifest = controller.manifest
    rate_hz, samples, length = manifest.sample_rate_hz, manifest.window_samples, manifest.reference_length
    last = min(track.shape[1] for track in audio.values()) - samples
    starts = [start for start in range(0, max(last, 1), rate_hz) if abs(start / rate_hz - passage.start_s) >= 3]
    if not starts:
        return None
    start = int(numbers.choice(starts))
    cut = {name: track[:, start : start + samples] for name, track in audio.items()}
    loudness = {name: integrated_loudness(track, rate_hz) for name, track in cut.items()}
    begin = int(numbers.integers(max(1, song.shape[1] - length)))
    elsewhere = Passage(start / rate_hz, samples / rate_hz, cut, loudness, (), passage.excerpts, passage.whole_lufs)
    trial = Trial(elsewhere, song[:, begin : begin + length], rate_hz, manifest.track_level_lufs)
    return trial if trial.playing(preset) else None


def _changed(song: Samples, kind: str, sample_rate_hz: int) -> Samples:
    if kind == "short":
        return song[:, 10 * sample_rate_hz : 13 * sample_rate_hz]
    if kind == "mono":
        return np.repeat(song.mean(axis=0, keepdims=True), 2, axis=0)
    if kind == "one side":
        return song * np.array([[1.0], [0.3]], np.float32)
    return song * np.float32(0.02) if kind == "quiet" else song
