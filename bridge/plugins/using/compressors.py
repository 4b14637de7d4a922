"""The console's compressor on a plug-in, so that as much is turned down on the track's own sound.

The static curve and the times come from the fitting of desks. What is left (another detector, a knee that the plug-in
has not) shows on the programme: both compressors hear a passage, and the plug-in's threshold, ratio, attack and release
move until its gain reduction follows the console's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from ....presets.console import Compressor
from ....presets.errors import PluginError
from ....runtime.audio.reading import Samples
from ....runtime.console.compressor import CompressorProcessor
from ...fitting.abilities import Clamp, highest, lowest
from ...fitting.compressor import fit_compressor
from ..profile import PluginProfile
from ..response import Floats
from .equalizers import Values

Respond = Callable[[Mapping[str, float | str], Samples], Samples]
"""Gives what the plug-in at these settings makes of audio, shape (channels, n), in time."""

_WINDOW_S = 0.02
# What is further below the loudest does not count as played.
_PLAYING_DB = 40.0
_EVALUATIONS = 12
# Against wandering where the programme does not tell: a move of one unit costs so many dB of each window.
_HOLD = 0.02
_KEYS: Final = ("threshold_db", "ratio", "attack_ms", "release_ms")


@dataclass(frozen=True)
class CompressorFit:
    """A compressor as a plug-in has it.

    Attributes:
        values: by canonical key.
        gain_db: what the plug-in's make-up cannot give, to be added behind it.
        curve_error_db: largest error of the static curve, by the profile.
        wanted_db: mean gain reduction of the console's on the programme, 0 or more; None without a programme.
        given_db: mean gain reduction of the plug-in's.
        apart_db: root of the mean square of their difference over windows of 20 ms.
        clamped: what is out of the plug-in's range.
    """

    values: Values
    gain_db: float
    curve_error_db: float
    wanted_db: float | None
    given_db: float | None
    apart_db: float | None
    clamped: tuple[Clamp, ...]

    @property
    def loss_db(self) -> float | None:
        """How far the mean gain reductions lie apart; None without a programme."""
        return None if self.wanted_db is None or self.given_db is None else abs(self.given_db - self.wanted_db)


def fit_on_programme(
    compressor: Compressor,
    profile: PluginProfile,
    sample_rate_hz: int,
    programme: Samples | None = None,
    respond: Respond | None = None,
) -> CompressorFit:
    """Fit a compressor into a plug-in.

    Args:
        compressor: settings of the console in the desk form (thresholds of the raw track).
        profile: of the plug-in.
        sample_rate_hz: of the programme.
        programme: what reaches the compressor, shape (channels, n); None fits the static curve alone.
        respond: asks the plug-in itself; None trusts its profile.

    Raises:
        PluginError: the profile lacks what a compressor needs.
    """
    ability, section = profile.compressor_ability(), profile.compressor
    if ability is None or section is None:
        raise PluginError(f"{profile.title} has no compressor with threshold, ratio and attack in its profile.")
    lowered = max(-120.0, min(60.0, compressor.threshold_db - section.level_offset_db))
    static = fit_compressor(compressor.model_copy(update={"threshold_db": lowered}), ability)
    values: Values = dict(static.values)
    if respond is None or programme is None or not programme.any():
        return CompressorFit(values, static.left_over_db, static.curve_error_db, None, None, None, static.clamped)
    wanted_db, playing = _console_reduction_db(compressor, programme, sample_rate_hz)
    makeup_db = float(values.get("compressor.makeup_db", 0.0))

    def given_db(tried: Values) -> Floats:
        return reduction_db(programme, respond(tried, programme), sample_rate_hz)[playing] - makeup_db

    best = _nearest(values, profile, wanted_db, given_db)
    given = given_db(best)
    apart = float(np.sqrt(np.square(given - wanted_db).mean()))
    return CompressorFit(
        best,
        static.left_over_db,
        static.curve_error_db,
        -float(wanted_db.mean()),
        -float(given.mean()),
        apart,
        static.clamped,
    )


def reduction_db(before: Samples, after: Samples, sample_rate_hz: int) -> Floats:
    """Compute the gain from one to the other in windows of 20 ms, shape (windows,)."""
    return _levels_db(after, sample_rate_hz) - _levels_db(before, sample_rate_hz)


def _console_reduction_db(
    compressor: Compressor, programme: Samples, sample_rate_hz: int
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The console's gain in windows where the programme plays, make-up and look-ahead left out, and which they are."""
    plain = compressor.model_copy(update={"makeup_db": 0.0, "lookahead_ms": 0.0})
    heard = CompressorProcessor(plain, len(programme), sample_rate_hz).process(programme.copy())
    levels_db = _levels_db(programme, sample_rate_hz)
    playing = levels_db > levels_db.max() - _PLAYING_DB
    return reduction_db(programme, heard, sample_rate_hz)[playing], playing


def _nearest(values: Values, profile: PluginProfile, wanted_db: Floats, given_db: Callable[[Values], Floats]) -> Values:
    """Move what the plug-in lets move, from the static fit, until the reductions are alike."""
    keys = [key for key in (f"compressor.{name}" for name in _KEYS) if key in values]
    scales = [profile.scale(key) for key in keys]
    pairs = [(key, scale) for key, scale in zip(keys, scales, strict=True) if scale is not None]
    low, high = np.array([sorted((_inner(key, lowest(scale)), _inner(key, highest(scale)))) for key, scale in pairs]).T
    span = high - low
    start = np.clip([_inner(key, float(values[key])) for key in keys], low + 1e-3 * span, high - 1e-3 * span)

    def named(x: Floats) -> Values:
        moved = {key: profile.snapped(key, _outer(key, number)) for key, number in zip(keys, x.tolist(), strict=True)}
        return {**values, **moved}

    weight = math.sqrt(len(wanted_db))

    def errors(x: Floats) -> Floats:
        return np.concatenate([given_db(named(x)) - wanted_db, _HOLD * weight * (x - start)])

    solution = least_squares(
        errors,
        start,
        bounds=(low, high),
        x_scale=np.array([3.0 if key.endswith("_db") else 0.5 for key in keys]),
        diff_step=np.full(len(keys), 0.02),
        max_nfev=_EVALUATIONS,
        ftol=1e-3,
        xtol=1e-3,
    )
    squares = {
        name: float(np.square(errors(x)[: len(wanted_db)]).sum()) for name, x in (("new", solution.x), ("old", start))
    }
    if squares["new"] < squares["old"]:
        return named(np.asarray(solution.x))
    return values


def _inner(key: str, value: float) -> float:
    """The number that the search works with: dB as they are, ratios and times by their logarithm."""
    if key.endswith("_db"):
        return value
    return math.log(max(value, 1e-3))


def _outer(key: str, number: float) -> float:
    return number if key.endswith("_db") else math.exp(number)


def _levels_db(audio: Samples, sample_rate_hz: int) -> Floats:
    frames = max(1, round(_WINDOW_S * sample_rate_hz))
    count = audio.shape[1] // frames
    windows = audio[:, : count * frames].astype(np.float64).reshape(len(audio), count, frames)
    return np.asarray(10 * np.log10(np.square(windows).mean(axis=(0, 2)) + 1e-15))
