"""The learning curve: how near styles come to a hidden engineer's mixes, by how many pairs they were learned from.

Raw voices of a corpus are cut, made louder and quieter and coloured by chance, and mixed by a :class:`.HiddenEngineer`.
Ways learn from the first 10, 25, ... of them and are compared on voices that none of them has heard. Settings are taken
as the engineer set them, so that the curve is of the ways; for few pairs they are recovered from the audio, too, as a
person has them. What was measured is kept, and the study goes on where it was stopped.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from ...presets.errors import AudioError
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, probe, read_passage
from ...runtime.model.analysis import Passage
from ...runtime.model.controller import Controller
from ...runtime.model.excerpts import joined
from ...runtime.prediction.predict import predict_safely
from ...runtime.styles.settings import RATE_HZ
from ..recovery.dataset import NamedPair
from ..whole_files import check_page, write_text
from .compare import compare_pairs
from .curve_page import (
    DEFAULT_MODEL,
    KNOWN,
    RECOVERED,
    TITLE,
    CurvePoint,
    CurveStudy,
    keep_point,
    page_text,
    recorded_points,
)
from .engineer import HiddenEngineer, measures
from .examples import StyleExample, example_of
from .ways import WAYS, Fit, FittedWay, Rendering, hear, rendered

Say = Callable[[str], None]
TrackPair = tuple[str, Samples, Samples]


@dataclass(frozen=True)
class PairWithSettings:
    """A pair to train on.

    Attributes:
        name: of it.
        raw: shape (1, samples), at the rate of styles.
        mixed: shape (2, samples).
        preset: that makes one of the other, known or recovered.
    """

    name: str
    raw: Samples
    mixed: Samples
    preset: Preset


@dataclass(frozen=True)
class LearnedRendering:
    """What came of a training.

    Attributes:
        render: makes mixed tracks of raw ones; as long as the folder is there that it was trained in.
        size_bytes: of what was learned.
        beside: other renderings that came of it, by name.
    """

    render: Rendering
    size_bytes: int
    beside: Mapping[str, Rendering] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainedWay:
    """A way that is trained.

    Attributes:
        learn: trains on pairs, in a folder that it may write to.
        uses_settings: whether it learns from settings, not from sound alone.
    """

    learn: Callable[[Sequence[PairWithSettings], Path, Say], LearnedRendering]
    uses_settings: bool


NO_TRAINED: Final[Mapping[str, TrainedWay]] = MappingProxyType({})

_SPREAD_DB, _COLOUR_DB_PER_OCTAVE = 4.0, 1.2
_QUIET_LUFS, _TRIES = -50.0, 8
_USED_TO = 24
_REFERENCES = 3


def run(
    study: CurveStudy,
    page: Path,
    record: Path,
    say: Say,
    ways: Mapping[str, Fit] = WAYS,
    trained: Mapping[str, TrainedWay] = NO_TRAINED,
) -> None:
    """Measure the curve, and write the page.

    Args:
        study: what is measured.
        page: to write.
        record: file that keeps what was measured, a line for each point.
        say: told each point.
        ways: that are compared; more may be registered.
        trained: what is trained beside them, by name.

    Raises:
        AudioError: the corpus has too few voices.
        OutputError: the page cannot be written.
    """
    check_page(page, TITLE)
    points = list(recorded_points(record))
    for engineer in range(study.engineers):
        for point in _measured(study, engineer, ways, trained, points, say):
            points.append(point)
            keep_point(record, point)
            say(f"engineer {point.engineer}, {point.count} pairs {point.settings}, {point.way}: {point.share:.3f}")
    write_text(page, page_text(points, study))


def _measured(
    study: CurveStudy,
    engineer: int,
    ways: Mapping[str, Fit],
    trained: Mapping[str, TrainedWay],
    points: Sequence[CurvePoint],
    say: Say,
) -> Iterator[CurvePoint]:
    """Points of an engineer that are missing still."""
    done = {(point.settings, point.count, point.way) for point in points if point.engineer == engineer}
    wanted = [(KNOWN, count, way) for count in study.counts for way in ways]
    few = [count for count in study.counts if count <= study.recovered] if engineer == 0 else []
    wanted += [(RECOVERED, count, way) for count in few for way in ways]
    wanted = [(KNOWN, 0, DEFAULT_MODEL), *wanted]
    learned = _wanted_trained(study, trained) if engineer == 0 else []
    wanted += learned
    if all(key in done for key in wanted):
        return
    voices = _Voices(study, engineer)
    held_out = voices.held_out()
    passages = {id(raw): hear(raw, RATE_HZ) for _, raw, _ in held_out}
    if (KNOWN, 0, DEFAULT_MODEL) not in done:
        render = _by_default_model([voices.pair(at) for at in range(_REFERENCES)])
        yield from _points(engineer, KNOWN, 0, {DEFAULT_MODEL: render}, held_out)
    for settings in (KNOWN, RECOVERED):
        for count in study.counts:
            missing = [way for way in ways if (settings, count, way) in wanted and (settings, count, way) not in done]
            if not missing:
                continue
            examples = [example for at in range(count) if (example := voices.example(at, settings)) is not None]
            renders = {way: _render_in(ways[way](examples), passages) for way in missing}
            yield from _points(engineer, settings, count, renders, held_out)
    for settings, count, way in learned:
        if (settings, count, way) not in done:
            yield from _trained_points(voices, settings, count, way, trained[way], held_out, say)


def _wanted_trained(study: CurveStudy, trained: Mapping[str, TrainedWay]) -> list[tuple[str, int, str]]:
    """Names what is trained: on settings that are known, and on recovered ones where these are used."""
    known = [(KNOWN, count, way) for count in study.trained_counts for way in trained]
    few = [count for count in study.trained_counts if count <= study.recovered]
    return known + [(RECOVERED, count, way) for count in few for way in trained if trained[way].uses_settings]


def _trained_points(
    voices: _Voices,
    settings: str,
    count: int,
    way: str,
    trained: TrainedWay,
    held_out: Sequence[TrackPair],
    say: Say,
) -> Iterator[CurvePoint]:
    pairs = [pair for at in range(count) if (pair := voices.with_settings(at, settings)) is not None]
    with tempfile.TemporaryDirectory(prefix="mixbridge-curve-") as work:
        began_s = time.process_time()
        found = trained.learn(pairs, Path(work), say)
        learn_s = time.process_time() - began_s
        # The way itself last: where it is recorded, the others are.
        points = list(_points(0, settings, count, {**found.beside, way: found.render}, held_out))
    for point in points:
        yield replace(point, learn_s=round(learn_s, 1), size_bytes=found.size_bytes)


def _points(
    engineer: int, settings: str, count: int, renders: Mapping[str, Rendering], held_out: Sequence[TrackPair]
) -> Iterator[CurvePoint]:
    found = compare_pairs(renders, held_out)
    for way, measured in found.ways.items():
        share, distance = found.share(way), float(measured.distances.mean())
        features = round(float(measured.features.mean()), 5)
        yield CurvePoint(engineer, settings, count, way, round(share, 5), round(distance, 5), features, len(held_out))


def _render_in(way: FittedWay, passages: Mapping[int, Passage]) -> Rendering:
    """Render by a way tracks that were heard already."""

    def render(raw: Samples, sample_rate_hz: int) -> Samples:
        return rendered(way.preset_in(passages[id(raw)]), raw, sample_rate_hz)

    return render


def _by_default_model(known: Sequence[TrackPair]) -> Rendering:
    """What a person has without learning: the model that ships, with mixed voices as reference."""
    controller = Controller(provider="cpu", threads=1)
    reference = joined([mixed for _, _, mixed in known], RATE_HZ)

    def render(raw: Samples, sample_rate_hz: int) -> Samples:
        return rendered(predict_safely(controller, hear(raw, sample_rate_hz), reference), raw, sample_rate_hz)

    return render


class _Voices:
    """The pairs of one engineer; each is the same whenever it is asked for."""

    def __init__(self, study: CurveStudy, engineer: int):
        self._study, self._number = study, engineer
        self._files = {kind: _voice_files(study.corpus / kind) for kind in ("train", "test")}
        known = np.array([measures(self._raw("train", at), RATE_HZ) for at in range(_USED_TO)])
        self._engineer = HiddenEngineer.drawn(study.seed + engineer, known)
        self._examples: dict[tuple[int, str], StyleExample | None] = {}

    def held_out(self) -> list[TrackPair]:
        """Pairs of voices that are in no training."""
        return [self._made("test", at)[:3] for at in range(self._study.held_out)]

    def pair(self, at: int) -> TrackPair:
        """A pair to learn from."""
        return self._made("train", at)[:3]

    def example(self, at: int, settings: str) -> StyleExample | None:
        """The same with its settings, known or recovered; None where nothing is recovered."""
        key = at, settings
        if key not in self._examples:
            name, raw, mixed, preset = self._made("train", at)
            pair = NamedPair(name, Path(f"{name}.raw.wav"), Path(f"{name}.mixed.wav"))
            if settings == RECOVERED:
                self._examples[key] = _recovered(pair, raw, mixed)
            else:
                self._examples[key] = example_of(pair, preset, raw, mixed)
        return self._examples[key]

    def with_settings(self, at: int, settings: str) -> PairWithSettings | None:
        """The same as sound and settings, known or recovered; None where nothing is recovered."""
        name, raw, mixed, preset = self._made("train", at)
        if settings == KNOWN:
            return PairWithSettings(name, raw, mixed, preset)
        example = self.example(at, settings)
        return None if example is None else PairWithSettings(name, raw, mixed, example.preset)

    def _made(self, kind: str, at: int) -> tuple[str, Samples, Samples, Preset]:
        raw = self._raw(kind, at)
        rng = np.random.default_rng([self._study.seed, self._number, at, kind == "test"])
        preset, mixed = self._engineer.mix(raw, RATE_HZ, rng)
        return f"{kind}{at}", raw, mixed, preset

    def _raw(self, kind: str, at: int) -> Samples:
        """A part of a voice, with another level and colour than others of the same voice."""
        files = self._files[kind]
        rng = np.random.default_rng([self._study.seed, at, kind == "test", 7])
        path = files[at % len(files)]
        length_s = probe(path).duration_s
        for _ in range(_TRIES):
            start_s = float(rng.uniform(0, max(0.0, length_s - self._study.seconds)))
            raw = read_passage(path, start_s, min(self._study.seconds, length_s), RATE_HZ)[:1]
            if integrated_loudness(raw, RATE_HZ) > _QUIET_LUFS:
                break
        return _coloured(raw, rng)


def _coloured(raw: Samples, rng: np.random.Generator) -> Samples:
    """Another microphone and gain: a tilt around 1 kHz, as loud as drawn."""
    spectrum = np.fft.rfft(raw, axis=1)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(raw.shape[1], 1 / RATE_HZ), 40.0) / 1000)
    tilt_db = _COLOUR_DB_PER_OCTAVE * float(rng.standard_normal()) * np.clip(octaves, -4, 4)
    made = np.fft.irfft(spectrum * 10 ** (tilt_db / 20), raw.shape[1], axis=1)
    gain_db = -24.0 + _SPREAD_DB * float(rng.standard_normal()) - integrated_loudness(raw, RATE_HZ)
    coloured: Samples = (made * 10 ** (gain_db / 20)).astype(np.float32)
    return coloured


def _recovered(pair: NamedPair, raw: Samples, mixed: Samples) -> StyleExample | None:
    from ..recovery.passages import QUICK
    from ..recovery.track import recover_track

    try:
        # As a folder of pairs is recovered.
        found = recover_track(raw, mixed, RATE_HZ, name=pair.name, effort=QUICK)
    except AudioError:
        return None
    example = example_of(pair, found.preset, raw, mixed)
    if example is None:
        return None
    # As a preset that was written says it.
    return replace(example, weight=1 / (1 + (found.explained.ratio / 0.35) ** 2))


def _voice_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*/vocal.flac")) + sorted(folder.glob("*/vocal.wav"))
    if not files:
        raise AudioError(f"{folder}: no session has a vocal.flac: give a corpus of `mixbridge model corpus`.")
    return files
