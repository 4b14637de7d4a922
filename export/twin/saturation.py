"""Saturation on audio, shape (batch, channels, samples): tilt, bend, tilt back, matched level, mix; the runtime's law.

The bend is oversampled as far as its aliases stay below what a null can show (-49 dB at a drive of 73 with tilted
highs, less elsewhere), which is less than the runtime does for the ear.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...runtime.console import saturation as law
from .designs import k_weighting, tilts
from .kernels.bending import bent
from .kernels.oversampling import lowered, raised
from .kernels.sections import filtered
from .settings import TwinSettings

# Drive up to which so many doublings of the rate do.
_DOUBLINGS = ((8.0, 2), (float("inf"), 4))
_LEAST_DRIVE = 1e-4
# Longer than the half-band filters reach.
_MARGIN = 48


def saturated(audio: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Saturates audio."""
    drive, tone, mix = (settings[name].to(torch.float64) for name in ("drive", "tone", "mix"))
    amount = settings["level_match"].to(torch.float64)
    before, behind = tilts(tone, sample_rate_hz)
    is_tilted = bool((tone != 0).any()) or tone.requires_grad
    wet = filtered(audio, before) if is_tilted else audio
    wet = _bent(wet, drive.clamp(min=_LEAST_DRIVE), sample_rate_hz)
    if is_tilted:
        wet = filtered(wet, behind)
    if bool((amount != 0).any()) or amount.requires_grad:
        wet = wet * _match(audio, wet, amount, sample_rate_hz)
    share = torch.where(drive > 0, mix, torch.zeros_like(mix)).to(audio.dtype)
    return torch.lerp(audio, wet, share[:, None, None])


def _bent(audio: Tensor, drive: Tensor, sample_rate_hz: int) -> Tensor:
    drives = drive.tolist()
    spare = max(1, sample_rate_hz // law.MEASURED_AT_HZ).bit_length() - 1
    doublings = max(1, next(count for limit, count in _DOUBLINGS if max(drives) <= limit) - spare)
    late = [_late(each, sample_rate_hz) * 2**doublings for each in drives]
    padded = raised(functional.pad(audio, (_MARGIN, _MARGIN)), doublings)
    curved = bent(padded, drive, torch.tensor(late, dtype=torch.float64))
    return lowered(curved, doublings)[..., _MARGIN:-_MARGIN]


def _late(drive: float, sample_rate_hz: int) -> float:
    """By how many samples the runtime's mean between neighbouring samples comes late."""
    return 0.5 / law.factor_at(drive, sample_rate_hz) if law.is_smoothed_at(drive) else 0.0


def _match(dry: Tensor, wet: Tensor, amount: Tensor, sample_rate_hz: int) -> Tensor:
    """Gains that bring the loudness of the bent sound to the input's, shape (batch, 1, samples)."""
    wanted, there = (_power(audio, sample_rate_hz) for audio in (dry, wet))
    exponent = (amount / 2).to(dry.dtype)[:, None, None]
    gain = torch.exp(exponent * (torch.log(wanted + law.QUIET) - torch.log(there + law.QUIET)))
    return gain.clamp(max=law.LOUDEST_MATCH)


def _power(audio: Tensor, sample_rate_hz: int) -> Tensor:
    weighting = k_weighting(sample_rate_hz).expand(audio.shape[0], -1, -1)
    power = filtered(audio, weighting).square().sum(dim=1, keepdim=True)
    pole = law.level_pole(sample_rate_hz)
    follower = torch.tensor([1 - pole, 0, 0, -pole, 0], dtype=torch.float64).expand(audio.shape[0], 1, 5)
    return filtered(power, follower)
