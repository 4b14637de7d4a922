"""The pictures of the page: every case's distance by mix, and the curve over the number of tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...whole_files import write_picture
from ..cases import CaseResult, values_of
from ..statistics import Estimate, estimate, mean
from ..suites import MODEL, SUITES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MODEL_COLOUR, _OTHER_COLOUR = "#1f6fb4", "#8c8c8c"
_CURVE_COLOURS = ("#1f6fb4", "#c44e52", "#55a868", "#8172b2", "#ccb974")
_JITTER = 0.28
_LOWEST = 1e-4


def draw_distances(results: Mapping[str, Sequence[CaseResult]], path: Path) -> None:
    """Draws a strip of dots for each suite and mix on a logarithmic axis, as PNG; line: median, ring: mean.

    Args:
        results: cases by suite.
        path: of the picture.
    """
    from matplotlib.figure import Figure

    heights = [len(cases[0].distances) + 1 for cases in results.values()]
    figure = Figure(figsize=(8, 0.34 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(results), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (suite, cases) in zip(panels, results.items(), strict=True):
        _strips(axes, cases)
        axes.set_title(f"{SUITES[suite].title} ({len(cases)} cases)", fontsize=9, loc="left")
    panels[-1].set_xlabel("distance (logarithmic; smaller is better)")
    write_picture(path, figure, 120)


def draw_tracks(cases: Sequence[CaseResult], path: Path) -> None:
    """Draws the mean total over the number of tracks, with 95 % intervals, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    counts = sorted({case.tracks for case in cases})
    for number, (mix, colour) in enumerate(zip(cases[0].distances, _CURVE_COLOURS, strict=False)):
        points = [_mean_at(cases, count, mix) for count in counts]
        value, low, high = (np.array([getattr(point, name) for point in points]) for name in ("value", "low", "high"))
        at = np.array(counts) * 1.02 ** (number - 2)  # beside each other
        axes.errorbar(at, value, (value - low, high - value), color=colour, marker="o", ms=4, capsize=2, label=mix)
    axes.set(xscale="log", yscale="log", xlabel="tracks", ylabel="mean distance (smaller is better)")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    write_picture(path, figure, 120)


def _mean_at(cases: Sequence[CaseResult], count: int, mix: str) -> Estimate:
    chosen = [case for case in cases if case.tracks == count]
    return estimate(chosen, mean(values_of(chosen, mix)))


def _strips(axes: Axes, cases: Sequence[CaseResult]) -> None:
    mixes = list(cases[0].distances)
    beside = np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(cases))
    for row, mix in enumerate(mixes):
        values = np.maximum(values_of(cases, mix), _LOWEST)
        colour = _MODEL_COLOUR if mix == MODEL else _OTHER_COLOUR
        axes.plot(values, row + beside, "o", ms=2.5, alpha=0.45, color=colour, mew=0)
        axes.plot([np.median(values)] * 2, [row - 0.38, row + 0.38], color="black", lw=1.5)
        axes.plot(values.mean(), row, "o", ms=6, mfc="none", mec="black")
    axes.set_yticks(range(len(mixes)), mixes, fontsize=8)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
