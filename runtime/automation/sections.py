"""Where a song changes, and what is wanted of its tracks in between.

Predictions wander a little where nothing changes: lanes of their own would wander, too. So a song changes only where
its arrangement does, told from the levels of the raw tracks; and a track's level is another one in a section only where
that differs by several times what its predictions wander, measured on the song itself, and by a decibel at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# A step of less is not worth a move of the hand, whatever the spread.
LEAST_STEP_DB = 1.0
# So many standard errors of the middle of a section are needed.
_ERRORS = 2.5
_MEDIAN_ERROR = 1.25
_LEAST_SPREAD_DB = 0.15
# A section is at least so long.
SHORTEST_S = 8.0
# Further below its loudest a track counts as away; and so much, as the mean of all tracks, is another section.
_AWAY_DB = 20.0
_OTHER_DB = 4.0
_POLISHINGS = 10
_GAUSS = 1.4826  # of a normal distribution, the standard deviation by the median deviation


@dataclass(frozen=True)
class Sections:
    """A song in sections.

    Attributes:
        bounds: places in the windows where sections begin, the first is 0, and their end.
        levels_db: of each track in each section, shape (tracks, sections); a track that does not play keeps its level.
        spreads_db: how far each track's wanders where nothing changes, as a standard deviation; shape (tracks,).
    """

    bounds: tuple[int, ...]
    levels_db: Values
    spreads_db: Values


def find_sections(wanted_db: Values, heard_db: Values, hop_s: float, window_s: float) -> Sections:
    """Find the sections of a song.

    Args:
        wanted_db: level wanted of each track in each window against the others, shape (tracks, windows); NaN where it
            does not play.
        heard_db: level of each raw track in each window; NaN or minus infinity where it does not play.
        hop_s: from one window to the next.
        window_s: length of a window.
    """
    smooth = _smoothed(wanted_db)
    shortest = max(2, math.ceil(SHORTEST_S / hop_s))
    count = smooth.shape[1]
    bounds = sorted({0, count, *_splits(_arrangement(heard_db), 0, count, shortest)})
    apart = math.ceil(window_s / hop_s) + 2  # a window is smoothed with both neighbours
    spreads = np.array([_spread(track, bounds, apart) for track in smooth])
    share = hop_s / (window_s + hop_s)
    levels = np.array([_levels(track, bounds, spread, share) for track, spread in zip(smooth, spreads, strict=True)])
    return Sections(tuple(bounds), levels, spreads)


def against_others(levels_db: Values) -> Values:
    """Take from wanted levels what all tracks have in common in a window, and what each has in common in all.

    What all have in common is how loud the song is there, which is not to be undone. Medians are taken in turns
    (Tukey's median polish), since not every track plays in every window.
    """
    left = levels_db
    for _ in range(_POLISHINGS):
        left = left - _medians(left, 0)[None, :]
        left = left - _medians(left, 1)[:, None]
    return left


def _medians(values: Values, axis: int) -> Values:
    masked = np.ma.masked_invalid(values)
    medians: Values = np.ma.median(masked, axis=axis).filled(0.0)  # type: ignore[no-untyped-call]
    return medians


def _smoothed(values: Values) -> Values:
    """The median of each window and its neighbours."""
    padded = np.pad(values, ((0, 0), (1, 1)), constant_values=np.nan)
    around = np.stack([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]])
    masked = np.ma.masked_invalid(around)
    medians: Values = np.ma.median(masked, axis=0).filled(np.nan)  # type: ignore[no-untyped-call]
    medians[np.isnan(values)] = np.nan
    return medians


def _spread(track: Values, bounds: Sequence[int], apart: int) -> float:
    """How far what is wanted of a track differs between windows of a section that share no sound."""
    parts = [track[begin:end] for begin, end in pairwise(bounds)]
    steps = np.concatenate([np.abs(part[apart:] - part[: max(0, len(part) - apart)]) for part in parts])
    steps = steps[np.isfinite(steps)]
    if not len(steps):
        return math.inf  # nothing is known of it: it is not moved
    return max(_LEAST_SPREAD_DB, float(np.median(steps)) * _GAUSS / math.sqrt(2))


def _arrangement(heard_db: Values) -> Values:
    """How far each track is below its own loudest, down to where it is away; shape (tracks, windows)."""
    known = np.where(np.isfinite(heard_db), heard_db, -1000.0)
    arrangement: Values = np.clip(known - known.max(axis=1, keepdims=True), -_AWAY_DB, 0)
    return arrangement


def _splits(levels_db: Values, begin: int, end: int, shortest: int) -> list[int]:
    """Places in a stretch where it falls into two that differ most, and so on in both."""
    best, gained = 0, 0.0
    for place in range(begin + shortest, end - shortest + 1):
        parts = levels_db[:, begin:place], levels_db[:, place:end]
        middles = [np.median(part, axis=1, keepdims=True) for part in parts]
        if np.abs(middles[1] - middles[0]).mean() < _OTHER_DB:
            continue
        whole = levels_db[:, begin:end]
        left_over = sum(np.abs(part - middle).sum() for part, middle in zip(parts, middles, strict=True))
        gain = float(np.abs(whole - np.median(whole, axis=1, keepdims=True)).sum() - left_over)
        if gain > gained:
            best, gained = place, gain
    if not best:
        return []
    return [*_splits(levels_db, begin, best, shortest), best, *_splits(levels_db, best, end, shortest)]


def _levels(track: Values, bounds: Sequence[int], spread: float, apart: float) -> list[float]:
    """A track's level in each section: the one before, unless it differs by more than chance would have it.

    Args:
        track: what is wanted in each window; NaN where it does not play.
        bounds: of the sections.
        spread: standard deviation between windows that share no sound.
        apart: share of a window that is not in the one before.
    """
    levels: list[float] = []
    error_before = math.inf
    for begin, end in pairwise(bounds):
        part = track[begin:end]
        part = part[np.isfinite(part)]
        heard = max(1.0, len(part) * min(1.0, apart))
        level = float(np.median(part)) if len(part) >= 2 else math.nan
        error = _MEDIAN_ERROR * spread / math.sqrt(heard)
        step = max(LEAST_STEP_DB, _ERRORS * math.hypot(error, error_before))
        if levels and math.isfinite(levels[-1]) and not abs(level - levels[-1]) >= step:
            level = levels[-1]
        elif math.isfinite(level):
            error_before = error
        levels.append(level)
    known = next((level for level in levels if math.isfinite(level)), 0.0)
    for place, level in enumerate(levels):
        known = level if math.isfinite(level) else known
        levels[place] = known
    return levels
