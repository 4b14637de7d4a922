"""Listens before the model does: what to hear of each track, how loud it is, and which tracks are silent.

The model hears several excerpts of each track, from where it plays (:mod:`.excerpts`). What its settings would do is
tried on one passage of all tracks, the loudest representative one: most of them play and the level is near the song's
upper end, which the first seconds of a song seldom are. Files are streamed once for their level over time; only what
is heard is resampled.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ...presets.escaping import escaped
from ...presets.units import gain_factor, power_factor
from ..audio.loudness import integrated_loudness, is_silent
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import AudioReader, Samples, probe, read_passage, repeated
from .excerpts import (
    HEARD,
    PLAYING_DB,
    RESTS_LU,
    SILENT_LUFS,
    STEP_S,
    Excerpt,
    Powers,
    excerpt_steps,
    joined,
    playing,
    power_over_time,
    that_play,
    whole_lufs,
    windowed_mean,
)
from .own_mix import OwnMix

log = logging.getLogger(__name__)

_PRESENCE_WEIGHT_DB = 20.0
# People who speak in turn never play at once: a passage with a turn of each has to win over a long turn of one. It is
# enough that a track plays this long, or as long as it ever does.
_HEARD_WEIGHT_DB = 10.0
_HEARD_S = 1.0
_TINY = 1e-12
# The passage that a mix is tried on, which anybody may choose, says less of a track than what was chosen for it.
_PASSAGE_SHARE = 0.5
# A constant of less than 3 % of full scale, or of a tenth of the track's level, costs nothing that counts.
_LEAST_OFFSET, _OFFSET_SHARE = 0.03, 0.1
# The mean of a click, or of half a wave, is no offset.
_SHORTEST_OFFSET_S = 0.25
_LOOKED_AT_S = 5.0
_SHORTEST_REFERENCE_S = 0.5
# Read at a time: a call for each step would take longer than the reading.
_STEPS_READ = 16


@dataclass(frozen=True)
class Passage:
    """What was cut out of the tracks for the model.

    Attributes:
        start_s: where the passage that is tried begins.
        length_s: its length.
        audio: by track, the passage, shape (1 or 2, samples) at the model's rate.
        loudness_lufs: by track, of the passage.
        offsets: sentences on tracks with a DC offset.
        excerpts: by track, what is heard of it, from anywhere in the song; without any, the passage is.
        whole_lufs: by track, of all of it; without, that of the passage.
        own_mix: what the reference does to the tracks, where it is a mix of them; None where it is another song.
        memory: what was found out about it, kept by whoever may ask again.
    """

    start_s: float
    length_s: float
    audio: Mapping[str, Samples]
    loudness_lufs: Mapping[str, float]
    offsets: tuple[str, ...] = ()
    excerpts: Mapping[str, tuple[Excerpt, ...]] = field(default_factory=dict)
    whole_lufs: Mapping[str, float] = field(default_factory=dict)
    own_mix: OwnMix | None = None
    memory: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def silent(self) -> tuple[str, ...]:
        """Tracks with nothing in the passage that a mix could be judged by: they are silent there, or rest."""
        silent = {name for name, lufs in self.loudness_lufs.items() if lufs < SILENT_LUFS}
        rest = {name for name, lufs in self.loudness_lufs.items() if lufs < self.level_lufs(name) - RESTS_LU}
        # A quiet passage that somebody chose is judged as it is.
        left_out = silent if len(silent | rest) == len(self.loudness_lufs) else silent | rest
        return tuple(name for name in self.loudness_lufs if name in left_out)

    @property
    def heard(self) -> tuple[str, ...]:
        """Tracks that are heard at all, in the passage or elsewhere."""
        return tuple(name for name in self.loudness_lufs if self.level_lufs(name) >= SILENT_LUFS)

    def level_lufs(self, name: str) -> float:
        """How loud a track is while it plays."""
        return self.whole_lufs.get(name, self.loudness_lufs[name])

    def excerpts_of(self, name: str) -> tuple[Excerpt, ...]:
        """What is heard of a track: its excerpts, or the passage."""
        passage = Excerpt(self.start_s, self.audio[name], self.loudness_lufs[name], 1.0)
        return self.excerpts.get(name) or (passage,)

    def levelled(self, names: Sequence[str], level_lufs: float) -> list[Samples]:
        """These tracks, each brought to this loudness; none of them may be silent."""
        return [self.audio[name] * np.float32(gain_factor(level_lufs - self.loudness_lufs[name])) for name in names]


def cut_passage(
    stems: Mapping[str, Path],
    sample_rate_hz: int,
    samples: int,
    start_s: float | None = None,
    files: OpenFiles = ON_DEMAND,
) -> Passage:
    """Choose and read the passage of a session.

    Args:
        stems: files by track name.
        sample_rate_hz: rate of the result.
        samples: its length.
        start_s: where to begin; None chooses.
        files: keeps the stems open for what comes next.

    Returns:
        The passage; stems that end before it are padded with zeros, ones shorter than it too.

    Raises:
        AudioError: a file cannot be used, or `start_s` lies behind the end of all of them.
    """
    if not stems:
        raise AudioError("there are no stems to mix: give at least one")
    length_s = samples / sample_rate_hz
    powers = dict(zip(stems, _powers_over_time(list(stems.values()), files), strict=True))
    start = _best_step(list(powers.values()), length_s) * STEP_S if start_s is None else start_s
    if start_s is not None:
        end_s = max(probe(path, files).duration_s for path in stems.values())
        if not 0 <= start_s < end_s:
            raise AudioError(f"the passage cannot begin at {start_s:g} s: the tracks run from 0 to {end_s:.1f} s")

    def read(path: Path) -> Samples:
        return _fit(read_passage(path, start, length_s, sample_rate_hz, files), samples)

    def hear(name: str) -> tuple[Excerpt, ...]:
        def read_from(begin_s: float) -> Samples:
            return _fit(read_passage(stems[name], begin_s, length_s, sample_rate_hz, files), samples)

        return _excerpts(passage, name, powers[name], sample_rate_hz, read_from)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        audio = dict(zip(stems, pool.map(read, stems.values()), strict=True))
        offsets = _log_all(offset_notes(audio, stems, sample_rate_hz))
        measured = pool.map(lambda item: integrated_loudness(item, sample_rate_hz), audio.values())
        passage = Passage(start, length_s, audio, dict(zip(stems, measured, strict=True)), tuple(offsets))
        excerpts = dict(zip(stems, pool.map(hear, stems), strict=True))
    levels = {name: whole_lufs(powers[name], excerpts[name], sample_rate_hz) for name in stems}
    return replace(passage, excerpts=excerpts, whole_lufs=levels)


def heard_in(audio: Mapping[str, Samples], sample_rate_hz: int, samples: int) -> Passage:
    """Choose passage and excerpts of tracks in memory; what :func:`cut_passage` does with files.

    Args:
        audio: by track, shape (1 or 2, n), at the model's rate.
        sample_rate_hz: of it.
        samples: length of the passage.
    """
    powers = {name: power_over_time(item, sample_rate_hz) for name, item in audio.items()}
    start = _best_step(list(powers.values()), samples / sample_rate_hz) * STEP_S
    first = round(start * sample_rate_hz)
    cut = {name: _fit(item[:, first : first + samples], samples) for name, item in audio.items()}
    loudness = {name: integrated_loudness(item, sample_rate_hz) for name, item in cut.items()}
    passage = Passage(start, samples / sample_rate_hz, cut, loudness)

    def hear(name: str) -> tuple[Excerpt, ...]:
        def read(start_s: float) -> Samples:
            begin = round(start_s * sample_rate_hz)
            return _fit(audio[name][:, begin : begin + samples], samples)

        return _excerpts(passage, name, powers[name], sample_rate_hz, read)

    excerpts = {name: hear(name) for name in audio}
    levels = {name: integrated_loudness(item, sample_rate_hz) for name, item in audio.items()}
    return replace(passage, excerpts=excerpts, whole_lufs=levels)


def _excerpts(
    passage: Passage, name: str, power: Powers, sample_rate_hz: int, read: Callable[[float], Samples]
) -> tuple[Excerpt, ...]:
    """What is heard of a track: excerpts spread over it, and the passage where it plays in it.

    Args:
        passage: of the session.
        name: of the track.
        power: of each quarter second of it.
        sample_rate_hz: of the passage.
        read: gives the track from a time in s on, as long as the passage.
    """
    window = max(1, round(passage.length_s / STEP_S))
    starts_s = [step * STEP_S for step in excerpt_steps(power, window)]
    found = [
        _excerpt(passage.audio[name] if start_s == passage.start_s else read(start_s), start_s, sample_rate_hz)
        for start_s in starts_s
    ]
    lufs = passage.loudness_lufs[name]
    if lufs >= SILENT_LUFS and all(abs(start_s - passage.start_s) >= passage.length_s / 2 for start_s in starts_s):
        added = _excerpt(passage.audio[name], passage.start_s, sample_rate_hz)
        found.append(replace(added, weight=_PASSAGE_SHARE * added.weight))
    return that_play(sorted(found, key=lambda excerpt: excerpt.start_s))


def _excerpt(audio: Samples, start_s: float, sample_rate_hz: int) -> Excerpt:
    plays = playing(power_over_time(audio, sample_rate_hz))
    return Excerpt(start_s, audio, integrated_loudness(audio, sample_rate_hz), float(plays.mean()))


def said_offsets(stems: Mapping[str, Path], files: OpenFiles) -> list[str]:
    """Warn of tracks with a DC offset in the middle of their files, where nothing is to be heard; give the warnings."""
    notes = []
    for name, path in stems.items():
        info = probe(path, files)
        start_s = max(0.0, (info.duration_s - _LOOKED_AT_S) / 2)
        middle = read_passage(path, start_s, _LOOKED_AT_S, files=files)
        notes += offset_notes({name: middle}, stems, info.sample_rate_hz)
    return _log_all(notes)


def _log_all(notes: list[str]) -> list[str]:
    for note in notes:
        log.warning("%s", note)
    return notes


def offset_notes(audio: Mapping[str, Samples], stems: Mapping[str, Path], sample_rate_hz: int) -> list[str]:
    """Name the tracks with a constant in them: nobody hears it, and a limiter takes the music down for it.

    Args:
        audio: a passage of each track.
        stems: the files of these tracks.
        sample_rate_hz: of the passages.
    """
    notes = []
    for name, item in audio.items():
        sounding = np.count_nonzero(item, axis=1)  # a passage may be filled up with zeros
        means = np.abs(item.sum(axis=1, dtype=np.float64)) / np.maximum(sounding, 1)
        offset = float(means[sounding >= _SHORTEST_OFFSET_S * sample_rate_hz].max(initial=0))
        if offset > _LEAST_OFFSET and offset > _OFFSET_SHARE * math.sqrt(_power(item)):
            notes.append(
                f"track {escaped(name)} has a DC offset of {100 * offset:.0f} % of full scale "
                f"({escaped(stems[name].name)}), which costs level in the mix: remove it in the DAW "
                "(high-pass at 20 Hz, or its DC removal) and "
                "export again."
            )
    return notes


def read_reference(
    path: Path, sample_rate_hz: int, samples: int, start_s: float | None = None, files: OpenFiles = ON_DEMAND
) -> tuple[Samples, float, float]:
    """Choose and read the passage of the reference.

    Returns:
        Samples of shape (1 or 2, samples), where they begin in s, and how much of the song they are in s. A reference
        shorter than the passage is repeated.

    Raises:
        AudioError: the file cannot be used, is silent, or shorter than half a second.
    """
    return _first_passage(path, sample_rate_hz, samples, start_s, lambda: _power_over_time(path, files), files)


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
    start = _best_step([power()], length_s) * STEP_S if start_s is None else start_s
    length_s = min(length_s, info.duration_s - start)
    audio = read_passage(path, start, length_s, sample_rate_hz, files)
    if is_silent(audio, sample_rate_hz, SILENT_LUFS):
        raise AudioError(f"{path}: silent; choose a reference with music in it")
    return repeated(audio, samples), start, length_s


def hear_reference(
    path: Path, sample_rate_hz: int, samples: int, start_s: float | None = None, files: OpenFiles = ON_DEMAND
) -> tuple[Samples, float, float]:
    """Read several passages of a reference, one behind the other: that of :func:`read_reference`, then others.

    Returns:
        Samples of shape (1 or 2, n passages of this many samples), and where the first is, as :func:`read_reference`.

    Raises:
        AudioError: as there.
    """
    power = cache(lambda: _power_over_time(path, files))
    first, start_s, length_s = _first_passage(path, sample_rate_hz, samples, start_s, power, files)
    others = [
        read_passage(path, at * STEP_S, length_s, sample_rate_hz, files)
        for at in _other_steps(power(), samples / sample_rate_hz, start_s)
    ]
    return joined([first, *others], sample_rate_hz), start_s, length_s


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
    power = np.array([_power(audio[:, at : at + step]) for at in range(0, audio.shape[1], step)])
    start_s = _best_step([power], length_s) * STEP_S
    if sample_rate_hz != model_rate_hz:
        audio = np.ascontiguousarray(soxr.resample(audio.T, sample_rate_hz, model_rate_hz).T)
    starts_s = [start_s, *(step * STEP_S for step in _other_steps(power, length_s, start_s))]
    firsts = [round(at_s * model_rate_hz) for at_s in starts_s]
    passages = [audio[:, first : first + round(length_s * model_rate_hz)] for first in firsts]
    if is_silent(passages[0], model_rate_hz, SILENT_LUFS):
        raise AudioError("the reference is silent; choose one with music in it")
    return joined([repeated(passages[0], samples), *passages[1:]], model_rate_hz)


def choose_start_s(paths: Sequence[Path], length_s: float, files: OpenFiles = ON_DEMAND) -> float:
    """Where the loudest passage begins in which most of these files play, on a grid of a quarter second."""
    return _best_step(_powers_over_time(paths, files), length_s) * STEP_S


def loudest_start(audio: Samples, sample_rate_hz: int, samples: int) -> int:
    """Likewise in one signal in memory: the sample where a passage of this many samples should begin."""
    power = power_over_time(audio, sample_rate_hz)
    return _best_step([power], samples / sample_rate_hz) * round(STEP_S * sample_rate_hz)


def _powers_over_time(paths: Sequence[Path], files: OpenFiles) -> list[Powers]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path: _power_over_time(path, files), paths))


def _best_step(powers: Sequence[Powers], length_s: float) -> int:
    steps = max(len(power) for power in powers)
    window = max(1, round(length_s / STEP_S))
    if steps <= window:
        return 0
    padded = np.stack([np.pad(power, (0, steps - len(power))) for power in powers])
    peak = padded.max(axis=1, keepdims=True)
    audible = peak > power_factor(SILENT_LUFS)
    plays = (padded > peak * power_factor(-PLAYING_DB)) & audible
    presence = windowed_mean(plays.mean(axis=0), window) / max(float(audible.mean()), _TINY)
    # Each track counts by its share of its own loudest moment, so that a track recorded hot does not decide alone.
    level_db = 10 * np.log10(windowed_mean((padded / (peak + _TINY)).mean(axis=0), window) + _TINY)
    return int(np.argmax(level_db + _PRESENCE_WEIGHT_DB * presence + _HEARD_WEIGHT_DB * _heard(plays, window)))


def _heard(plays: NDArray[np.bool_], window: int) -> Powers:
    """Which share of several tracks plays in each passage long enough to be judged by; 0 where there is only one."""
    if len(plays) == 1:
        return np.zeros(plays.shape[1] - window + 1)
    steps = np.stack([windowed_mean(track, window) for track in plays]) * window
    enough = np.clip(steps.max(axis=1, keepdims=True), 1, _HEARD_S / STEP_S)
    heard: Powers = np.minimum(1.0, steps / enough).mean(axis=0)
    return heard


def _power_over_time(path: Path, files: OpenFiles) -> Powers:
    """Mean square of each quarter second, shape (steps,)."""
    reader = AudioReader(path, files=files)
    step = round(STEP_S * reader.sample_rate_hz)
    reader.block_frames = _STEPS_READ * step
    return np.array(
        [
            _power(np.ascontiguousarray(block[:, begin : begin + step]))
            for block in reader
            for begin in range(0, block.shape[1], step)
        ]
    )


def _power(block: Samples) -> float:
    return float(np.einsum("cn,cn->", block, block)) / block.size


def _fit(audio: Samples, samples: int) -> Samples:
    """Exactly this many samples: rounding at odd rates leaves one more or less."""
    return np.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1]))))
