"""Bands in which a stem has nothing but noise, and how far a strip lifts them against the music.

Noise that stays is as loud while nobody plays as while somebody does; music is not. A stem that never falls silent,
such as a held chord, tells nothing: then no band counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Strip
from ...presets.parts.match import THIRDS_HZ
from ..audio.loudness import k_weights
from ..audio.reading import Samples
from ..console.dynamics import compressor_work
from ..console.response import eq_response_db

Floats = NDArray[np.float64]

_FRAME_S: Final = 0.093
# A stem that moves by this between its pauses and its loud parts shows what is noise.
_MOVES_DB: Final = 12.0
# A band that moves by no more than this, beyond what noise does by chance, and is this far below the loudest band.
_STEADY_DB, _BELOW_DB = 3.0, 20.0
# From the pauses to the loud parts; and the share of the spread of chance that lies between them.
_QUANTILES: Final = (0.1, 0.95)
_CHANCE: Final = 2.9
_CHANCE_DB: Final = 4.34
_TINY: Final = 1e-16


@dataclass(frozen=True)
class NoiseBands:
    """Where a stem has only noise.

    Attributes:
        is_noise: by third octave of :data:`THIRDS_HZ`.
        loud: power of each while it plays, as loudness weighs it, of a total of 1.
    """

    is_noise: NDArray[np.bool_]
    loud: Floats


def noise_bands(audio: Samples, sample_rate_hz: int) -> NoiseBands:
    """Find where a stem, shape (1 or 2, n), has only noise."""
    from scipy import fft  # late, as in audio/loudness.py

    size = 2 ** round(np.log2(_FRAME_S * sample_rate_hz))
    thirds_hz = np.array(THIRDS_HZ)
    if audio.shape[1] < 4 * size:
        return NoiseBands(np.zeros(len(thirds_hz), bool), np.full(len(thirds_hz), 1 / len(thirds_hz)))
    frames = np.lib.stride_tricks.sliding_window_view(audio, size, axis=1)[:, :: size // 2]
    # Leaks 90 dB down, so that a loud note fills no other band.
    spectrum = fft.rfft(frames * np.blackman(size).astype(np.float32), axis=2)
    power = np.square(np.abs(spectrum), dtype=np.float64).sum(axis=0)
    edges = np.outer(thirds_hz, [2 ** (-1 / 6), 2 ** (1 / 6)]) * size / sample_rate_hz
    first = np.clip(np.ceil(edges[:, 0]).astype(int), 1, power.shape[1] - 1)
    last = np.clip(np.ceil(edges[:, 1]).astype(int), first + 1, power.shape[1])
    sums = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    bands = sums[:, last] - sums[:, first] + _TINY
    levels_db = 10 * np.log10(bands)
    quiet_db, loud_db = np.quantile(levels_db, _QUANTILES, axis=0)
    whole_db = np.quantile(10 * np.log10(bands.sum(axis=1)), _QUANTILES)
    plays = bands.sum(axis=1) > 10 ** (whole_db[1] / 10 - 1)
    weighted = bands[plays].mean(axis=0) * k_weights(thirds_hz, sample_rate_hz)
    loud = weighted / weighted.sum()
    if whole_db[1] - whole_db[0] < _MOVES_DB:
        return NoiseBands(np.zeros(len(thirds_hz), bool), loud)
    freedom = np.maximum(2.0, last - first)
    by_chance_db = _CHANCE * _CHANCE_DB * np.sqrt(2 / freedom)
    is_noise = (loud_db - quiet_db < _STEADY_DB + by_chance_db) & (loud_db < loud_db.max() - _BELOW_DB)
    return NoiseBands(is_noise & (thirds_hz < 0.45 * sample_rate_hz), loud)


def noise_lift_db(bands: NoiseBands, strip: Strip, audio: Samples, sample_rate_hz: int) -> float:
    """How far a strip lifts what is only noise against the music, at most; 0 where nothing is.

    Its equalizer lifts a band, and its compressor everything that is softer than what it turns down.
    """
    if not bands.is_noise.any():
        return 0.0
    curve_db = eq_response_db(strip.eq, np.array(THIRDS_HZ), sample_rate_hz)
    return float((curve_db - music_db(bands, strip, audio, sample_rate_hz))[bands.is_noise].max())


def music_db(bands: NoiseBands, strip: Strip, audio: Samples, sample_rate_hz: int) -> float:
    """How much louder equalizer and compressor make the music itself."""
    curve_db = eq_response_db(strip.eq, np.array(THIRDS_HZ), sample_rate_hz)
    equalized_db = float(10 * np.log10((bands.loud * 10 ** (curve_db / 10)).sum()))
    if strip.compressor.ratio <= 1:
        return equalized_db
    work = compressor_work(audio, sample_rate_hz, strip.input_gain_db, strip.eq, strip.compressor, playing_db=10.0)
    return equalized_db - work.mean_db
