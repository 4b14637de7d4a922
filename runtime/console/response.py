"""What the equalizer and the compressor do, as curves to look at; nothing is filtered here.

The formulas are those of the processors (`eq.py`, `compressor.py`): R. Bristow-Johnson's Audio EQ Cookbook at the rate
of the audio, and the compressor's static law, which holds for a level that stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...presets.console import EQ_BANDS, Compressor, EqBand, Equalizer
from .eq import INAUDIBLE_DB, section

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
            filter_ = section(name, band, sample_rate_hz)
            above, below = (np.polynomial.polynomial.polyval(turns, part) for part in (filter_[:3], filter_[3:]))
            result[name] = above / below
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
