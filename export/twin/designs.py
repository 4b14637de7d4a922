"""Coefficients of the console's filters from their settings, differentiable; shape (batch, sections, 5).

The filters are those of the runtime: R. Bristow-Johnson's Audio EQ Cookbook, and Butterworth cuts. b0, b1, b2, a1,
a2, divided by a0.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ...presets.console import EQ_BANDS, HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ
from ...runtime.audio.loudness import k_weighting_sections
from ...runtime.console.cut import STEEP_DB
from ...runtime.console.deesser import BAND_Q
from ...runtime.console.eq import HIGHEST_FREQ
from ...runtime.console.saturation import TONE_DB, TONE_HZ
from .settings import NEPER_PER_DB, TwinSettings

# Butterworth of second and fourth order as sections.
_SMOOTH_Q = math.sqrt(0.5)
# Their places among the bands, and the sign in which they differ.
_SHELVES = ((0, 1), (len(EQ_BANDS) - 1, -1))
_STEEP_Q = tuple(1 / (2 * math.cos(angle)) for angle in (math.pi / 8, 3 * math.pi / 8))


def eq_sections(eq: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Designs low shelf, four bells, high shelf, from settings of the equalizer."""
    names = ("gain_db", "freq_hz", "q")
    gain_db, freq_hz, q = (
        torch.stack([eq[f"{band}.{name}"].to(torch.float64) for band in EQ_BANDS], dim=1) for name in names
    )
    A = torch.exp(gain_db * (NEPER_PER_DB / 2))
    cosine, sine = _turn(freq_hz, sample_rate_hz)
    shelves = [
        _shelf(A[:, at : at + 1], cosine[:, at : at + 1], sine[:, at : at + 1], q[:, at : at + 1], side)
        for at, side in _SHELVES
    ]
    bells = _bell(A[:, 1:-1], cosine[:, 1:-1], sine[:, 1:-1], q[:, 1:-1])
    return torch.cat([shelves[0], bells, shelves[1]], dim=1)


def cut_sections(settings: TwinSettings, sample_rate_hz: int) -> Tensor | None:
    """Designs low cut and high cut, as far as they are among the settings; None where neither is."""
    sections = []
    if "low_cut.freq_hz" in settings:
        freq_hz = settings["low_cut.freq_hz"].to(torch.float64)
        pair = _cut_pair(freq_hz, settings["low_cut.slope_db_per_octave"], sample_rate_hz, -1)
        sections.append(_unless(freq_hz <= LOW_CUT_OFF_HZ, pair))
    if "high_cut.freq_hz" in settings:
        freq_hz = settings["high_cut.freq_hz"].to(torch.float64)
        pair = _cut_pair(freq_hz, settings["high_cut.slope_db_per_octave"], sample_rate_hz, 1)
        sections.append(_unless(freq_hz >= min(HIGH_CUT_OFF_HZ, HIGHEST_FREQ * sample_rate_hz), pair))
    return torch.cat(sections, dim=1) if sections else None


def smooth_cut(freq_hz: Tensor, sample_rate_hz: int, side: int) -> Tensor:
    """Designs one Butterworth cut of 12 dB an octave: side -1 cuts lows, 1 highs; one section."""
    return _second_order(freq_hz.to(torch.float64), _SMOOTH_Q, sample_rate_hz, side)[:, None]


def gentle_cut(freq_hz: Tensor, sample_rate_hz: int, side: int) -> Tensor:
    """Designs a cut of 6 dB an octave likewise: b0, b1, a1, shape (batch, 3); highs above 0.49 of the rate pass."""
    freq_hz = freq_hz.to(torch.float64)
    highest_hz = HIGHEST_FREQ * sample_rate_hz
    corner = torch.tan(math.pi * freq_hz.clamp(max=highest_hz) / sample_rate_hz)
    gain = (corner if side > 0 else torch.ones_like(corner)) / (1 + corner)
    section = torch.stack([gain, side * gain, (corner - 1) / (corner + 1)], dim=-1)
    if side < 0:
        return section
    passing = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).expand_as(section)
    return torch.where((freq_hz < highest_hz)[:, None], section, passing)


def band_pass(freq_hz: Tensor, sample_rate_hz: int) -> Tensor:
    """Designs the de-esser's band, one section."""
    cosine, sine = _turn(freq_hz.to(torch.float64), sample_rate_hz)
    alpha = sine / (2 * BAND_Q)
    zero = torch.zeros_like(alpha)
    return _normal([alpha, zero, -alpha], [1 + alpha, -2 * cosine, 1 - alpha])[:, None]


def tilts(tone: Tensor, sample_rate_hz: int) -> tuple[Tensor, Tensor]:
    """Designs the saturation's tilt before the bend, and its inverse behind it; one section each."""
    root = torch.exp(tone.to(torch.float64) * TONE_DB * NEPER_PER_DB)
    corner = math.tan(math.pi * min(TONE_HZ, 0.4 * sample_rate_hz) / sample_rate_hz)
    zero = torch.zeros_like(root)
    above, below = [root + corner, corner - root, zero], [1 + root * corner, root * corner - 1, zero]
    return _normal(above, below)[:, None], _normal(below, above)[:, None]


def k_weighting(sample_rate_hz: int) -> Tensor:
    """Gives the loudness meter's weighting, two sections."""
    return torch.from_numpy(np.delete(k_weighting_sections(sample_rate_hz), 3, axis=1))[None]


def _turn(freq_hz: Tensor, sample_rate_hz: int) -> tuple[Tensor, Tensor]:
    w0 = 2 * math.pi * freq_hz.clamp(max=HIGHEST_FREQ * sample_rate_hz) / sample_rate_hz
    return torch.cos(w0), torch.sin(w0)


def _normal(b: list[Tensor], a: list[Tensor]) -> Tensor:
    return torch.stack([*b, *a[1:]], dim=-1) * (1 / a[0])[..., None]


def _bell(A: Tensor, cosine: Tensor, sine: Tensor, q: Tensor) -> Tensor:
    alpha = sine / (2 * q)
    b = [1 + alpha * A, -2 * cosine, 1 - alpha * A]
    return _normal(b, [1 + alpha / A, -2 * cosine, 1 - alpha / A])


def _shelf(A: Tensor, cosine: Tensor, sine: Tensor, q: Tensor, side: int) -> Tensor:
    """The cookbook's low shelf (side 1) or high shelf (-1): they differ in signs alone."""
    cosine = side * cosine
    slope = sine * torch.sqrt(A) / q
    more, less = A + 1, A - 1
    b = [A * (more - less * cosine + slope), side * 2 * A * (less - more * cosine), A * (more - less * cosine - slope)]
    a = [more + less * cosine + slope, side * -2 * (less + more * cosine), more + less * cosine - slope]
    return _normal(b, a)


def _second_order(freq_hz: Tensor, q: float, sample_rate_hz: int, side: int) -> Tensor:
    """A low-pass (side 1) or high-pass (-1)."""
    cosine, sine = _turn(freq_hz, sample_rate_hz)
    alpha = sine / (2 * q)
    edge = (1 - side * cosine) / 2
    return _normal([edge, 2 * side * edge, edge], [1 + alpha, -2 * cosine, 1 - alpha])


def _cut_pair(freq_hz: Tensor, slope_db: Tensor, sample_rate_hz: int, side: int) -> Tensor:
    """Both sections of a cut; the second passes everything where 12 dB an octave are set."""
    first, steep, second = (
        _second_order(freq_hz, q, sample_rate_hz, side) for q in (_SMOOTH_Q, _STEEP_Q[0], _STEEP_Q[1])
    )
    is_steep = (slope_db >= STEEP_DB)[:, None]
    pair = [torch.where(is_steep, steep, first), torch.where(is_steep, second, _passing(second))]
    return torch.stack(pair, dim=1)


def _passing(like: Tensor) -> Tensor:
    return torch.tensor([1.0, 0, 0, 0, 0], dtype=like.dtype).expand_as(like)


def _unless(is_off: Tensor, sections: Tensor) -> Tensor:
    return torch.where(is_off[:, None, None], _passing(sections), sections)
