"""What training minimises: the reference's feature distance on band powers, with a little help from the settings.

The feature terms have the weights of the golden feature loss (bark 0.1, width 1, imbalance 1); rms is matched away and
crest cannot be seen on frames. The terms on settings only break ties early on: many settings sound alike.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .band_console import Session, Settings, balance_gain_db, eq_curve_db, loudness_lufs
from .bands import BandPowers

_EDGE = 1e-5


def feature_terms(predicted: BandPowers, true: BandPowers) -> dict[str, Tensor]:
    """Weighted terms, each the mean over the batch; both mixes are brought to the same loudness first."""
    predicted, true = _at_unit_loudness(predicted), _at_unit_loudness(true)
    bark = torch.stack(
        [
            functional.smooth_l1_loss(_log_spectrum(p), _log_spectrum(t), beta=3.0) * 2 * 3.0
            for p, t in ((predicted.mid, true.mid), (predicted.side, true.side))
        ]
    ).mean()
    width = ((_width(predicted) - _width(true)) ** 2).mean()
    imbalance = ((_imbalance(predicted) - _imbalance(true)) ** 2).mean()
    bands = functional.smooth_l1_loss(_band_imbalance(predicted), _band_imbalance(true), beta=0.2)
    return {"bark": 0.1 * bark, "width": width, "imbalance": imbalance, "band_imbalance": 0.1 * bands}


def setting_terms(
    session: Session, strips: Settings, master: Settings, true_strips: Settings, true_master: Settings
) -> dict[str, Tensor]:
    """Weighted distances of settings where a number is meaningful by itself."""
    present = session.present

    def masked(error: Tensor) -> Tensor:
        return (error * present).sum() / present.sum().clamp(min=1)

    def balance(settings: Settings) -> Tensor:
        return settings["fader_db"] + balance_gain_db(settings["fader_db"], present)[:, None]

    return {
        "fader": 0.1 * masked(((balance(strips) - balance(true_strips)) / 6) ** 2),
        "pan": 0.3 * masked((strips["pan"] - true_strips["pan"]) ** 2),
        "eq": 0.02 * masked((((eq_curve_db(strips) - eq_curve_db(true_strips)) / 4) ** 2).mean(-1))
        + 0.05 * (((eq_curve_db(master) - eq_curve_db(true_master)) / 4) ** 2).mean(),
        "compressor": 0.02 * masked(_squeeze_error(strips, true_strips))
        + 0.02 * _squeeze_error(master, true_master).mean(),
    }


def _squeeze_error(settings: Settings, true: Settings) -> Tensor:
    """How far the static curves lie apart, and, where both compress, the time constants."""
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


def _at_unit_loudness(powers: BandPowers) -> BandPowers:
    gain = torch.pow(10, -loudness_lufs(powers) / 20)[..., None, None]
    return powers.scaled(gain, gain)


def _log_spectrum(power: Tensor) -> Tensor:
    return torch.log(torch.sqrt(power + 1e-14).mean(-1) + _EDGE)


def _width(powers: BandPowers) -> Tensor:
    return powers.side.sum((-1, -2)) / (powers.mid.sum((-1, -2)) + 1e-9)


def _imbalance(powers: BandPowers) -> Tensor:
    left, right = powers.left.sum((-1, -2)), powers.right.sum((-1, -2))
    return (right - left) / (right + left + 1e-9)


def _band_imbalance(powers: BandPowers) -> Tensor:
    left, right = powers.left.mean(-1), powers.right.mean(-1)
    return (right - left) / (right + left + 1e-7)
