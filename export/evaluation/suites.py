"""The suites: what is heard, what it is judged against, and what stands beside the model.

A scene is built from its suite, number and seed alone, so that any case can be done again, in any process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ...presets.errors import AudioError
from ...presets.preset import Preset
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, as_stereo, probe, read_passage, repeated
from ...runtime.mastering.fitting import fit_master
from ...runtime.mastering.profile import profile_of
from ...runtime.model.analysis import Passage
from ...runtime.model.bundle import Manifest
from ...runtime.model.controller import Controller
from ...runtime.model.excerpts import SILENT_LUFS
from ...runtime.prediction.predict import predict, predict_musically
from ...runtime.prediction.role_mix import plain_by_role
from ...runtime.prediction.target import FeatureTarget
from .cases import CaseResult
from .judging import HARDLY_HEARD, render, shares, terms_of
from .material import HeldOutSession, Material, PassageSpan, cut_session, is_silent, read_stems, sounding, two_spans
from .presets import (
    centred,
    centroids_of,
    drawn_preset,
    levelled_preset,
    mean_by_role,
    mean_preset,
    partly_true,
    peoples_preset,
    vocal_preset,
)

MODEL = "model"
UNFINISHED, ALONE, BY_ROLE = "before the master was fitted", "network alone", "plain mix by role"
RANDOM, MEAN = "random settings", "mean setting"
CENTRED, SPREAD = "equal loudness, centred", "equal loudness, spread"
PLAIN = (MEAN, CENTRED, SPREAD)
BASELINES = (RANDOM, *PLAIN)
UNTOUCHED = "untouched"
TOLD = "true where the reference tells"
TRACK_COUNTS = (1, 2, 4, 8, 16, 24)
_MULTITRACK = ("tune", "composition")
_RECORDED = ("recorded", "lmms")
_VOICE = ("voice",)
_MIX_TRACKS = 2  # below that there is no mix to judge; the suite of track counts has single tracks
_TRIES = 100


@dataclass(frozen=True)
class EvaluationScene:
    """All that a case needs.

    Attributes:
        session: where the tracks are from.
        passage: the tracks heard.
        reference: what the model hears beside them, shape (2, samples).
        reference_name: for people.
        target: what mixes are judged against.
        centroids_hz: for each track the centre of its spectrum.
        truth: the settings that would be right; None where nobody knows.
        elsewhere: the same tracks in the passage that the reference was made of; empty where it was not.
        between: distance of the reference to the target; nothing where it is the target.
    """

    session: HeldOutSession
    passage: Passage
    reference: Samples
    reference_name: str
    target: FeatureTarget
    centroids_hz: tuple[float, ...]
    truth: Preset | None
    elsewhere: Mapping[str, Samples]
    between: Mapping[str, float]


SceneMaker = Callable[[Material, Manifest, int, np.random.Generator], EvaluationScene]


@dataclass(frozen=True)
class Suite:
    """One way of judging.

    Attributes:
        name: on the command line.
        title: on the page.
        kinds: of the sessions it takes.
        baselines: what stands beside the model.
        scene: makes the scene of a case by its number.
        needs_songs: whether finished songs are its references.
        explained: whether its worst cases are looked into.
        in_the_middle: whether all pans are taken to the centre.
        by_role: whether settings are drawn as people set them by role, or anyhow.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    baselines: tuple[str, ...]
    scene: SceneMaker
    needs_songs: bool = False
    explained: bool = False
    in_the_middle: bool = False
    by_role: bool = False

    def missing(self, material: Material, manifest: Manifest) -> str:
        """Tells what the suite lacks, for people; empty if it can be run."""
        if not _usable(material, self.kinds, manifest):
            return f"no held-out session of kind {' or '.join(self.kinds)} is long enough for two passages"
        if self.needs_songs and not material.songs:
            return "no finished songs; name their folder"
        return ""


def make_scene(suite: Suite, material: Material, manifest: Manifest, index: int, seed: int) -> EvaluationScene:
    """Makes the scene of one case.

    Raises:
        AudioError: the session has nothing to judge.
    """
    return suite.scene(material, manifest, index, _numbers(suite, index, seed, 0))


def run_case(suite: Suite, material: Material, controller: Controller, index: int, seed: int) -> CaseResult:
    """Judge the model and what stands beside it on one case."""
    begin_s = time.process_time()
    scene = make_scene(suite, material, controller.manifest, index, seed)
    rate_hz = controller.manifest.sample_rate_hz
    distances = {}
    for mix, preset in _presets(suite, scene, controller, _numbers(suite, index, seed, 1)):
        distances[mix] = terms_of(scene.target.distance(render(scene.passage.audio, preset, rate_hz)))
    return CaseResult(
        suite=suite.name,
        index=index,
        session=scene.session.name,
        kind=scene.session.kind,
        tracks=len(scene.passage.audio),
        start_s=round(scene.passage.start_s, 3),
        reference=scene.reference_name,
        distances=distances,
        between=scene.between,
        cpu_s=round(time.process_time() - begin_s, 3),
    )


def _presets(
    suite: Suite, scene: EvaluationScene, controller: Controller, numbers: np.random.Generator
) -> Iterator[tuple[str, Preset]]:
    passage = scene.passage
    # One voice stays in the middle, as in `AudioProcessor`.
    placed = centred if suite.in_the_middle else _as_it_is
    manifest = controller.manifest
    musical = predict_musically(controller, passage, scene.reference)
    if suite.in_the_middle:
        yield MODEL, placed(musical)
    else:
        yield MODEL, _finished(musical, scene, manifest)
        yield UNFINISHED, musical
        alone = predict(controller, passage, scene.reference)
        yield ALONE, alone
        rate_hz, level_lufs = manifest.sample_rate_hz, manifest.track_level_lufs
        yield BY_ROLE, plain_by_role(alone, passage, scene.reference, rate_hz, level_lufs)
    makers: dict[str, Callable[[], Preset]] = {
        RANDOM: lambda: _drawn(suite.by_role, scene.session, passage, scene.centroids_hz, numbers),
        MEAN: lambda: _mean(suite, scene),
        UNTOUCHED: lambda: levelled_preset(passage, spread=0),
        CENTRED: lambda: levelled_preset(passage, spread=0),
        SPREAD: lambda: levelled_preset(passage, spread=1),
    }
    for name in suite.baselines:
        yield name, placed(makers[name]())
    if suite.explained and scene.truth is not None:
        power = shares(scene.elsewhere, scene.truth, controller.manifest.sample_rate_hz)
        names = [name for name, share in power.items() if share >= HARDLY_HEARD]
        yield TOLD, partly_true(scene.truth, names, _mean(suite, scene))


def _finished(preset: Preset, scene: EvaluationScene, manifest: Manifest) -> Preset:
    """Fits the master to the reference, as `mix` does where two tracks play and not all of them are speech."""
    if len(scene.passage.audio) < _MIX_TRACKS:
        return preset
    rate_hz = manifest.sample_rate_hz
    with tempfile.TemporaryDirectory() as folder:
        stems = {}
        for index, (name, audio) in enumerate(scene.passage.audio.items()):
            stems[name] = Path(folder) / f"{index}.wav"
            soundfile.write(stems[name], audio.T, rate_hz, subtype="FLOAT")
        fitted = fit_master(preset, stems, profile_of((scene.reference,), rate_hz))
    return preset if fitted is None else preset.model_copy(update={"master": fitted.master})


def _drawn(
    by_role: bool,
    session: HeldOutSession,
    passage: Passage,
    centroids_hz: tuple[float, ...],
    numbers: np.random.Generator,
) -> Preset:
    if by_role:
        return peoples_preset(passage, session.roles, numbers)
    return drawn_preset(passage, centroids_hz, numbers)


def _mean(suite: Suite, scene: EvaluationScene) -> Preset:
    return mean_by_role(scene.passage, scene.session.roles) if suite.by_role else mean_preset(scene.passage)


def _as_it_is(preset: Preset) -> Preset:
    return preset


def _numbers(suite: Suite, index: int, seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, list(SUITES).index(suite.name), index, purpose])


def _known(kinds: tuple[str, ...], by_role: bool) -> SceneMaker:
    def make(material: Material, manifest: Manifest, index: int, numbers: np.random.Generator) -> EvaluationScene:
        session, (passage, elsewhere, span) = _cut_mix(_usable(material, kinds, manifest), index, manifest, numbers)
        centroids_hz = centroids_of(passage, manifest.sample_rate_hz)
        truth = _drawn(by_role, session, passage, centroids_hz, numbers)
        return _paired(session, passage, elsewhere, span, centroids_hz, truth, manifest)

    return make


def _cut_mix(
    sessions: Sequence[HeldOutSession], index: int, manifest: Manifest, numbers: np.random.Generator
) -> tuple[HeldOutSession, tuple[Passage, dict[str, Samples], PassageSpan]]:
    """Cuts two passages of the session whose turn it is; where never two tracks play at once, of the next one."""
    mixes = [session for session in sessions if len(session.stems) >= _MIX_TRACKS]
    for session in (mixes[(index + step) % len(mixes)] for step in range(len(mixes))):
        with suppress(AudioError):
            return session, cut_session(session, *_lengths(manifest), numbers, _MIX_TRACKS)
    raise AudioError("no session has passages in which two tracks play")


def _voices(material: Material, manifest: Manifest, index: int, numbers: np.random.Generator) -> EvaluationScene:
    sessions = _usable(material, _VOICE, manifest)
    session = sessions[index % len(sessions)]
    passage, elsewhere, span = cut_session(session, *_lengths(manifest), numbers)
    centroids_hz = centroids_of(passage, manifest.sample_rate_hz)
    return _paired(session, passage, elsewhere, span, centroids_hz, vocal_preset(passage, numbers), manifest)


def _songs(material: Material, manifest: Manifest, index: int, numbers: np.random.Generator) -> EvaluationScene:
    _, reference_s, rate_hz = _lengths(manifest)
    session, (passage, _, _) = _cut_mix(_usable(material, _MULTITRACK, manifest), index, manifest, numbers)
    name, audio = _song_passage(material, reference_s, rate_hz, numbers)
    return EvaluationScene(
        session=session,
        passage=passage,
        reference=repeated(audio, manifest.reference_length),
        reference_name=name,
        target=FeatureTarget.of(audio, rate_hz),
        centroids_hz=centroids_of(passage, rate_hz),
        truth=None,
        elsewhere={},
        between={},
    )


def _tracks(material: Material, manifest: Manifest, index: int, numbers: np.random.Generator) -> EvaluationScene:
    sessions = _usable(material, _MULTITRACK, manifest)
    count = TRACK_COUNTS[index % len(TRACK_COUNTS)]
    first = sessions[index // len(TRACK_COUNTS) % len(sessions)]
    for _ in range(_TRIES):
        span, other = two_spans(first.seconds, *_lengths(manifest)[:2], numbers)
        donors = [first, *(sessions[at] for at in numbers.permutation(len(sessions)) if sessions[at] is not first)]
        passage, files = _gathered(donors, count, span, manifest.sample_rate_hz, numbers)
        elsewhere = read_stems(files, other, manifest.sample_rate_hz)
        if len(files) == count and not is_silent(elsewhere.values()):
            centroids_hz = centroids_of(passage, manifest.sample_rate_hz)
            truth = drawn_preset(passage, centroids_hz, numbers)
            return _paired(first, passage, elsewhere, other, centroids_hz, truth, manifest)
    raise AudioError(f"the corpus has too few sessions to put {count} tracks together")


def _paired(
    session: HeldOutSession,
    passage: Passage,
    elsewhere: Mapping[str, Samples],
    span: PassageSpan,
    centroids_hz: tuple[float, ...],
    truth: Preset,
    manifest: Manifest,
) -> EvaluationScene:
    """Makes a scene whose reference is the other passage under the settings that are to be found."""
    rate_hz = manifest.sample_rate_hz
    target = FeatureTarget.of(render(passage.audio, truth, rate_hz), rate_hz)
    reference = render(elsewhere, truth, rate_hz)
    return EvaluationScene(
        session=session,
        passage=passage,
        reference=repeated(reference, manifest.reference_length),
        reference_name=f"{span.length_s:.1f} s from {span.start_s:.1f} s",
        target=target,
        centroids_hz=centroids_hz,
        truth=truth,
        elsewhere=elsewhere,
        between=terms_of(target.distance(reference)),
    )


def _gathered(
    donors: list[HeldOutSession], count: int, span: PassageSpan, rate_hz: int, numbers: np.random.Generator
) -> tuple[Passage, dict[str, Path]]:
    """Draws tracks that sound from the first session and, where it has too few, from the next ones."""
    audio: dict[str, Samples] = {}
    loudness: dict[str, float] = {}
    files: dict[str, Path] = {}
    for donor in donors:
        for stem in numbers.permutation(list(donor.stems)).tolist():
            if len(files) == count:
                break
            name = f"{donor.name}: {stem}"
            item = read_passage(donor.stems[stem], span.start_s, span.length_s, rate_hz)
            passage = sounding({name: item}, span, rate_hz)
            if passage.audio:
                audio[name], loudness[name], files[name] = item, passage.loudness_lufs[name], donor.stems[stem]
    return Passage(span.start_s, span.length_s, audio, loudness), files


def _song_passage(
    material: Material, length_s: float, rate_hz: int, numbers: np.random.Generator
) -> tuple[str, Samples]:
    """Draws a song and takes the loudest of three passages: intros that fade in are nobody's reference."""
    for _ in range(_TRIES):
        path = material.songs[int(numbers.integers(len(material.songs)))]
        duration_s = probe(path).duration_s
        length = min(length_s, duration_s)
        starts = numbers.uniform(0, duration_s - length, 3)
        passages = [read_passage(path, float(start), length, rate_hz) for start in starts]
        loudness = [integrated_loudness(audio, rate_hz) for audio in passages]
        best = int(np.argmax(loudness))
        if loudness[best] > SILENT_LUFS:
            return f"{path.stem} from {starts[best]:.1f} s", as_stereo(passages[best])
    raise AudioError(f"the songs in {material.songs[0].parent} are silent")


def _usable(material: Material, kinds: tuple[str, ...], manifest: Manifest) -> list[HeldOutSession]:
    """Keeps sessions that have room for two passages."""
    shortest_s = 2 * manifest.window_samples / manifest.sample_rate_hz
    return [session for session in material.sessions if session.kind in kinds and session.seconds >= shortest_s]


def _lengths(manifest: Manifest) -> tuple[float, float, int]:
    """Gives the seconds of the tracks and of the reference that the model hears, and its rate."""
    rate_hz = manifest.sample_rate_hz
    return manifest.window_samples / rate_hz, manifest.reference_length / rate_hz, rate_hz


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "known",
            "Same song, known settings",
            _MULTITRACK,
            BASELINES,
            _known(_MULTITRACK, by_role=True),
            explained=True,
            by_role=True,
        ),
        Suite(
            "recorded",
            "Recorded sessions, known settings",
            _RECORDED,
            BASELINES,
            _known(_RECORDED, by_role=True),
            explained=True,
            by_role=True,
        ),
        Suite("songs", "Finished songs as references", _MULTITRACK, BASELINES, _songs, needs_songs=True),
        Suite(
            "voices",
            "One vocal, a mixed vocal as reference",
            _VOICE,
            (UNTOUCHED, RANDOM, MEAN),
            _voices,
            in_the_middle=True,
        ),
        Suite("tracks", "From one track to twenty-four", _MULTITRACK, BASELINES, _tracks),
        Suite(
            "odd", "Same song, settings as nobody sets them", _MULTITRACK, BASELINES, _known(_MULTITRACK, by_role=False)
        ),
    )
}
