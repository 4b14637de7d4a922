"""What tuning minimises: how far the sound is from the mixed file, and the settings from those recovered.

The sound is compared in bands from moment to moment (left and right, middle and side), as whole features, and in
loudness. Settings count where a number means something by itself: curves rather than bands of an equalizer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from ..compact.band_console import SessionBatch, Settings, loudness_lufs
from ..compact.bands import BandPowers
from ..compact.losses import MixFeatures, feature_terms
from .console import strip_curve_db

SOUND_TERMS: Final = ("bark", "width", "imbalance", "band_imbalance", "crest", "moments", "level")
"""Names of what :func:`sound_terms` computes."""
# Bands from moment to moment count down to this far below the loudest.
_QUIET_DB = 60.0
_DB_PER_NEPER = 10 / math.log(10)
_LEVELS_DB = (-42.0, -36.0, -30.0, -24.0, -18.0, -12.0, -6.0)


def sound_terms(mixed: BandPowers, wanted: BandPowers) -> dict[str, Tensor]:
    """Computes weighted terms, each the mean over the batch.

    Args:
        mixed: under the settings decided, shape (batch, bands, frames).
        wanted: as it was mixed, at the same moments.
    """
    level = loudness_lufs(mixed) - loudness_lufs(wanted)
    gain = torch.exp(-level.detach() * (math.log(10) / 20))[:, None, None]
    mixed_level = mixed.scaled(gain, gain)
    terms = feature_terms(MixFeatures.of(mixed), MixFeatures.of(wanted))
    return terms | {
        "moments": 0.03 * _moments(mixed_level, wanted),
        "level": 0.02 * functional.smooth_l1_loss(level, torch.zeros_like(level), beta=2.0) * 2,
    }


def setting_terms(session: SessionBatch, strips: Settings, true: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Computes weighted distances of settings of the tracks that are present."""
    there = session.present
    own = {path: value[there] for path, value in strips.items()}
    aim = {path: value[there] for path, value in true.items()}

    def close(path: str, spread: float, weight: float) -> Tensor:
        error: Tensor = functional.smooth_l1_loss(own[path] / spread, aim[path] / spread, beta=1.0)
        return weight * error

    terms = {
        "curve": 0.1 * ((strip_curve_db(own) - strip_curve_db(aim)).clamp(-30, 30) / 4).square().mean(),
        "compressor": 0.03 * _squeeze(own, aim).mean(),
        "pan": 0.3 * (own["pan"] - aim["pan"]).square().mean(),
        "fader": close("fader_db", 4.0, 0.05),
        "reverb": close("reverb_send_db", 5.0, 0.1),
        "delay": close("delay_send_db", 8.0, 0.03),
        "saturation": close("saturation.drive", 2.0, 0.02),
        "deesser": close("deesser.range_db", 3.0, 0.02),
    }
    works = (aim["deesser.range_db"] > 0.5).to(own["pan"].dtype)
    if works.any():
        for path, spread in (("deesser.threshold_db", 6.0), ("deesser.freq_hz", 2000.0)):
            error = functional.smooth_l1_loss(own[path] / spread, aim[path] / spread, reduction="none")
            terms["deesser"] = terms["deesser"] + 0.02 * (error * works).sum() / works.sum()
    return terms


def _moments(mixed: BandPowers, wanted: BandPowers) -> Tensor:
    """Mean size of the difference in dB of bands from moment to moment, softly counted."""
    pairs = ((mixed.left, wanted.left), (mixed.right, wanted.right), (mixed.mid, wanted.mid), (mixed.side, wanted.side))
    loudest = torch.maximum(wanted.left, wanted.right).amax((-1, -2), keepdim=True)
    floor = loudest * 10 ** (-_QUIET_DB / 10) + 1e-12
    errors = []
    for one, other in pairs:
        difference_db = _DB_PER_NEPER * (torch.log(one + floor) - torch.log(other + floor))
        errors.append(functional.smooth_l1_loss(difference_db, torch.zeros_like(difference_db), beta=2.0))
    return torch.stack(errors).mean()


def _squeeze(own: Settings, aim: Settings) -> Tensor:
    """Measures how far static curves lie apart, and, where there is compression, the time constants."""
    level = torch.tensor(_LEVELS_DB)
    curves = [
        (1 / item["compressor.ratio"][..., None] - 1)
        * (level - item["compressor.threshold_db"][..., None]).clamp(min=0)
        for item in (own, aim)
    ]
    error: Tensor = ((curves[0] - curves[1]) / 4).square().mean(-1)
    works = (aim["compressor.ratio"] > 1.01).to(error.dtype)
    for name in ("compressor.attack_ms", "compressor.release_ms"):
        error = error + 0.2 * works * (torch.log(own[name] / aim[name]) / math.log(4)).square()
    return error
