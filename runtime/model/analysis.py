"""Listens before the model does: which passage to hear, how loud each track is in it, and which tracks are silent.

The passage is the loudest representative one: most tracks play and the level is near the song's upper end, which
the first seconds of a song seldom are. Files are streamed once for their level over time; only the passage is
resampled.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ...presets.escaping import escaped
from ...presets.units import gain_factor, power_factor
from ..audio.loudness import integrated_loudness, is_silent
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import AudioReader, Samples, probe, read_passage, repeated

log = logging.getLogger(__name__)

STEP_S = 0.25
SILENT_LUFS = -60.0
"""A track below this is left at neutral: what is in it is noise, and a model would turn the noise up."""

# A track plays where it is within this of its own loudest quarter second.
_PLAYING_DB = 30.0
_PRESENCE_WEIGHT_DB = 20.0
# People who speak in turn never play at once: a passage with a turn of each has to win over a long turn of one. It is
# enough that a track plays this long, or as long as it ever does.
_HEARD_WEIGHT_DB = 10.0
_HEARD_S = 1.0
_TINY = 1e-12
# A constant of less than 3 % of full scale, or of a tenth of the track's level, costs nothing that counts.
_LEAST_OFFSET, _OFFSET_SHARE = 0.03, 0.1
# The mean of a click, or of half a wave, is no offset.
_SHORTEST_OFFSET_S = 0.25
_LOOKED_AT_S = 5.0
_SHORTEST_REFERENCE_S = 0.5


@dataclass(frozen=True)
class Passage:
    """What was cut out of the tracks for the model.

    Attributes:
        start_s: where it begins.
        length_s: its length.
        audio: by track, shape (1 or 2, samples) at the model's rate.
        loudness_lufs: by track, of the passage.
        offsets: sentences on tracks with a DC offset.
    """

    start_s: float
    length_s: float
    audio: Mapping[str, Samples]
    loudness_lufs: Mapping[str, float]
    offsets: tuple[str, ...] = ()

    @property
    def silent(self) -> tuple[str, ...]:
        """Tracks with nothing in the passage that a mix could be judged by."""
        return tuple(name for name, loudness in self.loudness_lufs.items() if loudness < SILENT_LUFS)

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
    start = choose_start_s(list(stems.values()), length_s, files) if start_s is None else start_s
    if start_s is not None:
        end_s = max(probe(path, files).duration_s for path in stems.values())
        if not 0 <= start_s < end_s:
            raise AudioError(f"the passage cannot begin at {start_s:g} s: the tracks run from 0 to {end_s:.1f} s")
    audio = {
        name: _fit(read_passage(path, start, length_s, sample_rate_hz, files), samples) for name, path in stems.items()
    }
    offsets = _log_all(offset_notes(audio, stems, sample_rate_hz))
    loudness = {name: integrated_loudness(item, sample_rate_hz) for name, item in audio.items()}
    return Passage(start, length_s, audio, loudness, tuple(offsets))


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
    info = probe(path, files)
    wanted_s = samples / sample_rate_hz
    length_s = min(wanted_s, info.duration_s)
    if length_s < _SHORTEST_REFERENCE_S:
        raise AudioError(f"{path}: {info.duration_s:.2f} s is too short for a reference; give at least half a second")
    if start_s is not None and not 0 <= start_s <= info.duration_s - _SHORTEST_REFERENCE_S:
        raise AudioError(f"{path}: a passage cannot begin at {start_s:g} s of a reference of {info.duration_s:.1f} s")
    start = choose_start_s([path], length_s, files) if start_s is None else start_s
    length_s = min(length_s, info.duration_s - start)
    audio = read_passage(path, start, length_s, sample_rate_hz, files)
    if is_silent(audio, sample_rate_hz, SILENT_LUFS):
        raise AudioError(f"{path}: silent; choose a reference with music in it")
    return repeated(audio, samples), start, length_s


def cut_reference(audio: Samples, sample_rate_hz: int, model_rate_hz: int, samples: int) -> Samples:
    """Choose and cut the passage of a reference in memory; what :func:`read_reference` does with a file.

    Args:
        audio: shape (1 or 2, n).
        sample_rate_hz: of it.
        model_rate_hz: of the result.
        samples: length of the result.

    Raises:
        AudioError: it is silent, or shorter than half a second.
    """
    duration_s = audio.shape[1] / sample_rate_hz
    if duration_s < _SHORTEST_REFERENCE_S:
        raise AudioError(f"{duration_s:.2f} s is too short for a reference; give at least half a second")
    length_s = min(samples / model_rate_hz, duration_s)
    step = round(STEP_S * sample_rate_hz)
    power = np.array([_power(audio[:, at : at + step]) for at in range(0, audio.shape[1], step)])
    start = round(_best_step([power], length_s) * STEP_S * model_rate_hz)
    if sample_rate_hz != model_rate_hz:
        audio = np.ascontiguousarray(soxr.resample(audio.T, sample_rate_hz, model_rate_hz).T)
    passage = audio[:, start : start + round(length_s * model_rate_hz)]
    if is_silent(passage, model_rate_hz, SILENT_LUFS):
        raise AudioError("the reference is silent; choose one with music in it")
    return repeated(passage, samples)


def choose_start_s(paths: Sequence[Path], length_s: float, files: OpenFiles = ON_DEMAND) -> float:
    """Where the loudest passage begins in which most of these files play, on a grid of a quarter second."""
    with ThreadPoolExecutor() as pool:
        powers = list(pool.map(lambda path: _power_over_time(path, files), paths))
    return _best_step(powers, length_s) * STEP_S


def loudest_start(audio: Samples, sample_rate_hz: int, samples: int) -> int:
    """Likewise in one signal in memory: the sample where a passage of this many samples should begin."""
    step = round(STEP_S * sample_rate_hz)
    whole = audio[:, : audio.shape[1] // step * step].reshape(audio.shape[0], -1, step)
    power = np.mean(np.square(whole, dtype=np.float64), axis=(0, 2))
    return _best_step([power], samples / sample_rate_hz) * step


def _best_step(powers: Sequence[NDArray[np.float64]], length_s: float) -> int:
    steps = max(len(power) for power in powers)
    window = max(1, round(length_s / STEP_S))
    if steps <= window:
        return 0
    padded = np.stack([np.pad(power, (0, steps - len(power))) for power in powers])
    peak = padded.max(axis=1, keepdims=True)
    audible = peak > power_factor(SILENT_LUFS)
    playing = (padded > peak * power_factor(-_PLAYING_DB)) & audible
    presence = _windowed_mean(playing.mean(axis=0), window) / max(float(audible.mean()), _TINY)
    # Each track counts by its share of its own loudest moment, so that a track recorded hot does not decide alone.
    level_db = 10 * np.log10(_windowed_mean((padded / (peak + _TINY)).mean(axis=0), window) + _TINY)
    return int(np.argmax(level_db + _PRESENCE_WEIGHT_DB * presence + _HEARD_WEIGHT_DB * _heard(playing, window)))


def _heard(playing: NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    """Which share of several tracks plays in each passage long enough to be judged by; 0 where there is only one."""
    if len(playing) == 1:
        return np.zeros(playing.shape[1] - window + 1)
    steps = np.stack([_windowed_mean(track, window) for track in playing]) * window
    enough = np.clip(steps.max(axis=1, keepdims=True), 1, _HEARD_S / STEP_S)
    heard: NDArray[np.float64] = np.minimum(1.0, steps / enough).mean(axis=0)
    return heard


def _power_over_time(path: Path, files: OpenFiles) -> NDArray[np.float64]:
    """Mean square of each quarter second, shape (steps,)."""
    reader = AudioReader(path, files=files)
    reader.block_frames = round(STEP_S * reader.sample_rate_hz)
    return np.array([_power(block) for block in reader])


def _power(block: Samples) -> float:
    return float(np.einsum("cn,cn->", block, block)) / block.size


def _windowed_mean(values: NDArray[np.float64] | NDArray[np.bool_], window: int) -> NDArray[np.float64]:
    total = np.concatenate(([0.0], np.cumsum(values)))
    mean: NDArray[np.float64] = (total[window:] - total[:-window]) / window
    return mean


def _fit(audio: Samples, samples: int) -> Samples:
    """Exactly this many samples: rounding at odd rates leaves one more or less."""
    return np.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1]))))
