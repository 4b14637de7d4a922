"""What the fader did over time: a course of gain between what is rendered and the mixed recording, as a lane.

A ride is slow against what compressors do, and all octaves have it alike. It is measured where both recordings sound,
and goes straight through pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ...presets.console import Strip, parameters
from ...presets.lanes.lane import MOST_LANE_POINTS, Lane, lane
from ...presets.lanes.simplify import simplified
from ...runtime.audio.reading import Samples
from ..pairs.check import MatchedPair
from .explain import OCTAVES_HOP, octave_powers

Curve = NDArray[np.float64]

_SMOOTH_S: Final = 0.3
# Octaves this far below their loud moments say nothing.
_RANGE_DB = 30.0
_MOST_DB = 40.0
# A course that moves less is what compressors and rooms leave.
_LEAST_MOVE_DB, _MOVED_SHARE = 2.0, 0.9
_LEAST_S = 3.0
# No point is further from a line between those that stay.
_TOLERANCE_DB = 0.3


@dataclass(frozen=True)
class Ride:
    """A course of gain.

    Attributes:
        times_s: from the beginning of the raw recording, rising.
        gains_db: at these times; 0 is what it mostly is.
    """

    times_s: Curve
    gains_db: Curve

    def undone(self, audio: Samples, sample_rate_hz: int) -> Samples:
        """Gives a recording as it is without the ride."""
        times_s = np.arange(audio.shape[1]) / sample_rate_hz
        # Where next to nothing is left nothing is lifted out of the noise.
        gains_db = np.maximum(np.interp(times_s, self.times_s, self.gains_db), -_RANGE_DB)
        steady: Samples = (audio * 10 ** (-gains_db / 20)).astype(np.float32)
        return steady

    def fader_lane(self, fader_db: float) -> Lane:
        """Makes the lane of a fader that stands there otherwise."""
        row = parameters(Strip)["fader_db"]
        points = [(float(at), fader_db + float(gain)) for at, gain in zip(self.times_s, self.gains_db, strict=True)]
        tolerance_db = _TOLERANCE_DB
        kept = simplified(points, tolerance_db)
        while len(kept) > MOST_LANE_POINTS:
            tolerance_db *= 1.5
            kept = simplified(points, tolerance_db)
        return lane("fader_db", [(at, row.clamp(round(value, 2))) for at, value in kept])


def ride_between(pair: MatchedPair, rendered: Samples) -> Ride | None:
    """Finds how the mixed recording was ridden against what is rendered; None where it was not.

    Args:
        pair: of which the mixed recording is taken.
        rendered: what the settings make of the raw one, shape (2, samples).
    """
    rate_hz, inside = pair.sample_rate_hz, pair.inside
    if inside.stop - inside.start < _LEAST_S * rate_hz:
        return None
    mixed, there = (octave_powers(audio[:, inside], rate_hz) for audio in (pair.mixed, rendered))
    gains_db, weights = _course(mixed, there)
    hop_s = OCTAVES_HOP / rate_hz
    sigma = _SMOOTH_S / hop_s
    near = gaussian_filter1d(weights, sigma)
    if not near.max() > 0:
        return None
    # Where nothing is heard the nearest that is heard counts: a wider window with a hundredth of the weight.
    far = gaussian_filter1d(weights, 8 * sigma)
    total = gaussian_filter1d(weights * gains_db, sigma) + 0.01 * gaussian_filter1d(weights * gains_db, 8 * sigma)
    smooth_db = total / np.maximum(near + 0.01 * far, 1e-12)
    heard = weights > 0
    smooth_db = smooth_db - _weighted_middle(smooth_db[heard], weights[heard])
    moves = np.sort(np.abs(smooth_db[heard]))
    if moves[int(_MOVED_SHARE * (len(moves) - 1))] < _LEAST_MOVE_DB:
        return None
    times_s = inside.start / rate_hz + (np.arange(len(smooth_db)) + 1) * hop_s
    return Ride(times_s, np.clip(smooth_db, -_MOST_DB, _MOST_DB))


def _course(mixed: Curve, there: Curve) -> tuple[Curve, Curve]:
    """Gains of all octaves together over time, and how far each moment can be trusted."""
    difference_db = 10 * np.log10((mixed + 1e-14) / (there + 1e-14))
    loud = [np.quantile(power, 0.95, axis=0) for power in (mixed, there)]
    depths = [10 * np.log10((power + 1e-14) / (top + 1e-14)) for power, top in zip((mixed, there), loud, strict=True)]
    # A fade makes the mixed recording quiet where the rendered one sounds: it counts, down to where noise begins.
    weights = np.clip(1 + depths[1] / _RANGE_DB, 0, 1) * np.clip(1 + depths[0] / (2 * _RANGE_DB), 0, 1)
    weights = weights * np.sqrt(loud[0] / max(float(loud[0].max()), 1e-30))
    middles = [
        _weighted_middle(difference_db[:, at], weights[:, at]) for at in range(weights.shape[1])
    ]  # an octave that is met too loud all through is no ride
    moved_db = difference_db - np.array(middles)
    total = weights.sum(axis=1)
    return (weights * moved_db).sum(axis=1) / np.maximum(total, 1e-12), total


def _weighted_middle(values: Curve, weights: Curve) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    if not len(sums) or sums[-1] <= 0:
        return 0.0
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
