"""Where a song is listened to: excerpts of each track from where it plays, spread over it, and the fullest passage.

Chosen from the level in quarter seconds, which is found by streaming a file once. A song's playing time is cut into
equal parts, and each part gives its fullest excerpt, so that verse and chorus are both heard and the choice of one
passage decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...presets.units import power_decibels, power_factor
from ..audio.opening import ON_DEMAND, OpenFiles
from ..audio.reading import AudioReader, Samples

Powers = NDArray[np.float64]

STEP_S = 0.25
HEARD = 3
"""How many excerpts are heard of a track, and of a reference."""
SILENT_LUFS = -60.0
"""A track below this is left at neutral: what is in it is noise, and a model would turn the noise up."""

RESTS_LU = 15.0
"""A track so far below its own level rests: what is left is bleed, a tail, a fader that was pulled down."""

# A track plays where it is within this of its own loudest quarter second.
PLAYING_DB = 30.0
# Of somebody who talks: how much of a recording rests at least, how far words stand above that, and how far below the
# level of the others they are told, whatever rests are like.
_RESTS_SHARE, _ABOVE_REST_DB, WORDS_DB = 0.1, 8.0, 12.0
# As in BS.1770, on blocks of half a second.
_ABSOLUTE_GATE_DB, _RELATIVE_GATE_DB = -70.0, -10.0
# An excerpt that plays less than this share of what the fullest one does adds nothing.
_LEAST_SHARE = 0.1
_FADE_S = 0.01
_PRESENCE_WEIGHT_DB = 20.0
# People who speak in turn never play at once: a passage with a turn of each has to win over a long turn of one. It is
# enough that a track plays this long, or as long as it ever does.
_HEARD_WEIGHT_DB = 10.0
_HEARD_S = 1.0
_TINY = 1e-12
# Read at a time: a call for each step would take longer than the reading.
_STEPS_READ = 16


@dataclass(frozen=True)
class Excerpt:
    """A part of one track.

    Attributes:
        start_s: where it begins.
        audio: shape (1 or 2, samples).
        loudness_lufs: of it.
        weight: how much of it plays, 0..1.
    """

    start_s: float
    audio: Samples
    loudness_lufs: float
    weight: float


def playing(power: Powers) -> NDArray[np.bool_]:
    """Tell in which quarter seconds a track plays, shape (steps,)."""
    floor = max(float(power.max(initial=0)) * power_factor(-PLAYING_DB), power_factor(SILENT_LUFS))
    plays: NDArray[np.bool_] = power > floor
    return plays


def talking(power: Powers) -> NDArray[np.bool_]:
    """Tell in which quarter seconds somebody talks, shape (steps,): hum, hiss and the others' bleed are no words."""
    plays = playing(power)
    if not plays.any():
        return plays
    # A recording rests now and then; where it hardly does, its softest words are no floor.
    rests = float(np.quantile(power, _RESTS_SHARE)) * power_factor(_ABOVE_REST_DB)
    words: NDArray[np.bool_] = plays & (power > min(rests, level_of_words(power) * power_factor(-WORDS_DB)))
    return words


def level_of_words(power: Powers) -> float:
    """The mean square of what somebody says, however long the rests are; 0 for silence."""
    plays = power[playing(power)]
    return float(plays[plays >= min(plays.mean(), plays.max())].mean()) if plays.size else 0.0


def share_under(power: Powers, others: Sequence[Powers], pause_s: float) -> float:
    """Tell how much of what a track plays the others play over, 0..1; 1 where it plays nothing.

    Args:
        power: of each quarter second of it.
        others: likewise; they go on through pauses of this length.
        pause_s: up to which silence between two sounds of theirs counts as theirs.
    """
    plays = playing(power)
    over = np.zeros(len(plays), bool)
    for other in others:
        there = talking(other)[: len(over)]
        over[: len(there)] |= there
    places = np.flatnonzero(over)
    for begin, end in pairwise(places.tolist()):
        if end - begin <= pause_s / STEP_S:
            over[begin:end] = True
    count = int(plays.sum())
    return 1.0 if not count else float((plays & over).sum()) / count


def excerpt_steps(power: Powers, window: int, count: int = HEARD) -> list[int]:
    """Choose where excerpts begin, in steps, without overlap; none for silence.

    Args:
        power: of each quarter second.
        window: length of an excerpt in steps.
        count: how many at most.
    """
    plays = playing(power)
    if not plays.any():
        return []
    if len(power) <= window:
        return [0]
    share = windowed_mean(plays, window)
    level = windowed_mean(power / power.max(), window)
    score = share + 0.25 * level
    # How much has played before the middle of the excerpt at each place.
    before = np.concatenate(([0], np.cumsum(plays)))[window // 2 :][: len(share)]
    found: list[int] = []
    places = np.arange(len(share))
    for part in range(count):
        inside = (before * count >= part * plays.sum()) & (before * count < (part + 1) * plays.sum())
        inside |= (part == count - 1) & (before * count >= part * plays.sum())
        free = inside & np.all([abs(places - other) >= window for other in found], axis=0)
        if free.any():
            best = int(np.argmax(np.where(free, score, -1.0)))
            if share[best] >= _LEAST_SHARE * share.max():
                found.append(best)
    return sorted(found) or [int(np.argmax(score))]


def that_play(excerpts: Sequence[Excerpt]) -> tuple[Excerpt, ...]:
    """The excerpts in which the track plays: none that is silent, and none of bleed beside a drum fill."""
    loudest_lufs = max((excerpt.loudness_lufs for excerpt in excerpts), default=SILENT_LUFS)
    least_lufs = max(SILENT_LUFS, loudest_lufs - RESTS_LU)
    return tuple(excerpt for excerpt in excerpts if excerpt.loudness_lufs >= least_lufs)


def gated_db(power: Powers) -> float:
    """Level of the parts that play, in dB, gated as loudness is; minus infinity for silence."""
    pairs = (power[:-1] + power[1:]) / 2 if len(power) > 1 else power
    loud = pairs[pairs > power_factor(_ABSOLUTE_GATE_DB)]
    if not len(loud):
        return -np.inf
    gated = loud[loud > loud.mean() * power_factor(_RELATIVE_GATE_DB)]
    return power_decibels(float(gated.mean()))


def whole_lufs(power: Powers, excerpts: Sequence[Excerpt], sample_rate_hz: int) -> float:
    """Estimate the loudness of a whole track: its gated level, and how loud such a level is in the excerpts."""
    offsets, weights = [], []
    for excerpt in excerpts:
        level_db = gated_db(power_over_time(excerpt.audio, sample_rate_hz))
        if np.isfinite(level_db) and np.isfinite(excerpt.loudness_lufs):
            offsets.append(excerpt.loudness_lufs - level_db)
            weights.append(excerpt.weight + 1e-6)
    level_db = gated_db(power)
    if not offsets or not np.isfinite(level_db):
        return -np.inf
    return level_db + float(np.average(offsets, weights=weights))


def joined(passages: Sequence[Samples], sample_rate_hz: int) -> Samples:
    """Put passages, shape (channels, n), one behind the other, faded where they meet: the seams are no clicks."""
    if len(passages) == 1:
        return passages[0]
    fade = np.linspace(0, 1, round(_FADE_S * sample_rate_hz), dtype=np.float32)
    faded = []
    for passage in passages:
        copied = passage.copy()
        copied[:, : len(fade)] *= fade
        copied[:, -len(fade) :] *= fade[::-1]
        faded.append(copied)
    return np.concatenate(faded, axis=1)


def power_over_time(audio: Samples, sample_rate_hz: int) -> Powers:
    """Mean square of each whole quarter second of audio in memory, shape (steps,); of all of it where it is shorter."""
    step = round(STEP_S * sample_rate_hz)
    if audio.shape[1] < step:
        return np.array([float(np.mean(np.square(audio, dtype=np.float64)))])
    whole = audio[:, : audio.shape[1] // step * step].reshape(audio.shape[0], -1, step)
    power: Powers = np.mean(np.square(whole, dtype=np.float64), axis=(0, 2))
    return power


def windowed_mean(values: Powers | NDArray[np.bool_], window: int) -> Powers:
    """Mean over each run of so many steps, shape (steps - window + 1,)."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    mean: Powers = (total[window:] - total[:-window]) / window
    return mean


def choose_start_s(paths: Sequence[Path], length_s: float, files: OpenFiles = ON_DEMAND) -> float:
    """Where the loudest passage begins in which most of these files play, on a grid of a quarter second."""
    return fullest_step(powers_of_files(paths, files), length_s) * STEP_S


def loudest_start(audio: Samples, sample_rate_hz: int, samples: int) -> int:
    """Likewise in one signal in memory: the sample where a passage of this many samples should begin."""
    power = power_over_time(audio, sample_rate_hz)
    return fullest_step([power], samples / sample_rate_hz) * round(STEP_S * sample_rate_hz)


def powers_of_files(paths: Sequence[Path], files: OpenFiles) -> list[Powers]:
    """What :func:`power_of_file` measures, of several files side by side."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda path: power_of_file(path, files), paths))


def power_of_file(path: Path, files: OpenFiles) -> Powers:
    """Mean square of each quarter second, shape (steps,)."""
    reader = AudioReader(path, files=files)
    step = round(STEP_S * reader.sample_rate_hz)
    reader.block_frames = _STEPS_READ * step
    return np.array(
        [
            mean_square(np.ascontiguousarray(block[:, begin : begin + step]))
            for block in reader
            for begin in range(0, block.shape[1], step)
        ]
    )


def fullest_places_s(powers: Sequence[Powers], length_s: float) -> tuple[float, ...]:
    """Where most tracks play, in each of as many equal parts of the song as excerpts are heard of a track."""
    steps, window = max(len(power) for power in powers), max(1, round(length_s / STEP_S))
    edges = [round(edge) for edge in np.linspace(0, steps, max(1, min(HEARD, steps // window)) + 1).tolist()]
    padded = np.stack([np.pad(power, (0, steps - len(power))) for power in powers])
    return tuple(
        (begin + fullest_step(list(padded[:, begin:end]), length_s)) * STEP_S for begin, end in pairwise(edges)
    )


def fullest_step(powers: Sequence[Powers], length_s: float) -> int:
    """Where the loudest passage begins in which most tracks play, in steps.

    Args:
        powers: of each quarter second, by track; of different lengths.
        length_s: of the passage.
    """
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


def mean_square(block: Samples) -> float:
    """Power of audio, shape (channels, n), whose sum is taken in one pass."""
    return float(np.einsum("cn,cn->", block, block)) / block.size
