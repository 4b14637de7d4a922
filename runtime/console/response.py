"""What the equalizer and the compressor do, as curves to look at; nothing is filtered here.

The formulas are those of the processors (`eq.py`, `compressor.py`): R. Bristow-Johnson's Audio EQ Cookbook at the rate
of the audio, and the compressor's static law, which holds for a level that stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...presets.console import EQ_BANDS, Compressor, EqBand, Equalizer
from .eq import HIGHEST_FREQ, INAUDIBLE_DB

Curve = NDArray[np.float64]


def eq_response_db(eq: Equalizer, freqs_hz: ArrayLike, sample_rate_hz: int) -> Curve:
    """Gain of a whole equalizer.

    Args:
        eq: its settings.
        freqs_hz: where to look, shape (n,); up to half the sample rate.
        sample_rate_hz: of the audio.

    Returns:
        Gains in dB, shape (n,).
    """
    bands = band_responses_db(eq, freqs_hz, sample_rate_hz).values()
    return sum(bands, np.zeros(np.shape(freqs_hz)))


def band_responses_db(eq: Equalizer, freqs_hz: ArrayLike, sample_rate_hz: int) -> dict[str, Curve]:
    """Gain of each band that does something, by its name; arguments as for :func:`eq_response_db`."""
    factors = band_factors(eq, freqs_hz, sample_rate_hz)
    return {name: 20 * np.log10(np.abs(factor)) for name, factor in factors.items()}


def band_factors(eq: Equalizer, freqs_hz: ArrayLike, sample_rate_hz: int) -> dict[str, NDArray[np.complex128]]:
    """What each band that does something multiplies a spectrum by, phase included; arguments as above."""
    turns = np.exp(-2j * np.pi * np.asarray(freqs_hz, np.float64) / sample_rate_hz)
    result = {}
    for name in EQ_BANDS:
        band: EqBand = getattr(eq, name)
        if abs(band.gain_db) >= INAUDIBLE_DB:
            b, a = _KINDS.get(name, _bell)(band, sample_rate_hz)
            result[name] = np.polynomial.polynomial.polyval(turns, b) / np.polynomial.polynomial.polyval(turns, a)
    return result


def compressor_gain_db(compressor: Compressor, level_db: ArrayLike) -> Curve:
    """How much a level that stays is turned down, 0 or less; makeup is not in it."""
    above_db = np.asarray(level_db, np.float64) - (compressor.threshold_db - compressor.knee_db / 2)
    over_db = np.maximum(above_db, 0)
    if compressor.knee_db > 0:
        inside_db = np.minimum(over_db, compressor.knee_db)
        over_db = over_db - inside_db + inside_db**2 / (2 * compressor.knee_db)
    return (1 / compressor.ratio - 1) * over_db


def compressor_curve_db(compressor: Compressor, input_db: ArrayLike) -> Curve:
    """The level that comes out for one that goes in and stays, makeup included; shape as `input_db`."""
    return np.asarray(input_db, np.float64) + compressor_gain_db(compressor, input_db) + compressor.makeup_db


def _bell(band: EqBand, sample_rate_hz: int) -> tuple[Curve, Curve]:
    amplitude, cosine, alpha = _common(band, sample_rate_hz)
    b = [1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude]
    a = [1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude]
    return np.array(b), np.array(a)


def _low_shelf(band: EqBand, sample_rate_hz: int) -> tuple[Curve, Curve]:
    return _shelf(band, sample_rate_hz, 1)


def _high_shelf(band: EqBand, sample_rate_hz: int) -> tuple[Curve, Curve]:
    return _shelf(band, sample_rate_hz, -1)


def _shelf(band: EqBand, sample_rate_hz: int, side: int) -> tuple[Curve, Curve]:
    """The cookbook's two shelves differ in the sign of the cosine, and of the middle coefficients."""
    A, cosine, alpha = _common(band, sample_rate_hz)
    cosine *= side
    slope = 2 * math.sqrt(A) * alpha
    b = [
        A * (A + 1 - (A - 1) * cosine + slope),
        side * 2 * A * (A - 1 - (A + 1) * cosine),
        A * (A + 1 - (A - 1) * cosine - slope),
    ]
    a = [
        A + 1 + (A - 1) * cosine + slope,
        side * -2 * (A - 1 + (A + 1) * cosine),
        A + 1 + (A - 1) * cosine - slope,
    ]
    return np.array(b), np.array(a)


def _common(band: EqBand, sample_rate_hz: int) -> tuple[float, float, float]:
    """The cookbook's A, cos(w0) and alpha."""
    w0 = 2 * math.pi * min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz) / sample_rate_hz
    return float(10 ** (band.gain_db / 40)), math.cos(w0), math.sin(w0) / (2 * band.q)


_KINDS: dict[str, Callable[[EqBand, int], tuple[Curve, Curve]]] = {
    "low_shelf": _low_shelf,
    "high_shelf": _high_shelf,
}
