"""How alike two mono tracks are: level, colour, what is played when, and whether it is the same wave.

Each track is looked at once (:func:`portrait`), in bands of a third of an octave and steps of 23 ms; two portraits are
compared in well under a millisecond, but for their waves, which take a Fourier transform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..audio.reading import Samples

_TINY = 1e-12
_FRAME_S, _HOP_S = 0.046, 0.023
_LOWEST_HZ, _HIGHEST_HZ, _BANDS = 60.0, 12000.0, 24
# Below the loudest step of a band by this much, noise and decay decide; they are not compared.
_RANGE_DB = 50.0
# Sides of one recording and microphones of one sound differ by no more than this: 7 m.
_LONGEST_DELAY_S = 0.02


@dataclass(frozen=True)
class Portrait:
    """What is compared of a track.

    Attributes:
        wave: its samples, shape (samples,).
        sample_rate_hz: of them.
        bands_db: power over time, shape (steps, bands).
    """

    wave: NDArray[np.float32]
    sample_rate_hz: int
    bands_db: NDArray[np.float64]

    @cached_property
    def level_db(self) -> float:
        """Mean power."""
        return 10 * math.log10(float(np.mean(np.square(self.wave, dtype=np.float64))) + _TINY)

    @cached_property
    def colour_db(self) -> NDArray[np.float64]:
        """Mean power of each band, about its mean."""
        mean_db: NDArray[np.float64] = 10 * np.log10(np.mean(10 ** (self.bands_db / 10), axis=0) + _TINY)
        about_mean: NDArray[np.float64] = mean_db - mean_db.mean()
        return about_mean

    @cached_property
    def spectrum(self) -> NDArray[np.complex64]:
        """Of the wave with its highs and lows evened out, padded for a correlation that does not go round."""
        samples = len(self.wave)
        size = 1 << (2 * samples - 1).bit_length()
        spectrum = np.fft.rfft(self.wave, size)
        power = np.square(np.abs(spectrum))
        width = max(1, round(200 * size / self.sample_rate_hz))
        smooth = _smoothed(power, width)
        even: NDArray[np.complex64] = (spectrum / np.sqrt(smooth + smooth.max() * 1e-6 + _TINY)).astype(np.complex64)
        return even


@dataclass(frozen=True)
class Likeness:
    """How alike two tracks are.

    Attributes:
        level_db: by how much their levels differ.
        colour_db: by how much their spectra differ, root mean square over the bands.
        playing: correlation of what is played when and where in the spectrum, -1..1.
        wave: correlation of their waves, with equal weight for all frequencies, at the best delay, 0..1.
    """

    level_db: float
    colour_db: float
    playing: float
    wave: float


def portrait(audio: Samples, sample_rate_hz: int) -> Portrait:
    """Look at a track, shape (1, samples)."""
    wave = np.ascontiguousarray(audio.mean(axis=0), dtype=np.float32)
    return Portrait(wave, sample_rate_hz, _bands_db(wave, sample_rate_hz))


def likeness(one: Portrait, other: Portrait) -> Likeness:
    """Compare two tracks of the same passage."""
    return Likeness(
        abs(one.level_db - other.level_db),
        float(np.sqrt(np.mean(np.square(one.colour_db - other.colour_db)))),
        _played_alike(one.bands_db, other.bands_db),
        _same_wave(one, other),
    )


def _smoothed(power: NDArray[np.float32], width: int) -> NDArray[np.float64]:
    """Mean over so many neighbours."""
    total = np.concatenate(([0.0], np.cumsum(power, dtype=np.float64)))
    first = np.arange(len(power)) - width // 2
    ends = np.clip(np.stack([first, first + width]), 0, len(power))
    smooth: NDArray[np.float64] = (total[ends[1]] - total[ends[0]]) / width
    return smooth


def _bands_db(wave: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float64]:
    frame, hop = round(_FRAME_S * sample_rate_hz), round(_HOP_S * sample_rate_hz)
    padded = np.pad(wave, (0, max(0, frame - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(frame).astype(np.float32))))
    edges_hz = np.geomspace(_LOWEST_HZ, min(_HIGHEST_HZ, 0.45 * sample_rate_hz), _BANDS + 1)
    starts = np.searchsorted(np.fft.rfftfreq(frame, 1 / sample_rate_hz), edges_hz)
    starts = np.maximum.accumulate(np.maximum(starts, np.arange(_BANDS + 1)))
    bands = np.stack([power[:, a : max(b, a + 1)].mean(axis=1) for a, b in pairwise(starts)], axis=1)
    decibels: NDArray[np.float64] = 10 * np.log10(bands + bands.max(axis=0) * 10 ** (-_RANGE_DB / 10) + _TINY)
    return decibels


def _played_alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Each band about its own mean, so that colour and level count for nothing."""
    a, b = (item - item.mean(axis=0) for item in (one, other))
    power = math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))
    return float(np.sum(a * b)) / power if power > _TINY else 0.0


def _same_wave(one: Portrait, other: Portrait) -> float:
    lowest, highest = correlation_peaks(one, other)
    return min(1.0, max(-lowest, highest))


def correlation_peaks(one: Portrait, other: Portrait, longest_s: float = _LONGEST_DELAY_S) -> tuple[float, float]:
    """The lowest and the highest correlation of two waves, with equal weight for all frequencies, -1..1.

    Args:
        one: a track.
        other: another one, of the same length.
        longest_s: delay up to which they are shifted against each other, both ways.
    """
    a, b = one.spectrum, other.spectrum
    power = math.sqrt(float(np.sum(np.square(np.abs(a)))) * float(np.sum(np.square(np.abs(b)))))
    if power <= _TINY:
        return 0.0, 0.0
    correlation = np.fft.irfft(a * np.conj(b))
    reach = round(longest_s * one.sample_rate_hz)
    near = np.concatenate([correlation[: reach + 1], correlation[-reach:]]) * len(correlation) / (2 * power)
    return float(near.min()), float(near.max())
