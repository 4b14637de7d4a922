"""A track's inserts over sound that comes in pieces: what comes out goes on in time, only later to be had.

Files are read ahead, and whole; here only what goes block by block can run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....presets.errors import InsertError
from ....presets.inserts.insert import Insert
from ....presets.inserts.words import insert_name
from ...audio.reading import Samples
from ...inserts.deepfilter.denoiser import BLOCK_FRAMES, LATENCY_FRAMES, RATE_HZ, Denoiser
from ...inserts.deepfilter.floor import RunningFloor
from ...inserts.in_time import InTime, counted_lag
from ...inserts.opening import open_insert
from ...inserts.playing import checked_block, joined_rows, parts_of
from ...inserts.terms import InsertRules, InsertTerms, RunningInsert


def check_live(insert: Insert) -> None:
    """Refuse an insert that only hears whole files.

    Raises:
        InsertError: it does.
    """
    if insert.kind == "command":
        reason = "a program hears a whole file"
    elif insert.match_loudness:
        reason = "`match_loudness` measures a whole file"
    else:
        return
    raise InsertError(
        f"{insert_name(insert)} cannot run in real time: {reason}. Play stems, which go through it first, or remove it "
        "(`mixbridge preset insert`)."
    )


class LiveChain:
    """Inserts one after the other, over a track.

    Args:
        inserts: at least one.
        channels: of the track.
        sample_rate_hz: of it.
        rules: what inserts may do.

    Raises:
        InsertError: one cannot be run block by block.
    """

    def __init__(self, inserts: Sequence[Insert], channels: int, sample_rate_hz: int, rules: InsertRules):
        self._channels, self._rate_hz = channels, sample_rate_hz
        self._stages: list[_Stage] = []
        try:
            for insert in inserts:
                self._stages.append(_Stage(insert, channels, sample_rate_hz, rules))
        except BaseException:
            self.close()
            raise

    def process(self, block: Samples) -> Samples:
        """The next samples that are ready, shape (channels, n).

        Raises:
            InsertError: one fails.
        """
        for stage in self._stages:
            block = stage.process(block)
        return block

    def lag_frames(self, block_frames: int) -> int:
        """Count how many samples at most are not ready yet when blocks of this length went in."""
        return counted_lag([stage.terms for stage in self._stages], self._channels, self._rate_hz, block_frames)

    def close(self) -> None:
        """End what runs them."""
        for stage in self._stages:
            stage.close()


class _Stage:
    """One insert, with the share of what went in that is left."""

    def __init__(self, insert: Insert, channels: int, sample_rate_hz: int, rules: InsertRules):
        check_live(insert)
        rows = channels if insert.kind == "denoise" else insert.channels
        self._units: list[RunningInsert] = []
        try:
            for _ in range(max(1, channels // rows)):
                self._units.append(_opened(insert, rows, sample_rate_hz, rules))
        except BaseException:
            self.close()
            raise
        self.terms = self._units[0].terms
        self._name, self._wet = insert_name(insert), np.float32(insert.wet)
        self._aligned = InTime(self.terms, channels, sample_rate_hz, self.run)
        self._dry = np.zeros((channels, 0), np.float32)
        self._channels = channels

    def process(self, block: Samples) -> Samples:
        out = self._aligned.process(block)
        if self._wet == 1:
            return out
        waiting = np.concatenate((self._dry, block), axis=1)
        dry, self._dry = np.split(waiting, [out.shape[1]], axis=1)
        return self._wet * out + (1 - self._wet) * dry

    def run(self, block: Samples, place: int) -> Samples:
        """What the insert makes of a block at its own rate."""
        heard = [
            checked_block(unit.process(part), part, self._name, self.terms, place)
            for unit, part in parts_of(block, self._units)
        ]
        return joined_rows(heard, self._channels)

    def close(self) -> None:
        for unit in self._units:
            unit.close()


class _LiveDenoise:
    """The built-in cleaning in blocks as short as it takes; the noise floor is that of what it heard lately."""

    def __init__(self, insert: Insert, channels: int):
        self.terms = InsertTerms(RATE_HZ, channels, BLOCK_FRAMES, LATENCY_FRAMES)
        floors = [RunningFloor() for _ in range(channels)] if insert.protect else None
        self._denoiser = Denoiser(channels, insert.strength_db, floors)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        return self._denoiser.process(block)

    def close(self) -> None:
        """Does nothing."""


def _opened(insert: Insert, channels: int, sample_rate_hz: int, rules: InsertRules) -> RunningInsert:
    if insert.kind == "denoise":
        return _LiveDenoise(insert, channels)
    unit = open_insert(insert, channels, sample_rate_hz, rules)
    if unit.terms.block_frames is None:
        unit.close()
        raise InsertError(
            f"{insert_name(insert)} cannot run in real time: it hears a whole file. If it may be given blocks, declare "
            "how long they are (`block_samples`)."
        )
    return unit
