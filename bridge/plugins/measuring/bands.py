"""One band of an equalizer: the formula, gain, frequency and Q that are nearest to a measured response."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..response import band_response_db
from ..sections import BandKind, BandShape, Design, PluginBand
from .rig import FREQS_HZ, RATE_HZ, Floats

DESIGNS: Final[tuple[Design, ...]] = ("cookbook", "analogue", "nyquist")
_Q_RANGE: Final = (0.02, 200.0)
# Flatter responses have no frequency that could be told.
AUDIBLE_DB: Final = 0.3
# A response that still falls so much in its last octave is a cut's.
_FALLING_DB: Final = 5.0


@dataclass(frozen=True)
class BandFit:
    """A response as numbers.

    Attributes:
        gain_db: of the band.
        freq_hz: its frequency.
        q: its Q.
        error_db: largest distance from the response.
    """

    gain_db: float
    freq_hz: float
    q: float
    error_db: float


def kind_of_response(response_db: Floats) -> BandKind | None:
    """What a response is, by its ends; None if it is flat."""
    size = float(response_db[np.argmax(np.abs(response_db))])
    if abs(size) < AUDIBLE_DB:
        return None
    low, high = float(response_db[0]) / size, float(response_db[-1]) / size
    octave = int(np.searchsorted(FREQS_HZ, 40.0))
    for end, inside, cut in ((0, octave, "low_cut"), (-1, -1 - octave, "high_cut")):
        if response_db[end] < -15 and response_db[inside] - response_db[end] > _FALLING_DB:
            return "low_cut" if cut == "low_cut" else "high_cut"
    if low > 0.6 and high > 0.6:
        return None
    if low > 0.6:
        return "low_shelf"
    return "high_shelf" if high > 0.6 else "bell"


def fit_band(kind: BandKind, design: Design, response_db: Floats, start: BandFit | None = None) -> BandFit:
    """Find the band of a kind and design that is nearest to a response.

    Args:
        kind: "bell" or a shelf.
        design: a formula.
        response_db: at `FREQS_HZ`.
        start: where to begin; found from the response if absent.
    """
    from scipy.optimize import least_squares

    band = blank(kind, design)
    begin = start or _guess(kind, response_db)

    def distance(x: Floats) -> Floats:
        q = math.exp(min(max(x[2], math.log(_Q_RANGE[0])), math.log(_Q_RANGE[1])))
        with np.errstate(all="ignore"):
            curve = band_response_db(band, kind, x[0], math.exp(x[1]), q, FREQS_HZ, RATE_HZ)
        return np.nan_to_num(curve, nan=100.0, posinf=100.0, neginf=-100.0) - response_db

    low, high = [-90.0, math.log(5.0), math.log(_Q_RANGE[0])], [60.0, math.log(23000.0), math.log(_Q_RANGE[1])]
    first = np.clip([begin.gain_db, math.log(begin.freq_hz), math.log(begin.q)], np.add(low, 1e-6), np.add(high, -1e-6))
    found = least_squares(distance, first, bounds=(low, high), x_scale=[1.0, 0.1, 0.2], max_nfev=60)
    gain_db, log_freq, log_q = found.x
    return BandFit(float(gain_db), math.exp(log_freq), math.exp(log_q), float(np.abs(found.fun).max()))


def best_fit(kind: BandKind, design: Design, response_db: Floats, start: BandFit | None = None) -> BandFit:
    """The better of a fit from what the response looks like and one from where another ended."""
    fits = [fit_band(kind, design, response_db)]
    if fits[0].error_db > 0.02 and start is not None:
        fits.append(fit_band(kind, design, response_db, start))
    return min(fits, key=lambda fit: fit.error_db)


def blank(kind: BandKind, design: Design) -> PluginBand:
    """A band of a kind and design, for its formula alone."""
    return PluginBand(slot="x", kinds=(kind,), design=design, gain="gain", freq="freq", q="q")


def slope_of(fit: BandFit) -> float:
    """The cookbook's slope S of a shelf that was fitted with a Q."""
    A = 10 ** (fit.gain_db / 40)
    return float(1 / ((1 / fit.q**2 - 2) / (A + 1 / A) + 1))


def shape_of(gain_db: float, freq_hz: float, response_db: Floats, freqs_hz: Floats) -> BandShape:
    """A response as a shape with as many points as it takes to come within 1/300 of its gain."""
    octaves = np.log2(freqs_hz / freq_hz)
    kept = _corners(octaves, response_db, max(abs(gain_db) / 300, 0.005))
    return BandShape(
        gain_db=round(gain_db, 4),
        octaves=tuple(round(float(octaves[index]), 5) for index in kept),
        response_db=tuple(round(float(response_db[index]), 3) for index in kept),
    )


def _guess(kind: BandKind, response_db: Floats) -> BandFit:
    peak = int(np.argmax(np.abs(response_db)))
    gain_db = float(response_db[peak])
    above = np.abs(response_db) >= abs(gain_db) / 2
    if kind == "bell":
        inside = np.flatnonzero(above)
        octaves = max(math.log2(FREQS_HZ[inside[-1]] / FREQS_HZ[inside[0]]), 0.02)
        q = 1 / (2 * math.sinh(math.log(2) / 2 * octaves))
        return BandFit(gain_db, float(FREQS_HZ[peak]), q, math.inf)
    corner = int(np.argmin(np.abs(np.abs(response_db) - abs(gain_db) / 2)))
    return BandFit(gain_db, float(FREQS_HZ[corner]), 0.7, math.inf)


def _corners(x: Floats, y: Floats, tolerance: float) -> list[int]:
    """The points between which straight lines come within a tolerance of all others."""
    kept, open_spans = {0, len(x) - 1}, [(0, len(x) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        line = np.interp(x[first : last + 1], [x[first], x[last]], [y[first], y[last]])
        error = np.abs(y[first : last + 1] - line)
        worst = int(error.argmax())
        if error[worst] > tolerance:
            kept.add(first + worst)
            open_spans += [(first, first + worst), (first + worst, last)]
    return sorted(kept)
