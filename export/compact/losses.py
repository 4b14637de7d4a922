"""What training minimises: the reference's feature distance on band powers, with a little help from the settings.

The feature terms have the weights of the golden feature loss (bark 0.1, width 1, imbalance 1) but for crest; rms is
matched away. The terms on settings only break ties early on: many settings sound alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from .band_console import SessionBatch, Settings, balance_gain_db, eq_curve_db, loudness_lufs
from .bands import BandPowers

_EDGE = 1e-5


@dataclass(frozen=True)
class MixFeatures:
    """What a mix sounds like at unit loudness; the first dimension is the batch.

    Attributes:
        mid: log of the mean amplitude in each band, shape (batch, bands).
        side: likewise.
        width: power of the side over that of the mid, shape (batch,).
        imbalance: (right - left) / (right + left) in power, shape (batch,).
        band_imbalance: likewise in each band, shape (batch, bands).
        crest_db: loudest frame over the mean of left and right, shape (batch, 2); peaks within a frame are not seen.
    """

    mid: Tensor
    side: Tensor
    width: Tensor
    imbalance: Tensor
    band_imbalance: Tensor
    crest_db: Tensor

    @classmethod
    def of(cls, powers: BandPowers) -> MixFeatures:
        """Measure mixes of shape (batch, bands, frames)."""
        gain = torch.exp(loudness_lufs(powers) * (-math.log(10) / 20))[..., None, None]
        powers = powers.scaled(gain, gain)
        mid, side, left, right = powers.mid, powers.side, powers.left, powers.right
        both = torch.stack((left.sum(-2), right.sum(-2)), dim=1)
        whole = both.mean(-1)
        band_left, band_right = left.mean(-1), right.mean(-1)
        return cls(
            mid=_log_spectrum(mid),
            side=_log_spectrum(side),
            width=side.sum((-1, -2)) / (mid.sum((-1, -2)) + 1e-9),
            imbalance=(whole[:, 1] - whole[:, 0]) / (whole.sum(1) + 1e-9),
            band_imbalance=(band_right - band_left) / (band_right + band_left + 1e-7),
            crest_db=10 / math.log(10) * torch.log((both.amax(-1) + 1e-9) / (whole + 1e-9)),
        )

    def where(self, chosen: Tensor, other: MixFeatures) -> MixFeatures:
        """Takes these features for the chosen of the batch, the others for the rest."""
        pairs = ((getattr(self, item.name), getattr(other, item.name)) for item in fields(self))
        return MixFeatures(*(torch.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))


def feature_terms(features: MixFeatures, aim: MixFeatures) -> dict[str, Tensor]:
    """Computes weighted terms, each the mean over the batch."""
    bark = torch.stack(
        [
            functional.smooth_l1_loss(a, b, beta=3.0) * 2 * 3.0
            for a, b in ((features.mid, aim.mid), (features.side, aim.side))
        ]
    ).mean()
    return {
        "bark": 0.1 * bark,
        # Power of the side over the mid has no upper end: a rare, nearly anti-phase mix must not rule a batch.
        "width": functional.smooth_l1_loss(features.width, aim.width, beta=1.0) * 2,
        "imbalance": (features.imbalance - aim.imbalance).square().mean(),
        "band_imbalance": 0.1 * functional.smooth_l1_loss(features.band_imbalance, aim.band_imbalance, beta=0.2),
        # Five times its weight in the distance: it is small beside the others, and nothing else teaches compression.
        "crest": 0.005 * (features.crest_db - aim.crest_db).square().mean(),
    }


def setting_terms(
    session: SessionBatch,
    strips: Settings,
    master: Settings,
    true_strips: Settings,
    true_master: Settings,
    known: Tensor,
) -> dict[str, Tensor]:
    """Computes weighted distances of settings where a number is meaningful by itself.

    Args:
        session: whose settings these are.
        strips: as decided.
        master: likewise.
        true_strips: as they were.
        true_master: likewise.
        known: sessions for which there is a truth, shape (batch,).
    """
    present = session.present & known[:, None]

    def masked(error: Tensor) -> Tensor:
        return (error * present).sum() / present.sum().clamp(min=1)

    def of_known(error: Tensor) -> Tensor:
        return (error.flatten(1).mean(1) * known).sum() / known.sum().clamp(min=1)

    def balance(settings: Settings) -> Tensor:
        return settings["fader_db"] + balance_gain_db(settings["fader_db"], session.present)[:, None]

    return {
        "fader": 0.06 * masked(((balance(strips) - balance(true_strips)) / 6) ** 2),
        "pan": 0.2 * masked((strips["pan"] - true_strips["pan"]) ** 2),
        "eq": 0.02 * masked((((eq_curve_db(strips) - eq_curve_db(true_strips)) / 4) ** 2).mean(-1))
        + 0.05 * of_known(((eq_curve_db(master) - eq_curve_db(true_master)) / 4) ** 2),
        "compressor": 0.02 * masked(_squeeze_error(strips, true_strips))
        + 0.02 * of_known(_squeeze_error(master, true_master)[:, None]),
    }


def _squeeze_error(settings: Settings, true: Settings) -> Tensor:
    """Measures how far the static curves lie apart, and, where both compress, the time constants."""
    level = torch.tensor([-36.0, -30.0, -24.0, -18.0, -12.0, -6.0])
    curves = [
        (1 / item["compressor.ratio"][..., None] - 1)
        * (level - item["compressor.threshold_db"][..., None]).clamp(min=0)
        for item in (settings, true)
    ]
    error: Tensor = ((curves[0] - curves[1]) / 4).square().mean(-1)
    works = (true["compressor.ratio"] > 1.01).to(error.dtype)
    for name in ("compressor.attack_ms", "compressor.release_ms"):
        error = error + 0.2 * works * (torch.log(settings[name] / true[name]) / math.log(4)).square()
    return error


def _log_spectrum(power: Tensor) -> Tensor:
    return torch.log(torch.sqrt(power + 1e-14).mean(-1) + _EDGE)
