"""Closes the loop inside the controller: what would these settings sound like, and what is still missing?

From each track's statistics and the settings decided so far follows the mix's spectrum, imbalance and width in every
band, as far as faders, EQ and pan make them (the compressor is left out). What differs from the reference is shown to
a small network that corrects the settings, beside what was found of each track in the reference (:mod:`.unmix`); a few
rounds of that, with the same weights, are a learned optimiser. It begins as no correction at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...runtime.model.layout import Layout
from .band_console import eq_curve_db, k_weights, pan_gains
from .bands import BAND_COUNT
from .layout import to_units
from .unmix import UnmixedTracks

_HIDDEN = 160
# Side against mid of a track whose channels are the same is -1: it is panned, not balanced.
_MONO_WIDTH = -0.999


@dataclass(frozen=True)
class Spectrum:
    """Statistics of a sound, each of shape (..., bands): log10 share of its power, imbalance, side against mid."""

    level: Tensor
    imbalance: Tensor
    width: Tensor


class Feedback(nn.Module):
    """Corrects logits of tracks and master round by round.

    Args:
        layout: what the outputs mean.
        rounds: how often it corrects.
        roles: how many there are.
    """

    def __init__(self, layout: Layout, rounds: int, roles: int) -> None:
        super().__init__()
        self.layout, self.rounds = layout, rounds
        self.track = _corrector(6 * BAND_COUNT + 10 + len(layout.track) + roles, len(layout.track))
        self.master = _corrector(BAND_COUNT + 2 + len(layout.master), len(layout.master))

    def forward(
        self,
        logits: Tensor,
        master_logits: Tensor,
        tracks: Spectrum,
        reference: Spectrum,
        found: UnmixedTracks,
        present: Tensor,
        roles: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Corrects logits.

        Args:
            logits: shape (batch, tracks, track outputs).
            master_logits: shape (batch, master outputs).
            tracks: of shape (batch, tracks, bands).
            reference: of shape (batch, bands).
            found: of the tracks in the reference.
            present: 1 for tracks, 0 for padding, shape (batch, tracks).
            roles: weight of each role, shape (batch, tracks, roles).
        """
        raw = _raw_powers(tracks, present)
        ref_width, ref_imbalance = _overall(torch.pow(10.0, reference.level), reference)
        for _ in range(self.rounds):
            unit, master_unit = torch.sigmoid(logits), torch.sigmoid(master_logits)
            strips, master = to_units(self.layout.track, unit), to_units(self.layout.master, master_unit)
            power, own_imbalance, mix = _mixed(raw, strips, master)
            sum_power = power.sum(1)
            whole_power = sum_power.sum(-1)[:, None, None] + 1e-9
            missing = (reference.level - mix.level).clamp(-2, 2)
            tilt, wider = reference.imbalance - mix.imbalance, reference.width - mix.width
            mix_width, mix_imbalance = _overall(sum_power, mix)
            whole = torch.stack(((ref_width - mix_width).clamp(-2, 2), ref_imbalance - mix_imbalance), dim=-1)
            share = power / (sum_power[:, None] + 1e-9)
            left_over = [item[:, None].expand_as(share) for item in (missing, tilt, wider)]
            rows = (
                share,
                *(share * item for item in left_over),
                *(_mean(power, item) for item in left_over),
                *(_mean(share * power, item) for item in left_over),
                whole[:, None].expand(-1, logits.shape[1], -1),
                (found.level - torch.log10(power / whole_power + 1e-6)).clamp(-2, 2),
                found.imbalance - own_imbalance,
                (found.total - torch.log10(power.sum(-1, keepdim=True) / whole_power + 1e-6)).clamp(-2, 2),
                found.place,
                unit,
                roles,
            )
            logits = logits + self.track(torch.cat(rows, dim=-1))
            master_logits = master_logits + self.master(torch.cat((missing, whole, master_unit), dim=-1))
        return logits, master_logits


@dataclass(frozen=True)
class _Raw:
    """Tracks at equal loudness: power of left and right, their product, shape (batch, tracks, bands); mono flags."""

    left: Tensor
    right: Tensor
    cross: Tensor
    mono: Tensor


def _raw_powers(tracks: Spectrum, present: Tensor) -> _Raw:
    power = torch.pow(10.0, tracks.level)
    loudness = (power * k_weights(power)).sum(-1, keepdim=True)
    power = torch.where(present[..., None] > 0, power / loudness.clamp(min=1e-9), torch.zeros(()))
    mono = _mean(power, tracks.width)[..., 0] < _MONO_WIDTH
    return _Raw(power * (1 - tracks.imbalance) / 2, power * (1 + tracks.imbalance) / 2, -tracks.width * power / 2, mono)


def _mixed(raw: _Raw, strips: Mapping[str, Tensor], master: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Spectrum]:
    """Gives power and imbalance of each track in the mix, shape (batch, tracks, bands), and the mix's figures."""
    gain = torch.exp((eq_curve_db(strips) + strips["fader_db"][..., None]) * (math.log(10) / 10))
    left_gain, right_gain = (side[..., None] for side in pan_gains(strips["pan"], raw.mono))
    left, right = raw.left * gain * left_gain**2, raw.right * gain * right_gain**2
    both = (left + right).sum(1)
    cross = (raw.cross * gain * left_gain * right_gain).sum(1)
    heard = both * torch.exp(eq_curve_db(master) * (math.log(10) / 10))
    level = torch.log10(heard / heard.sum(-1, keepdim=True).clamp(min=1e-9) + 1e-6)
    imbalance = (right - left).sum(1) / (both + 1e-7)
    own = left + right
    return own, (right - left) / (own + 1e-7), Spectrum(level, imbalance, -2 * cross / (both + 1e-7))


def _overall(power: Tensor, spectrum: Spectrum) -> tuple[Tensor, Tensor]:
    """Gives log10 of side over mid, and imbalance, over all bands, each of shape (batch,)."""
    total = power.sum(-1).clamp(min=1e-9)
    # A reference that is learned from mono mixes begins with no side at all, and a step takes it below that.
    side = (power * (1 + spectrum.width)).sum(-1).clamp(min=0) / total
    mid = (power * (1 - spectrum.width)).sum(-1).clamp(min=0) / total
    return torch.log10((side + 1e-4) / (mid + 1e-4)), (power * spectrum.imbalance).sum(-1) / total


def _mean(weight: Tensor, value: Tensor) -> Tensor:
    """Gives the mean over bands, shape (..., 1)."""
    return (weight * value).sum(-1, keepdim=True) / (weight.sum(-1, keepdim=True) + 1e-9)


def _corrector(inputs: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(_HIDDEN, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, _HIDDEN), nn.GELU(), last)
