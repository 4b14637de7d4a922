"""The match curve between two profiles: how middle and sides of a mix have to be bent to sound like the reference.

Both are compared at equal loudness, third octave by third octave, and the curve leaves loudness as it is. It is held
where it would do harm: a band in which the mix has nothing but noise is never lifted, sides are never widened in the
lows, and where the reference has nothing to say the curve goes on as beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import parameters
from ...presets.parts.match import (
    MOST_NARROWER_DB,
    MOST_TONE_DB,
    MOST_WIDER_DB,
    THIRDS_HZ,
    MatchCurve,
    ToneCurve,
    WidthCurve,
)
from ..console.match import smooth_curve_db
from .profile import PARTS_HZ, Floats, Profile, loudness_power, thirds_of

# Each round takes away what is left of the difference; points influence their neighbours' thirds. More rounds undo the
# smoothing: with 3, 4 and 6 of them ten mixes are 1.33, 1.26 and 1.17 dB off, and neighbouring points 1.4, 1.6 and
# 1.8 dB apart.
_ROUNDS: Final = 4
_STEP: Final = 0.8
# Smoothing over neighbouring thirds: finer where an octave holds many notes, wider where a third holds one bass note.
_FINE: Final = np.array([1.0, 2.0, 1.0]) / 4
_WIDE: Final = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]) / 16
_NOTES_HZ: Final = 200.0
# A band that moves less than the first is noise, and not lifted; one that moves more than the second is music.
_NOISE_DB, _MUSIC_DB = 0.8, 2.2
# A band so far below the whole mix has nothing in it, and one so much above that has something.
_EMPTY_DB, _FULL_DB = 70.0, 60.0
# Sides so far below the middle are none.
_NO_SIDES_DB, _SIDES_DB = 45.0, 35.0
# Below this the sides are never made louder against the middle, as every engineer holds it.
_LOWS_HZ: Final = 120.0
# Smaller than this is not worth a setting.
_LEAST_DB: Final = 0.05
_TINY: Final = 1e-20


def fit_curve(mix: Profile, reference: Profile, before: MatchCurve | None = None) -> MatchCurve:
    """Fit a curve that brings a mix to the spectrum of a reference, in the middle and at the sides.

    Args:
        mix: as it is without the curve.
        reference: as it should sound.
        before: settings that are kept besides the points: amount and phase.
    """
    before = before or MatchCurve()
    if mix.is_silent or reference.is_silent:
        return before
    goal_db = _decibels(thirds_of(reference.power) / loudness_power(reference.power))
    lift_db = _highest_db(mix)
    points_db = np.zeros((2, len(THIRDS_HZ)))
    for _ in range(_ROUNDS):
        made = curved(mix.power, points_db)
        missing_db = goal_db - _decibels(thirds_of(made) / loudness_power(made))
        missing_db = np.stack([_smooth(_carried_on(row, reference.present)) for row in missing_db])
        # What loudness the curve adds is taken off again: that is the business of the level.
        louder_db = 10 * np.log10(loudness_power(made) / loudness_power(mix.power))
        points_db = points_db + _STEP * missing_db - louder_db
        points_db = _held(np.stack([_carried_on(row, reference.present) for row in points_db]), lift_db)
    return _settings(points_db, before)


def curved(power: Floats, points_db: Floats) -> Floats:
    """Compute what gains of middle and sides, shape (2, 31), make of a spectrum, shape (2, 124)."""
    gains_db = np.stack([smooth_curve_db(row, PARTS_HZ) for row in points_db])
    return np.asarray(power * 10 ** (gains_db / 10))


def _highest_db(mix: Profile) -> Floats:
    """How far middle and sides may be lifted in each third, shape (2, 31): not where there is only noise."""
    thirds = thirds_of(mix.power)
    below_db = 10 * np.log10(thirds.sum() / (thirds + _TINY))
    shares = _between(mix.movement_db, _NOISE_DB, _MUSIC_DB) * _between(-below_db, -_EMPTY_DB, -_FULL_DB)
    sides_below_db = 10 * np.log10((thirds[0] + _TINY) / (thirds[1] + _TINY))
    shares[1] *= _between(-sides_below_db, -_NO_SIDES_DB, -_SIDES_DB)
    return np.asarray(shares * np.array([[MOST_TONE_DB], [MOST_TONE_DB]]))


def _held(points_db: Floats, lift_db: Floats) -> Floats:
    """Hold middle and sides within the limits of the settings and of what may be lifted."""
    middle = np.clip(points_db[0], -MOST_TONE_DB, np.minimum(MOST_TONE_DB, lift_db[0]))
    widest = np.where(np.array(THIRDS_HZ) < _LOWS_HZ, 0.0, MOST_WIDER_DB)
    sides = np.clip(points_db[1], middle - MOST_NARROWER_DB, middle + widest)
    return np.stack([middle, np.minimum(sides, np.maximum(lift_db[1], middle - MOST_NARROWER_DB))])


def _smooth(row: Floats) -> Floats:
    fine, wide = (_mean_around(row, kernel) for kernel in (_FINE, _WIDE))
    return np.where(np.array(THIRDS_HZ) < _NOTES_HZ, wide, fine)


def _mean_around(row: Floats, kernel: Floats) -> Floats:
    return np.convolve(np.pad(row, len(kernel) // 2, mode="edge"), kernel, mode="valid")


def _carried_on(row: Floats, present: NDArray[np.bool_]) -> Floats:
    """Fill in what the reference says nothing about from the nearest thirds of which it does."""
    known = np.flatnonzero(present)
    return np.interp(np.arange(len(row)), known, row[known]) if len(known) else np.zeros(len(row))


def _settings(points_db: Floats, before: MatchCurve) -> MatchCurve:
    tone_db = np.where(np.abs(points_db[0]) < _LEAST_DB, 0.0, points_db[0])
    width_db = points_db[1] - points_db[0]
    width_db = np.clip(np.where(np.abs(width_db) < _LEAST_DB, 0.0, width_db), -MOST_NARROWER_DB, MOST_WIDER_DB)
    curves: dict[str, object] = {
        name: kind(**dict(zip(parameters(kind), np.round(values_db, 2).tolist(), strict=True)))
        for name, kind, values_db in (("tone", ToneCurve, tone_db), ("width", WidthCurve, width_db))
    }
    return before.model_copy(update=curves)


def _between(values: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high` on."""
    return np.clip((values - low) / (high - low), 0, 1)


def _decibels(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(power + _TINY))
