"""What a reference can tell of a voice: whether it is a voice itself, how bright its makers like it, and how dense.

A finished song's spectrum says nothing of what a vocal in it is like. A voice alone does: a model may compare with it.
"""

from __future__ import annotations

import numpy as np

from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from .sound import MIDDLE_HZ, VOICE_HZ, Frames, decibels, framed

# A voice alone has nothing below its notes, stops between its words, and stands in the middle. Each is a distance from
# where songs and voices meet, in units of how far they reach over it; no single one decides.
_LOWS_HZ = (30.0, 85.0)
_LOWS_DB, _DEPTH_DB, _SIDE_DB = -24.0, 11.0, -9.0
_LOWS_SPREAD_DB, _DEPTH_SPREAD_DB, _SIDE_SPREAD_DB = 4.0, 3.0, 6.0
_MOST_SAID = 2.0
# A voice that was mixed never has as much below its notes as this, whatever else speaks for it.
_MOST_LOWS_DB = -18.0
# A finished song as they usually are: highs against the middle, and peaks over loudness.
_HIGHS_HZ = (4000.0, 12000.0)
_USUAL_HIGHS_DB, _USUAL_PEAK_DB = -13.0, 12.0
_DEVIATIONS_PER_DB, _MOST_DEVIATIONS = 0.05, 0.4
_DENSITY_PER_DB, _MOST_DENSITY = 0.04, 1.25
_TINY = 1e-12


def is_voice_alone(reference: Samples, sample_rate_hz: int) -> bool:
    """Tell a mixed voice without music from a song, by its lows, its pauses and its width."""
    frames = framed(reference.mean(axis=0), sample_rate_hz)
    lows_db = decibels(float(frames.within(*_LOWS_HZ).sum())) - decibels(float(frames.within(*VOICE_HZ).sum()))
    if lows_db > _MOST_LOWS_DB:
        return False
    said = (
        (_LOWS_DB - lows_db) / _LOWS_SPREAD_DB,
        (_depth_db(frames) - _DEPTH_DB) / _DEPTH_SPREAD_DB,
        min((_SIDE_DB - side_db(reference)) / _SIDE_SPREAD_DB, 1.0),  # a song may be mono
    )
    return float(np.clip(said, -_MOST_SAID, _MOST_SAID).sum()) > 0


def side_db(reference: Samples) -> float:
    """Measure the power of the sides against the middle, in dB."""
    side = float(np.square(reference[0] - reference[-1], dtype=np.float64).mean()) + _TINY
    middle = float(np.square(reference[0] + reference[-1], dtype=np.float64).mean()) + _TINY
    return decibels(side / middle)


def brightness(reference: Samples, sample_rate_hz: int) -> float:
    """Say how much brighter than usual a song is, as a small number of a vocal's standard deviations."""
    frames = framed(reference.mean(axis=0), sample_rate_hz)
    highs, middle = (float(frames.within(*range_hz).sum()) for range_hz in (_HIGHS_HZ, MIDDLE_HZ))
    over_db = decibels(highs) - decibels(middle) - _USUAL_HIGHS_DB
    return float(np.clip(_DEVIATIONS_PER_DB * over_db, -_MOST_DEVIATIONS, _MOST_DEVIATIONS))


def density(reference: Samples, sample_rate_hz: int) -> float:
    """Say how much more compressed than usual a song is, as a factor near 1 for ratios."""
    peak_db = 2 * decibels(float(np.abs(reference).max()))
    over_db = peak_db - integrated_loudness(reference, sample_rate_hz) - _USUAL_PEAK_DB
    return float(np.clip(1 - _DENSITY_PER_DB * over_db, 1 / _MOST_DENSITY, _MOST_DENSITY))


def _depth_db(frames: Frames) -> float:
    """How far the level falls between loud and quiet."""
    level_db = 10 * np.log10(frames.within(*VOICE_HZ) + _TINY)
    loud_db, quiet_db = np.quantile(level_db, (0.9, 0.1))
    return float(loud_db - quiet_db)
