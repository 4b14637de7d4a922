"""The gate's gains, sample by sample and back; the law is :mod:`mixbridge.runtime.console.gate`'s.

Whether the gate is open is a decision: hold and hysteresis move only the moment at which it falls, and have no
gradient. What it does while it is closed, and how fast it moves, has.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .applying import applied
from .compiled import Values, Wave, compiled
from .followers import pole, risen, row_of

_DETECTOR_MS = (0.5, 100.0)
_LOWEST = 2.0**-20
# From here on the runtime lets the sound pass as it is.
_OPEN = 0.9999


def gate_gains(detector: Tensor, settings: Tensor, decisions: Tensor, sample_rate_hz: int) -> Tensor:
    """Computes the gate's gains, shape (batch, samples).

    Args:
        detector: shape (batch, samples), 0 and more.
        settings: threshold and range in nepers, ratio - 1, poles of attack and release; shape (batch, 5).
        decisions: the level in nepers below which it closes, and the hold in samples; shape (batch, 2).
        sample_rate_hz: of the audio.
    """
    poles = torch.stack([pole(time_ms, sample_rate_hz) for time_ms in _DETECTOR_MS])
    return applied(_Door, detector, settings, decisions, poles)


class _Door(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, detector: Tensor, settings: Tensor, decisions: Tensor, poles: Tensor) -> Tensor:
        waves = detector.detach().contiguous().numpy()
        values, fixed = settings.detach().contiguous().numpy(), decisions.detach().contiguous().numpy()
        levels, motion = np.empty_like(waves), np.empty_like(waves)
        is_open = np.empty(waves.shape, np.bool_)
        gains = np.empty_like(waves)
        _swing(waves, values, fixed, poles.numpy(), levels, is_open, motion, gains)
        ctx.save_for_backward(detector, settings, poles)
        ctx.arrays = levels, is_open, motion
        return torch.from_numpy(gains)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        detector, settings, poles = ctx.saved_tensors
        waves, values = detector.detach().contiguous().numpy(), settings.detach().contiguous().numpy()
        before, slopes = np.empty_like(waves), np.zeros_like(values)
        levels, is_open, motion = ctx.arrays
        gradient = gradients[0].contiguous().numpy()
        _swing_back(waves, values, poles.numpy(), levels, is_open, motion, gradient, before, slopes)
        return torch.from_numpy(before), torch.from_numpy(slopes), None, None


@compiled
def _closed(level: float, threshold: float, most: float, slope: float) -> float:
    """The gain that a closed gate moves towards."""
    return math.exp(max(min(math.log(level) - threshold, 0.0) * slope, -most))


@compiled
def _swing(
    detector: Wave,
    settings: Values,
    decisions: Values,
    poles: Values,
    levels: Wave,
    is_open: Wave,
    motion: Wave,
    gains: Wave,
) -> None:
    for row in range(detector.shape[0]):
        threshold, most, slope, attack, release = row_of(settings, row)
        opens, closes = math.exp(threshold), math.exp(decisions[row, 0])
        hold = decisions[row, 1]
        unit = 2.0 ** -math.ceil(most / math.log(2.0))
        level, gain, door, quiet = 0.0, 0.0, False, hold + 1
        for n in range(detector.shape[1]):
            x = float(detector[row, n])
            level = risen(x, level, poles[0], poles[1])
            levels[row, n] = level
            heard = max(level, _LOWEST)
            quiet = 0 if heard >= closes else quiet + 1
            if heard >= opens:
                door = True
            if quiet > hold:
                door = False
            is_open[row, n] = door
            target = 1.0 if door else _closed(heard, threshold, most, slope)
            gain = risen(target, gain, attack, release)
            motion[row, n] = gain
            gains[row, n] = 1.0 if gain > _OPEN else max(gain, unit)


@compiled
def _swing_back(
    detector: Wave,
    settings: Values,
    poles: Values,
    levels: Wave,
    is_open: Wave,
    motion: Wave,
    gradient: Wave,
    before: Wave,
    slopes: Values,
) -> None:
    for row in range(detector.shape[0]):
        threshold, most, slope, attack, release = row_of(settings, row)
        unit = 2.0 ** -math.ceil(most / math.log(2.0))
        carried, moved = 0.0, 0.0
        for n in range(detector.shape[1] - 1, -1, -1):
            x, level, gain = float(detector[row, n]), float(levels[row, n]), float(motion[row, n])
            last = float(levels[row, n - 1]) if n > 0 else 0.0
            before_gain = float(motion[row, n - 1]) if n > 0 else 0.0
            heard = max(level, _LOWEST)
            target = 1.0 if is_open[row, n] else _closed(heard, threshold, most, slope)
            if unit < gain <= _OPEN:
                moved += float(gradient[row, n])
            rises = target > before_gain
            c = attack if rises else release
            slopes[row, 3 if rises else 4] += moved * (before_gain - target)
            g = (1 - c) * moved
            moved *= c
            if not is_open[row, n]:
                under = math.log(heard) - threshold
                g *= target
                if under * slope < -most:
                    slopes[row, 1] -= g
                elif under < 0:
                    slopes[row, 0] -= g * slope
                    slopes[row, 2] += g * under
                    if level > _LOWEST:
                        carried += g * slope / level
            c = poles[0] if x > last else poles[1]
            before[row, n] = (1 - c) * carried
            carried *= c
