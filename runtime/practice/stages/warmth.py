"""A little saturation on what carries a mix, where its reference is dense: peaks are bent, not the sound.

Engineers of dense mixes warm bass, snare and lead vocal. How far follows the reference's peaks: none where they stand
13 dB and more above its loudness. What is bent is measured on the track behind its compressor.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import numpy as np

from ....presets.console import Saturation, parameters
from ....presets.roles import ROLES, Role
from ...audio.reading import Samples
from ...console.strip import pan_gains

WARMED: Final[frozenset[Role]] = frozenset({"bass", "snare", "lead vocal"})
"""Roles that are saturated."""

# Peaks over loudness of a reference that asks for all of it, and of one that asks for none.
_DENSE_DB, _OPEN_DB = 9.0, 15.0
# How far the highest peaks are driven into tanh(z), 1.3 dB down at most; less than the second is not heard.
_MOST, _LEAST = 0.7, 0.25
# And the loud parts of a track, so that a tone's third harmonic stays below 1 %.
_MOST_LOUD: Final = 0.35
_PEAKS: Final = 0.9995
_FRAME_S: Final = 0.05
_SQUARE_ROOT_2: Final = 2**0.5
_TINY: Final = 1e-9


def driven(density_db: float | None) -> float:
    """How far peaks are driven for a reference whose peaks stand so far above its loudness; 0 for not at all."""
    if density_db is None or not math.isfinite(density_db):
        return 0.0
    wanted = _MOST * min(max((_OPEN_DB - density_db) / (_OPEN_DB - _DENSE_DB), 0.0), 1.0)
    return wanted if wanted >= _LEAST else 0.0


def saturation_of(made: Samples, sample_rate_hz: int, drive: float, channels: int) -> Saturation:
    """A saturation that drives the peaks of a track so far.

    Args:
        made: the track behind its strip with fader and pan at 0, shape (2, n).
        sample_rate_hz: of it.
        drive: as :func:`driven` tells.
        channels: of the track itself, whose pan law makes it softer.
    """
    level = np.abs(made).max(axis=0) / max(pan_gains(0.0, channels))
    peak = float(np.quantile(level, _PEAKS))
    step = max(1, min(len(level), round(_FRAME_S * sample_rate_hz)))
    frames = np.square(level[: len(level) // step * step], dtype=np.float64).reshape(-1, step).mean(axis=1)
    loud = _SQUARE_ROOT_2 * float(np.sqrt(np.quantile(frames, 0.95)))
    if peak < _TINY:
        return Saturation()
    chosen = min(drive / peak, _MOST_LOUD / max(loud, _TINY))
    if chosen * peak < _LEAST:
        return Saturation()
    return Saturation(drive=parameters(Saturation)["drive"].clamp(round(chosen, 3)))


def warmth_words(density_db: float | None, warmed: Collection[Role]) -> tuple[str, ...]:
    """Say what is saturated and why, in a sentence; none where nothing is."""
    if density_db is None or not warmed:
        return ()
    *others, last = (role for role in ROLES if role in warmed)
    named = f"{', '.join(others)} and {last}" if others else last
    return (f"The reference is dense (peaks {density_db:.0f} dB above its loudness), so a little saturation: {named}.",)
