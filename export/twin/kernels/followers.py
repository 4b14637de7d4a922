"""Levels that rise with one time and fall with another, and what dynamics make of them, sample by sample and back.

The law is pedalboard's, as :mod:`mixbridge.runtime.console.primitives` has it: the level moves towards its input with
one pole, whose coefficient is that of the attack while the input is above it and that of the release otherwise.
Backwards, the branches stand as they were taken; the level's gradient runs in reverse through the same poles.

Everything here takes the input of the detector, shape (batch, samples), and gives factors to multiply samples by.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .applying import applied
from .compiled import Values, Wave, compiled

Kernel = Callable[..., None]

# Levels of gate, de-esser and ducking are told apart down to -120 dB of full scale.
_LOWEST = 2.0**-20


def pole(time_ms: Tensor | float, sample_rate_hz: int) -> Tensor:
    """Gives the coefficient of a time: what is left of a step after one sample; shape as the time."""
    time = torch.as_tensor(time_ms, dtype=torch.float64)
    return torch.exp(-2 * math.pi * 1000 / (sample_rate_hz * time))


def compression(detector: Tensor, settings: Tensor) -> Tensor:
    """Computes the compressor's gains.

    Args:
        detector: shape (batch, samples), 0 and more.
        settings: the knee's lower edge and its width in nepers, 1 / ratio - 1, poles of attack and release; shape
            (batch, 5).
    """
    return applied(_Follower, detector, settings, _compress, _compress_back)


def reduction(detector: Tensor, settings: Tensor) -> Tensor:
    """Computes gains that turn down by what a level is above a threshold, up to a range.

    Args:
        detector: shape (batch, samples), 0 and more.
        settings: threshold and range in nepers, nepers for each neper above, poles of attack and release; shape
            (batch, 5).
    """
    return applied(_Follower, detector, settings, _reduce, _reduce_back)


class _Follower(torch.autograd.Function):
    """Runs a law's kernel, and its kernel back; the laws below differ in nothing else."""

    @staticmethod
    def forward(ctx: Any, detector: Tensor, settings: Tensor, run: Kernel, back: Kernel) -> Tensor:
        waves, values = _arrays(detector, settings)
        levels, gains = np.empty_like(waves), np.empty_like(waves)
        run(waves, values, levels, gains)
        ctx.save_for_backward(detector, settings)
        ctx.levels, ctx.gains, ctx.back = levels, gains, back
        return torch.from_numpy(gains)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        waves, values = _arrays(*ctx.saved_tensors)
        before, slopes = np.empty_like(waves), np.zeros_like(values)
        gradient = gradients[0].contiguous().numpy()
        ctx.back(waves, values, ctx.levels, ctx.gains, gradient, before, slopes)
        return torch.from_numpy(before), torch.from_numpy(slopes), None, None


def _arrays(detector: Tensor, settings: Tensor) -> tuple[Wave, Values]:
    return detector.detach().contiguous().numpy(), settings.detach().contiguous().numpy()


@compiled
def row_of(settings: Values, row: int) -> tuple[float, float, float, float, float]:
    """Reads the five settings of a member of the batch."""
    return settings[row, 0], settings[row, 1], settings[row, 2], settings[row, 3], settings[row, 4]


@compiled
def risen(wanted: float, level: float, attack: float, release: float) -> float:
    """Moves a level towards its input by one sample."""
    c = attack if wanted > level else release
    return wanted + c * (level - wanted)


@compiled
def _compress(detector: Wave, settings: Values, levels: Wave, gains: Wave) -> None:
    for row in range(detector.shape[0]):
        edge, knee, slope, attack, release = row_of(settings, row)
        quiet = math.exp(edge)
        level = 0.0
        for n in range(detector.shape[1]):
            x = float(detector[row, n])
            level = risen(x, level, attack, release)
            levels[row, n] = level
            if level <= quiet:
                gains[row, n] = 1.0
                continue
            over = math.log(level) - edge
            if over < knee:
                over = over * over / (2 * knee)
            else:
                over -= knee / 2
            gains[row, n] = math.exp(slope * over)


@compiled
def _compress_back(
    detector: Wave, settings: Values, levels: Wave, gains: Wave, gradient: Wave, before: Wave, slopes: Values
) -> None:
    for row in range(detector.shape[0]):
        edge, knee, slope, attack, release = row_of(settings, row)
        quiet = math.exp(edge)
        carried = 0.0
        for n in range(detector.shape[1] - 1, -1, -1):
            x, level = float(detector[row, n]), float(levels[row, n])
            last = float(levels[row, n - 1]) if n > 0 else 0.0
            if level > quiet:
                # Of the logarithm of the gain, which is slope * bent(log level - edge).
                g = float(gradient[row, n]) * float(gains[row, n])
                over = math.log(level) - edge
                if over < knee:
                    bent, steep = over * over / (2 * knee), over / knee
                    slopes[row, 1] -= g * slope * bent / knee
                else:
                    bent, steep = over - knee / 2, 1.0
                    slopes[row, 1] -= g * slope / 2
                slopes[row, 0] -= g * slope * steep
                slopes[row, 2] += g * bent
                carried += g * slope * steep / level
            c = attack if x > last else release
            slopes[row, 3 if x > last else 4] += carried * (last - x)
            before[row, n] = (1 - c) * carried
            carried *= c


@compiled
def _reduce(detector: Wave, settings: Values, levels: Wave, gains: Wave) -> None:
    for row in range(detector.shape[0]):
        threshold, most, slope, attack, release = row_of(settings, row)
        quiet = math.exp(threshold)
        level = 0.0
        for n in range(detector.shape[1]):
            x = float(detector[row, n])
            level = risen(x, level, attack, release)
            levels[row, n] = level
            heard = max(level, _LOWEST)
            if heard <= quiet:
                gains[row, n] = 1.0
            else:
                gains[row, n] = math.exp(-min((math.log(heard) - threshold) * slope, most))


@compiled
def _reduce_back(
    detector: Wave, settings: Values, levels: Wave, gains: Wave, gradient: Wave, before: Wave, slopes: Values
) -> None:
    for row in range(detector.shape[0]):
        threshold, most, slope, attack, release = row_of(settings, row)
        quiet = math.exp(threshold)
        carried = 0.0
        for n in range(detector.shape[1] - 1, -1, -1):
            x, level = float(detector[row, n]), float(levels[row, n])
            last = float(levels[row, n - 1]) if n > 0 else 0.0
            heard = max(level, _LOWEST)
            if heard > quiet:
                g = -float(gradient[row, n]) * float(gains[row, n])
                over = math.log(heard) - threshold
                if over * slope >= most:
                    slopes[row, 1] += g
                else:
                    slopes[row, 0] -= g * slope
                    slopes[row, 2] += g * over
                    if level > _LOWEST:
                        carried += g * slope / level
            c = attack if x > last else release
            slopes[row, 3 if x > last else 4] += carried * (last - x)
            before[row, n] = (1 - c) * carried
            carried *= c
