"""What is heard of a song: excerpts of each track from where it plays, spread over the song, and its whole level.

Chosen from the level in quarter seconds, which is found by streaming a file once. A song's playing time is cut into
equal parts, and each part gives its fullest excerpt, so that verse and chorus are both heard and the choice of one
passage decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...presets.units import power_decibels, power_factor
from ..audio.reading import Samples

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
# As in BS.1770, on blocks of half a second.
_ABSOLUTE_GATE_DB, _RELATIVE_GATE_DB = -70.0, -10.0
# An excerpt that plays less than this share of what the fullest one does adds nothing.
_LEAST_SHARE = 0.1
_FADE_S = 0.01


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
