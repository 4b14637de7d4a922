"""What a track's sound says about its role."""

from __future__ import annotations

import numpy as np

from ...presets.roles import ROLES, Role
from ..audio.reading import Samples
from .names import Weights

# Where nearly all power is below, or above: kick and bass, hats and cymbals.
_LOW_HZ, _HIGH_HZ = 200.0, 4000.0
_NEARLY_ALL = 0.85
_STEP_S = 0.05
# A kick is silent between its strokes, a bass is not.
_GAP_DB = 25.0


def sound_weights(audio: Samples, sample_rate_hz: int) -> Weights:
    """Weigh the roles that a sound may be; every role has a weight.

    Args:
        audio: shape (1 or 2, samples), not silent.
        sample_rate_hz: of it.
    """
    wave = audio.mean(axis=0)
    power = np.square(np.abs(np.fft.rfft(wave)))
    freqs_hz = np.fft.rfftfreq(len(wave), 1 / sample_rate_hz)
    total = float(power.sum()) + 1e-12
    lows, highs = float(power[freqs_hz < _LOW_HZ].sum()) / total, float(power[freqs_hz > _HIGH_HZ].sum()) / total
    if lows > _NEARLY_ALL:
        return _leaning({"kick": 0.6, "bass": 0.2} if _has_gaps(wave, sample_rate_hz) else {"bass": 0.7, "kick": 0.05})
    if highs > _NEARLY_ALL:
        return _leaning({"hi-hat": 0.4, "cymbal": 0.2, "percussion": 0.2})
    return _leaning({})


def _leaning(weights: dict[Role, float]) -> Weights:
    rest = (1 - sum(weights.values())) / (len(ROLES) - len(weights))
    return {role: weights.get(role, rest) for role in ROLES}


def _has_gaps(wave: np.ndarray[tuple[int], np.dtype[np.float32]], sample_rate_hz: int) -> bool:
    step = max(1, round(_STEP_S * sample_rate_hz))
    power = np.square(wave[: len(wave) // step * step].reshape(-1, step)).mean(axis=1) + 1e-12
    level_db = 10 * np.log10(power / power.max())
    return bool(np.median(level_db) < -_GAP_DB)
