"""The charts of a report: equalizer, compressor, spectra. How a chart is drawn is in :mod:`.charts`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from ...presets.console import Compressor, Equalizer
from ...presets.parts.match import MatchCurve, points_db
from ...runtime.console.dynamics import CompressorWork
from ...runtime.console.match import match_gains_db
from ...runtime.console.response import band_responses_db, compressor_gain_db
from .charts import FREQUENCIES, Axis, Columns, Line, decibel_axis, line_chart
from .listening import THIRDS_HZ, Curve

_POINTS = 90
_CHART = (340, 190)
_SPECTRUM_DB = 48.0
_LEVEL_COLUMNS = 30


def equalizer(eq: Equalizer, sample_rate_hz: int) -> Markup:
    """Draw the gain of an equalizer over frequency, its bands behind it."""
    freqs_hz = _freqs_hz(sample_rate_hz)
    bands = band_responses_db(eq, freqs_hz, sample_rate_hz)
    total = sum(bands.values(), np.zeros(_POINTS))
    lines = [Line(freqs_hz, curve, "band") for curve in bands.values()] if len(bands) > 1 else []
    return _gains("Equalizer", [*lines, Line(freqs_hz, total, "mix")])


def match_curve(match: MatchCurve, sample_rate_hz: int) -> Markup:
    """Draw a match curve: what it does to the tone, and what to the sides where they are treated otherwise."""
    freqs_hz = _freqs_hz(sample_rate_hz)
    middle_db, sides_db = match_gains_db(match, freqs_hz)
    sides = [Line(freqs_hz, sides_db, "reference")] if any(points_db(match.width)) else []
    return _gains("Match curve", [*sides, Line(freqs_hz, middle_db, "mix")])


def dynamics(compressor: Compressor, work: CompressorWork, input_gain_db: float) -> Markup:
    """Draw level out over level in, both after the input gain, and how often the track has each level."""
    met_db = work.levels_db + input_gain_db
    high = 6.0 * math.ceil(max(float(met_db.max()), compressor.threshold_db) / 6 + 0.5)
    low = min(high - 48, 12 * math.floor(compressor.threshold_db / 12))
    axis = decibel_axis(low, high, 12 if high - low < 80 else 24)
    levels_db = np.linspace(low, high, _POINTS)
    out_db = levels_db + compressor_gain_db(compressor, levels_db)
    return line_chart(
        "Compressor: level out over level in",
        axis,
        axis,
        [Line([low, high], [low, high], "band"), Line(levels_db, out_db, "mix")],
        size=_CHART,
        columns=_histogram(met_db, axis),
        mark=compressor.threshold_db,
    )


def spectra(curves_db: Mapping[str, Curve], title: str, size: tuple[int, int] = _CHART) -> Markup:
    """Draw spectra in third octaves, at equal loudness.

    Args:
        curves_db: power in :data:`.listening.THIRDS_HZ`, by the style of the line: "raw", "mix", "reference".
        title: what it is of.
        size: in px.
    """
    known = [curve[~np.isnan(curve)] for curve in curves_db.values()]
    top_db = max((float(curve.max()) for curve in known if curve.size), default=0.0)
    high = 6.0 * math.ceil(top_db / 6 + 0.25)
    axis = decibel_axis(high - _SPECTRUM_DB, high, 12)
    # What is drawn last lies on top.
    order = sorted(curves_db, key=("reference", "raw", "mix").index)
    shown = {name: np.where(curves_db[name] < axis.low, np.nan, curves_db[name]) for name in order}
    return line_chart(title, FREQUENCIES, axis, [Line(THIRDS_HZ, shown[name], name) for name in order], size=size)


def _freqs_hz(sample_rate_hz: int) -> Curve:
    return np.geomspace(FREQUENCIES.low, min(FREQUENCIES.high, 0.49 * sample_rate_hz), _POINTS)


def _gains(title: str, lines: Sequence[Line]) -> Markup:
    """Draw gains over frequency, with room for the highest."""
    highest = max(float(np.abs(np.asarray(line.ys)).max()) for line in lines)
    reach, step = next(((reach, step) for reach, step in ((6, 3), (12, 6), (24, 12)) if highest < reach), (48, 24))
    return line_chart(title, FREQUENCIES, decibel_axis(-reach, reach, step), lines, size=_CHART)


def _histogram(levels_db: Curve, axis: Axis) -> Columns:
    edges = np.linspace(axis.low, axis.high, _LEVEL_COLUMNS + 1)
    counts = np.histogram(np.clip(levels_db, axis.low, axis.high), edges)[0]
    shares = 0.6 * counts / max(1, counts.max())
    return Columns(edges.tolist(), shares.tolist())
