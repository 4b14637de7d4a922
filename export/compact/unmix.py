"""Takes the reference apart with the raw tracks as a guide: how loud is each in it, how coloured, and where is it?

The reference's power in bands over time is explained as a sum of the tracks: each has two spectra of its own (on the
whole, and where it sets in), a gain per frame that is free, a colour and a place between left and right that hold all
the time. Multiplicative updates find them (non-negative matrix factorisation by Kullback-Leibler divergence, after Lee
and Seung, Advances in Neural Information Processing Systems 13, 2000, with known spectra). Nothing here is trained; the
controller learns what to make of the findings. Only matrix products and divisions, so that it exports to ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .bands import BAND_COUNT

FINDINGS = 3 * BAND_COUNT + 2
"""Numbers found for each track."""
_COLOUR_HOLD = 0.3  # how much a colour holds on to none at all
_TINY = 1e-9
_FLOOR = 1e-6  # of the mean in a band: what no track explains


@dataclass(frozen=True)
class Templates:
    """What is known of the tracks.

    Attributes:
        left: power in the bands on the left, on the whole and where the track sets in, shape (batch, tracks, 2, bands).
        right: likewise.
    """

    left: Tensor
    right: Tensor


@dataclass(frozen=True)
class UnmixedTracks:
    """What :func:`unmix` finds, split.

    Attributes:
        level: log10 of the track's power in each band, relative to the whole reference, shape (batch, tracks, bands).
        imbalance: likewise, (right - left) / (right + left).
        colour: log10 of its colour.
        total: log10 of its whole power, shape (batch, tracks, 1).
        place: -1 left to 1 right, shape (batch, tracks, 1).
    """

    level: Tensor
    imbalance: Tensor
    colour: Tensor
    total: Tensor
    place: Tensor

    @classmethod
    def of(cls, findings: Tensor) -> UnmixedTracks:
        """Split findings, shape (batch, tracks, FINDINGS)."""
        return cls(*torch.split(findings, [BAND_COUNT, BAND_COUNT, BAND_COUNT, 1, 1], dim=-1))


def unmix(templates: Templates, left: Tensor, right: Tensor, rounds: int) -> Tensor:
    """Find the tracks in a reference.

    Args:
        templates: zero for tracks that are padding.
        left: power of the reference, shape (batch, bands, frames).
        right: likewise.
        rounds: of updates; two dozen find nearly all, one dozen most.

    Returns:
        Shape (batch, tracks, FINDINGS): log10 of the power that the track has in each band of the reference,
        relative to the whole reference; its imbalance in each band; log10 of its colour in each band; log10 of its
        whole power; its place, -1 left to 1 right.
    """
    batch, tracks, kinds, bands = templates.left.shape
    heard = torch.stack((left, right), dim=1)  # (batch, 2, bands, frames)
    # Every band counts alike: the lows would explain themselves and leave the rest unheard.
    mean = heard.mean((1, 3), keepdim=True)
    white = mean + _FLOOR * mean.mean(2, keepdim=True) + 1e-20
    target = (heard / white + _FLOOR).flatten(1, 2)
    spectra = torch.stack((templates.left, templates.right), dim=1) / white[..., None].transpose(2, 4)
    spectra = spectra / (spectra.sum((1, 4), keepdim=True) + _TINY)  # (batch, 2, tracks, kinds, bands)
    place = torch.ones(batch, 2, tracks)
    colour = torch.ones(batch, tracks, bands)
    gains = torch.ones(batch, tracks * kinds, 1) * target.mean((1, 2), keepdim=True) * 2 * bands / (tracks * kinds)
    gains = gains.expand(-1, -1, target.shape[-1])
    power = torch.zeros(batch, 2, tracks, bands)
    for number in range(rounds):
        shaped = spectra * place[..., None, None] * colour[:, None, :, None]
        weights = shaped.permute(0, 1, 4, 2, 3).reshape(batch, 2 * bands, tracks * kinds)
        ratio = target / (weights @ gains + _TINY)
        back = weights.transpose(1, 2)
        gains = gains * (back @ ratio) / (back.sum(-1, keepdim=True) + _TINY)
        if number % 2 == 0:
            continue
        explained = (ratio @ gains.transpose(1, 2)).reshape(batch, 2, bands, tracks, kinds).permute(0, 1, 3, 4, 2)
        wanted = (shaped * explained).sum(3)  # (batch, 2, tracks, bands): this much of the target falls to the track
        modelled = (shaped * gains.sum(-1).reshape(batch, 1, tracks, kinds, 1)).sum(3)
        power = wanted
        place = place * wanted.sum(3) / (modelled.sum(3) + _TINY)
        place = 2 * place / (place.sum(1, keepdim=True) + _TINY)
        wanted_tone, modelled_tone = wanted.sum(1), modelled.sum(1)
        hold = _COLOUR_HOLD * modelled_tone.mean(-1, keepdim=True) + _TINY
        colour = ((colour * wanted_tone + hold) / (modelled_tone + hold)).clamp(0.1, 10.0)
    return _as_findings(power * white[..., 0, None].transpose(2, 3), place, colour)


def _as_findings(power: Tensor, place: Tensor, colour: Tensor) -> Tensor:
    """Makes findings of power (batch, 2, tracks, bands), place (batch, 2, tracks), colour (batch, tracks, bands)."""
    both = power.sum(1)
    whole = both.sum((1, 2), keepdim=True) + 1e-20
    level = torch.log10(both / whole + _FLOOR)
    imbalance = (power[:, 1] - power[:, 0]) / (both + 1e-7 * whole)
    total = torch.log10(both.sum(-1, keepdim=True) / whole + _FLOOR)
    position = ((place[:, 1] - place[:, 0]) / 2)[..., None]
    return torch.cat((level, imbalance, torch.log10(colour), total, position), dim=-1)
