"""How a compressor treats the peaks of a stem, told from the stem's own envelope on frames of 1.5 ms.

What a compressor turns down follows from the level that its follower sees, sample by sample, and from its curve. So a
follower is run once for each pair of times, and thresholds and ratios are tried on the frames alone: no audio is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Compressor, parameters
from ..audio.reading import Samples
from ..console.dynamics import followed_db
from ..console.response import compressor_gain_db

Floats = NDArray[np.float64]

FRAME_SAMPLES: Final = 64
"""Of the envelope: 1.5 ms at 44.1 kHz."""
# What is further below the loudest does not count as played.
_PLAYING_DB: Final = 40.0
# Where the levels of a stem are compared with those of a reference: from what is usual to its peaks.
_QUANTILES: Final = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 0.999, 1.0])
# Squared decibels by which two compressors may differ and count as alike; and what their crest counts against that.
_ALIKE: Final = 0.5
_CREST_WEIGHT: Final = 2.0
_TINY: Final = 1e-12
_HALVINGS: Final = 16


@dataclass(frozen=True)
class Envelope:
    """A stem as the compressor meets it.

    Attributes:
        peaks: highest sample of each frame, shape (frames,).
        powers: mean square of each, of the louder channel.
        seen_db: what a follower sees where the peak is.
        mean_db: what it sees on average of the frame.
    """

    peaks: Floats
    powers: Floats
    seen_db: Floats
    mean_db: Floats

    @classmethod
    def of(cls, audio: Samples, sample_rate_hz: int, times: Compressor) -> Envelope:
        """Measure audio behind all that stands before a compressor.

        Args:
            audio: shape (1 or 2, n), longer than a frame.
            sample_rate_hz: of it.
            times: a compressor with the attack, release and look-ahead that are tried.
        """
        detector = np.abs(audio).max(axis=0)
        levels_db = followed_db(detector, sample_rate_hz, times)
        ahead = round(times.lookahead_ms * sample_rate_hz / 1000)
        if ahead:
            levels_db = np.concatenate([levels_db[ahead:], np.repeat(levels_db[-1:], min(ahead, len(levels_db)))])
            levels_db = levels_db[: len(detector)]
        count = len(detector) // FRAME_SAMPLES
        framed = detector[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float64)
        seen = levels_db[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
        highest = framed.argmax(axis=1)
        rows = np.arange(count)
        power = np.square(audio[:, : count * FRAME_SAMPLES], dtype=np.float64).mean(axis=0)
        powers = power.reshape(count, FRAME_SAMPLES).mean(axis=1)
        return cls(framed[rows, highest], powers, seen[rows, highest], seen.mean(axis=1))

    @cached_property
    def playing(self) -> NDArray[np.bool_]:
        """Frames in which the stem plays, shape (frames,)."""
        plays: NDArray[np.bool_] = self.mean_db > self.mean_db.max() - _PLAYING_DB
        return plays

    def through(self, compressor: Compressor) -> Envelope:
        """The same behind a compressor of these times."""
        at_peaks, on_average = (compressor_gain_db(compressor, seen) for seen in (self.seen_db, self.mean_db))
        peaks, powers = self.peaks * 10 ** (at_peaks / 20), self.powers * 10 ** (on_average / 10)
        return Envelope(peaks, powers, self.seen_db, self.mean_db)

    def reduction_db(self, compressor: Compressor) -> float:
        """How much a compressor turns down on average while the stem plays."""
        return float(-compressor_gain_db(compressor, self.mean_db[self.playing]).mean())

    @property
    def crest_db(self) -> float:
        """Highest peak over the root mean square."""
        return float(20 * np.log10(self.peaks.max() + _TINY) - 10 * np.log10(self.powers.mean() + _TINY))

    @cached_property
    def levels_db(self) -> Floats:
        """Peaks of the frames in which it plays against the mean level, at some quantiles: how the stem moves."""
        peaks_db = 20 * np.log10(self.peaks[self.playing] + _TINY)
        mean_db = 10 * np.log10(self.powers[self.playing].mean() + _TINY)
        return np.asarray(np.quantile(peaks_db, _QUANTILES) - mean_db)


def crest_change_db(envelope: Envelope, compressor: Compressor) -> float:
    """How much a compressor changes the crest of a stem; less than 0 where it holds peaks."""
    return envelope.through(compressor).crest_db - envelope.crest_db


def with_crest_floor(compressor: Compressor, envelope: Envelope, most_db: float) -> Compressor:
    """The compressor with a threshold so high that it takes no more than this off the crest."""
    if compressor.ratio <= 1 or crest_change_db(envelope, compressor) >= -most_db:
        return compressor
    low_db, high_db = compressor.threshold_db, float(envelope.seen_db.max()) + compressor.knee_db
    for _ in range(_HALVINGS):
        middle_db = (low_db + high_db) / 2
        if crest_change_db(envelope, _at(compressor, middle_db)) < -most_db:
            low_db = middle_db
        else:
            high_db = middle_db
    return _at(compressor, high_db)


def like(
    audio: Samples,
    reference: Samples,
    sample_rate_hz: int,
    times: Iterable[Compressor],
    ratios: Iterable[float],
    thresholds_db: Iterable[float],
) -> Compressor | None:
    """The compressor behind which a stem moves as a reference does; None where it does so without.

    Several compressors move a stem alike in all but its highest peak; of those, one is taken whose crest is the usual.

    Args:
        audio: behind all that stands before the compressor, shape (1 or 2, n).
        reference: shape (1 or 2, n).
        sample_rate_hz: of both.
        times: attacks, releases and look-aheads that are tried.
        ratios: that are tried.
        thresholds_db: that are tried, against the root mean square of the stem while it plays.
    """
    wanted_db = Envelope.of(reference, sample_rate_hz, Compressor()).levels_db
    ratios, thresholds_db = tuple(ratios), tuple(thresholds_db)
    tried: list[_Tried] = []
    for shape in times:
        envelope = Envelope.of(audio, sample_rate_hz, shape)
        if not tried:
            tried.append(_Tried(None, envelope, wanted_db))
        level_db = 10 * np.log10(float(envelope.powers[envelope.playing].mean()) + _TINY)
        for over_db in thresholds_db:
            for ratio in ratios:
                compressor = _at(shape.model_copy(update={"ratio": ratio}), level_db + over_db)
                tried.append(_Tried(compressor, envelope.through(compressor), wanted_db))
    errors, crests_db = (np.array([getattr(item, name) for item in tried]) for name in ("error", "crest_db"))
    likely = np.exp(-(errors - errors.min()) / _ALIKE)
    crest_db = float(likely @ crests_db / likely.sum())
    return tried[int(np.argmin(errors + _CREST_WEIGHT * np.square(crests_db - crest_db)))].compressor


class _Tried:
    """A compressor, and how far a stem behind it is from moving as it should, in squared decibels."""

    def __init__(self, compressor: Compressor | None, behind: Envelope, wanted_db: Floats):
        self.compressor = compressor
        self.crest_db = behind.crest_db
        self.error = float(np.square(behind.levels_db - wanted_db).mean())


def _at(compressor: Compressor, threshold_db: float) -> Compressor:
    held_db = parameters(Compressor)["threshold_db"].clamp(round(float(threshold_db), 2))
    return compressor.model_copy(update={"threshold_db": held_db})
