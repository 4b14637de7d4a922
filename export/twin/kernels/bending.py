"""The bend of the saturation, tanh(drive * x) / drive, on oversampled audio."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .applying import applied
from .compiled import Values, Wave, reassociated


def bent(audio: Tensor, drive: Tensor, late: Tensor) -> Tensor:
    """Bends audio.

    Args:
        audio: shape (batch, channels, samples).
        drive: above 0, shape (batch,).
        late: by which share of a sample the result is late, as that of the runtime is at high drive; shape (batch,).
    """
    return applied(_Bent, audio, drive, late)


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, drive: Tensor, late: Tensor) -> Tensor:
        waves = audio.detach().contiguous().numpy()
        drives, lates = drive.detach().contiguous().numpy(), late.detach().contiguous().numpy()
        curved, result = np.empty_like(waves), np.empty_like(waves)
        _bend(waves, drives.astype(waves.dtype), lates.astype(waves.dtype), curved, result)
        ctx.save_for_backward(audio, drive)
        ctx.arrays = lates, curved
        return torch.from_numpy(result)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        audio, drive = ctx.saved_tensors
        lates, curved = ctx.arrays
        waves, drives = audio.detach().contiguous().numpy(), drive.detach().contiguous().numpy()
        before, slopes = np.empty_like(waves), np.zeros_like(drives)
        gradient = gradients[0].contiguous().numpy()
        _bend_back(waves, drives.astype(waves.dtype), lates.astype(waves.dtype), curved, gradient, before, slopes)
        return torch.from_numpy(before), torch.from_numpy(slopes), None


@reassociated
def _tanh(x: Any, one: Any) -> Any:
    """Computes tanh without a branch, for many samples at a time: Lambert's fraction for x / 4, doubled twice."""
    u = min(max(x / 4, -5 * one), 5 * one)
    q = u * u
    t = u * (135135 * one + q * (17325 * one + q * (378 * one + q)))
    t = t / (135135 * one + q * (62370 * one + q * (3150 * one + 28 * one * q)))
    t = 2 * t / (one + t * t)
    return 2 * t / (one + t * t)


@reassociated
def _bend(audio: Wave, drive: Wave, late: Wave, curved: Wave, result: Wave) -> None:
    batch, channels, frames = audio.shape
    for row in range(batch):
        d, w = drive[row], late[row]
        one = d / d
        back = one / d
        for channel in range(channels):
            for n in range(frames):
                curved[row, channel, n] = _tanh(d * audio[row, channel, n], one)
            result[row, channel, 0] = (one - w) * curved[row, channel, 0] * back
            for n in range(1, frames):
                t, last = curved[row, channel, n], curved[row, channel, n - 1]
                result[row, channel, n] = (t + w * (last - t)) * back


@reassociated
def _bend_back(
    audio: Wave, drive: Wave, late: Wave, curved: Wave, gradient: Wave, before: Wave, slopes: Values
) -> None:
    batch, channels, frames = audio.shape
    for row in range(batch):
        d, w = drive[row], late[row]
        one = d / d
        for channel in range(channels):
            last = gradient[row, channel, frames - 1]
            before[row, channel, frames - 1] = (one - w) * last
            for n in range(frames - 1):
                g = gradient[row, channel, n]
                before[row, channel, n] = g + w * (gradient[row, channel, n + 1] - g)
            total = 0.0
            for n in range(frames):
                g, t, x = before[row, channel, n], curved[row, channel, n], audio[row, channel, n]
                steep = g * (one - t * t)
                before[row, channel, n] = steep
                # Of tanh(d x) / d in d.
                total += steep * x / d - g * t / (d * d)
            slopes[row] += total
