"""Second-order sections in a row, exactly as a stream computes them: by recursion, both ways.

No spectrum and so no padding: a low cut at 16 Hz rings as long as it rings. Backwards, the same recursion runs in
reverse over the gradient; coefficients get theirs by sums over what went into each section and came out of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .applying import applied
from .compiled import Values, Wave, compiled, reassociated

# Samples whose gradients are summed up together.
_STRETCH = 512


def filtered(audio: Tensor, sections: Tensor) -> Tensor:
    """Filters audio through second-order sections.

    Args:
        audio: shape (batch, channels, samples), float32 or float64.
        sections: b0, b1, b2, a1, a2 of each section, a0 being 1; shape (batch, sections, 5).

    Returns:
        As the audio.
    """
    return applied(_Filtered, audio, sections.to(torch.float64))


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, sections: Tensor) -> Tensor:
        waves, values = audio.detach().contiguous().numpy(), sections.detach().contiguous().numpy()
        steps = np.empty((values.shape[1], *waves.shape), waves.dtype)
        _forward(waves, values, steps)
        ctx.save_for_backward(audio, sections)
        ctx.steps = steps if ctx.needs_input_grad[1] else None
        return torch.from_numpy(steps[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None]:
        audio, sections = ctx.saved_tensors
        gradient, values = gradients[0].contiguous().numpy(), sections.detach().contiguous().numpy()
        before = np.empty_like(gradient)
        if ctx.steps is None:
            _backward_alone(values, gradient, before)
            return torch.from_numpy(before), None
        slopes = np.zeros(sections.shape)
        _backward(audio.detach().contiguous().numpy(), values, ctx.steps, gradient, before, slopes)
        return torch.from_numpy(before), torch.from_numpy(slopes)


@compiled
def _section(section: Values, x: float, first: Values, second: Values, k: int) -> float:
    """Sends a sample through a section, the k-th by its state (transposed direct form II)."""
    y: float = section[0] * x + first[k]
    first[k] = section[1] * x - section[3] * y + second[k]
    second[k] = section[2] * x - section[4] * y
    return y


@compiled
def _forward(audio: Wave, sections: Values, steps: Wave) -> None:
    batch, channels, frames = audio.shape
    count = sections.shape[1]
    for row in range(batch):
        for channel in range(channels):
            # All sections for one sample, then the next: their recursions overlap in the processor.
            first, second = np.zeros(count), np.zeros(count)
            for n in range(frames):
                x = float(audio[row, channel, n])
                for k in range(count):
                    x = _section(sections[row, k], x, first, second, k)
                    steps[k, row, channel, n] = x


@compiled
def _backward(audio: Wave, sections: Values, steps: Wave, gradient: Wave, before: Wave, slopes: Values) -> None:
    batch, channels, frames = audio.shape
    count = sections.shape[1]
    # What the recursions had, a stretch at a time and two samples later, which stays in the processor's cache.
    had = np.empty((count, _STRETCH + 2))
    for row in range(batch):
        for channel in range(channels):
            had[:, :2] = 0.0
            for end in range(frames, 0, -_STRETCH):
                begin = max(end - _STRETCH, 0)
                size = end - begin
                had[:, size : size + 2] = had[:, :2].copy()
                _recur_back(sections[row], gradient[row, channel, begin:end], had, before[row, channel, begin:end])
                for k in range(count):
                    into = steps[k - 1, row, channel] if k > 0 else audio[row, channel]
                    _sum_up(into[begin:end], steps[k, row, channel, begin:end], had[k, : size + 2], slopes[row, k])


@reassociated
def _recur_back(sections: Values, gradient: Wave, had: Values, before: Wave) -> None:
    """Sends a stretch's gradient back through all sections, and keeps what their recursions had."""
    count = len(sections)
    # b0 v + b1 late + b2 later, without waiting for v.
    ways = sections.copy()
    ways[:, 1] -= sections[:, 0] * sections[:, 3]
    ways[:, 2] -= sections[:, 0] * sections[:, 4]
    for n in range(len(gradient) - 1, -1, -1):
        g = float(gradient[n])
        for k in range(count - 1, -1, -1):
            late, later = had[k, n + 1], had[k, n + 2]
            had[k, n] = g - (ways[k, 3] * late + ways[k, 4] * later)
            g = ways[k, 0] * g + (ways[k, 1] * late + ways[k, 2] * later)
        before[n] = g


@reassociated
def _sum_up(x: Wave, y: Wave, had: Values, slopes: Values) -> None:
    """Adds what a stretch says of one section: x[n] meets had[n] as b0, had[n + 1] as b1, had[n + 2] as b2."""
    b0 = b1 = b2 = a1 = a2 = 0.0
    for n in range(len(x)):
        b0 += had[n] * x[n]
        b1 += had[n + 1] * x[n]
        b2 += had[n + 2] * x[n]
        # y[n] meets them as a1, a2.
        a1 += had[n + 1] * y[n]
        a2 += had[n + 2] * y[n]
    slopes[0] += b0
    slopes[1] += b1
    slopes[2] += b2
    slopes[3] -= a1
    slopes[4] -= a2


@compiled
def _backward_alone(sections: Values, gradient: Wave, before: Wave) -> None:
    """The gradient of the audio, for sections that have none."""
    batch, channels, frames = gradient.shape
    count = sections.shape[1]
    for row in range(batch):
        for channel in range(channels):
            first, second = np.zeros(count), np.zeros(count)
            for n in range(frames - 1, -1, -1):
                x = float(gradient[row, channel, n])
                for k in range(count - 1, -1, -1):
                    x = _section(sections[row, k], x, first, second, k)
                before[row, channel, n] = x
