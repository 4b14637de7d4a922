"""The gain of a plug-in's bands in dB, by the formula or the measured shapes in its profile. Nothing is filtered.

The formulas are the bells, shelves and second-order cuts of R. Bristow-Johnson's Audio EQ Cookbook over the analogue
prototype, with frequencies bent by the bilinear transform ("cookbook") or not ("analogue"), and the bell of
S. J. Orfanidis, "Digital Parametric Equalizer Design with Prescribed Nyquist-Frequency Gain" (JAES 1997), "nyquist".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .sections import BandKind, BandShape, PluginBand

Floats = NDArray[np.float64]

# Filters end a hair below half the sample rate, where the tangent does.
_HIGHEST = 0.4999
# Below it a band does nothing, and formulas divide by nothing.
_NOTHING_DB = 1e-6


def band_response_db(
    band: PluginBand, kind: BandKind, gain_db: float, freq_hz: float, q: float, freqs_hz: Floats, sample_rate_hz: float
) -> Floats:
    """Compute the gain of one band.

    Args:
        band: which formula or shapes.
        kind: what it is set to.
        gain_db: 0 for a cut.
        freq_hz: its frequency.
        q: its Q; of a shelf with a slope it is not used.
        freqs_hz: where to look, shape (n,).
        sample_rate_hz: of the audio.

    Returns:
        BandShape (n,).
    """
    if kind in ("low_cut", "high_cut"):
        t = _ratio(band, freqs_hz, freq_hz, sample_rate_hz)
        return _cut_db(kind, q if band.q else None, band.order, t)
    if abs(gain_db) < _NOTHING_DB:
        return np.zeros(np.shape(freqs_hz))
    if band.design == "table":
        return _shape_db(band.shapes, gain_db, q, np.log2(np.maximum(freqs_hz, 1e-3) / freq_hz))
    if kind in ("low_shelf", "high_shelf"):
        shelf_q = q if band.slope is None else slope_q(band.slope, gain_db)
        return _shelf_db(kind, gain_db, shelf_q, _ratio(band, freqs_hz, freq_hz, sample_rate_hz))
    if band.design == "nyquist":
        return nyquist_bell_db(gain_db, freq_hz, q, freqs_hz, sample_rate_hz)
    return _bell_db(gain_db, q, _ratio(band, freqs_hz, freq_hz, sample_rate_hz))


def slope_q(slope: float, gain_db: float) -> float:
    """Compute the Q of a shelf with the cookbook's slope S at this gain."""
    A = 10 ** (gain_db / 40)
    return float(1 / math.sqrt((A + 1 / A) * (1 / slope - 1) + 2))


def nyquist_bell_db(gain_db: float, freq_hz: float, q: float, freqs_hz: Floats, sample_rate_hz: float) -> Floats:
    """Compute the gain of Orfanidis's bell, which has at half the sample rate what an analogue one has there.

    Its bandwidth lies between the points at half the gain in dB, as the cookbook's. Names are those of the paper.
    """
    w0 = 2 * math.pi * min(freq_hz / sample_rate_hz, _HIGHEST)
    G, GB = 10 ** (gain_db / 20), 10 ** (gain_db / 40)
    F, G00, F00 = abs(G * G - GB * GB), abs(G * G - 1), abs(GB * GB - 1)
    spread = F00 * (math.pi * w0 / q) ** 2 / F
    far = (w0**2 - math.pi**2) ** 2
    G1 = math.sqrt((far + G * G * spread) / (far + spread))
    G01, G11 = abs(G * G - G1), abs(G * G - G1 * G1)
    F01, F11 = abs(GB * GB - G1), abs(GB * GB - G1 * G1)
    W2 = math.sqrt(G11 / G00) * math.tan(w0 / 2) ** 2
    width = (1 + math.sqrt(F00 / F11) * W2) * math.tan(w0 / q / 2)
    C = F11 * width**2 - 2 * W2 * (F01 - math.sqrt(F00 * F11))
    D = 2 * W2 * (G01 - math.sqrt(G00 * G11))
    A, B = math.sqrt(max(C + D, 0) / F), math.sqrt(max(G * G * C + GB * GB * D, 0) / F)
    turns = np.exp(-2j * np.pi * np.asarray(freqs_hz) / sample_rate_hz)
    above = np.polynomial.polynomial.polyval(turns, [G1 + W2 + B, -2 * (G1 - W2), G1 - B + W2])
    below = np.polynomial.polynomial.polyval(turns, [1 + W2 + A, -2 * (1 - W2), 1 + W2 - A])
    return np.asarray(20 * np.log10(np.abs(above / below)))


def _ratio(band: PluginBand, freqs_hz: Floats, freq_hz: float, sample_rate_hz: float) -> Floats:
    """Gives the square of frequencies over that of the band, bent as the band's design has it."""
    if band.design != "cookbook":
        return np.asarray((freqs_hz / freq_hz) ** 2)
    bent = np.tan(np.pi * np.minimum(freqs_hz / sample_rate_hz, _HIGHEST))
    return np.asarray((bent / math.tan(math.pi * min(freq_hz / sample_rate_hz, _HIGHEST))) ** 2)


def _bell_db(gain_db: float, q: float, t: Floats) -> Floats:
    A = 10 ** (gain_db / 40)
    return np.asarray(10 * np.log10(((1 - t) ** 2 + A * A * t / q**2) / ((1 - t) ** 2 + t / (A * q) ** 2)))


def _shelf_db(kind: BandKind, gain_db: float, q: float, t: Floats) -> Floats:
    A = 10 ** (gain_db / 40)
    side = A * t / q**2
    low = gain_db / 2 + 10 * np.log10(((A - t) ** 2 + side) / ((1 - A * t) ** 2 + side))
    return np.asarray(low if kind == "low_shelf" else gain_db - low)


def _cut_db(kind: BandKind, q: float | None, order: int, t: Floats) -> Floats:
    """Butterworth of this order, or one section of the second order with a Q of its own."""
    t = np.maximum(t if kind == "high_cut" else 1 / np.maximum(t, 1e-12), 1e-12)
    power = 1 + t**order if q is None else (1 - t) ** 2 + t / q**2
    return np.asarray(-10 * np.log10(power))


def _shape_db(shapes: Sequence[BandShape], gain_db: float, q: float, octaves: Floats) -> Floats:
    """Between the measured shapes: those of the nearest Qs, of each those of the nearest gains; nothing at 0 dB."""
    qs = sorted({shape.q for shape in shapes if shape.q is not None})
    if not qs:
        return _by_gain(shapes, gain_db, octaves)
    at = float(np.interp(math.log(q), np.log(qs), np.arange(len(qs))))
    low, high = int(at), min(int(at) + 1, len(qs) - 1)
    below, above = (
        _by_gain([shape for shape in shapes if shape.q == qs[index]], gain_db, octaves) for index in (low, high)
    )
    return below + (at - low) * (above - below)


def _by_gain(shapes: Sequence[BandShape], gain_db: float, octaves: Floats) -> Floats:
    same = sorted((shape for shape in shapes if shape.gain_db * gain_db > 0), key=lambda shape: abs(shape.gain_db))
    if not same:
        # Only the other side was measured: it is mirrored.
        return -_by_gain(shapes, -gain_db, octaves)
    curves = [np.interp(octaves, shape.octaves, shape.response_db) for shape in same]
    gains = [abs(shape.gain_db) for shape in same]
    size = abs(gain_db)
    if size <= gains[0]:
        return np.asarray(curves[0] * (size / gains[0]))
    upper = min(int(np.searchsorted(gains, size)), len(gains) - 1)
    if size >= gains[-1]:
        return np.asarray(curves[-1] * (size / gains[-1]))
    share = (size - gains[upper - 1]) / (gains[upper] - gains[upper - 1])
    return np.asarray(curves[upper - 1] + share * (curves[upper] - curves[upper - 1]))
