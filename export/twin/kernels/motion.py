"""Moves waves in time by whole samples, as the runtime does, with a gradient for the time.

The time is rounded; its gradient is that of the line through the neighbouring positions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .applying import applied


def moved(waves: Tensor, later: Tensor) -> Tensor:
    """Moves each member of a batch; what comes in at the ends is silence.

    Args:
        waves: shape (batch, ..., samples).
        later: by how many samples, rounded; below 0 is earlier; shape (batch,).
    """
    return applied(_Moved, waves, later)


class _Moved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, waves: Tensor, later: Tensor) -> Tensor:
        steps = [round(step) for step in later.tolist()]
        ctx.save_for_backward(waves, later)
        ctx.steps = steps
        return torch.stack([_shifted(wave, step) for wave, step in zip(waves, steps, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        waves, later = ctx.saved_tensors
        back = zip(gradients[0], ctx.steps, strict=True)
        before = torch.stack([_shifted(gradient, -step) for gradient, step in back])
        slopes = [
            (gradient * (_shifted(wave, step + 1) - _shifted(wave, step - 1))).sum() / 2
            for gradient, wave, step in zip(gradients[0], waves, ctx.steps, strict=True)
        ]
        return before, torch.stack(slopes).to(later.dtype)


def _shifted(wave: Tensor, step: int) -> Tensor:
    result = torch.zeros_like(wave)
    frames = wave.shape[-1]
    if abs(step) < frames:
        result[..., max(step, 0) : frames + min(step, 0)] = wave[..., max(-step, 0) : frames - max(step, 0)]
    return result
