"""Convolution at one rate by spectra, and back: three transforms each way, in the precision of the waves."""

from __future__ import annotations

from typing import Any

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.fft import irfft, rfft
from torch.nn import functional

from .applying import applied

# Transforms of odd lengths take three times as long.
_EVEN = 64


def convolved(waves: Tensor, answers: Tensor, late: int) -> Tensor:
    """Convolves each wave with its answer to a click; what the answer says about the click's own time is not delayed.

    Args:
        waves: shape (rows, samples).
        answers: shape (rows, taps); computed with in the precision of the waves.
        late: the tap at which the click comes; up to half of them.

    Returns:
        As the waves.
    """
    return applied(_Convolved, waves, answers, late)


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, waves: Tensor, answers: Tensor, late: int) -> Tensor:
        frames, taps = waves.shape[-1], answers.shape[-1]
        size = _EVEN * int(next_fast_len(-(-(frames + taps - 1) // _EVEN), real=True))
        heard, answered = rfft(waves.detach(), size), rfft(answers.detach().to(waves.dtype), size)
        ctx.spectra, ctx.sizes = (heard, answered), (frames, taps, late, size)
        result: Tensor = irfft(heard * answered, size)[..., late : late + frames].contiguous()
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        heard, answered = ctx.spectra
        frames, taps, late, size = ctx.sizes
        gradient = rfft(functional.pad(gradients[0], (late, 0)), size)
        before = irfft(gradient * answered.conj(), size)[..., :frames].contiguous()
        by_answers = irfft(gradient * heard.conj(), size)[..., :taps].to(torch.float64)
        return before, by_answers, None
