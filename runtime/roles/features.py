"""Describes a track's sound in some 210 numbers: what :mod:`.sound` tells its role by.

Its spectrum and how that moves, how loud and dense it is, how its notes begin, change and end, its syllables, its
pitch and partials, its width. All of it where the track plays; none of it depends on its level.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ..audio.reading import Samples

RATE_HZ: Final = 44100
"""Audio at another rate is resampled."""

_FRAME, _HOP = 2048, 1024
_BANDS, _COARSE = 36, 12
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 16000.0
# A track plays where it is within this of its loudest.
_PLAYING_DB = 35.0
_RANGE_DB = 70.0
_TINY = 1e-12
# Of the envelope: 2.9 ms.
_STEP = 128
_STEP_S = _STEP / RATE_HZ
# The longest that is looked at; more tells nothing new.
LONGEST_S: Final = 20.0
_FEWEST_FRAMES = 4
# Pitch is looked for from 45 to 1200 Hz.
_SHORTEST_LAG, _LONGEST_LAG = 37, 980
_PITCHED = 0.5
_EVERY = 2  # frames: what is heard of a pitch is heard in half of them
_PARTIALS = 12
_LOWEST_PARTIAL_DB = -50.0
_NO_PARTIALS = np.full(_PARTIALS + 1, _LOWEST_PARTIAL_DB, np.float32)
# Frames behind a beginning that are looked at: 0, 46, 140, 370 ms; of so many beginnings, the clearest.
_BEHIND_FRAMES, _NOTES = (0, 2, 6, 16), 16

_Array = NDArray[np.float32]


def sound_features(audio: Samples, sample_rate_hz: int) -> _Array:
    """Describe a track, shape (1 or 2, samples), that is not silent; shape (numbers,), all finite."""
    heard = audio[:, : round(LONGEST_S * sample_rate_hz)].astype(np.float32)
    if sample_rate_hz != RATE_HZ:
        heard = np.ascontiguousarray(soxr.resample(heard.T, sample_rate_hz, RATE_HZ).T)
    heard = np.pad(heard, ((0, 0), (0, max(0, _FRAME + _FEWEST_FRAMES * _HOP - heard.shape[1]))))
    wave = _one_channel(heard)
    wave = wave / max(float(wave.max()), -float(wave.min()), _TINY)
    power = _spectrogram(wave)
    level_db = _decibels(power.sum(axis=1))
    playing = level_db > level_db.max() - _PLAYING_DB
    parts = (
        _colour(power, playing),
        _flatness(power[playing]),
        _pitch(power[playing][::_EVERY]),
        _envelope(wave),
        _onsets(power, wave),
        _notes(power),
        np.array([playing.mean()]),
        _width(heard),
    )
    features: _Array = np.nan_to_num(np.concatenate(parts), nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    return features


def _one_channel(audio: Samples) -> _Array:
    """The middle, or the louder side where the sides cancel out."""
    if audio.shape[0] == 1:
        only: _Array = audio[0]
        return only
    middle: _Array = (audio[0] + audio[1]) / 2
    powers = [float(channel @ channel) for channel in audio]
    side: _Array = audio[int(np.argmax(powers))]
    return middle if float(middle @ middle) >= 0.1 * max(powers) else side


def _spectrogram(wave: _Array) -> _Array:
    """Power, shape (frames, bins)."""
    from scipy import fft  # late, as in audio/loudness.py

    frames = np.lib.stride_tricks.sliding_window_view(wave, _FRAME)[::_HOP]
    window = np.hanning(_FRAME).astype(np.float32)
    power: _Array = np.square(np.abs(fft.rfft(frames * window))).astype(np.float32)
    return power


@cache
def _band_starts() -> tuple[int, ...]:
    """First bin of each band, and the end; bands widen with frequency, and are a bin wide at least."""
    edges_hz = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 1)
    bins = np.round(edges_hz * _FRAME / RATE_HZ).astype(int)
    for place in range(1, len(bins)):
        bins[place] = max(bins[place], bins[place - 1] + 1)
    return tuple(int(item) for item in bins)


def _bands(power: _Array) -> _Array:
    starts = _band_starts()
    sums: _Array = np.add.reduceat(power[:, : starts[-1]], starts[:-1], axis=1)
    return sums


def _colour(power: _Array, playing: NDArray[np.bool_]) -> _Array:
    """Spectrum of the power and of the frames, how much it moves and how fast, centre of gravity, sibilance."""
    bands = _bands(power)
    floor = float(bands.max()) * 10 ** (-_RANGE_DB / 10) + _TINY
    decibels = _decibels(bands + floor)
    heard = decibels[playing]
    mean_db = _decibels(bands[playing].mean(axis=0) + floor)
    coarse = heard.reshape(len(heard), _COARSE, -1).mean(axis=2)
    steps = np.abs(np.diff(decibels, axis=0)).reshape(len(decibels) - 1, _COARSE, -1).mean(axis=(0, 2))
    share = bands[playing] / (bands[playing].sum(axis=1, keepdims=True) + _TINY)
    centre = share @ np.arange(_BANDS, dtype=np.float32)
    hiss = share[:, _band_of(5000.0) : _band_of(10000.0)].sum(axis=1)
    return np.concatenate(
        [
            mean_db - mean_db.mean(),
            heard.mean(axis=0) - heard.mean(),
            coarse.std(axis=0),
            steps,
            [centre.mean(), centre.std(), mean_db.max() - mean_db.mean()],
            np.percentile(hiss, (10, 50, 90, 98)),
            _decibels(np.percentile(hiss, (50, 95)) + 1e-4),
        ]
    ).astype(np.float32)


def _band_of(frequency_hz: float) -> int:
    return int(np.searchsorted(_band_starts(), frequency_hz * _FRAME / RATE_HZ))


def _flatness(power: _Array) -> _Array:
    """How noisy it is, low to high: geometric against arithmetic mean of the bins; mean and spread over time."""
    edges = (4, 24, 93, 280, 744)
    floor = float(power.max()) * 10 ** (-_RANGE_DB / 10 - 1) + _TINY
    values = []
    for low, high in itertools.pairwise(edges):
        bins = power[:, low:high] + floor
        values.append(np.log(bins).mean(axis=1) - np.log(bins.mean(axis=1)))
    flat = np.stack(values)
    return np.concatenate([flat.mean(axis=1), flat.std(axis=1)]).astype(np.float32)


def _pitch(power: _Array) -> _Array:
    """Whether it has one pitch, which, how far it ranges, and how it glides and trembles.

    The root of the spectrum evens it out, so that its autocorrelation peaks at the pitch, not at a loud partial.
    """
    from scipy import fft

    correlation = fft.irfft(np.cbrt(power))[:, : _LONGEST_LAG + 1]
    correlation /= correlation[:, :1] + _TINY
    reach = correlation[:, _SHORTEST_LAG:]
    best = np.argmax(reach, axis=1)
    height = reach[np.arange(len(reach)), best]
    octave = np.log2(RATE_HZ / (best + _SHORTEST_LAG) / 100)
    is_pitched = height > _PITCHED * float(np.percentile(height, 90))
    pitch = octave[is_pitched] if is_pitched.any() else octave
    glide = np.abs(np.diff(octave))[is_pitched[1:] & is_pitched[:-1]]
    glide = glide[glide < 0.5] if len(glide) else glide
    trembling = (
        [float((glide < 0.005).mean()), float((glide > 0.02).mean()), float(glide.mean())] if len(glide) else [0.0] * 3
    )
    heights = [height.mean(), height.std(), *np.percentile(height, (10, 90))]
    partials = _partials(power[is_pitched], best[is_pitched] + _SHORTEST_LAG) if is_pitched.any() else _NO_PARTIALS
    return np.array([*heights, *np.percentile(pitch, (10, 50, 90)), *trembling, *partials]).astype(np.float32)


def _partials(power: _Array, lag: NDArray[np.int64]) -> _Array:
    """Level of each partial of the pitch against the whole sound, and of all together; shape (partials + 1,)."""
    places = np.round(np.arange(1, _PARTIALS + 1) * _FRAME / lag[:, None]).astype(int)
    inside = places < power.shape[1] - 1
    near = np.clip(places[:, :, None] + np.array([-1, 0, 1]), 0, power.shape[1] - 1)
    found = np.where(inside, power[np.arange(len(power))[:, None, None], near].sum(axis=2), 0.0)
    whole = power.sum(axis=1, keepdims=True) + _TINY
    share = np.concatenate([found, np.minimum(found.sum(axis=1, keepdims=True), whole)], axis=1) / whole
    levels: _Array = _decibels(share + 10 ** (_LOWEST_PARTIAL_DB / 10)).mean(axis=0)
    return levels


def _envelope(wave: _Array) -> _Array:
    """Crest, how its levels are distributed, and how fast they move: strokes, syllables, tremolo."""
    steps = wave[: len(wave) // _STEP * _STEP].reshape(-1, _STEP)
    power = np.square(steps).mean(axis=1)
    level_db = _decibels(power + _TINY)
    loudest_db = float(np.percentile(level_db, 99))
    heard = power[level_db > loudest_db - _PLAYING_DB]
    rms = float(np.sqrt(heard.mean())) if len(heard) else 1.0
    crest_db = 20 * np.log10(float(np.max(np.abs(wave))) / max(rms, 1e-6))
    spread = np.clip(np.percentile(level_db, (10, 25, 50, 75, 90)) - loudest_db, -_RANGE_DB, 0)
    coarse = np.sqrt(power[: len(power) // 4 * 4].reshape(-1, 4).mean(axis=1))
    spectrum = np.square(np.abs(np.fft.rfft((coarse - coarse.mean()) * np.hanning(len(coarse)))))
    rates_hz = np.fft.rfftfreq(len(coarse), 4 * _STEP_S)
    edges_hz = (0.4, 1, 2, 4, 8, 16, 40)
    moving = np.array([spectrum[(rates_hz >= a) & (rates_hz < b)].sum() for a, b in itertools.pairwise(edges_hz)])
    depth = float(coarse.std() / (coarse.mean() + _TINY))
    return np.concatenate([[crest_db], spread, _decibels(moving / (moving.sum() + _TINY) + 1e-3), [depth]]).astype(
        np.float32
    )


def _onsets(power: _Array, wave: _Array) -> _Array:
    """How its notes begin, in the lows, middle and highs; how many there are; how fast they rise and fade."""
    bands = _bands(power)
    decibels = _decibels(bands + float(bands.max()) * 1e-5 + _TINY)
    rise = np.maximum(np.diff(decibels, axis=0), 0)
    thirds = [rise[:, part].mean(axis=1) for part in (slice(0, 12), slice(12, 24), slice(24, None))]
    whole = rise.mean(axis=1)
    middle = whole[1:-1]
    is_peak = (middle > whole[:-2]) & (middle >= whole[2:]) & (middle > 2.0)
    seconds = len(whole) * _HOP / RATE_HZ
    peaks = middle[is_peak]
    attack_s, fades_db = _strokes(wave)
    return np.array(
        [
            *(float(item.mean()) for item in thirds),
            *(float(np.percentile(item, 95)) for item in thirds),
            len(peaks) / seconds,
            float(peaks.mean()) if len(peaks) else 0.0,
            np.log10(attack_s + 1e-3),
            *fades_db,
        ]
    ).astype(np.float32)


def _notes(power: _Array) -> _Array:
    """The spectrum of its notes as they begin, and how each band goes on: what is struck, plucked, bowed or blown."""
    bands = _bands(power)
    decibels = _decibels(bands + float(bands.max()) * 10 ** (-_RANGE_DB / 10) + _TINY)
    coarse = decibels.reshape(len(decibels), _COARSE, -1).mean(axis=2)
    rise = np.maximum(np.diff(decibels, axis=0, prepend=decibels[:1]), 0).mean(axis=1)
    left, begins = rise.copy(), []
    for _ in range(_NOTES):
        at = int(np.argmax(left))
        begins.append(min(at + 1, len(coarse) - 1))
        left[max(0, at - 3) : at + 4] = -1.0
        if left.max() < 0.3 * rise.max():
            break
    after = np.array(begins)[:, None] + np.array(_BEHIND_FRAMES)
    heard = coarse[np.minimum(after, len(coarse) - 1)].mean(axis=0)
    notes: _Array = np.concatenate([heard[0] - heard[0].mean(), np.clip(heard[1:] - heard[0], -40, 20).ravel()])
    return notes.astype(np.float32)


def _strokes(wave: _Array) -> tuple[float, _Array]:
    """Median rise to the loudest peaks, and how far it has faded 50, 150 and 400 ms behind them."""
    steps = wave[: len(wave) // _STEP * _STEP].reshape(-1, _STEP)
    level_db = _decibels(np.square(steps).mean(axis=1) + 1e-9)
    around, most = round(0.12 / _STEP_S), 12
    left = level_db.copy()
    rises, fades = [], []
    for _ in range(most):
        at = int(np.argmax(left))
        if left[at] < level_db.max() - 15:
            break
        before = level_db[max(0, at - around) : at + 1]
        rises.append(float(np.count_nonzero(before > level_db[at] - 20)) * _STEP_S)
        after = [level_db[min(len(level_db) - 1, at + round(delay / _STEP_S))] for delay in (0.05, 0.15, 0.4)]
        fades.append(np.array(after) - level_db[at])
        left[max(0, at - around) : at + around] = -np.inf
    faded: _Array = np.clip(np.median(fades, axis=0), -60, 0).astype(np.float32)
    return float(np.median(rises)), faded


def _width(audio: Samples) -> _Array:
    """Whether it is stereo, its side against its middle, and how alike the channels are."""
    if audio.shape[0] == 1:
        return np.array([0.0, -40.0, 1.0, 0.0], np.float32)
    left, right = audio
    powers = [float(channel @ channel) + _TINY for channel in audio]
    both = float(left @ right)
    middle, side = (max(_TINY, sum(powers) + 2 * sign * both) for sign in (1, -1))
    alike = both / np.sqrt(powers[0] * powers[1])
    side_db = float(np.clip(10 * np.log10(side / middle), -40, 20))
    return np.array([1.0, side_db, alike, abs(10 * np.log10(powers[0] / powers[1]))], np.float32)


def _decibels(power: NDArray[np.floating]) -> _Array:
    decibels: _Array = (10 * np.log10(power + _TINY)).astype(np.float32)
    return decibels
