"""Gain curves: how fades rise, how automation runs between its points, and what a pan does to the two sides.

All pure functions of position, so that any part of a curve can be had without the rest: rendering goes block by block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .model import Automation, Fade, FadeShape, Interpolation, PanLaw

Gains = NDArray[np.float64]

# Ardour writes this where a curve is at silence (-140 dB).
_ARDOUR_SILENCE = 1e-7
# Ardour's mono panner is at -3 dB in the centre.
_ARDOUR_PAN = 2 - 4 * 10 ** (-3 / 20)


def gain_curve(shape: FadeShape, frames: int, rising: bool) -> Gains:
    """Return a whole fade of a named shape, shape (frames,)."""
    return fade_gains(Fade(frames, shape), 0, frames, rising=rising)


def fade_gains(fade: Fade, first: int, count: int, *, rising: bool) -> Gains:
    """Return a part of a fade.

    Args:
        fade: which.
        first: its frame that comes first, from 0.
        count: how many frames.
        rising: a fade-in; else a fade-out. Curves of points are as they are.

    Returns:
        Linear gains, shape (count,).
    """
    places = _places(fade, first, count)
    if fade.shape == "points":
        return _between(*_arrays(fade.points), places * fade.length, "curved")
    return _SHAPES[fade.shape](places if rising else 1 - places)


def under_gains(fade: Fade, first: int, count: int, *, rising: bool) -> Gains:
    """Tell what an opaque clip's fade leaves of the clips that it lies on, shape (count,)."""
    if fade.under:
        return _between(*_arrays(fade.under), _places(fade, first, count) * fade.length, "curved")
    return 1 - fade_gains(fade, first, count, rising=rising)


def automation_values(automation: Automation, times_s: Gains) -> Gains:
    """Return the values of an automation at these times, shape as `times_s`."""
    return _between(*automation.arrays, times_s, automation.interpolation)


def pan_gains(law: PanLaw, pan: Gains) -> tuple[Gains, Gains]:
    """Tell what a pan does to the left and the right side; `pan` is -1 left to 1 right.

    Laws: "balance" lowers the far side alone, linearly; "constant_power" is sine and cosine (-3 dB in the centre), and
    "constant_power_boosted" that with 0 dB in the centre; "linear" has -6 dB in the centre, and "linear_boosted" 0 dB;
    "ardour" is Ardour's for mono tracks, a parabola through -3 dB.
    """
    right = (pan + 1) / 2
    left = 1 - right
    match law:
        case "balance":
            return np.minimum(1, 2 * left), np.minimum(1, 2 * right)
        case "linear":
            return left, right
        case "linear_boosted":
            return 2 * left, 2 * right
        case "ardour":
            return left * (_ARDOUR_PAN * left + 1 - _ARDOUR_PAN), right * (_ARDOUR_PAN * right + 1 - _ARDOUR_PAN)
        case _:
            boost = np.sqrt(2) if law == "constant_power_boosted" else 1.0
            return boost * np.sin(left * np.pi / 2), boost * np.sin(right * np.pi / 2)


def _places(fade: Fade, first: int, count: int) -> Gains:
    """Tell where frames of a fade stand in it, 0..1."""
    steps = max(1, fade.length - 1 if fade.includes_end else fade.length)
    return np.minimum(1, np.arange(first, first + count, dtype=np.float64) / steps)


def _between(xs: Gains, ys: Gains, places: Gains, interpolation: Interpolation) -> Gains:
    match interpolation:
        case "hold":
            return ys[np.clip(np.searchsorted(xs, places, side="right") - 1, 0, len(ys) - 1)]
        case "decibel":
            return np.exp(np.interp(places, xs, np.log(np.maximum(ys, _ARDOUR_SILENCE))))
        case "curved" if len(xs) > 2:
            return _spline(xs, ys, places)
        case "ardour_gain":
            return _from_ardour_fader(np.interp(places, xs, _to_ardour_fader(ys)))
        case _:
            return np.interp(places, xs, ys)


@lru_cache(maxsize=256)
def _arrays(points: tuple[tuple[float, float], ...]) -> tuple[Gains, Gains]:
    """Makes the arrays of a fade once: it is asked for again and again, block by block."""
    return np.array([x for x, _ in points], np.float64), np.array([y for _, y in points], np.float64)


def _spline(xs: Gains, ys: Gains, places: Gains) -> Gains:
    """Draw a cubic through all points that never overshoots: C.J.C. Kruger, "Constrained Cubic Spline Interpolation".

    Its slope at a point is the harmonic mean of those on both sides, and 0 where they differ in sign.
    """
    keep = np.concatenate([[True], np.diff(xs) > 0])
    xs, ys = xs[keep], ys[keep]
    if len(xs) < 3:
        return np.interp(places, xs, ys)
    width = np.diff(xs)
    rise = np.diff(ys) / width
    slope = np.zeros_like(xs)
    same = rise[:-1] * rise[1:] > 0
    slope[1:-1][same] = 2 / (1 / rise[1:][same] + 1 / rise[:-1][same])
    slope[0] = 1.5 * rise[0] - slope[1] / 2
    slope[-1] = 1.5 * rise[-1] - slope[-2] / 2
    places = np.clip(places, xs[0], xs[-1])
    at = np.clip(np.searchsorted(xs, places, side="right") - 1, 0, len(width) - 1)
    t, w = (places - xs[at]) / width[at], width[at]
    # The cubic with these values and slopes at both ends.
    from_left = ys[at] * (1 + 2 * t) + w * slope[at] * t
    from_right = ys[at + 1] * (3 - 2 * t) - w * slope[at + 1] * (1 - t)
    return np.asarray(from_left * (1 - t) ** 2 + from_right * t**2, np.float64)


def _to_ardour_fader(gain: Gains) -> Gains:
    """Tell where Ardour's fader stands for a gain: an eighth power of the level over 192 dB, 0 for silence."""
    level = (6 * np.log2(np.maximum(gain, 2.0**-32)) + 192) / 198
    return np.asarray(level**8, np.float64)


def _from_ardour_fader(position: Gains) -> Gains:
    gain = 2 ** ((np.maximum(position, 0) ** (1 / 8) * 198 - 192) / 6)
    return np.asarray(np.where(position > 0, gain, 0), np.float64)


def _slower_ends(x: Gains) -> Gains:
    return np.where(x < 0.5, 8 * x**4, 1 - 8 * (1 - x) ** 4)


# How a fade-in of each shape rises from 0 at 0 to 1 at 1; a fade-out is the same from its end.
_SHAPES: dict[FadeShape, Callable[[Gains], Gains]] = {
    "linear": lambda x: x,
    "constant_power": lambda x: np.sin(x * np.pi / 2),
    "fast_start": lambda x: 1 - (1 - x) ** 2,
    "fast_end": lambda x: x**2,
    "faster_start": lambda x: 1 - (1 - x) ** 4,
    "faster_end": lambda x: x**4,
    "slow_ends": lambda x: x * x * (3 - 2 * x),
    "slower_ends": _slower_ends,
}
