"""Material to judge with that no part of this project rendered: played guitar with its backing, and others' projects.

The guitar songs are Frets on Fire's, two tracks each. The projects are the demonstration songs of the program LMMS,
rendered track by track where it is installed; their tracks come with the effects that their makers put on. All of it
is held out; nothing of it is trained on.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError
from .build import META, check_session
from .licences import ARTISTIC, permissive, read_terms, terms_of
from .packages import Unpacked, one_of, sha256_of
from .songs import LONGEST_S, SAMPLE_RATE_HZ, densest, read_stereo, write_flac

_log = logging.getLogger(__name__)

_GUITAR_SONGS = "fretsonfire-songs-sectoid"
_GUITAR_TRACKS = {"guitar.ogg": ("guitar", "distorted guitar"), "song.ogg": ("other", "backing: drums, bass, guitars")}
_LMMS_PROJECTS = Path("/usr/share/lmms/projects")
_LMMS_COPYRIGHT = Path("/usr/share/doc/lmms-common/copyright")
_LMMS_FOLDERS = ("demos", "shorties")
_LMMS_LIMIT_S = 3600
# Every track is rendered by itself, so that larger ones, in bytes, take hours.
_LARGEST_PROJECT = 50_000
_FEWEST_TRACKS = 2
_SILENT_PEAK = 0.003
_ROLES = (
    (r"kick|bass ?drum|\bbd", "kick"),
    (r"snare|clap|rim", "snare"),
    (r"hi-?hat|\bhh|hat", "hats"),
    (r"tom", "toms"),
    (r"crash|ride|cymbal|splash", "cymbals"),
    (r"drum|beat|perc|shaker|conga|bongo|tambourine|loop", "percussion"),
    (r"bass", "bass"),
    (r"guitar|git", "guitar"),
    (r"piano|organ|keys|rhodes|epiano", "keys"),
    (r"pad|atmo", "pad"),
    (r"string|violin|cello", "strings"),
    (r"brass|trumpet|horn", "brass"),
    (r"flute|sax|pipe|clarinet", "wind"),
    (r"choir", "choir"),
    (r"vocal|voice|vox", "vocal"),
    (r"lead|arp|pluck|synth|saw", "lead"),
)


@dataclass(frozen=True)
class RecordedTrack:
    """A raw track, as it was found.

    Attributes:
        name: of its file, without an ending.
        role: what it plays, as far as its name says.
        instrument: in words.
        audio: shape (2, samples), 44.1 kHz.
    """

    name: str
    role: str
    instrument: str
    audio: NDArray[np.float32]


@dataclass(frozen=True)
class Origin:
    """Where a session is from.

    Attributes:
        kind: "recorded" or "lmms".
        name: of its folder.
        song: the piece.
        source: key of the source.
        licence: SPDX name.
        notes: what to know of its tracks.
    """

    kind: str
    name: str
    song: str
    source: str
    licence: str
    notes: tuple[str, ...]


def collect_recorded(
    folder: Path, packages: Mapping[str, Unpacked], show: Callable[[int, int], None], projects: Path = _LMMS_PROJECTS
) -> list[str]:
    """Makes the sessions that are not there yet.

    Args:
        folder: of the sessions.
        packages: unpacked ones, by name.
        show: takes how many are done, and how many there will be.
        projects: LMMS' projects.

    Returns:
        Notes for the user: what there is, and what was left out and why.

    Raises:
        AudioError: a package is not as expected.
        OutputError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    songs = guitar_songs(packages[_GUITAR_SONGS])
    program = shutil.which("lmms")
    chosen = permissive_projects(projects, _LMMS_COPYRIGHT) if program else []
    notes = [] if program else ["LMMS projects: skipped, lmms is not installed (apt-get install lmms)"]
    total = len(songs) + len(chosen)
    for number, song in enumerate(songs):
        show(number, total)
        name = f"fretsonfire_{_plain(song.name)}"
        if not (folder / name / META).is_file():
            origin = Origin("recorded", name, f"fretsonfire:{song.name}", _GUITAR_SONGS, "MIT", ("played", "mastered"))
            write_recorded(folder, origin, _guitar_tracks(song))
    for number, (project, licence) in enumerate(chosen, len(songs)):
        show(number, total)
        failure = _lmms_session(folder, project, licence, str(program))
        if failure:
            notes.append(f"LMMS project {project.stem}: left out, {failure}")
    show(total, total)
    there = len(list(folder.glob(f"*/{META}")))
    return [f"recorded sessions: {there}", *notes]


def guitar_songs(unpacked: Unpacked) -> list[Path]:
    """Finds the folders of the two-track songs."""
    folder = one_of(unpacked, "usr/share/games/fretsonfire/data/songs/*")
    return sorted(path.parent for path in folder.glob("*/guitar.ogg"))


def permissive_projects(folder: Path, copyright_: Path) -> list[tuple[Path, str]]:
    """Finds LMMS' songs that may be used, smallest first, with their licences.

    Raises:
        AudioError: their licences cannot be read.
    """
    terms = read_terms(copyright_)
    projects = []
    for kind in _LMMS_FOLDERS:
        for project in sorted((folder / kind).rglob("*.mmp*")):
            stated = terms_of(f"data/projects/{project.relative_to(folder).as_posix()}", terms)
            licence = permissive(stated.stated, also=ARTISTIC) if stated else None
            if licence and project.stat().st_size <= _LARGEST_PROJECT:
                projects.append((project, licence))
    return sorted(projects, key=lambda row: row[0].stat().st_size)


def write_recorded(folder: Path, origin: Origin, tracks: Sequence[RecordedTrack]) -> None:
    """Writes the fullest minute of some tracks as a session, without those that are silent in it.

    Raises:
        AudioError: too few tracks are heard.
        OutputError: the session is not whole.
    """
    length = max((track.audio.shape[1] for track in tracks), default=0)
    padded = [np.pad(track.audio, ((0, 0), (0, length - track.audio.shape[1]))) for track in tracks]
    total = np.sum(padded, axis=0) if padded else np.zeros((2, 0), np.float32)
    start = densest(total, SAMPLE_RATE_HZ, LONGEST_S)
    passages = [audio[:, start : start + round(LONGEST_S * SAMPLE_RATE_HZ)] for audio in padded]
    heard = [
        (track, audio) for track, audio in zip(tracks, passages, strict=True) if np.abs(audio).max() >= _SILENT_PEAK
    ]
    if len(heard) < _FEWEST_TRACKS:
        raise AudioError(f"{origin.name}: of its tracks {len(heard)} are heard, and {_FEWEST_TRACKS} are needed.")
    partial = folder / f".{origin.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    stems = []
    for track, audio in heard:
        file = partial / f"{track.name}.flac"
        channels = _mono_or_stereo(audio)
        write_flac(file, channels)
        stems.append(_stem(track, file, len(channels), origin))
    meta = {
        "format": 1,
        "name": origin.name,
        "kind": origin.kind,
        "song": origin.song,
        "seed": 0,
        "split": "test",
        "seconds": round(heard[0][1].shape[1] / SAMPLE_RATE_HZ, 3),
        "stems": stems,
    }
    (partial / META).write_text(json.dumps(meta, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    check_session(partial)
    shutil.rmtree(folder / origin.name, ignore_errors=True)
    partial.replace(folder / origin.name)


def role_of(name: str) -> str:
    """Tells what a track plays, by words in its name; "other" if they do not say."""
    plain = name.lower().replace("_", " ")
    return next((role for words, role in _ROLES if re.search(words, plain)), "other")


def _guitar_tracks(song: Path) -> list[RecordedTrack]:
    return [
        RecordedTrack(role, role, instrument, read_stereo(song / file))
        for file, (role, instrument) in _GUITAR_TRACKS.items()
    ]


def _lmms_session(folder: Path, project: Path, licence: str, program: str) -> str | None:
    """Renders a project into a session; why not, if not."""
    name = f"lmms_{_plain(project.stem)}"
    if (folder / name / META).is_file():
        return None
    with tempfile.TemporaryDirectory(prefix=".lmms-", dir=folder) as scratch:
        failure = _render(project, Path(scratch), program)
        if failure:
            return failure
        tracks = _rendered_tracks(Path(scratch))
        notes = ("effects of its maker", "sounds that come with LMMS")
        try:
            write_recorded(folder, Origin("lmms", name, f"lmms:{project.stem}", "lmms-common", licence, notes), tracks)
        except AudioError as error:
            return str(error)
    return None


def _render(project: Path, folder: Path, program: str) -> str | None:
    """Lets LMMS write a file for each track; gives why it did not, or None."""
    # LMMS refuses to run as root, as in a container, without being told.
    as_root = ["--allowroot"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [program, *as_root, "rendertracks", str(project), "-o", str(folder), "-f", "wav", "-s", "44100"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    _log.info("rendering %s", project.stem)
    try:
        process = subprocess.run(command, capture_output=True, env=environment, timeout=_LMMS_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it was not rendered within {_LMMS_LIMIT_S / 60:.0f} minutes"
    return f"lmms ended with {process.returncode}" if process.returncode else None


def _rendered_tracks(folder: Path) -> list[RecordedTrack]:
    tracks = []
    for file in sorted(folder.glob("*.wav")):
        try:
            audio = read_stereo(file)
        except AudioError as error:
            # LMMS leaves empty files for tracks of automation.
            _log.info("%s", error)
            continue
        if audio.shape[1] and np.abs(audio).max() >= _SILENT_PEAK:
            name = file.name.removesuffix(".wav")
            tracks.append(RecordedTrack(_plain(name), role_of(name), name, audio))
    return tracks


def _stem(track: RecordedTrack, file: Path, channels: int, origin: Origin) -> dict[str, object]:
    return {
        "file": file.name,
        "role": track.role,
        "channels": channels,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "instrument": track.instrument,
        "source": origin.source,
        "licence": origin.licence,
        "sha256": sha256_of(file),
        "notes": list(origin.notes),
    }


def _mono_or_stereo(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    return audio[:1] if np.array_equal(audio[0], audio[1]) else audio


def _plain(name: str) -> str:
    """Makes a name for a file or folder."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", name).strip("_") or "unnamed"
