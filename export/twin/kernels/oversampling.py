"""Twice the samples and half of them again, through the half-band filters of the runtime, without delay.

Up and down are each other's transpose (but for a factor of two), so each is the other's way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ....runtime.console.oversampling import half_band_taps
from .applying import applied
from .compiled import Wave, reassociated


def raised(audio: Tensor, stages: int) -> Tensor:
    """Raises audio to 2**stages times its rate, shape (batch, channels, samples) to (batch, channels, more)."""
    return applied(_Raised, audio, stages)


def lowered(audio: Tensor, stages: int) -> Tensor:
    """Lowers audio from 2**stages times the rate; the way back of :func:`raised`."""
    return applied(_Lowered, audio, stages)


class _Raised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, stages: int) -> Tensor:
        ctx.stages = stages
        return torch.from_numpy(_up(audio.detach().contiguous().numpy(), stages))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        factor = 2**ctx.stages
        return torch.from_numpy(_down(gradients[0].contiguous().numpy(), ctx.stages)).mul_(factor), None


class _Lowered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, stages: int) -> Tensor:
        ctx.stages = stages
        return torch.from_numpy(_down(audio.detach().contiguous().numpy(), stages))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        factor = 2**ctx.stages
        return torch.from_numpy(_up(gradients[0].contiguous().numpy(), ctx.stages)).div_(factor), None


def _up(audio: Wave, stages: int) -> Wave:
    waves = audio.reshape(-1, audio.shape[-1])
    for stage in range(stages):
        half = half_band_taps(stage).astype(waves.dtype)
        twice = np.empty((waves.shape[0], 2 * waves.shape[1]), waves.dtype)
        _interpolate(_padded(waves, len(half) // 2), 2 * half, twice)
        waves = twice
    return waves.reshape(*audio.shape[:-1], -1)


def _down(audio: Wave, stages: int) -> Wave:
    waves = audio.reshape(-1, audio.shape[-1])
    for stage in reversed(range(stages)):
        half = half_band_taps(stage).astype(waves.dtype)
        once = np.empty((waves.shape[0], waves.shape[1] // 2), waves.dtype)
        _decimate(waves, _padded(waves[:, 1::2], len(half) // 2), half, once)
        waves = once
    return waves.reshape(*audio.shape[:-1], -1)


def _padded(waves: Wave, half: int) -> Wave:
    padded: Wave = np.pad(waves, ((0, 0), (half, half)))
    return padded


@reassociated
def _interpolate(padded: Wave, taps: Wave, twice: Wave) -> None:
    """Samples as they are, and behind each one that lies between it and the next."""
    count, half = len(taps), len(taps) // 2
    for row in range(padded.shape[0]):
        for n in range(twice.shape[1] // 2):
            between = taps[0] * padded[row, n + 1]
            for k in range(1, count):
                between += taps[k] * padded[row, n + 1 + k]
            twice[row, 2 * n] = padded[row, n + half]
            twice[row, 2 * n + 1] = between


@reassociated
def _decimate(waves: Wave, odd: Wave, taps: Wave, once: Wave) -> None:
    """Half of each even sample, and the odd ones around it by their taps."""
    count = len(taps)
    for row in range(waves.shape[0]):
        for n in range(once.shape[1]):
            sum_ = taps[0] * odd[row, n]
            for k in range(1, count):
                sum_ += taps[k] * odd[row, n + k]
            once[row, n] = sum_ + waves[row, 2 * n] / 2
