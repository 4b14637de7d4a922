"""A strip of the console on tensors: the runtime's stages in its order, differentiable in their settings and the audio.

A stage whose settings are left out is off. Of the settings, slopes of cuts, hold and hysteresis decide and have no
gradient; look-ahead, pre-delay and delay times are rounded to samples as the runtime does, and their gradient is that
between neighbouring samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ...presets.console import Master, Strip
from .designs import cut_sections, eq_sections
from .dynamics import compressed, deessed, gated
from .kernels.sections import filtered
from .match import match_curved, rings_ahead
from .saturation import saturated
from .settings import TwinSettings, factor, in_desk_form, send_factor, stage_of

# In the order of the runtime's effects.
SENDS: Final = ("fx_send_db", "reverb_send_db", "delay_send_db")


class StripSound(NamedTuple):
    """What comes out of a strip.

    Attributes:
        audio: behind the pan, shape (batch, 2, samples).
        sends: factors of the sends to fx bus, reverb and delay, shape (batch,) each; 0 is off.
    """

    audio: Tensor
    sends: tuple[Tensor, Tensor, Tensor]


def strip_sound(audio: Tensor, settings: TwinSettings, sample_rate_hz: int) -> StripSound:
    """Runs audio through a strip.

    Args:
        audio: shape (batch, channels, samples), one or two channels, float32 or float64.
        settings: by the paths of the console's table, each of shape (batch,).
        sample_rate_hz: of the audio.
    """
    settings = in_desk_form(settings, Strip)
    return behind_stages(_stages(audio, settings, sample_rate_hz), settings)


def stages_sound(audio: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Runs audio through the stages alone, before fader and pan; of linked tracks the channels of all."""
    return _stages(audio, in_desk_form(settings, Strip), sample_rate_hz)


def behind_stages(audio: Tensor, settings: TwinSettings) -> StripSound:
    """Applies what is behind a strip's stages: fader, pan and sends; settings in desk form."""
    batch = audio.shape[0]
    nothing = torch.zeros(batch, dtype=torch.float64)
    fader = factor(settings.get("fader_db", nothing))
    left, right = pan_factors(settings.get("pan", nothing), audio.shape[1])
    gains = torch.stack([fader * left, fader * right], dim=1)[..., None].to(audio.dtype)
    sends = (send_factor(settings[path]) if path in settings else nothing for path in SENDS)
    fx, reverb, delay = sends
    return StripSound(audio * gains, (fx, reverb, delay))


def master_sound(mix: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    """Runs a mix through the master, which ends with its output gain: the limiter is no part of a preset."""
    settings = in_desk_form(settings, Master)
    mix = _stages(mix, settings, sample_rate_hz)
    if "output_gain_db" not in settings:
        return mix
    return mix * factor(settings["output_gain_db"]).to(mix.dtype)[:, None, None]


def pan_factors(pan: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Gives the gains of left and right: constant power for mono, balance for stereo."""
    if channels == 1:
        angle = (pan + 1) * (math.pi / 4)
        return torch.cos(angle), torch.sin(angle)
    return torch.cos(pan.clamp(min=0) * (math.pi / 2)), torch.cos((-pan).clamp(min=0) * (math.pi / 2))


_DYNAMICS: Final[tuple[tuple[str, Callable[[Tensor, TwinSettings, int], Tensor]], ...]] = (
    ("compressor", compressed),
    ("deesser", deessed),
    ("saturation", saturated),
)


def _stages(audio: Tensor, settings: TwinSettings, sample_rate_hz: int) -> Tensor:
    frames = audio.shape[-1]
    # What rings on behind the end is looked ahead at, too.
    audio = functional.pad(audio, (0, _ahead(settings, sample_rate_hz)))
    gate = stage_of(settings, "gate")
    if gate is not None:
        audio = gated(audio, gate, sample_rate_hz)
    cuts = cut_sections(settings, sample_rate_hz)
    if cuts is not None:
        audio = filtered(audio, cuts)
    eq = stage_of(settings, "eq")
    if eq is not None:
        audio = filtered(audio, eq_sections(eq, sample_rate_hz))
    before = 0
    match = stage_of(settings, "match")
    if match is not None:
        # What rings ahead of the first sample is heard by the compressor, too.
        before = rings_ahead(match, sample_rate_hz)
        audio = match_curved(functional.pad(audio, (before, 0)), match, sample_rate_hz)
    for name, process in _DYNAMICS:
        stage = stage_of(settings, name)
        if stage is not None:
            audio = process(audio, stage, sample_rate_hz)
    return audio[..., before : before + frames]


def _ahead(settings: TwinSettings, sample_rate_hz: int) -> int:
    lookahead_ms = settings.get("compressor.lookahead_ms")
    return 0 if lookahead_ms is None else math.ceil(float(lookahead_ms.detach().max()) * sample_rate_hz / 1000) + 1
