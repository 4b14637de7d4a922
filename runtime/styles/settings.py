"""The settings of one track as numbers that can be averaged, and back.

Each setting runs in its table's own scale: frequencies, times and ratios in logarithms. It is of the track at a
loudness of 0 LUFS, so that a threshold is relative to the track's own level. A stage that is off says nothing of its
settings. What an equalizer and its cuts do together is a curve, too: two engineers' bands seldom lie at the same place,
and the middle between a boost at 200 Hz and a cut at 300 Hz is neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import (
    EQ_BANDS,
    HIGH_CUT_OFF_HZ,
    LOW_CUT_OFF_HZ,
    SEND_OFF_DB,
    Delay,
    EqBand,
    Equalizer,
    Parameter,
    Reverb,
    Strip,
    get,
    parameters,
    replace,
)
from ...presets.edit import without_input_gain
from ...presets.preset import Preset
from ...presets.sections import is_active
from ...presets.units import gain_factor
from ..console.response import eq_response_db

Curve = NDArray[np.float64]

PARTS: Final[Mapping[str, type[Strip] | type[Reverb] | type[Delay]]] = {
    "strip": Strip,
    "reverb": Reverb,
    "delay": Delay,
}
STAGES: Final = ("gate", "low_cut", "high_cut", "compressor", "deesser", "saturation")
"""Stages of a strip that are on or off."""
EFFECTS: Final = ("reverb", "delay")
"""Effects that a track is sent to or not."""
TONE_HZ: Final[Curve] = 1000.0 * 2.0 ** (np.arange(-15, 13) / 3)
"""Where the curve of equalizer and cuts is looked at: third octaves from 31 Hz to 16 kHz."""
RATE_HZ: Final = 44_100
"""At which curves are computed."""

# The level of the whole is a number of its own; what is left out has no place in a style.
_LEFT_OUT: Final = frozenset({"strip.input_gain_db", "strip.fader_db", "strip.fx_send_db"})
# A band that does less than this is off.
_LEAST_DB = 0.1
_FLOOR_DB = -36.0
_SLOPES_DB: Final = (12.0, 24.0)
# The bands are moved from here, by an octave at most and in Q by a factor of two.
_START: Final = (
    EqBand(freq_hz=130, q=0.71),
    EqBand(freq_hz=330, q=0.9),
    EqBand(freq_hz=1000, q=0.9),
    EqBand(freq_hz=2600, q=0.9),
    EqBand(freq_hz=6000, q=0.9),
    EqBand(freq_hz=9500, q=0.71),
)
_START_HZ: Final = np.array([band.freq_hz for band in _START])
_START_Q: Final = np.array([band.q for band in _START])
_TURNS: Final = np.exp(-2j * np.pi * np.outer(TONE_HZ / RATE_HZ, np.arange(3)))
_FITTED_HZ: Final = (50.0, 15_000.0)
_MOST_DB = 18.0
_HOLD = 0.08


@dataclass(frozen=True)
class TrackSettings:
    """The settings of one track.

    Attributes:
        values: by path, "strip.compressor.ratio", each in its scale; those of stages that are off are missing.
        on: stages and effects that are on.
        tone_db: what equalizer and cuts do together, at :data:`TONE_HZ`.
    """

    values: Mapping[str, float]
    on: frozenset[str]
    tone_db: Curve


@cache
def setting_rows() -> Mapping[str, Parameter]:
    """List the settings that a style may have, by path."""
    rows = {f"{part}.{path}": row for part, kind in PARTS.items() for path, row in parameters(kind).items()}
    return {path: row for path, row in rows.items() if path not in _LEFT_OUT}


def stage_of(path: str) -> str | None:
    """Tell which stage or effect a setting is of; None for those that are always there."""
    part, *names = path.split(".")
    if part != "strip":
        return part
    if names[0].removesuffix("_send_db") in EFFECTS:
        return names[0].removesuffix("_send_db")
    return names[0] if names[0] in STAGES else None


def settings_of(preset: Preset, track: str, loudness_lufs: float) -> TrackSettings:
    """Read the settings of a track.

    Args:
        preset: has the track.
        track: its name.
        loudness_lufs: of the raw track, whose settings its levels are relative to.
    """
    strip = without_input_gain(preset.track(track).strip)
    parts = {"strip": strip, "reverb": preset.reverb, "delay": preset.delay}
    on = {name for name in STAGES if is_active(strip, name)}
    on |= {name for name in EFFECTS if get(strip, f"{name}_send_db") > SEND_OFF_DB}
    values = {}
    for path, row in setting_rows().items():
        stage = stage_of(path)
        if stage is not None and stage not in on:
            continue
        if _is_idle_band(strip, path):
            continue
        part, name = path.split(".", 1)
        values[path] = _scaled(row, _at_rest(row, get(parts[part], name), loudness_lufs))
    return TrackSettings(values, frozenset(on), tone_of(strip))


def applied(settings: TrackSettings, loudness_lufs: float, *, by_tone: bool) -> tuple[Strip, Reverb, Delay]:
    """Make a strip and its effects of settings; the fader is at 0.

    Args:
        settings: those that are missing stand at the table's defaults.
        loudness_lufs: of the raw track.
        by_tone: bands are fitted to the curve, and not taken as they are.
    """
    parts: dict[str, Any] = {}
    for part, kind in PARTS.items():
        rows = parameters(kind)
        own = {}
        for path, value in settings.values.items():
            owner, name = path.split(".", 1)
            stage = stage_of(path)
            if owner == part and (stage is None or stage in settings.on):
                own[name] = _in_units(rows[name], value, loudness_lufs)
        parts[part] = replace(kind(), own)
    strip = parts["strip"]
    if by_tone:
        strip = strip.model_copy(update={"eq": fitted_eq(settings.tone_db - cuts_db(strip))})
    return strip, parts["reverb"], parts["delay"]


def between(first: TrackSettings, second: TrackSettings, share: float) -> TrackSettings:
    """Average two settings of one track, each number in its scale.

    Args:
        first: says what is on.
        second: of the same track.
        share: of the second, 0..1.
    """
    values = {}
    for path, value in first.values.items():
        other = second.values.get(path, value)
        values[path] = value + share * (other - value)
    tone_db: Curve = first.tone_db + share * (second.tone_db - first.tone_db)
    return TrackSettings(values, first.on, tone_db)


def tone_of(strip: Strip) -> Curve:
    """Compute what equalizer and cuts do together, at :data:`TONE_HZ`, no deeper than -36 dB."""
    curve: Curve = np.maximum(eq_response_db(strip.eq, TONE_HZ, RATE_HZ) + cuts_db(strip), _FLOOR_DB)
    return curve


def cuts_db(strip: Strip) -> Curve:
    """Compute what both cuts do, Butterworth of second or fourth order."""
    total = np.zeros(len(TONE_HZ))
    if strip.low_cut.freq_hz > LOW_CUT_OFF_HZ:
        total += _butterworth_db(strip.low_cut.freq_hz / TONE_HZ, strip.low_cut.slope_db_per_octave)
    if strip.high_cut.freq_hz < HIGH_CUT_OFF_HZ:
        total += _butterworth_db(TONE_HZ / strip.high_cut.freq_hz, strip.high_cut.slope_db_per_octave)
    return np.maximum(total, _FLOOR_DB)


def fitted_eq(curve_db: Curve) -> Equalizer:
    """Fit the six bands to a curve at :data:`TONE_HZ`: gains, frequencies and Q, held near where bands usually are."""
    from scipy.optimize import least_squares  # late: slow to import, seldom needed

    heard = (_FITTED_HZ[0] <= TONE_HZ) & (_FITTED_HZ[1] >= TONE_HZ)
    bands = len(EQ_BANDS)

    def error(moves: Curve) -> Curve:
        missed = (_bands_db(moves) - curve_db)[heard] / heard.sum() ** 0.5
        held = np.concatenate([0.25 * moves[:bands], 2 * moves[bands:]]) * _HOLD
        return np.concatenate([missed, held])

    limits = np.concatenate([np.full(bands, _MOST_DB), np.ones(2 * bands)])
    start = np.concatenate([np.full(bands, 0.5), np.zeros(2 * bands)])
    found = least_squares(error, start, bounds=(-limits, limits), max_nfev=40).x
    gains, octaves, widths = np.split(found, 3)
    kept = {}
    for at, (name, band) in enumerate(zip(EQ_BANDS, _START, strict=True)):
        gain_db = round(float(gains[at]), 2) if abs(gains[at]) >= _LEAST_DB else 0.0
        freq_hz, q = band.freq_hz * 2 ** octaves[at], band.q * 2 ** widths[at]
        kept[name] = EqBand(gain_db=gain_db, freq_hz=round(float(freq_hz), 1), q=round(float(q), 3))
    return Equalizer(**kept)


def _bands_db(moves: Curve) -> Curve:
    """Response of bands that were moved (gains in dB, octaves, octaves of Q), as of the console but all at once."""
    gains_db, octaves, widths = np.split(moves, 3)
    w0 = 2 * np.pi * _START_HZ * 2**octaves / RATE_HZ
    amplitude, cosine, alpha = 10 ** (gains_db / 40), np.cos(w0), np.sin(w0) / (2 * _START_Q * 2**widths)
    bell = np.array([1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude])
    rest = np.array([1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude])
    side = np.array([1.0, -1.0])
    up, root, turned = amplitude[[0, -1]], 2 * np.sqrt(amplitude[[0, -1]]) * alpha[[0, -1]], side * cosine[[0, -1]]
    above, below = (up + 1) - (up - 1) * turned, (up + 1) + (up - 1) * turned
    bell[:, [0, -1]] = up * (above + root), side * 2 * up * (up - 1 - (up + 1) * turned), up * (above - root)
    rest[:, [0, -1]] = below + root, side * -2 * (up - 1 + (up + 1) * turned), below - root
    factors = np.abs(_TURNS @ bell) / np.abs(_TURNS @ rest)
    total: Curve = 20 * np.log10(factors).sum(axis=1)
    return total


def _butterworth_db(ratio: Curve, slope_db_per_octave: float) -> Curve:
    """Response where `ratio` is 1 at the corner and large where it cuts."""
    order = 2 if slope_db_per_octave == _SLOPES_DB[0] else 4
    curve: Curve = -10 * np.log10(1 + ratio ** (2 * order))
    return curve


def _is_idle_band(strip: Strip, path: str) -> bool:
    """Whether a setting shapes a band of the equalizer that does nothing; a gain of 0 says that, and is a value."""
    names = path.split(".")
    if names[:2] != ["strip", "eq"] or names[3] == "gain_db":
        return False
    return abs(get(strip, f"eq.{names[2]}.gain_db")) < _LEAST_DB


def _at_rest(row: Parameter, value: float, loudness_lufs: float) -> float:
    """A value as it would be for the track at 0 LUFS."""
    match row.with_gain:
        case "adds":
            return value - loudness_lufs
        case "divides":
            return value * gain_factor(loudness_lufs)
        case _:
            return value


def _scaled(row: Parameter, value: float) -> float:
    return math.log(value) if row.scale == "log" else value


def _in_units(row: Parameter, scaled: float, loudness_lufs: float) -> float:
    value = math.exp(min(scaled, 20.0)) if row.scale == "log" else scaled
    if row.with_gain == "adds":
        value += loudness_lufs
    elif row.with_gain == "divides":
        value /= gain_factor(loudness_lufs)
    if row.unit == "dB/oct":
        value = min(_SLOPES_DB, key=lambda slope: abs(slope - value))
    return row.clamp(float(f"{value:.5g}"))


def members(stage: str) -> tuple[str, ...]:
    """List the paths of a stage or effect."""
    return tuple(path for path in setting_rows() if stage_of(path) == stage)
