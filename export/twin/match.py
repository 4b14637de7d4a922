"""The master's match curve on tensors: points, the gain between them, its impulse response; the law is the runtime's.

The curve turns without overshoot: where a point stands as high as its neighbour it has a kink, and the gradient of one
side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...presets.parts.match import THIRDS_HZ, ToneCurve, WidthCurve
from ...presets.parts.table import parameters
from ...runtime.console.match import CEPSTRUM_LENGTHS, faded, response_length
from .kernels.convolving import convolved
from .settings import NEPER_PER_DB, TwinSettings

_PLACES: Final = np.log2(np.array(THIRDS_HZ))
_POINTS: Final = {"tone": tuple(parameters(ToneCurve)), "width": tuple(parameters(WidthCurve))}


def match_curved(audio: Tensor, match: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Sends stereo audio, shape (batch, 2, samples), through match curves, without delay.

    Args:
        audio: what rings on behind its end is cut off: put silence behind it.
        match: settings of each member of the batch; a curve whose points are all 0, and learn nothing, costs nothing.
        sample_rate_hz: of the audio.
    """
    tone_db, width_db = (
        torch.stack([match[f"{name}.{point}"].to(torch.float64) for point in points], dim=1)
        for name, points in _POINTS.items()
    )
    amount = match["amount"].to(torch.float64)[:, None]
    points_db = torch.stack([tone_db, width_db], dim=1)
    if _is_flat(match):
        return audio
    taps = response_length(sample_rate_hz)
    tone_db, width_db = _smooth(points_db, _grid(taps, sample_rate_hz)).unbind(dim=1)
    middle_db = amount * tone_db
    gains_db = torch.stack([middle_db, middle_db + amount * width_db], dim=1)
    middle, sides = audio[:, 0] + audio[:, 1], audio[:, 0] - audio[:, 1]
    waves = torch.stack([middle, sides], dim=1)
    heard = torch.stack(
        [
            convolved(wave, *_impulse_response(gain_db, taps, linear))
            for wave, gain_db, linear in zip(waves, gains_db, match["linear_phase"].to(torch.float64), strict=True)
        ]
    )
    return torch.stack([heard[:, 0] + heard[:, 1], heard[:, 0] - heard[:, 1]], dim=1) / 2


def rings_ahead(match: TwinSettings, sample_rate_hz: int) -> int:
    """Tells for how many samples the curves answer before a sound comes: none at minimum phase."""
    is_late = bool((match["linear_phase"] > 0).any()) and not _is_flat(match)
    return response_length(sample_rate_hz) if is_late else 0


def _is_flat(match: TwinSettings) -> bool:
    """Whether all points are 0 and learn nothing."""
    points = [match[f"{name}.{point}"] for name, points in _POINTS.items() for point in points]
    return not any(point.requires_grad or bool((point != 0).any()) for point in points)


class _Grid(NamedTuple):
    """Where a curve is looked at: the point below each bin; the shares of heights and slopes there, shape (4, bins)."""

    below: Tensor
    shares: Tensor


@lru_cache(maxsize=4)
def _grid(taps: int, sample_rate_hz: int) -> _Grid:
    freqs_hz = np.fft.rfftfreq(CEPSTRUM_LENGTHS * taps, 1 / sample_rate_hz)
    places = np.log2(np.clip(freqs_hz, THIRDS_HZ[0], THIRDS_HZ[-1])).clip(_PLACES[0], _PLACES[-1])
    below = np.clip(np.searchsorted(_PLACES, places, "right") - 1, 0, len(_PLACES) - 2)
    width = np.diff(_PLACES)[below]
    t = (places - _PLACES[below]) / width
    # Hermite's cubics: height and slope below, height and slope above.
    shares = [(1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2 * width, t**2 * (3 - 2 * t), t**2 * (t - 1) * width]
    return _Grid(torch.from_numpy(below), torch.from_numpy(np.array(shares)))


def _smooth(points: Tensor, grid: _Grid) -> Tensor:
    """The values between points, shape (..., 31) to (..., bins): the piecewise cubic of Fritsch and Carlson."""
    slopes = _slopes(points)
    above = grid.below + 1
    parts = (points[..., grid.below], slopes[..., grid.below], points[..., above], slopes[..., above])
    return torch.stack(parts, dim=-2).mul(grid.shares).sum(dim=-2)


def _slopes(points: Tensor) -> Tensor:
    widths = torch.from_numpy(np.diff(_PLACES))
    steps = points.diff(dim=-1) / widths
    left, right = steps[..., :-1], steps[..., 1:]
    more_left, more_right = 2 * widths[1:] + widths[:-1], widths[1:] + 2 * widths[:-1]
    is_turning = left * right <= 0
    # What is not taken must have a gradient that is a number, too.
    left, right = (torch.where(is_turning, torch.ones_like(side), side) for side in (left, right))
    inner = torch.where(
        is_turning, torch.zeros_like(left), (more_left + more_right) / (more_left / left + more_right / right)
    )
    first = _end_slope(steps[..., 0], steps[..., 1], widths[0], widths[1])
    last = _end_slope(steps[..., -1], steps[..., -2], widths[-1], widths[-2])
    return torch.cat([first[..., None], inner, last[..., None]], dim=-1)


def _end_slope(step: Tensor, further: Tensor, width: Tensor, further_width: Tensor) -> Tensor:
    slope = ((2 * width + further_width) * step - width * further) / (width + further_width)
    overshoots = (step.sign() != further.sign()) & (slope.abs() > 3 * step.abs())
    slope = torch.where(overshoots, 3 * step, slope)
    return torch.where(slope.sign() != step.sign(), torch.zeros_like(slope), slope)


def _impulse_response(gain_db: Tensor, taps: int, linear_phase: Tensor) -> tuple[Tensor, int]:
    """Makes the answers of middle and sides to a click, and tells where in them it comes."""
    size = 2 * (gain_db.shape[-1] - 1)
    log_gain = gain_db * NEPER_PER_DB
    cepstrum = torch.fft.irfft(log_gain, size)
    fold = torch.zeros(size, dtype=torch.float64)
    fold[0] = fold[size // 2] = 1
    fold[1 : size // 2] = 2
    turned = torch.fft.rfft(cepstrum * fold).imag * (1 - linear_phase)
    is_late = bool(linear_phase > 0)
    late, length = (taps, 2 * taps + 1) if is_late else (0, taps)
    answer = torch.fft.irfft(torch.exp(torch.complex(log_gain, turned)), size).roll(late, dims=-1)
    return answer[..., :length] * torch.from_numpy(faded(length, at_both_ends=is_late)), late
