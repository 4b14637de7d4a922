"""The equalizer: the filters of R. Bristow-Johnson's Audio EQ Cookbook, by pedalboard and in double precision.

pedalboard computes in single precision. The lower and narrower a band is in parts of the sample rate, the more that
shows: for gains to 12 dB and Q to 5 a low shelf at 20 Hz is wrong by up to 1 dB at 44.1 kHz, and adds noise of its own
at -60 dB of the signal. So bands below :func:`exact_below_hz` run in double precision, at twice the cost; what is left
to pedalboard is wrong by 0.1 dB at most, and by less than 0.01 dB from 150 Hz on.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from pedalboard import HighShelfFilter, LowShelfFilter, PeakFilter, Plugin

from ...presets.console import EQ_BANDS, EqBand, Equalizer

# A smaller gain is not heard; leaving the filter out makes a flat equalizer exact.
INAUDIBLE_DB = 0.01
# The filters warp and then fail towards half the sample rate.
HIGHEST_FREQ = 0.49
# 55 Hz at 44.1 kHz, 240 Hz at 192 kHz.
_EXACT_BELOW = 1 / 800
_SIDES = {"low_shelf": 1, "high_shelf": -1}

Section = tuple[float, float, float, float, float, float]
"""b0, b1, b2, a0, a1, a2, divided by a0."""


def exact_below_hz(q: float, sample_rate_hz: int) -> float:
    """The frequency below which a band runs in double precision."""
    return max(q, 1.0) * _EXACT_BELOW * sample_rate_hz


def exact_sections(
    eq: Equalizer, sample_rate_hz: int, moving: Collection[str] = (), low: Collection[str] = ()
) -> dict[str, Section]:
    """Design the filters that run in double precision and do something, or will, by band, in their order.

    Args:
        eq: its settings.
        sample_rate_hz: of the audio.
        moving: bands that will be retuned, and are there in any case.
        low: those of them that get below :func:`exact_below_hz`.
    """
    bands = _audible(eq, moving)
    return {
        name: section(name, band, sample_rate_hz)
        for name, band in bands.items()
        if (name in low if name in moving else band.freq_hz < exact_below_hz(band.q, sample_rate_hz))
    }


def eq_bands(
    eq: Equalizer, sample_rate_hz: int, moving: Collection[str] = (), low: Collection[str] = ()
) -> dict[str, Plugin]:
    """Make the other filters likewise; arguments as above.

    Frequencies above 0.49 of the sample rate are moved there.
    """
    exact = exact_sections(eq, sample_rate_hz, moving, low)
    return {
        name: _KINDS.get(name, PeakFilter)(min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz), band.gain_db, band.q)
        for name, band in _audible(eq, moving).items()
        if name not in exact
    }


def tune_plugin(plugin: Plugin, band: EqBand, sample_rate_hz: int) -> None:
    """Give a filter that :func:`eq_bands` made other settings; its state stays."""
    wanted = {
        "cutoff_frequency_hz": min(band.freq_hz, HIGHEST_FREQ * sample_rate_hz),
        "gain_db": band.gain_db,
        "q": band.q,
    }
    for name, value in wanted.items():
        if getattr(plugin, name) != value:
            setattr(plugin, name, value)


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


def _audible(eq: Equalizer, moving: Collection[str]) -> dict[str, EqBand]:
    bands: dict[str, EqBand] = {name: getattr(eq, name) for name in EQ_BANDS}
    return {name: band for name, band in bands.items() if abs(band.gain_db) >= INAUDIBLE_DB or name in moving}


_KINDS: dict[str, type[LowShelfFilter | HighShelfFilter | PeakFilter]] = {
    "low_shelf": LowShelfFilter,
    "high_shelf": HighShelfFilter,
}
