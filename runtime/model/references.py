"""One reference, or several with weights: what they mean, and how they are heard as one.

Each reference gets a share of the time that a model listens, as large as its weight, at the loudness of all together.
What is measured of a reference (spectrum, width, balance between the sides, density of bands) is a mean over time, so
it is pooled with the weights; so are the means of which a model's embedding is made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import soxr
from numpy.typing import ArrayLike

from ...presets.checking.arguments import checked_number, checked_path, shown_argument
from ...presets.errors import AudioError
from ...presets.units import gain_factor
from ..audio.loudness import integrated_loudness, is_silent
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, as_stereo, probe, read_passage, repeated
from ..audio.stems import check_reference
from .excerpts import (
    HEARD,
    SILENT_LUFS,
    STEP_S,
    Powers,
    excerpt_steps,
    fullest_step,
    joined,
    mean_square,
    power_of_file,
)

Source = TypeVar("Source")

MOST_REFERENCES: Final = 16
WEIGHTS: Final = (0.01, 100.0)
_SHORTEST_REFERENCE_S: Final = 0.5
# A reference of little weight still needs to be told from a click.
_LEAST_HEARD_S: Final = 1.0


@dataclass(frozen=True)
class Reference:
    """A reference with a weight, e.g. `Reference("song.wav", 0.7)`.

    Attributes:
        source: a file; for :class:`mixbridge.AudioProcessor` also audio in memory.
        weight: 0.01 to 100, against the others.
    """

    source: str | os.PathLike[str] | ArrayLike
    weight: float = 1.0

    def __post_init__(self) -> None:
        checked_number(self.weight, "the weight of a reference", *WEIGHTS, AudioError)


@dataclass(frozen=True)
class Song:
    """A reference in a file.

    Attributes:
        path: of the file.
        share: of all references, 0..1.
    """

    path: Path
    share: float = 1.0


AnyReference = (
    str
    | os.PathLike[str]
    | Reference
    | Sequence[str | os.PathLike[str] | Reference]
    | Sequence[Song]
    | Mapping[str, float]
    | Mapping[Path, float]
)
"""A file; several, of which some may be a :class:`Reference` with a weight; or weights by file."""


@dataclass(frozen=True)
class HeardSong:
    """Where a reference was heard.

    Attributes:
        song: the reference.
        start_s: where the passage begins that is heard in any case.
        length_s: how long it is.
    """

    song: Song
    start_s: float
    length_s: float


@dataclass(frozen=True)
class Listened:
    """What was heard of all references.

    Attributes:
        audio: shape (1 or 2, samples).
        songs: where each was heard, the one with the most weight first.
    """

    audio: Samples
    songs: tuple[HeardSong, ...]


def songs_of(reference: AnyReference) -> tuple[Song, ...]:
    """The songs that an argument means, the one with the most weight first; shares add up to 1.

    Raises:
        AudioError: there is none, one is no path, or a weight is out of range.
    """
    if isinstance(reference, list | tuple):
        decided = tuple(item for item in reference if isinstance(item, Song))
        if decided and len(decided) == len(reference):
            return decided
    weights: dict[Path, float] = {}
    for item in references_of(reference):
        path = checked_path(item.source, "the reference", AudioError)
        known = next((other for other in weights if _is_same(path, other)), path)
        weights[known] = weights.get(known, 0.0) + item.weight
    total = sum(weights.values())
    songs = [Song(path, weight / total) for path, weight in weights.items()]
    return tuple(sorted(songs, key=lambda song: -song.share))


def songs_heard(reference: AnyReference | None) -> tuple[Song, ...]:
    """List the songs that are listened to; none where there is no reference.

    Raises:
        AudioError: as for :func:`songs_of`.
    """
    if reference is None or (isinstance(reference, tuple) and not reference):
        return ()
    return songs_of(reference)


def references_of(reference: Any) -> tuple[Reference, ...]:
    """The references that an argument means, at least one; audio in memory is one.

    Raises:
        AudioError: there is none, too many, or a weight is out of range.
    """
    if isinstance(reference, Mapping):
        several = [Reference(source, weight) for source, weight in reference.items()]
    elif isinstance(reference, list | tuple) and _are_references(reference):
        several = [item if isinstance(item, Reference) else Reference(item) for item in reference]
    else:
        several = [reference if isinstance(reference, Reference) else Reference(reference)]
    if not several:
        raise AudioError("no reference: give at least one finished song")
    if len(several) > MOST_REFERENCES:
        raise AudioError(f"{len(several)} references are more than {MOST_REFERENCES}: choose fewer")
    return tuple(several)


def _are_references(items: Sequence[object]) -> bool:
    """Whether a list names files, instead of being audio."""
    kinds = [isinstance(item, str | os.PathLike | Reference) for item in items]
    if any(kinds) and not all(kinds):
        odd = items[kinds.index(False)]
        raise AudioError(f"a reference is a file or a Reference, not {shown_argument(odd)}")
    return all(kinds)


def typed_references(texts: Iterable[str]) -> tuple[Song, ...]:
    """The songs that FILE or FILE=WEIGHT on a command line mean; a file whose name has "=" in it is found first.

    Raises:
        AudioError: one cannot be used, or its weight is out of range.
    """
    typed = [_typed(text) for text in texts]
    if not typed:
        raise AudioError("no reference: give at least one finished song")
    for item in typed:
        check_reference(os.fspath(checked_path(item.source, "the reference", AudioError)))
    return songs_of(typed)


def _typed(text: str) -> Reference:
    name, sign, weight = text.rpartition("=")
    # os.path, because Path's methods raise for an impossible name.
    if not sign or os.path.exists(text):  # noqa: PTH110
        return Reference(text)
    try:
        number = float(weight)
    except ValueError:
        if name and os.path.exists(name):  # noqa: PTH110
            raise AudioError(
                f"{text}: {weight!r} is no weight; give a number, e.g. {name}=0.7, or the file alone"
            ) from None
        return Reference(text)
    return Reference(name, checked_number(number, f"the weight of {name}", *WEIGHTS, AudioError))


def hear_songs(
    songs: Sequence[Song],
    sample_rate_hz: int,
    samples: int,
    start_s: float | None = None,
    files: OpenFiles = ON_DEMAND,
) -> Listened:
    """Listen to all references; one alone is heard as :func:`hear_reference` does.

    Args:
        songs: with their shares.
        sample_rate_hz: of the result.
        samples: length of a passage.
        start_s: where a passage begins that is heard in any case; of one reference only. None chooses.
        files: keeps files open for what comes next.

    Raises:
        AudioError: a file cannot be used, or it is not said in which of several a passage begins.
    """
    if len(songs) > 1 and start_s is not None:
        raise AudioError(
            f"a passage of the reference can be chosen where there is one, and here are {len(songs)}: leave it out"
        )
    heard: list[HeardSong] = []

    def hear(song: Song, length: int) -> Samples:
        audio, at_s, length_s = hear_reference(song.path, sample_rate_hz, length, start_s, files)
        heard.append(HeardSong(song, at_s, length_s))
        return audio

    if len(songs) == 1:
        audio = hear(songs[0], samples)
    else:
        audio = blended([(song, song.share) for song in songs], hear, sample_rate_hz, samples)
    return Listened(audio, tuple(heard))


def hear_reference(
    path: Path, sample_rate_hz: int, samples: int, start_s: float | None = None, files: OpenFiles = ON_DEMAND
) -> tuple[Samples, float, float]:
    """Choose and read several passages of a reference, one behind the other: the fullest, or what was asked for, first.

    Args:
        path: of the song.
        sample_rate_hz: of the result.
        samples: length of a passage; a reference shorter than that is repeated.
        start_s: where the first passage begins; None chooses.
        files: keeps the file open for what comes next.

    Returns:
        Samples of shape (1 or 2, n passages of this many samples), where the first begins in s, and how much of the
        song that is in s.

    Raises:
        AudioError: the file cannot be used, is silent there, or shorter than half a second.
    """
    power = cache(lambda: power_of_file(path, files))
    first, start_s, length_s = _first_passage(path, sample_rate_hz, samples, start_s, power, files)
    others = [
        read_passage(path, at * STEP_S, length_s, sample_rate_hz, files)
        for at in _other_steps(power(), samples / sample_rate_hz, start_s)
    ]
    return joined([first, *others], sample_rate_hz), start_s, length_s


def _first_passage(
    path: Path,
    sample_rate_hz: int,
    samples: int,
    start_s: float | None,
    power: Callable[[], Powers],
    files: OpenFiles,
) -> tuple[Samples, float, float]:
    info = probe(path, files)
    wanted_s = samples / sample_rate_hz
    length_s = min(wanted_s, info.duration_s)
    if length_s < _SHORTEST_REFERENCE_S:
        raise AudioError(f"{path}: {info.duration_s:.2f} s is too short for a reference; give at least half a second")
    if start_s is not None and not 0 <= start_s <= info.duration_s - _SHORTEST_REFERENCE_S:
        raise AudioError(f"{path}: a passage cannot begin at {start_s:g} s of a reference of {info.duration_s:.1f} s")
    start = fullest_step([power()], length_s) * STEP_S if start_s is None else start_s
    length_s = min(length_s, info.duration_s - start)
    audio = read_passage(path, start, length_s, sample_rate_hz, files)
    if is_silent(audio, sample_rate_hz, SILENT_LUFS):
        raise AudioError(f"{path}: silent; choose a reference with music in it")
    return repeated(audio, samples), start, length_s


def _other_steps(power: Powers, length_s: float, start_s: float) -> list[int]:
    """Choose the passages of a reference beside the first, in steps; none overlaps it."""
    steps = excerpt_steps(power, max(1, round(length_s / STEP_S)))
    apart = [step for step in steps if abs(step * STEP_S - start_s) >= length_s]
    return apart[: HEARD - 1]


def cut_reference(audio: Samples, sample_rate_hz: int, model_rate_hz: int, samples: int) -> Samples:
    """Choose and cut the passages of a reference in memory; what :func:`hear_reference` does with a file.

    Args:
        audio: shape (1 or 2, n).
        sample_rate_hz: of it.
        model_rate_hz: of the result.
        samples: length of a passage.

    Raises:
        AudioError: it is silent, or shorter than half a second.
    """
    duration_s = audio.shape[1] / sample_rate_hz
    if duration_s < _SHORTEST_REFERENCE_S:
        raise AudioError(f"{duration_s:.2f} s is too short for a reference; give at least half a second")
    length_s = min(samples / model_rate_hz, duration_s)
    step = round(STEP_S * sample_rate_hz)
    power = np.array([mean_square(audio[:, at : at + step]) for at in range(0, audio.shape[1], step)])
    start_s = fullest_step([power], length_s) * STEP_S
    if sample_rate_hz != model_rate_hz:
        audio = np.ascontiguousarray(soxr.resample(audio.T, sample_rate_hz, model_rate_hz).T)
    starts_s = [start_s, *(step * STEP_S for step in _other_steps(power, length_s, start_s))]
    firsts = [round(at_s * model_rate_hz) for at_s in starts_s]
    passages = [audio[:, first : first + round(length_s * model_rate_hz)] for first in firsts]
    if is_silent(passages[0], model_rate_hz, SILENT_LUFS):
        raise AudioError("the reference is silent; choose one with music in it")
    return joined([repeated(passages[0], samples), *passages[1:]], model_rate_hz)


def blended(
    sources: Sequence[tuple[Source, float]],
    hear: Callable[[Source, int], Samples],
    sample_rate_hz: int,
    samples: int,
) -> Samples:
    """Put several references behind each other, each as long as its share, all equally loud.

    Args:
        sources: with their shares.
        hear: gives passages of a source, each of this many samples, one behind the other.
        sample_rate_hz: of the result.
        samples: length of a passage where there is one reference.
    """
    total, least = HEARD * samples, round(_LEAST_HEARD_S * sample_rate_hz)
    parts = []
    for source, share in sources:
        length = max(least, round(share * total))
        # What is longer than a passage is made of several, so that verse and chorus are heard.
        passage = length if length <= samples else -(-length // HEARD)
        parts.append(repeated(hear(source, passage), length))
    if any(len(part) == 2 for part in parts):
        parts = [as_stereo(part) for part in parts]
    loudness = [integrated_loudness(part, sample_rate_hz) for part in parts]
    goal_lufs = float(np.average(loudness, weights=[share for _, share in sources]))
    levelled = [part * np.float32(_gain(goal_lufs - lufs)) for part, lufs in zip(parts, loudness, strict=True)]
    return joined(levelled, sample_rate_hz)


def _gain(gain_db: float) -> float:
    return gain_factor(gain_db) if math.isfinite(gain_db) else 1.0


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names are of one file."""
    try:
        return path == other or path.samefile(other)
    except OSError:  # one of them is not there, which is said where it is read
        return False
