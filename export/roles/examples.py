"""Examples for the training of roles: passages of stems of a corpus, and of what a corpus does not have.

Microphones above and before a kit, whole kits, choirs of one voice, whole mixes are made of a session's stems; risers
and impacts of noise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.roles import Role
from ...runtime.audio.reading import Samples, probe, read_passage
from ...runtime.roles.features import RATE_HZ, sound_features
from ...runtime.roles.names import role_weights
from .sessions import DRUM_KIT, RoleSession, RoleStem
from .sounds import Random, in_a_room, levelled, roughened, sum_of, sung_along, swept_noise

log = logging.getLogger(__name__)

# Whole seconds: their Fourier transforms are fast.
_SHORTEST_S, _LONGEST_S = 4, 9
HEARD_S: Final = 6.0
_SILENT = 1e-4
# A kit bleeds into the microphones of a kit, more than the room into others.
_KIT_BLEED_DB, _BLEED_DB = (-34.0, -13.0), (-45.0, -22.0)
_BLEED_SHARE, _KIT_BLEED_SHARE = 0.2, 0.6
# A name that is as sure as this labels a recorded stem.
_SURE_NAME = 0.9
# Places in a stem that are looked at for where it plays: reading all of it takes ten times as long.
_LOOKS = 6


@dataclass(frozen=True)
class RoleExample:
    """A sound in numbers, and what it is.

    Attributes:
        features: shape (numbers,).
        role: of it.
        group: session that it is from, so that no session is on both sides of a split.
        name: of its file; empty for what was made up.
    """

    features: NDArray[np.float32]
    role: Role
    group: str
    name: str = ""


def training_examples(sessions: list[RoleSession], songs: list[Path], seed: int, each: int) -> Iterator[RoleExample]:
    """Draw examples: some passages of each stem, and some of what is made of the stems of each session.

    Args:
        sessions: of a corpus.
        songs: finished ones.
        seed: of what is drawn.
        each: passages of each stem.
    """
    for number, session in enumerate(sessions):
        rng = np.random.default_rng((seed, number))
        for _ in range(each):
            yield from _of_session(session, rng)
    rng = np.random.default_rng((seed, len(sessions)))
    for song in songs:
        for _ in range(2 * each):
            audio = read_passage(song, rng.uniform(0, 60), float(rng.integers(_SHORTEST_S, _LONGEST_S)), RATE_HZ)
            yield from _example(roughened(audio, [], _BLEED_DB, rng), "full mix", song.stem)
    for number in range(len(sessions) // 2):
        noise = swept_noise(int(rng.integers(_SHORTEST_S, _LONGEST_S)) * RATE_HZ, rng)
        yield from _example(roughened(noise, [], _BLEED_DB, rng), "effect", f"noise {number}")


def named_examples(folder: Path, seed: int, each: int) -> Iterator[RoleExample]:
    """Draw passages of recorded stems whose names leave no doubt what they are; a folder of them is a session.

    Args:
        folder: of WAV and FLAC files, in folders of their own by session where there are several.
        seed: of what is drawn.
        each: passages of each stem.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in {".wav", ".flac"})
    for number, file in enumerate(files):
        role, sure = max(role_weights(file.stem).items(), key=lambda item: item[1], default=(None, 0.0))
        if role is None or sure < _SURE_NAME:
            continue
        rng = np.random.default_rng((seed, number))
        seconds = probe(file).duration_s
        for _ in range(each):
            length_s = float(rng.integers(_SHORTEST_S, _LONGEST_S))
            starts_s = rng.uniform(0, max(0.0, seconds - length_s), _LOOKS)
            audio = max((read_passage(file, float(start), length_s, RATE_HZ) for start in starts_s), key=_rms)
            if _rms(audio) > _SILENT:
                yield from _example(roughened(audio, [], _BLEED_DB, rng), role, file.parent.name)


def held_out_examples(sessions: list[RoleSession]) -> Iterator[RoleExample]:
    """The loudest of some passages of each stem, as it is."""
    for session in sessions:
        for stem in session.stems:
            starts_s = np.linspace(0, max(0.0, session.seconds - HEARD_S), _LOOKS)
            heard = [read_passage(stem.path, float(start), HEARD_S, RATE_HZ) for start in starts_s]
            for example in _example(max(heard, key=_rms), stem.role, session.name):
                yield replace(example, name=stem.path.stem)


def _rms(audio: Samples) -> float:
    return float(np.linalg.norm(audio)) / float(np.sqrt(audio.size))


def _of_session(session: RoleSession, rng: Random) -> Iterator[RoleExample]:
    """Each stem from the louder of two passages, and what is made of all of them in the first."""
    length_s = float(rng.integers(_SHORTEST_S, _LONGEST_S))
    first_s, second_s = rng.uniform(0, max(0.0, session.seconds - length_s), 2)
    heard: list[tuple[RoleStem, Samples]] = []
    together: list[tuple[RoleStem, Samples]] = []
    for stem in session.stems:
        one, other = (read_passage(stem.path, float(start), length_s, RATE_HZ) for start in (first_s, second_s))
        heard.append((stem, max(one, other, key=_rms)))
        if _rms(one) > _SILENT:
            together.append((stem, one))
    heard = [(stem, audio) for stem, audio in heard if _rms(audio) > _SILENT]
    for stem, audio in heard:
        others = _bleeding(stem, heard, rng)
        bleed_db = _KIT_BLEED_DB if stem.role in DRUM_KIT else _BLEED_DB
        yield from _example(roughened(audio, others, bleed_db, rng), stem.role, session.name)
    yield from _made(session.name, together, rng)


def _bleeding(stem: RoleStem, heard: list[tuple[RoleStem, Samples]], rng: Random) -> list[Samples]:
    is_drum = stem.role in DRUM_KIT
    if rng.random() >= (_KIT_BLEED_SHARE if is_drum else _BLEED_SHARE):
        return []
    return [audio for other, audio in heard if other.role != stem.role and (other.role in DRUM_KIT) == is_drum]


def _made(name: str, heard: list[tuple[RoleStem, Samples]], rng: Random) -> Iterator[RoleExample]:
    """What a session has no stem of."""
    kit: dict[Role, Samples] = {stem.role: levelled(audio) for stem, audio in heard if stem.role in DRUM_KIT}
    voices = [audio for stem, audio in heard if stem.role == "lead vocal"]
    makers: list[tuple[Role, bool, Callable[[], Samples]]] = [
        ("overhead", len(kit) >= 3, lambda: _from_above(kit, rng)),
        ("room", len(kit) >= 3, lambda: _from_afar(kit, rng)),
        ("drums", len(kit) >= 3, lambda: _whole_kit(kit, rng)),
        ("backing vocal", bool(voices), lambda: sung_along(voices[0], rng)),
        ("full mix", len(heard) >= 5, lambda: sum_of([audio for _, audio in heard])),
    ]
    for role, is_there, make in makers:
        if is_there and rng.random() < 0.6:
            yield from _example(roughened(make(), [], _BLEED_DB, rng), role, name)


def _whole_kit(kit: dict[Role, Samples], rng: Random) -> Samples:
    return sum_of([audio * np.float32(10 ** (rng.normal(0, 3) / 20)) for audio in kit.values()])


def _from_afar(kit: dict[Role, Samples], rng: Random) -> Samples:
    return in_a_room(_whole_kit(kit, rng), rng.uniform(0.3, 1.5), rng.uniform(-2, 12), rng)


def _from_above(kit: dict[Role, Samples], rng: Random) -> Samples:
    """Cymbals first, the kick last and thin, in a little room."""
    level_db = {"cymbal": 4.0, "hi-hat": 2.0, "snare": 0.0, "tom": -3.0, "kick": -9.0}
    tracks = [_wide(kit[role], level_db[role] + rng.normal(0, 3), rng) for role in kit]
    return in_a_room(np.sum(tracks, axis=0).astype(np.float32), rng.uniform(0.2, 0.6), rng.uniform(-18, -8), rng)


def _wide(audio: Samples, level_db: float, rng: Random) -> Samples:
    """Somewhere between left and right, at this level."""
    angle = rng.uniform(0.4, 1.17)
    mono = audio.mean(axis=0) * 10 ** (level_db / 20)
    return np.stack([mono * np.cos(angle), mono * np.sin(angle)]).astype(np.float32)


def _example(audio: Samples, role: Role, group: str) -> Iterator[RoleExample]:
    if float(np.max(np.abs(audio))) > _SILENT:
        yield RoleExample(sound_features(audio, RATE_HZ), role, group)
