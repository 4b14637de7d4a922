"""The console's compressor on a desk's: threshold, ratio and knee by the static curve, times by what they mean.

The desk's full scale is taken for that of the files (0 dBFS), its curve for the usual one: straight above and below,
a parabola over the width of the knee. Where the desk has no knee to set, it is taken for hard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...presets.console import Compressor
from ...runtime.console.response import compressor_gain_db
from ..desks.profile import CompressorAbility, TimeLaw
from ..desks.scales import Scale
from .abilities import Clamp, clamp_of, grid_of, highest, lowest, snapped
from .response import Floats

# What one time constant is in the desk's milliseconds. The console's law is pedalboard's (docs/console.md); the time
# from 10 to 90 % is ln 9 time constants.
_TIME_CONSTANT: Final[Mapping[TimeLaw, float]] = {
    "tau": 1.0,
    "pedalboard": 2 * math.pi,
    "ninety": math.log(9),
    # Of a gain that moves in dB, where the console's moves in amplitude: half of the dB of a gate of 20 dB are done in
    # the same time.
    "half_open": math.log(0.9 / (1 - 10**-0.5)) / math.log(2),
    "half_closed": math.log(0.9 / (10**-0.5 - 0.1)) / math.log(2),
}

_LEVELS_DB = np.arange(-60.0, 0.5)
# Where the level is that a compressor works on: about its threshold, more above than below.
_CENTRE_DB, _SPREAD_DB = 6.0, 10.0
# Of ranges without a grid: how far from what is wanted, and in which steps.
_THRESHOLD_REACH_DB, _THRESHOLD_STEP_DB = 24.0, 0.25
_RATIOS, _KNEES = 80, 17
# So much worse may the curve be that stays nearer to the numbers of the preset.
_NEARNESS = 1e-4


@dataclass(frozen=True)
class FittedCompressor:
    """A compressor as a desk has it.

    Attributes:
        values: by canonical key, each on the desk's grid.
        curve_error_db: largest error of the static curve for levels from -60 dBFS to 0 dBFS, makeup left out.
        clamped: what is out of the desk's range.
        left_over_db: the part of the makeup that the desk's cannot give, to be added by its fader.
    """

    values: Mapping[str, float | str]
    curve_error_db: float
    clamped: tuple[Clamp, ...]
    left_over_db: float


@dataclass(frozen=True)
class _Curve:
    threshold_db: float
    ratio: float
    knee_db: float


def fit_compressor(compressor: Compressor, ability: CompressorAbility) -> FittedCompressor:
    """Fit a compressor into a desk's ranges, ratios and grid; ratio 1 is off where the desk has a switch.

    Args:
        compressor: settings of the console in the desk form (thresholds of the raw track).
        ability: what the desk's compressor can do.
    """
    wanted = _Curve(compressor.threshold_db, compressor.ratio, compressor.knee_db)
    fitted = _nearest(wanted, ability)
    is_on = fitted.ratio > 1
    values: dict[str, float | str] = {
        "compressor.threshold_db": snapped(ability.threshold, fitted.threshold_db),
        "compressor.ratio": snapped(ability.ratio, fitted.ratio),
    }
    clamps = [clamp_of("compressor.threshold_db", ability.threshold, wanted.threshold_db)]
    if is_on:
        clamps.append(clamp_of("compressor.ratio", ability.ratio, wanted.ratio))
    for name, scale, time_ms in (
        ("attack", ability.attack, desk_ms(compressor.attack_ms, ability.attack_law)),
        ("release", ability.release, desk_ms(compressor.release_ms, ability.release_law)),
    ):
        if scale is None:
            continue
        values[f"compressor.{name}_ms"] = snapped(scale, time_ms)
        clamps.append(clamp_of(f"compressor.{name}_ms", scale, time_ms))
    if ability.knee is not None:
        values["compressor.knee_db"] = snapped(ability.knee, fitted.knee_db)
    makeup_db = 0.0
    # A desk's makeup stands still with its compressor, the console's does not.
    if ability.makeup is not None:
        makeup_db = snapped(ability.makeup, compressor.makeup_db if is_on else 0.0)
        values["compressor.makeup_db"] = makeup_db
    if ability.switch is not None:
        values["compressor.on"] = float(is_on)
    return FittedCompressor(
        values=values,
        curve_error_db=_largest_error_db(wanted, fitted),
        clamped=tuple(clamp for clamp in clamps if clamp is not None and wanted.ratio > 1),
        left_over_db=compressor.makeup_db - (makeup_db if is_on else 0.0),
    )


def desk_ms(preset_ms: float, law: TimeLaw) -> float:
    """Convert a preset's time to the milliseconds of a desk."""
    return preset_ms * _TIME_CONSTANT[law] / _TIME_CONSTANT["pedalboard"]


def preset_ms(desk_ms: float, law: TimeLaw) -> float:
    """Convert the milliseconds of a desk to a preset's time."""
    return desk_ms * _TIME_CONSTANT["pedalboard"] / _TIME_CONSTANT[law]


def _nearest(wanted: _Curve, ability: CompressorAbility) -> _Curve:
    """Find the best of all curves that the desk can have.

    Every threshold, ratio and knee of its grids is tried: the gain is a slope times how far a level is over the
    threshold, so that the ratios cost next to nothing.
    """
    rounded = _Curve(
        snapped(ability.threshold, wanted.threshold_db),
        wanted.ratio if wanted.ratio == 1 and ability.switch else snapped(ability.ratio, wanted.ratio),
        0.0 if ability.knee is None else snapped(ability.knee, wanted.knee_db),
    )
    if wanted.ratio == 1 or _same(rounded, wanted):
        return rounded
    thresholds = _thresholds(ability.threshold, rounded.threshold_db)
    ratios = _ratios(ability, rounded.ratio)
    knees = np.array([0.0]) if ability.knee is None else _knees(ability.knee, rounded.knee_db)
    over_db = _over_db(thresholds[:, None, None], knees[:, None])  # (thresholds, knees, levels)
    slopes = 1 / ratios - 1
    weights = np.exp(-0.5 * ((_LEVELS_DB - wanted.threshold_db - _CENTRE_DB) / _SPREAD_DB) ** 2) + 1e-9
    weights /= weights.sum()
    wanted_db = _gain_db(wanted)
    squares = (
        slopes**2 * (over_db**2 @ weights)[..., None]
        - 2 * slopes * (over_db @ (weights * wanted_db))[..., None]
        + (weights * wanted_db**2).sum()
    )
    away = (
        ((thresholds - wanted.threshold_db)[:, None, None] / 10) ** 2
        + ((knees - wanted.knee_db)[:, None] / 10) ** 2
        + np.log(ratios / wanted.ratio) ** 2
    )
    place = np.unravel_index((squares + _NEARNESS * away).argmin(), squares.shape)
    return _Curve(float(thresholds[place[0]]), float(ratios[place[2]]), float(knees[place[1]]))


def _same(a: _Curve, b: _Curve) -> bool:
    return all(
        math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6)
        for x, y in ((a.threshold_db, b.threshold_db), (a.ratio, b.ratio), (a.knee_db, b.knee_db))
    )


def _thresholds(scale: Scale, held_db: float) -> Floats:
    grid = grid_of(scale)
    if grid is not None:
        return grid
    reach = np.arange(-_THRESHOLD_REACH_DB, _THRESHOLD_REACH_DB + _THRESHOLD_STEP_DB, _THRESHOLD_STEP_DB)
    return np.unique(np.clip(held_db + reach, lowest(scale), highest(scale)))


def _ratios(ability: CompressorAbility, rounded: float) -> Floats:
    """List the desk's ratios, with 1 where it can switch the compressor off."""
    scale = ability.ratio
    ratios = grid_of(scale)
    if ratios is None:
        ratios = np.append(np.geomspace(max(lowest(scale), 1.0), highest(scale), _RATIOS), rounded)
    return np.unique([*([1.0] if ability.switch else []), *ratios[ratios >= 1]])


def _knees(scale: Scale, held_db: float) -> Floats:
    grid = grid_of(scale)
    return np.append(np.linspace(lowest(scale), highest(scale), _KNEES), held_db) if grid is None else grid


def _over_db(threshold_db: Floats, knee_db: Floats) -> Floats:
    """Compute how far the levels are over the threshold, rounded off by the knee: last axis."""
    above_db = np.maximum(_LEVELS_DB - threshold_db + knee_db / 2, 0)
    inside_db = np.minimum(above_db, knee_db)
    return np.asarray(above_db - inside_db + inside_db**2 / (2 * np.maximum(knee_db, 1e-9)))


def _gain_db(curve: _Curve) -> Floats:
    # A knee may be wider, a ratio higher and a threshold farther off than a preset holds.
    settings = Compressor().model_copy(
        update={"threshold_db": curve.threshold_db, "ratio": curve.ratio, "knee_db": curve.knee_db}
    )
    return compressor_gain_db(settings, _LEVELS_DB)


def _largest_error_db(wanted: _Curve, fitted: _Curve) -> float:
    return float(np.abs(_gain_db(wanted) - _gain_db(fitted)).max())
