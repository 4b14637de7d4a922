"""The reverb's impulse response from its settings, differentiable, and its convolution; the room is the runtime's.

Made at the runtime's fixed rate. The convolution multiplies spectra over the same stretch of time, so that a bin is the
same frequency in both: resampling costs nothing. Of what corrects the decay of narrow bands the gradient knows
nothing: it is taken as constant (its share is a few hundredths).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.fft import irfft, rfft

from ...runtime.console.effects import bands, room
from ...runtime.console.effects.room import ROOM_RATE_HZ
from .designs import smooth_cut
from .dynamics import ducked
from .kernels.applying import applied
from .kernels.motion import moved
from .kernels.sections import filtered
from .kernels.tails import HOP, corrected_slopes, decaying, fx_bands, room_bands
from .settings import TwinSettings, factor, stage_of


def reverberated(sends: Tensor, reverb: TwinSettings, seeds: list[int], sample_rate_hz: int) -> Tensor:
    """Gives the reverb's return for what is sent to it, as long as that; shapes (batch, 2, samples).

    Args:
        sends: a tail longer than they are is cut off: put silence behind them.
        reverb: settings of each member of the batch.
        seeds: which rooms.
        sample_rate_hz: of the sends.
    """
    near, far = math.cos(room.CROSS_ANGLE), math.sin(room.CROSS_ANGLE)
    crossed = near * sends + far * sends.flip(1)
    crossed = moved(crossed, reverb["pre_delay_ms"] * sample_rate_hz / 1000)
    answers = [
        room_response({path: value[at] for path, value in reverb.items()}, seed) for at, seed in enumerate(seeds)
    ]
    wet = torch.cat(
        [convolved(each[None], answer, sample_rate_hz) for each, answer in zip(crossed, answers, strict=True)]
    )
    wet = wet * factor(reverb["return_gain_db"]).to(wet.dtype)[:, None, None]
    duck = stage_of(reverb, "ducking")
    return wet if duck is None else ducked(sends, wet, duck, sample_rate_hz)


def fx_reverberated(sends: Tensor, fx_bus: TwinSettings, seeds: list[int], sample_rate_hz: int) -> Tensor:
    """Gives the fx bus's return, likewise."""
    wet = []
    for at, seed in enumerate(seeds):
        answer = fx_response(fx_bus["bands.gain_db"][at], fx_bus["bands.decay_s"][at], seed)
        wet.append(convolved(sends[at : at + 1], answer, sample_rate_hz))
    return torch.cat(wet) * factor(fx_bus["return_gain_db"]).to(sends.dtype)[:, None, None]


def room_response(reverb: TwinSettings, seed: int) -> Tensor:
    """Makes the room's answer to a click on both channels at 48 kHz, before pre-delay and gain; shape (2, samples).

    Args:
        reverb: settings of one room, scalars.
        seed: which room.
    """
    decays_s = _decays_s(reverb)
    longest_s = float(decays_s.detach().max())
    needed = math.ceil((longest_s * room.FLOOR_DB / 60 + room.EARLY_S[1]) * ROOM_RATE_HZ)
    frames = int(next_fast_len(needed, real=True))
    noise, energies = room_bands(seed, frames)
    early_s = room.EARLY_S[0] + reverb["size"].to(torch.float64) * (room.EARLY_S[1] - room.EARLY_S[0])
    time_s = torch.arange(frames, dtype=torch.float64) / ROOM_RATE_HZ
    growth = 1 - torch.exp(-4 * time_s / early_s)
    slopes = 3 / decays_s
    steps = frames // HOP
    now, grown = decays_s.detach().numpy(), growth.detach().numpy()[HOP // 2 :: HOP][:steps]
    right = torch.from_numpy(corrected_slopes(energies[:steps], grown, now) - 3 / now)
    tail = decaying(noise, (slopes + right) / ROOM_RATE_HZ, torch.ones_like(slopes), frames) * growth
    tail = tail * _fade_out(frames, room.FADE_OUT_S)
    tail = tail / tail.square().sum(dim=1).mean().sqrt()
    answer = math.sqrt(1 - room.EARLY_SHARE) * tail + math.sqrt(room.EARLY_SHARE) * _early(early_s, frames, seed)
    angle = (1 - reverb["width"].to(torch.float64)) * (math.pi / 4)
    answer = torch.cos(angle) * answer + torch.sin(angle) * answer.flip(0)
    cuts = [smooth_cut(reverb[f"{kind}_cut_hz"][None], ROOM_RATE_HZ, side) for kind, side in (("low", -1), ("high", 1))]
    return filtered(answer[None], torch.cat(cuts, dim=1))[0]


def fx_response(gain_db: Tensor, decay_s: Tensor, seed: int) -> Tensor:
    """Makes the fx bus's answer likewise, from gains and decays of its twelve bands."""
    gain_db, decay_s = gain_db.to(torch.float64), decay_s.to(torch.float64)
    audible_s = decay_s * (1 + (gain_db - gain_db.max()) / bands.FLOOR_DB)
    frames = math.ceil(max(bands.SHORTEST_S, float(audible_s.detach().max())) * ROOM_RATE_HZ)
    slopes = (3 / decay_s / ROOM_RATE_HZ).expand(2, -1)
    answer = decaying(fx_bands(seed, frames), slopes, factor(gain_db), frames) * _fade_out(frames, bands.FADE_OUT_S)
    return answer / answer.square().sum(dim=1).mean().sqrt()


def convolved(audio: Tensor, response: Tensor, sample_rate_hz: int) -> Tensor:
    """Convolves stereo audio, shape (1, 2, samples), with a response at 48 kHz, shape (2, samples), to its length."""
    return applied(_Convolved, audio, response, sample_rate_hz)


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, audio: Tensor, response: Tensor, sample_rate_hz: int) -> Tensor:
        frames = audio.shape[-1]
        answer = response.detach()[:, : math.ceil(frames * ROOM_RATE_HZ / sample_rate_hz)].to(audio.dtype)
        shared = math.gcd(sample_rate_hz, ROOM_RATE_HZ)
        needed = max((frames + answer.shape[1] * sample_rate_hz / ROOM_RATE_HZ) / (sample_rate_hz // shared), 1)
        stretch = int(next_fast_len(math.ceil(needed), real=True))
        ctx.sizes = sizes = (stretch * (sample_rate_hz // shared), stretch * (ROOM_RATE_HZ // shared))
        ctx.frames = frames, response.shape[1]
        ctx.spectra = rfft(audio.detach(), sizes[0]), _bins(rfft(answer, sizes[1]), sizes[0])
        result: Tensor = irfft(ctx.spectra[0] * ctx.spectra[1], sizes[0])[..., :frames].contiguous()
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        heard, answer = ctx.spectra
        (size, room_size), (frames, room_frames) = ctx.sizes, ctx.frames
        gradient = rfft(gradients[0], size)
        before = irfft(gradient * answer.conj(), size)[..., :frames].contiguous()
        product = _bins((gradient * heard.conj())[0], room_size)
        known = min(room_frames, math.ceil(frames * room_size / size))
        by_answer = torch.zeros(2, room_frames, dtype=torch.float64)
        by_answer[:, :known] = irfft(product, room_size)[:, :known] * (room_size / size)
        return before, by_answer, None


def _bins(spectrum: Tensor, size: int) -> Tensor:
    """As many bins as a spectrum of this size has; those that only one of the two has are nothing."""
    bins = torch.zeros(*spectrum.shape[:-1], size // 2 + 1, dtype=spectrum.dtype)
    both = min(bins.shape[-1], spectrum.shape[-1])
    if bins.shape[-1] != spectrum.shape[-1]:
        both -= 1
    bins[..., :both] = spectrum[..., :both]
    return bins


def _decays_s(reverb: TwinSettings) -> Tensor:
    """The decay of each band: straight lines over log frequency between low, mid and high."""
    low, mid, high, damping = (
        torch.log2(reverb[name].to(torch.float64))
        for name in ("decay_low_s", "decay_mid_s", "decay_high_s", "damping_hz")
    )
    place = torch.log2(torch.from_numpy(room.BAND_CENTRES_HZ))
    low_place, mid_place = math.log2(room.LOW_HZ), math.log2(room.MID_HZ)
    below = ((place - low_place) / (mid_place - low_place)).clamp(0, 1)
    above = ((place - mid_place) / (damping - mid_place)).clamp(0, 1)
    return torch.exp2(low + (mid - low) * below + (high - mid) * above)


def _early(early_s: Tensor, frames: int, seed: int) -> Tensor:
    """First reflections, each side its own, energy 1 a side."""
    steps, heights = room.reflections(seed)
    places = early_s * torch.from_numpy(steps) * ROOM_RATE_HZ + 1
    early = applied(_Placed, places, torch.from_numpy(heights), frames)
    return early / early.square().sum(dim=1, keepdim=True).sqrt()


class _Placed(torch.autograd.Function):
    """Clicks at places, which are rounded; their gradient is that of the line through the neighbouring samples."""

    @staticmethod
    def forward(ctx: Any, places: Tensor, heights: Tensor, frames: int) -> Tensor:
        whole = places.round().long()
        ctx.save_for_backward(whole, heights)
        return torch.zeros(places.shape[0], frames, dtype=torch.float64).scatter_add(1, whole, heights)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        whole, heights = ctx.saved_tensors
        slope = (gradients[0].gather(1, whole + 1) - gradients[0].gather(1, whole - 1)) / 2
        return slope * heights, None, None


def _fade_out(frames: int, length_s: float) -> Tensor:
    count = min(frames, round(length_s * ROOM_RATE_HZ))
    return torch.cat(
        [torch.ones(frames - count, dtype=torch.float64), torch.linspace(1, 0, count, dtype=torch.float64)]
    )
