"""The match curve between two profiles: how middle and sides of a mix have to be bent to sound like the reference.

Both are compared at equal loudness, third octave by third octave, and the curve leaves loudness as it is. It is held
where it would do harm: a band in which the mix has nothing but noise is never lifted, sides are no louder than those of
the reference or the middle, the lows stay in the middle, and where the reference has nothing to say the curve goes on
as beside it.
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
from ..practice.sins import LOW_HZ, LOW_SIDES_DB
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
# Sides against the middle below 120 Hz, all of it together: what a curve may make of them. What is lower than the
# second is rumble, which is not widened.
_WIDEST_LOWS_DB: Final = LOW_SIDES_DB - 3
_WIDENED_HZ: Final = 35.0
# Smaller than this is not worth a setting.
_LEAST_DB: Final = 0.05
_HALVINGS: Final = 40
_HZ: Final = np.array(THIRDS_HZ)
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
    goal = thirds_of(reference.power) / loudness_power(reference.power)
    widest_db = widest_lows_db(mix.power)
    goal_db = _decibels(np.stack([goal[0], _low_sides_held(goal[0], goal[1], widest_db)]))
    lift_db, wider_db = _highest_db(mix), _widest_db(mix, goal_db)
    points_db = np.zeros((2, len(THIRDS_HZ)))
    for _ in range(_ROUNDS):
        made = curved(mix.power, points_db)
        missing_db = goal_db - _decibels(thirds_of(made) / loudness_power(made))
        missing_db = _smooth(np.stack([_carried_on(row, reference.present) for row in missing_db]))
        # What loudness the curve adds is taken off again: that is the business of the level.
        louder_db = 10 * np.log10(loudness_power(made) / loudness_power(mix.power))
        points_db = points_db + _STEP * missing_db - louder_db
        points_db = np.stack([_carried_on(row, reference.present) for row in points_db])
        points_db = _held(points_db, lift_db, wider_db)
    return _settings(points_db, before)


def curved(power: Floats, points_db: Floats) -> Floats:
    """Compute what gains of middle and sides, shape (2, 31), make of a spectrum, shape (2, 124)."""
    gains_db = np.stack([smooth_curve_db(row, PARTS_HZ) for row in points_db])
    return np.asarray(power * 10 ** (gains_db / 10))


def low_sides_db(power: Floats) -> float:
    """Power of the sides against the middle below 120 Hz, of a spectrum of shape (2, 124)."""
    middle, sides = power[:, PARTS_HZ < LOW_HZ].sum(axis=1) + _TINY
    return float(10 * np.log10(sides / middle))


def widest_lows_db(power: Floats) -> float:
    """How wide the lows of a spectrum of shape (2, 124) may come out: as they are, or as is good if that is wider."""
    return max(_WIDEST_LOWS_DB, low_sides_db(power))


def _highest_db(mix: Profile) -> Floats:
    """How far middle and sides may be lifted in each third, shape (2, 31): not where there is only noise."""
    thirds = thirds_of(mix.power)
    below_db = 10 * np.log10(thirds.sum() / (thirds + _TINY))
    shares = _between(mix.movement_db, _NOISE_DB, _MUSIC_DB) * _between(-below_db, -_EMPTY_DB, -_FULL_DB)
    sides_below_db = 10 * np.log10((thirds[0] + _TINY) / (thirds[1] + _TINY))
    shares[1] *= _between(-sides_below_db, -_NO_SIDES_DB, -_SIDES_DB)
    return np.asarray(shares * np.array([[MOST_TONE_DB], [MOST_WIDER_DB]]))


def _widest_db(mix: Profile, goal_db: Floats) -> Floats:
    """How far the sides may be lifted against the middle in each third: to where the reference has them, or to it."""
    thirds_db = _decibels(thirds_of(mix.power))
    asked_db = goal_db[1] - goal_db[0]
    most_db = np.where(_HZ < LOW_HZ, asked_db, np.maximum(asked_db, 0.0))
    wider_db = np.clip(most_db - (thirds_db[1] - thirds_db[0]), 0.0, MOST_WIDER_DB)
    narrow_hz = _WIDENED_HZ if low_sides_db(mix.power) < _WIDEST_LOWS_DB else LOW_HZ
    return np.where(narrow_hz > _HZ, 0.0, wider_db)


def _low_sides_held(middle: Floats, sides: Floats, most_db: float) -> Floats:
    """Sides of a spectrum, its lows no wider than this in all: in each third as they are, up to a level.

    The level is the same for all thirds, so that the strongest give way and the others keep their sides. Rumble, which
    is not widened, takes nothing from them.
    """
    lows, widened = _HZ < LOW_HZ, (_HZ < LOW_HZ) & (_HZ > _WIDENED_HZ)
    most = middle[lows].sum() * 10 ** (most_db / 10)
    if sides[lows].sum() <= most:
        return sides
    low, high = 0.0, float(sides[lows].max())
    for _ in range(_HALVINGS):
        level = (low + high) / 2
        low, high = (low, level) if np.minimum(sides, level)[widened].sum() > most else (level, high)
    return np.where(lows, np.minimum(sides, low), sides)


def _held(points_db: Floats, lift_db: Floats, wider_db: Floats) -> Floats:
    """Hold middle and sides within the limits of the settings and of what may be lifted."""
    middle = np.clip(points_db[0], -MOST_TONE_DB, np.minimum(MOST_TONE_DB, lift_db[0]))
    sides = np.clip(points_db[1], middle - MOST_NARROWER_DB, middle + wider_db)
    return np.stack([middle, np.minimum(sides, np.maximum(lift_db[1], middle - MOST_NARROWER_DB))])


def _smooth(rows: Floats) -> Floats:
    """Smooth middle and sides; sides end in the lows, and what is beyond that end must not spread into them."""
    middle, sides = rows
    notes = np.stack([_HZ < _NOTES_HZ, (_HZ < _NOTES_HZ) & (_HZ > LOW_HZ)])
    fine, wide = (np.stack([_mean_around(row, kernel) for row in (middle, sides)]) for kernel in (_FINE, _WIDE))
    return np.where(notes, wide, fine)


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
