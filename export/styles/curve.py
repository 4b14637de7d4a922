"""The learning curve: how near styles come to a hidden engineer's mixes, by how many pairs they were learned from.

Raw voices of a corpus are cut, made louder and quieter and coloured by chance, and mixed by a :class:`.HiddenEngineer`.
Ways learn from the first 10, 25, ... of them and are compared on voices that none of them has heard. Settings are taken
as the engineer set them, so that the curve is of the ways; for few pairs they are recovered from the audio, too, as a
person has them. What was measured is kept, and the study goes on where it was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
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
from .engineer import HiddenEngineer, measures
from .examples import StyleExample, example_of
from .ways import WAYS, Fit, FittedWay, Rendering, hear, rendered

Say = Callable[[str], None]
TrackPair = tuple[str, Samples, Samples]

TITLE: Final = "# How many pairs a style needs"
COUNTS: Final = (10, 25, 50, 100, 200, 300)
DEFAULT_MODEL: Final = "default model"
KNOWN: Final = "known"
RECOVERED: Final = "recovered"

_SPREAD_DB, _COLOUR_DB_PER_OCTAVE = 4.0, 1.2
_QUIET_LUFS, _TRIES = -50.0, 8
_USED_TO = 24
_REFERENCES = 3


@dataclass(frozen=True)
class CurvePoint:
    """What one way was worth after so many pairs of one engineer.

    Attributes:
        engineer: number.
        settings: whether they were known or recovered.
        count: of pairs; 0 for what learns from none.
        way: name.
        share: mean of the held-out distances in parts of those of the raw tracks.
        distance: mean STFT distance.
        features: mean feature distance.
        held_out: pairs.
    """

    engineer: int
    settings: str
    count: int
    way: str
    share: float
    distance: float
    features: float
    held_out: int


@dataclass(frozen=True)
class CurveStudy:
    """What is measured.

    Attributes:
        corpus: of `mixbridge model corpus`: raw voices to learn from in train/, to judge on in test/.
        counts: of pairs.
        engineers: how many.
        held_out: pairs of each that are judged on.
        recovered: largest count for which settings are recovered, of the first engineer; 0 for none.
        seconds: length of a track.
        seed: of all that is chance.
    """

    corpus: Path
    counts: tuple[int, ...] = COUNTS
    engineers: int = 3
    held_out: int = 16
    recovered: int = 25
    seconds: float = 8.0
    seed: int = 0


def run(study: CurveStudy, page: Path, record: Path, say: Say, ways: Mapping[str, Fit] = WAYS) -> None:
    """Measure the curve, and write the page.

    Args:
        study: what is measured.
        page: to write.
        record: file that keeps what was measured, a line for each point.
        say: told each point.
        ways: that are compared; more may be registered.

    Raises:
        AudioError: the corpus has too few voices.
        OutputError: the page cannot be written.
    """
    check_page(page, TITLE)
    points = list(_recorded(record))
    for engineer in range(study.engineers):
        for point in _measured(study, engineer, ways, points):
            points.append(point)
            _keep(record, point)
            say(f"engineer {point.engineer}, {point.count} pairs {point.settings}, {point.way}: {point.share:.3f}")
    write_text(page, page_text(points, study))


def page_text(points: Sequence[CurvePoint], study: CurveStudy) -> str:
    """Write the page in Markdown."""
    ways = list(dict.fromkeys(point.way for point in points if point.count))
    lines = [
        f"| pairs | settings | {' | '.join(ways)} | house in parts of mean |",
        f"|---|---|{'---|' * len(ways)}---|",
    ]
    for settings in (KNOWN, RECOVERED):
        for count in sorted({point.count for point in points if point.settings == settings and point.count}):
            cells = [_cell(points, settings, count, way) for way in ways]
            lines.append(f"| {count} | {settings} | {' | '.join(cells)} | {_beside(points, settings, count)} |")
    plain = _shares(points, KNOWN, 0, DEFAULT_MODEL)
    beside = f"The default model with mixed voices of the engineer as reference: {np.mean(plain):.2f}." if plain else ""
    return f"""{TITLE}

Made by `mixbridge model curve CORPUS`. {study.engineers} hidden engineers, whose habits are draws from the Gaussian
over 385 real vocal chains, set raw voices of {study.seconds:g} s: by level, spectrum and dynamics of each, and with
chance. Each way learns from so many pairs and is judged on {study.held_out} tracks of voices that it has not heard:
STFT distance of what it renders to the engineer's mix, in parts of the distance of the raw track at the mix's loudness
(mean over tracks; in brackets the range over engineers). Settings are *known* (as the engineer set them) or *recovered*
from the audio by `mixbridge recover`, of the first engineer.

{chr(10).join(lines)}

{beside}
"""


def _measured(
    study: CurveStudy, engineer: int, ways: Mapping[str, Fit], points: Sequence[CurvePoint]
) -> Iterator[CurvePoint]:
    """Points of an engineer that are missing still."""
    done = {(point.settings, point.count, point.way) for point in points if point.engineer == engineer}
    wanted = [(KNOWN, count, way) for count in study.counts for way in ways]
    few = [count for count in study.counts if count <= study.recovered] if engineer == 0 else []
    wanted += [(RECOVERED, count, way) for count in few for way in ways]
    wanted = [(KNOWN, 0, DEFAULT_MODEL), *wanted]
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
    from ..recovery.track import recover_track

    try:
        found = recover_track(raw, mixed, RATE_HZ, name=pair.name)
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


def _shares(points: Sequence[CurvePoint], settings: str, count: int, way: str) -> list[float]:
    key = settings, count, way
    return [point.share for point in points if (point.settings, point.count, point.way) == key]


def _cell(points: Sequence[CurvePoint], settings: str, count: int, way: str) -> str:
    shares = _shares(points, settings, count, way)
    if not shares:
        return "-"
    spread = f" ({min(shares):.2f} to {max(shares):.2f})" if len(shares) > 1 else ""
    return f"{np.mean(shares):.2f}{spread}"


def _beside(points: Sequence[CurvePoint], settings: str, count: int) -> str:
    house, mean = (_shares(points, settings, count, way) for way in ("house", "mean"))
    return f"{np.mean(house) / np.mean(mean):.2f}" if house and mean else "-"


def _keep(record: Path, point: CurvePoint) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    torn = record.is_file() and not record.read_bytes().endswith(b"\n")
    with record.open("a", encoding="utf-8") as lines:
        # Of a run that was killed while it wrote.
        lines.write(("\n" if torn else "") + json.dumps(asdict(point)) + "\n")


def _recorded(record: Path) -> Iterator[CurvePoint]:
    if not record.is_file():
        return
    for line in record.read_text(encoding="utf-8").splitlines():
        try:
            yield CurvePoint(**json.loads(line))
        except (ValueError, TypeError):
            continue  # the last line of a run that was killed
