"""Judges whole mixes as users get them: sins, following of references, agreement with people, and the peer.

Every session is mixed like several songs, once; all figures are of these mixes. The peer is a plain mix by rules whose
master `matchering` fits, in an environment of its own. Cases are kept in a file of lines, so that a run can be stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import soundfile

from ...presets.preset import Preset
from ...presets.roles import Role
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.reading import Samples, as_stereo
from ...runtime.model.controller import Controller
from ...runtime.practice.sins import LIMITED_DB, sins
from ...runtime.prediction.predict import predict
from ...runtime.rendering.in_memory import render_arrays
from ..evaluation.material import find_material
from .making import (
    ALTERATIONS,
    ALTERED,
    MadeMix,
    StudySession,
    StudySong,
    altered,
    made,
    places_of,
    plain,
    read_session,
    songs_for,
)
from .measures import MEASURES, RATE_HZ, WholeSound
from .peer import master_by_peer
from .people import FIGURES, TrackFigures, figures_of

LIMITER: Final = "limiter at work"


@dataclass(frozen=True)
class MixRequest:
    """What is to be judged.

    Attributes:
        corpus: with held-out sessions and songs.
        work: folder that keeps cases and the peer's mixes.
        model: a bundle's folder, or the name of a model that ships.
        songs: folder of finished songs; None takes the corpus's.
        folders: of stems from elsewhere, one a session.
        sessions: how many at most.
        references: how many songs for each.
        tracks: of a session at most.
        seconds: of a session.
        told: whether mixes are told the roles; else they find them out.
        peer: Python of an environment that has matchering; None leaves it out.
        altered: for so many sessions the first song is altered, in ways that a mix should follow, and mixed like.
    """

    corpus: Path
    work: Path
    model: str = "default"
    songs: Path | None = None
    folders: tuple[Path, ...] = ()
    sessions: int = 30
    references: int = 4
    tracks: int = 14
    seconds: float = 20.0
    told: bool = True
    peer: str | None = None
    altered: int = 0


@dataclass(frozen=True)
class MixCase:
    """One mix, judged.

    Attributes:
        session: its name.
        song: its name.
        sins: whether each that it could commit was.
        mix: what of it can follow a reference, by :data:`.measures.TRAITS`.
        reference: likewise, of the song.
        ours: how far the mix is from the song, by :data:`.measures.MEASURES`.
        peer: how far the peer's mix is; empty without one.
        set: the settings of the tracks.
        alone: those of the model alone; empty but for the first song of a session.
    """

    session: str
    song: str
    sins: Mapping[str, bool]
    mix: Mapping[str, float]
    reference: Mapping[str, float]
    ours: Mapping[str, float]
    peer: Mapping[str, float] = field(default_factory=dict)
    set: tuple[TrackFigures, ...] = ()
    alone: tuple[TrackFigures, ...] = ()

    @property
    def alteration(self) -> str:
        """What was done to the song; nothing where it is as it was finished."""
        return self.song.partition(ALTERED)[2]


def run(request: MixRequest, progress: Callable[[str], None] | None = None) -> list[MixCase]:
    """Make the mixes and judge them; those that the folder has are not made again.

    Raises:
        AudioError: a file cannot be used.
        ModelError: the corpus has no such sessions or no songs, or the model cannot be loaded.
    """
    controller = Controller(request.model, "cpu", threads=1)
    material = find_material(request.corpus, request.songs)
    request.work.mkdir(parents=True, exist_ok=True)
    kept = _kept(request)
    heard: dict[Path, StudySong] = {}
    jobs: list[tuple[Path, Path, Path]] = []
    for index, place in enumerate(places_of(material, request.folders, request.tracks)[: request.sessions]):
        wanted = list(songs_for(index, material.songs, request.references))
        jobs += [(_plain(request, place.name), path, _peers(request, place.name, path.stem)) for path in wanted]
        changed = ALTERATIONS if index < request.altered else ()
        names = [*(path.stem for path in wanted), *(f"{wanted[0].stem}{ALTERED}{how}" for how in changed)]
        missing = {name for name in names if (place.name, name) not in kept}
        if not missing:
            continue
        session = read_session(place, controller, request.seconds)
        for song in _songs(missing, wanted, heard, controller):
            mix = made(session, song, controller, request.told)
            is_first = song.name == wanted[0].stem
            if is_first:
                soundfile.write(_plain(request, place.name), plain(session, mix.preset).T, RATE_HZ, subtype="FLOAT")
            case = _judged(session, song, mix, controller, alone=is_first)
            kept[place.name, song.name] = case
            _keep(request, case)
            if progress is not None:
                told = ", ".join(name for name, was in case.sins.items() if was) or "no sin"
                progress(f"{session.name} like {song.name}: {told}")
    if request.peer is not None:
        kept = dict(_with_peers(request, kept, jobs, heard, controller))
    return list(kept.values())


def _songs(
    names: Collection[str], wanted: Sequence[Path], heard: dict[Path, StudySong], controller: Controller
) -> Iterator[StudySong]:
    """Read the songs of these names, each once in a run; altered ones are made of the first."""
    for path in wanted:
        if path.stem in names:
            if path not in heard:
                heard[path] = StudySong.of(path, controller)
            yield heard[path]
    if any(ALTERED in name for name in names):
        yield from (song for song in altered(wanted[0], controller) if song.name in names)


def _judged(session: StudySession, song: StudySong, mix: MadeMix, controller: Controller, *, alone: bool) -> MixCase:
    sound = WholeSound.of(mix.audio)
    committed = sins(mix.audio, mix.stems, mix.roles, mix.pairs, RATE_HZ)
    committed[LIMITER] = mix.limited_db > LIMITED_DB
    stereo = [name for name, audio in session.audio.items() if audio.shape[0] == 2]
    bare = predict(controller, session.passage, song.style, session.roles) if alone else None
    return MixCase(
        session.name,
        song.name,
        committed,
        {**sound.traits, "reverb": mix.wet_lu},
        song.traits,
        sound.differences(song.sound),
        set=tuple(figures_of(mix.preset, mix.roles, _loudness(mix.stems), stereo)),
        alone=_figures_alone(bare, session, mix.roles, stereo) if bare is not None else (),
    )


def _figures_alone(
    bare: Preset, session: StudySession, roles: Mapping[str, Role | None], stereo: Sequence[str]
) -> tuple[TrackFigures, ...]:
    stems = render_arrays(session.audio, RATE_HZ, bare).stems
    return tuple(figures_of(bare, roles, _loudness(stems), stereo))


def _loudness(stems: Mapping[str, Samples]) -> dict[str, float]:
    return {name: integrated_loudness(stem, RATE_HZ) for name, stem in stems.items()}


def _with_peers(
    request: MixRequest,
    kept: Mapping[tuple[str, str], MixCase],
    jobs: list[tuple[Path, Path, Path]],
    heard: dict[Path, StudySong],
    controller: Controller,
) -> Iterator[tuple[tuple[str, str], MixCase]]:
    """Let the peer master the plain mixes, and compare its results with the songs."""
    master_by_peer(str(request.peer), jobs)
    paths = {path.stem: path for _, path, _ in jobs}
    for (session, song), case in kept.items():
        place, path = _peers(request, session, song), paths.get(song)
        if case.peer or path is None or not place.exists():
            yield (session, song), case
            continue
        if path not in heard:
            heard[path] = StudySong.of(path, controller)
        audio = soundfile.read(place, dtype="float32", always_2d=True)[0].T
        found = WholeSound.of(as_stereo(audio)).differences(heard[path].sound)
        with_peer = MixCase(**{**case.__dict__, "peer": found})
        _keep(request, with_peer)
        yield (session, song), with_peer


def _plain(request: MixRequest, session: str) -> Path:
    return request.work / f"{session}--plain.wav"


def _peers(request: MixRequest, session: str, song: str) -> Path:
    return request.work / f"{session}--{song}--peer.wav"


def _file(request: MixRequest) -> Path:
    told = "told" if request.told else "found"
    return request.work / f"cases-{Path(request.model).name}-{request.tracks}-{request.seconds:g}-{told}.jsonl"


def _keep(request: MixRequest, case: MixCase) -> None:
    with _file(request).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(case)) + "\n")


def _kept(request: MixRequest) -> dict[tuple[str, str], MixCase]:
    """Read the cases of an earlier run that were measured as now; of two of one name the later counts."""
    if not _file(request).exists():
        return {}
    cases = map(_case, _file(request).read_text(encoding="utf-8").splitlines())
    return {(case.session, case.song): case for case in cases if _is_measured_as_now(case)}


def _is_measured_as_now(case: MixCase) -> bool:
    return set(case.ours) == set(MEASURES) and all(set(track.values) == set(FIGURES) for track in case.set)


def _case(line: str) -> MixCase:
    data: dict[str, Any] = json.loads(line)
    tracks = {key: tuple(TrackFigures(**item) for item in data[key]) for key in ("set", "alone")}
    return MixCase(**{**data, **tracks})
