"""Responses of many shelves and bells at once, with their slopes, for fitting.

The filters are those of `runtime/console/response.py` (R. Bristow-Johnson's Audio EQ Cookbook), written over the
analogue prototype: frequencies are warped to t = (tan(w/2) / tan(w0/2))^2, and both halves of |H|^2 are short
polynomials in t.
Here a whole set of bands costs one pass over arrays; the other module is for looking at one equalizer.

A band is a row of three numbers, here and in the rest of the package: gain in dB, ln of the frequency in Hz, ln of Q.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...runtime.console.eq import HIGHEST_FREQ

Floats = NDArray[np.float64]
Kinds = NDArray[np.int64]

KINDS: Final = ("low_shelf", "bell", "high_shelf")
"""What the numbers in an array of kinds mean."""
LOW_SHELF, BELL, HIGH_SHELF = range(3)
GAIN, FREQ, Q = range(3)

_DB = 10 / math.log(10)


def warped(freqs_hz: ArrayLike, sample_rate_hz: int) -> Floats:
    """Warp frequencies as the filters at this rate see them: tan^2 of half the angle; shape as given."""
    highest_hz = HIGHEST_FREQ * sample_rate_hz
    angle = np.pi * np.minimum(np.asarray(freqs_hz, np.float64), highest_hz) / sample_rate_hz
    return np.asarray(np.tan(angle) ** 2)


def responses_db(kinds: Kinds, bands: Floats, points: Floats, sample_rate_hz: int) -> Floats:
    """Compute the gain of each band in dB.

    Args:
        kinds: of the bands, shape (..., n).
        bands: their gains, log frequencies and log Qs, shape (..., n, 3).
        points: where to look, as from :func:`warped`, shape (m,).
        sample_rate_hz: of the audio.

    Returns:
        Shape (..., n, m).
    """
    return Responses(kinds, bands, points, sample_rate_hz).gains_db()


class Responses:
    """Bands at some settings, for their gains and slopes; arguments as for :func:`responses_db`.

    |H|^2 = (u + c p) / (v + d p) with p = t / Q^2, apart from the gain that a shelf has in its middle. A high shelf is
    its gain minus the low shelf of the same settings.
    """

    def __init__(self, kinds: Kinds, bands: Floats, points: Floats, sample_rate_hz: int):
        gain_db, log_freq, log_q = (bands[..., index, None] for index in (GAIN, FREQ, Q))
        freq_hz = np.minimum(np.exp(log_freq), HIGHEST_FREQ * sample_rate_hz)
        self._w0 = 2 * np.pi * freq_hz / sample_rate_hz
        self._gain_db = gain_db
        self._A = A = 10 ** (gain_db / 40)
        self._t = t = points / np.tan(self._w0 / 2) ** 2
        self._p = t * np.exp(-2 * log_q)
        self._is_bell = kinds[..., None] == BELL
        self._is_high = kinds[..., None] == HIGH_SHELF
        self._c = np.where(self._is_bell, A**2, A)
        self._d = np.where(self._is_bell, A**-2, A)
        u = np.where(self._is_bell, (1 - t) ** 2, (A - t) ** 2)
        v = np.where(self._is_bell, u, (1 - A * t) ** 2)
        self._above, self._below = u + self._c * self._p, v + self._d * self._p

    def gains_db(self) -> Floats:
        """Compute the gain of each band, shape (..., n, m)."""
        low_db = _DB * np.log(self._above / self._below) + np.where(self._is_bell, 0, self._gain_db / 2)
        return np.asarray(np.where(self._is_high, self._gain_db - low_db, low_db))

    def slopes(self) -> Floats:
        """Differentiate the gains by gain, log frequency and log Q of the band, shape (..., n, 3, m)."""
        A, t, p, is_bell = self._A, self._t, self._p, self._is_bell
        a_above = np.where(is_bell, 2 * A**2 * p, 2 * (A - t) * A + A * p)  # by ln A
        a_below = np.where(is_bell, -2 * p / A**2, -2 * (1 - A * t) * A * t + A * p)
        t_above = np.where(is_bell, -2 * (1 - t) * t, -2 * (A - t) * t) + self._c * p  # by ln t
        t_below = np.where(is_bell, -2 * (1 - t) * t, -2 * (1 - A * t) * A * t) + self._d * p
        by_gain = self._log_slope(a_above, a_below) * math.log(10) / 40 + np.where(is_bell, 0, 0.5)
        by_freq = self._log_slope(t_above, t_below) * (-2 * self._w0 / np.sin(self._w0))
        by_q = self._log_slope(-2 * self._c * p, -2 * self._d * p)
        side = np.where(self._is_high, -1.0, 1.0)
        by_gain = np.where(self._is_high, 1 - by_gain, by_gain)
        return np.stack([by_gain, side * by_freq, side * by_q], axis=-2)

    def _log_slope(self, above: Floats, below: Floats) -> Floats:
        return np.asarray(_DB * (above / self._above - below / self._below))
