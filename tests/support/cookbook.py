"""Filters of R. Bristow-Johnson's Audio EQ Cookbook, coefficient by coefficient, to judge others by."""

import numpy as np
from mixbridge.presets.console import EQ_BANDS
from scipy.signal import freqz

CONSOLE_TYPES = ("low_shelf", "bell", "bell", "bell", "bell", "high_shelf")


def coefficients(kind, gain_db, freq_hz, q, rate_hz):
    """Numerator and denominator of one filter."""
    a = 10 ** (gain_db / 40)
    w0 = 2 * np.pi * freq_hz / rate_hz
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * q)
    if kind == "bell":
        return [1 + alpha * a, -2 * cos, 1 - alpha * a], [1 + alpha / a, -2 * cos, 1 - alpha / a]
    root = 2 * np.sqrt(a) * alpha
    if kind == "low_shelf":
        b = [a * (a + 1 - (a - 1) * cos + root), 2 * a * (a - 1 - (a + 1) * cos), a * (a + 1 - (a - 1) * cos - root)]
        return b, [a + 1 + (a - 1) * cos + root, -2 * (a - 1 + (a + 1) * cos), a + 1 + (a - 1) * cos - root]
    b = [a * (a + 1 + (a - 1) * cos + root), -2 * a * (a - 1 + (a + 1) * cos), a * (a + 1 + (a - 1) * cos - root)]
    return b, [a + 1 - (a - 1) * cos + root, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - root]


def response_db(filters, freqs_hz, rate_hz=48000):
    """Gain of several filters, each (kind, gain_db, freq_hz, q)."""
    total = np.zeros(len(freqs_hz))
    for kind, gain_db, freq_hz, q in filters:
        _, response = freqz(*coefficients(kind, gain_db, freq_hz, q, rate_hz), worN=freqs_hz, fs=rate_hz)
        total += 20 * np.log10(np.abs(response))
    return total


def console_filters(eq):
    """The filters of a console's equalizer."""
    bands = [getattr(eq, name) for name in EQ_BANDS]
    return [(kind, band.gain_db, band.freq_hz, band.q) for kind, band in zip(CONSOLE_TYPES, bands, strict=True)]


def desk_filters(values, slots):
    """The filters that a desk has with these settings; slots as in `EqAbility.slots`."""
    return [
        (
            values.get(f"eq.{slot.name}.type", slot.types[0]),
            values[f"eq.{slot.name}.gain_db"],
            values[f"eq.{slot.name}.freq_hz"],
            values.get(f"eq.{slot.name}.q", slot.shelf_q),
        )
        for slot in slots
    ]
