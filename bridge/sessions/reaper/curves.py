"""REAPER's fades and envelopes as the curves of the model.

Where the formulas are from: fades from cohler's in Cockos' forum (thread 262260; they are in ReaPack's "Convert item
fades to take volume envelopes"), points of envelopes from renders that others measured and published. None was measured
here: there is no REAPER.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from ....presets.errors import SessionError
from ..core.fades import Gains
from ..core.model import NO_FADE, Automation, Fade, FadeShape
from .rpp import Block, ReaperDocument, RppLine

MOST_POINTS = 1_000_000
# A mute's envelope is heard from here on.
HEARD: Final = 0.5
# Into so many lines is a bent piece of an envelope cut: within 0.002 of its height. None is shorter than a millisecond.
_PIECES = 16
_SHORTEST_S = 0.001
_FADE_POINTS = 65
# In a fade's first field, which old versions read, the two shapes that they do not know.
_SHAPES_OF_OLD_FIELD: Final = {5.1: 6, 1.1: 7}
_SAME = 1e-9

# Shape and curvature (as a fade-in has it) of the curves that have a name.
_NAMED: Final[dict[tuple[int, float], FadeShape]] = {
    (0, 0): "linear",
    (0, -1): "faster_start",
    (0, 1): "faster_end",
    (1, 0): "fast_start",
    (1, 1): "faster_end",
    (2, 0): "linear",
    (2, -1): "fast_start",
    (2, 1): "fast_end",
    (3, 0): "linear",
    (3, -1): "faster_start",
    (3, 1): "faster_end",
    (4, 0): "linear",
    (4, -1): "faster_start",
    (4, 1): "faster_end",
    (5, 0): "slow_ends",
    (6, 0): "slower_ends",
}


def fade_of(row: RppLine | None, sample_rate_hz: int, *, rising: bool) -> Fade:
    """Read a line FADEIN or FADEOUT: old shape, seconds, seconds of an automatic crossfade, shape, -, curvature.

    Raises:
        SessionError: one of these is no usable number.
    """
    if row is None:
        return NO_FADE
    automatic_s = row.number(3)
    length = frames_of(row, automatic_s if automatic_s > 0 else row.number(2), sample_rate_hz)
    if length <= 0:
        return NO_FADE
    shape = _shape(row)
    if shape not in _RISES:
        return Fade(length)
    curvature = min(1.0, max(-1.0, row.number(6)))
    bent = curvature if rising else -curvature
    name = _NAMED.get((shape, bent))
    if name is not None:
        return Fade(length, name)
    return Fade(length, "points", _curve(shape, bent, length, rising))


def knows_fade(row: RppLine | None) -> bool:
    """Tell whether a fade's shape is one of those that are known; any other is taken for a line."""
    return row is None or _shape(row) in _RISES


def fade_rise(shape: int, curvature: float, x: Gains) -> Gains:
    """Tell how a fade-in of one of REAPER's shapes 0 to 7 rises; a fade-out mirrors it with the other curvature."""
    return np.clip(_RISES[shape](x, curvature), 0.0, 1.0)


def frames_of(row: RppLine, seconds: float, sample_rate_hz: int) -> int:
    """Count seconds in frames.

    Raises:
        SessionError: more than any session lasts.
    """
    if abs(seconds) > 1e7:
        raise SessionError(f"{row.path}, line {row.line + 1}: {row.key} has {seconds:g} s, longer than any session.")
    return round(seconds * sample_rate_hz)


def automation_of(document: ReaperDocument, block: Block, *, time_scale: float = 1.0) -> Automation | None:
    """Read an envelope's values as they stand; None if it is switched off or empty.

    Args:
        document: the project.
        block: the envelope, e.g. VOLENV2.
        time_scale: of its times.

    Raises:
        SessionError: a number is not usable, or there are too many points.
    """
    active = document.find(block, "ACT")
    if active is not None and not active.whole(1):
        return None
    fader = document.find(block, "VOLTYPE")
    rows = list(document.rows(block, ("PT",)))
    if len(rows) > MOST_POINTS:
        raise SessionError(f"{document.path}: an envelope has {len(rows)} points; {MOST_POINTS} are the most.")
    if not rows:
        return None
    points = sorted((_point(row, time_scale) for row in rows), key=lambda point: point.time)
    shapes = {point.shape for point in points[:-1]}
    if shapes == {1}:
        return Automation(tuple((point.time, point.value) for point in points), "hold")
    on_fader = fader is not None and fader.whole(1) == 1
    return Automation(tuple(_lines(points, on_fader=on_fader)))


def _shape(row: RppLine) -> int:
    old = row.number(1)
    return row.whole(4) if len(row.words) > 4 else _SHAPES_OF_OLD_FIELD.get(round(old, 3), int(old))


@dataclass(frozen=True)
class _Point:
    """A line PT: seconds, value, shape of what follows, and in its seventh field the tension of a bezier."""

    time: float
    value: float
    shape: int
    tension: float


def _point(row: RppLine, time_scale: float) -> _Point:
    return _Point(row.number(1) * time_scale, row.number(2), row.whole(3), min(1.0, max(-1.0, row.number(7))))


def _lines(points: Sequence[_Point], *, on_fader: bool) -> list[tuple[float, float]]:
    """Give the points with more between them where it does not go straight from one to the next."""
    result = [(points[0].time, points[0].value)]
    for point, following in pairwise(points):
        if point.value != following.value and following.time > point.time:
            result += _between(point, following, on_fader=on_fader)
        result.append((following.time, following.value))
    return result


def _between(point: _Point, following: _Point, *, on_fader: bool) -> list[tuple[float, float]]:
    if point.shape == 1:
        return [(following.time, point.value)]
    if point.shape == 0 and not on_fader:
        return []
    # REAPER's fader scale, nearly: a fourth power (that of its API has 0 dB at 716 of 1000, and +12 dB at the top).
    power = 4.0 if on_fader and min(point.value, following.value) >= 0 else 1.0
    low, high = point.value ** (1 / power), following.value ** (1 / power)
    length = following.time - point.time
    pieces = min(_PIECES, int(length / _SHORTEST_S))
    steps = _steps(point.shape, point.tension, pieces) if pieces > 1 else ()
    return [(point.time + step * length, (low + (high - low) * progress) ** power) for step, progress in steps]


@lru_cache(maxsize=1024)
def _steps(shape: int, tension: float, pieces: int) -> tuple[tuple[float, float], ...]:
    """Return the inner corners of a bent piece: how far along, and how far up."""
    steps = np.arange(1, pieces) / pieces
    return tuple(zip(steps.tolist(), _progress(shape, tension, steps).tolist(), strict=True))


def _progress(shape: int, tension: float, x: Gains) -> Gains:
    match shape:
        case 2:
            return x * x * (3 - 2 * x)
        case 3:
            return 1 - (1 - x) ** 3
        case 4:
            return x**3
        case 5 if tension:
            return _bezier(tension, x)
        case _:
            return x


def _bezier(tension: float, x: Gains) -> Gains:
    """Draw a cubic from corner to corner; a negative tension rises fast, a positive one is that turned round."""
    slack = 1 - abs(tension)
    if slack < _SAME:
        controls = ((0.0, 1.0), (0.0, 1.0))
    else:
        controls = ((slack / 4, 1 - 3 * slack / 4), (3 * slack / 4, 1 - slack / 4))
    (x1, y1), (x2, y2) = controls
    t = np.linspace(0, 1, 1025)
    xs = 3 * (1 - t) ** 2 * t * x1 + 3 * (1 - t) * t**2 * x2 + t**3
    ys = 3 * (1 - t) ** 2 * t * y1 + 3 * (1 - t) * t**2 * y2 + t**3
    if tension < 0:
        return np.interp(x, xs, ys)
    return 1 - np.interp(1 - x, xs, ys)


@lru_cache(maxsize=1024)
def _curve(shape: int, bent: float, length: int, rising: bool) -> tuple[tuple[float, float], ...]:
    """Draw a fade by points that lie closer towards both ends, where some curves rise with no end of steepness."""
    places = (1 - np.cos(np.linspace(0, math.pi, _FADE_POINTS))) / 2
    gains = fade_rise(shape, bent, places if rising else 1 - places)
    return tuple((float(place * length), float(gain)) for place, gain in zip(places, gains, strict=True))


def _blend(curvature: float, straight: Gains, bulged: Gains, hollow: Gains) -> Gains:
    """Blend from a bulged curve at -1 by a straight one at 0 to a hollow one at 1."""
    other = bulged if curvature < 0 else hollow
    return (1 - abs(curvature)) * straight + abs(curvature) * other


def _fourth(x: Gains, c: float) -> Gains:
    return _blend(c, x, 1 - (1 - x) ** 4, x**4)


def _round(x: Gains, c: float) -> Gains:
    return _blend(c, x * (2 - x), np.sqrt(1 - (1 - x) ** 8), x**4)


def _square(x: Gains, c: float) -> Gains:
    return _blend(c, x, 1 - (1 - x) ** 2, x**2)


def _nearly_cosine(x: Gains) -> Gains:
    """Fall from 1 to 0, as a cosine does over a quarter of a turn."""
    return 1 - x**2 * (2 - math.pi / 4 - (1 - math.pi / 4) * x**2)


def _equal_power(x: Gains, c: float) -> Gains:
    if c >= 0:
        return c * x**4 + (1 - c) * _nearly_cosine(1 - x)
    falling = (1 + c) * _nearly_cosine(x) - c * (1 - x) ** 4
    return np.sqrt(np.maximum(0, 1 - falling**2))


def _pulled(x: Gains, t: float) -> Gains:
    """Draw a parabola from corner to corner, pulled to (t, 1 - t)."""
    if abs(t - 0.5) < _SAME:
        return x
    g = (np.sqrt(x * (1 - 2 * t) + t**2) - t) / (1 - 2 * t)
    return (2 * t - 1) * g**2 + (2 - 2 * t) * g


def _slow_ends(x: Gains, c: float) -> Gains:
    x = _pulled(x, (c + 2) / 4)
    return (3 - 2 * x) * x**2


def _slower_ends(x: Gains, c: float) -> Gains:
    x = _pulled(x, (5 * c + 8) / 16)
    return np.where(x <= 0.5, 8 * x**4, 1 - 8 * (1 - x) ** 4)


_RISES: Final[dict[int, Callable[[Gains, float], Gains]]] = {
    0: _fourth,
    1: _round,
    2: _square,
    3: _fourth,
    4: _fourth,
    5: _slow_ends,
    6: _slower_ends,
    7: _equal_power,
}
