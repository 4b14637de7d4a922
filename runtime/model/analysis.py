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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...presets.errors import AudioError
from ...presets.escaping import escaped
from ...presets.units import gain_factor
from ..audio.loudness import integrated_loudness
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import Samples, probe, read_passage
from .excerpts import (
    RESTS_LU,
    SILENT_LUFS,
    STEP_S,
    Excerpt,
    Powers,
    excerpt_steps,
    fullest_places_s,
    fullest_step,
    mean_square,
    playing,
    power_over_time,
    powers_of_files,
    that_play,
    whole_lufs,
)
from .own_mix import OwnMix

log = logging.getLogger(__name__)

# The passage that a mix is tried on, which anybody may choose, says less of a track than what was chosen for it.
_PASSAGE_SHARE = 0.5
# A constant of less than 3 % of full scale, or of a tenth of the track's level, costs nothing that counts.
_LEAST_OFFSET, _OFFSET_SHARE = 0.03, 0.1
# The mean of a click, or of half a wave, is no offset.
_SHORTEST_OFFSET_S = 0.25
_LOOKED_AT_S = 5.0
# Nothing but dither, and far below the other channel.
_DEAD_PEAK, _DEAD_SHARE = 1e-4, 0.003


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
        places_s: where tracks are compared with each other: passages spread over the song, whatever `start_s` is.
        read: gives a track from a time in s on, as long as the passage; None where there is nothing but the passage.
        powers: by track, the power of each quarter second of all of it; without, nothing but the passage is known.
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
    places_s: tuple[float, ...] = ()
    read: Callable[[str, float], Samples] | None = field(default=None, repr=False, compare=False)
    powers: Mapping[str, Powers] = field(default_factory=dict, repr=False, compare=False)
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

    @property
    def one_sided(self) -> dict[str, str]:
        """Tracks of stereo files that are heard on one channel alone, and on which: "left" or "right"."""
        found = {}
        for name in self.heard:
            excerpts = [excerpt.audio for excerpt in self.excerpts_of(name) if len(excerpt.audio) == 2]
            peaks = np.max([np.abs(audio).max(axis=1) for audio in excerpts], axis=0) if excerpts else np.ones(2)
            if peaks.min() <= min(_DEAD_PEAK, _DEAD_SHARE * peaks.max()):
                found[name] = "left" if peaks[0] > peaks[1] else "right"
        return found

    def level_lufs(self, name: str) -> float:
        """How loud a track is while it plays."""
        return self.whole_lufs.get(name, self.loudness_lufs[name])

    def excerpts_of(self, name: str) -> tuple[Excerpt, ...]:
        """What is heard of a track: its excerpts, or the passage."""
        passage = Excerpt(self.start_s, self.audio[name], self.loudness_lufs[name], 1.0)
        return self.excerpts.get(name) or (passage,)

    @property
    def tried(self) -> Mapping[str, Samples]:
        """What settings are tried on, by track that is heard: the passage, and the fullest excerpt of one that rests.

        So what a song's mix is judged by does not depend on who plays in the passage. Beside a mix of the same tracks
        the passage is all that can be compared.
        """
        if "tried" not in self.memory:
            rest = set(self.silent)
            tried = {name: audio for name, audio in self.audio.items() if name not in rest}
            if self.own_mix is None:
                tried = {
                    name: tried[name] if name in tried else self.fullest(name).audio
                    for name in self.heard
                    if name in tried or self.excerpts.get(name)
                }
            self.memory["tried"] = tried
        found: Mapping[str, Samples] = self.memory["tried"]
        return found

    def fullest(self, name: str) -> Excerpt:
        """The excerpt of a track of which most plays."""
        return max(self.excerpts_of(name), key=lambda excerpt: excerpt.weight)

    def side_by_side(self, name: str) -> Samples:
        """A track at `places_s`, one behind the other: what may be compared with another track there."""
        if self.read is None or not self.places_s:
            return self.audio[name]
        return np.concatenate([self._at(name, start_s) for start_s in self.places_s], axis=1)

    def _at(self, name: str, start_s: float) -> Samples:
        known = {excerpt.start_s: excerpt.audio for excerpt in self.excerpts.get(name, ())}
        known[self.start_s] = self.audio[name]
        if start_s in known or self.read is None:
            return known.get(start_s, self.audio[name])
        return self.read(name, start_s)

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
    powers = dict(zip(stems, powers_of_files(list(stems.values()), files), strict=True))
    start = fullest_step(list(powers.values()), length_s) * STEP_S if start_s is None else start_s
    if start_s is not None:
        end_s = max(probe(path, files).duration_s for path in stems.values())
        if not 0 <= start_s < end_s:
            raise AudioError(f"the passage cannot begin at {start_s:g} s: the tracks run from 0 to {end_s:.1f} s")

    def read(name: str, begin_s: float) -> Samples:
        return _fit(read_passage(stems[name], begin_s, length_s, sample_rate_hz, files), samples)

    def hear(name: str) -> tuple[Excerpt, ...]:
        return _excerpts(passage, name, powers[name], sample_rate_hz, partial(read, name))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        audio = dict(zip(stems, pool.map(lambda name: read(name, start), stems), strict=True))
        offsets = _log_all(offset_notes(audio, stems, sample_rate_hz))
        measured = pool.map(lambda item: integrated_loudness(item, sample_rate_hz), audio.values())
        passage = Passage(start, length_s, audio, dict(zip(stems, measured, strict=True)), tuple(offsets))
        excerpts = dict(zip(stems, pool.map(hear, stems), strict=True))
    levels = {name: whole_lufs(powers[name], excerpts[name], sample_rate_hz) for name in stems}
    places_s = fullest_places_s(list(powers.values()), length_s)
    return replace(passage, excerpts=excerpts, whole_lufs=levels, places_s=places_s, read=read, powers=powers)


def heard_in(audio: Mapping[str, Samples], sample_rate_hz: int, samples: int) -> Passage:
    """Choose passage and excerpts of tracks in memory; what :func:`cut_passage` does with files.

    Args:
        audio: by track, shape (1 or 2, n), at the model's rate.
        sample_rate_hz: of it.
        samples: length of the passage.
    """
    powers = {name: power_over_time(item, sample_rate_hz) for name, item in audio.items()}
    start = fullest_step(list(powers.values()), samples / sample_rate_hz) * STEP_S
    first = round(start * sample_rate_hz)
    cut = {name: _fit(item[:, first : first + samples], samples) for name, item in audio.items()}
    loudness = {name: integrated_loudness(item, sample_rate_hz) for name, item in cut.items()}
    passage = Passage(start, samples / sample_rate_hz, cut, loudness)

    def read(name: str, start_s: float) -> Samples:
        begin = round(start_s * sample_rate_hz)
        return _fit(audio[name][:, begin : begin + samples], samples)

    excerpts = {name: _excerpts(passage, name, powers[name], sample_rate_hz, partial(read, name)) for name in audio}
    levels = {name: integrated_loudness(item, sample_rate_hz) for name, item in audio.items()}
    places_s = fullest_places_s(list(powers.values()), samples / sample_rate_hz)
    return replace(passage, excerpts=excerpts, whole_lufs=levels, places_s=places_s, read=read, powers=powers)


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
        if offset > _LEAST_OFFSET and offset > _OFFSET_SHARE * math.sqrt(mean_square(item)):
            notes.append(
                f"track {escaped(name)} has a DC offset of {100 * offset:.0f} % of full scale "
                f"({escaped(stems[name].name)}), which costs level in the mix: remove it in the DAW "
                "(high-pass at 20 Hz, or its DC removal) and "
                "export again."
            )
    return notes


def _fit(audio: Samples, samples: int) -> Samples:
    """Exactly this many samples: rounding at odd rates leaves one more or less."""
    return np.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1]))))
