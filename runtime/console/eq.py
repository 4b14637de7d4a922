"""The equalizer: the filters of R. Bristow-Johnson's Audio EQ Cookbook, as sections in double precision.

pedalboard has the same filters in single precision. The lower and narrower a band is in parts of the sample rate, the
more that shows: for gains to 12 dB and Q to 5 a low shelf at 20 Hz is wrong by up to 1 dB at 44.1 kHz, and adds noise
of its own at -60 dB of the signal. And it runs one band after the other: five in a row take 2.5 times as long as here.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from ...presets.console import EQ_BANDS, EqBand, Equalizer

# A smaller gain is not heard; leaving the filter out makes a flat equalizer exact.
INAUDIBLE_DB = 0.01
# The filters warp and then fail towards half the sample rate.
HIGHEST_FREQ = 0.49
_SIDES = {"low_shelf": 1, "high_shelf": -1}

Section = tuple[float, float, float, float, float, float]
"""b0, b1, b2, a0, a1, a2, divided by a0."""


def eq_sections(eq: Equalizer, sample_rate_hz: int, moving: Collection[str] = ()) -> dict[str, Section]:
    """Design the filters that do something, or will, by band, in their order.

    Args:
        eq: its settings.
        sample_rate_hz: of the audio.
        moving: bands that will be retuned, and are there in any case.
    """
    return {
        name: section(name, band, sample_rate_hz)
        for name in EQ_BANDS
        for band in (getattr(eq, name),)
        if abs(band.gain_db) >= INAUDIBLE_DB or name in moving
    }


def section(name: str, band: EqBand, sample_rate_hz: int) -> Section:
    """Designs the filter of a band.

    Args:
        name: one of `EQ_BANDS`, which decides between shelf and bell.
        band: its settings.
        sample_rate_hz: of the audio; frequencies above 0.49 of it are moved there.
    """
    A = 10 ** (band.gain_db / 40)
    w0 = 2 * math.pi * min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz) / sample_rate_hz
    cosine, alpha = math.cos(w0), math.sin(w0) / (2 * band.q)
    side = _SIDES.get(name)
    if side is None:
        a0 = 1 + alpha / A
        middle = -2 * cosine / a0
        return (1 + alpha * A) / a0, middle, (1 - alpha * A) / a0, 1.0, middle, (1 - alpha / A) / a0
    # The two shelves differ in the sign of the cosine, and of the middle coefficients.
    cosine, slope = side * cosine, 2 * math.sqrt(A) * alpha
    more, less = A + 1, A - 1
    a0 = more + less * cosine + slope
    return (
        A * (more - less * cosine + slope) / a0,
        side * 2 * A * (less - more * cosine) / a0,
        A * (more - less * cosine - slope) / a0,
        1.0,
        side * -2 * (less + more * cosine) / a0,
        (more + less * cosine - slope) / a0,
    )
