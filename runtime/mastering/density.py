"""The density of a mix brought to that of a reference: how far its peaks stand above its loudness.

Peaks that are too high are turned down by the master's compressor, seen coming and let go quickly; a little is left for
the limiter behind it. Peaks that are too low can only be given back where the master's own compressor took them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from ...presets.console import Compressor, Equalizer, Master, parameters
from ...presets.parts.match import MatchCurve
from ..audio.loudness import integrated_loudness
from ..audio.peaks import true_peak_db
from ..audio.reading import BLOCK_FRAMES, Samples
from ..console.strip import MasterProcessor
from ..rendering.finishing import MOST_DENSER_DB

# What the limiter is left with, so that a higher peak elsewhere in the song does not pass its share.
_LEFT_DB: Final = 2.0
_NEAR_DB: Final = 0.5
_PEAKS = {"ratio": 4.0, "attack_ms": 4.0, "release_ms": 150.0, "knee_db": 6.0, "lookahead_ms": 2.0, "makeup_db": 0.0}
# From the peak down to here the threshold is looked for, by halves.
_DEEPEST_DB: Final = 18.0
_HALVINGS: Final = 5


class MasterTrial:
    """A whole signal that goes through one master after another; what they have in common runs once.

    Args:
        bus: what comes into the master, shape (2, n).
        sample_rate_hz: of it.
    """

    def __init__(self, bus: Samples, sample_rate_hz: int):
        self.sample_rate_hz = sample_rate_hz
        self._bus = bus
        self._toned: tuple[Equalizer, Samples] | None = None
        self._matched: tuple[tuple[Equalizer, MatchCurve], Samples] | None = None

    def mastered(self, master: Master) -> Samples:
        """The signal behind a master, without delay."""
        processor = MasterProcessor(master, self.sample_rate_hz)
        late = processor.latency_samples
        colour = master.eq, master.match
        if self._matched is None or self._matched[0] != colour:
            longest = late + round(parameters(Compressor)["lookahead_ms"].high * self.sample_rate_hz / 1000)
            self._matched = colour, processor.matched(self._equalized(processor, master.eq, longest))
        matched = self._matched[1][:, : self._bus.shape[1] + late]
        blocks = range(0, matched.shape[1], BLOCK_FRAMES)  # which fit into a cache
        levelled = [processor.levelled(matched[:, begin : begin + BLOCK_FRAMES]) for begin in blocks]
        return np.concatenate(levelled, axis=1)[:, late:]

    def _equalized(self, processor: MasterProcessor, eq: Equalizer, behind: int) -> Samples:
        """The signal behind an equalizer, so many samples longer at least."""
        frames = self._bus.shape[1] + behind
        if self._toned is None or self._toned[0] != eq or self._toned[1].shape[1] < frames:
            self._toned = eq, processor.toned(np.pad(self._bus, ((0, 0), (0, behind))))
        return self._toned[1][:, :frames]


def fit_density(trial: MasterTrial, master: Master, peak_to_loudness_db: float) -> Master:
    """Set the compressor of a master so that the mix has a peak-to-loudness ratio, as far as it and a limiter can.

    Args:
        trial: what comes into the master.
        master: with everything else as it stays.
        peak_to_loudness_db: of the reference.
    """

    def over_db(tried: Master) -> float:
        made = trial.mastered(tried)
        with ThreadPoolExecutor(1) as pool:
            peak = pool.submit(true_peak_db, made)
            return -integrated_loudness(made, trial.sample_rate_hz) + peak.result() - peak_to_loudness_db

    now_db = over_db(master)
    if not np.isfinite(now_db):
        return master
    if now_db < -_NEAR_DB and master.compressor.ratio > 1:
        return _relaxed(master, over_db)
    if now_db <= MOST_DENSER_DB - _NEAR_DB:
        return master
    free = _with(master, ratio=1.0)
    peak_db = true_peak_db(trial.mastered(free)) - free.compressor.makeup_db - free.output_gain_db
    high_db, low_db = peak_db, peak_db - _DEEPEST_DB
    for _ in range(_HALVINGS):
        middle_db = (high_db + low_db) / 2
        if over_db(_with(master, **_PEAKS, threshold_db=middle_db)) > _LEFT_DB:
            high_db = middle_db
        else:
            low_db = middle_db
    return _with(master, **_PEAKS, threshold_db=low_db)


def _relaxed(master: Master, over_db: Callable[[Master], float]) -> Master:
    """Lower the ratio of a compressor until peaks stand as high as they should, or it does nothing."""
    low, high = 1.0, master.compressor.ratio
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        if over_db(_with(master, ratio=middle)) < 0:
            high = middle
        else:
            low = middle
    return _with(master, ratio=low)


def _with(master: Master, **values: float) -> Master:
    rows = parameters(Compressor)
    held = {name: rows[name].clamp(value) for name, value in values.items()}
    return master.model_copy(update={"compressor": master.compressor.model_copy(update=held)})
