"""The last stage of a mix: brought to its loudness, held under its ceiling, measured, written.

The mix waits in a plain file of float32 frames, so that it can be gone through more than once: a limiter
takes loudness away, and how much is only known afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...presets.units import decibels, gain_factor
from ..audio.loudness import StreamingLoudness
from ..audio.peaks import TruePeakMeter
from ..audio.reading import BLOCK_FRAMES, Samples
from ..audio.writing import AudioFormat, AudioWriter
from ..console.limiter import Limiter
from .gain_curves import GainCurves

# The loudness reached may differ by this much before another gain is tried, and so many are tried.
_TOLERANCE_LU = 0.2
_ATTEMPTS = 4
USUAL_LUFS = -14.0
"""Loudness where nobody asks for another."""
MOST_DENSER_DB = 3.0
"""How far peaks are turned down for the sake of density."""
# More than this on top of the plain gain would only be crushed by the limiter.
_MOST_EXTRA_DB = 6.0


@dataclass(frozen=True)
class Levels:
    """What a meter shows.

    Attributes:
        loudness_lufs: integrated loudness; -inf for silence.
        true_peak_dbtp: highest true peak; -inf for silence.
    """

    loudness_lufs: float
    true_peak_dbtp: float


@dataclass(frozen=True)
class Finish:
    """What was done to a mix at the end.

    Attributes:
        gain_db: added for loudness.
        limited_db: how far the limiter had to turn down at most; 0 if it had nothing to do.
        levels: of the file written.
    """

    gain_db: float
    limited_db: float
    levels: Levels


@dataclass(frozen=True)
class LevelTarget:
    """How loud a mix should be, and how high its peaks may stand.

    Attributes:
        loudness_lufs: wanted; None leaves the level.
        ceiling_dbtp: no true peak will be over it.
        peak_to_loudness_db: peaks further above the loudness are turned down, by :data:`MOST_DENSER_DB` at most, so far
            as the ceiling does not ask for more; None leaves them.
        most_limited_db: the mix is quieter than wanted where the limiter would turn peaks down by more; None lets
            loudness go first.
    """

    loudness_lufs: float | None
    ceiling_dbtp: float
    peak_to_loudness_db: float | None = None
    most_limited_db: float | None = None

    def highest_gain_db(self, levels: Levels, limit_dbtp: float) -> float:
        """Compute the gain up to which a limiter at this level turns the peaks of a mix down by no more than it may."""
        if self.most_limited_db is None or not math.isfinite(levels.true_peak_dbtp):
            return math.inf
        return limit_dbtp + self.most_limited_db - levels.true_peak_dbtp

    def limit_dbtp(self, levels: Levels, gain_db: float) -> float:
        """Compute the level that no peak may pass of a mix of these levels behind a gain."""
        if self.peak_to_loudness_db is None or not math.isfinite(levels.loudness_lufs):
            return self.ceiling_dbtp
        wanted_dbtp = levels.loudness_lufs + gain_db + self.peak_to_loudness_db
        deepest_dbtp = levels.true_peak_dbtp + gain_db - MOST_DENSER_DB
        return min(self.ceiling_dbtp, max(wanted_dbtp, deepest_dbtp))


class Meter:
    """Loudness and true peak of a stereo stream."""

    def __init__(self, sample_rate_hz: int):
        self._loudness = StreamingLoudness(sample_rate_hz)
        self._peak = TruePeakMeter()

    def update(self, block: Samples) -> None:
        """Takes the next samples, shape (2, n)."""
        self._loudness.update(block)
        self._peak.update(block)

    @property
    def levels(self) -> Levels:
        """Of all samples so far."""
        return Levels(self._loudness.integrated_lufs, self._peak.peak_db)


@dataclass(frozen=True)
class RawMix:
    """A stereo mix in a file of interleaved float32, and its levels."""

    path: Path
    frames: int
    sample_rate_hz: int
    levels: Levels

    def blocks(self) -> Iterator[Samples]:
        """The mix in blocks of shape (2, n)."""
        with self.path.open("rb") as file:
            for begin in range(0, self.frames, BLOCK_FRAMES):
                count = min(BLOCK_FRAMES, self.frames - begin)
                flat = np.frombuffer(file.read(count * 8), np.float32)
                yield np.ascontiguousarray(flat.reshape(count, 2).T)


def finish(
    mix: RawMix,
    path: Path,
    audio_format: AudioFormat,
    target: LevelTarget,
    curves: GainCurves | None = None,
    progress: Callable[[float], None] | None = None,
) -> Finish:
    """Writes a mix at a loudness, as near to it as the ceiling lets it come.

    Args:
        mix: the mix.
        path: the file to write; replaced if it exists.
        audio_format: of that file.
        target: loudness, ceiling and density; of a silent mix the level stays.
        curves: gets what was done to the level.
        progress: called with the share done, 0..1; an attempt at the loudness takes half of what is left.

    Raises:
        OutputError: the file cannot be written.
    """
    plain_db, loudness_lufs = 0.0, target.loudness_lufs
    if loudness_lufs is not None and math.isfinite(mix.levels.loudness_lufs):
        plain_db = loudness_lufs - mix.levels.loudness_lufs
        plain_db = min(plain_db, target.highest_gain_db(mix.levels, target.ceiling_dbtp))
    ceiling_dbtp = target.limit_dbtp(mix.levels, plain_db)
    if mix.levels.true_peak_dbtp + plain_db <= ceiling_dbtp:
        if curves is not None:
            curves.fill_finish(gain_factor(plain_db))
        _write(_counted(_amplified(mix, plain_db), mix, progress, 0.0, 1.0), mix, path, audio_format)
        levels = Levels(mix.levels.loudness_lufs + plain_db, mix.levels.true_peak_dbtp + plain_db)
        return Finish(plain_db, 0.0, levels)
    gain_db = plain_db
    highest_db = target.highest_gain_db(mix.levels, ceiling_dbtp)
    begin = 0.0
    for _ in range(_ATTEMPTS):
        end = (1 + begin) / 2
        blocks = _counted(_amplified(mix, gain_db), mix, progress, begin, end)
        result = _write_limited(mix, blocks, gain_db, path, audio_format, ceiling_dbtp, curves)
        begin = end
        if loudness_lufs is None:
            break
        missing_db = loudness_lufs - result.levels.loudness_lufs
        following_db = min(gain_db + missing_db, plain_db + _MOST_EXTRA_DB, max(gain_db, highest_db))
        if abs(missing_db) <= _TOLERANCE_LU or following_db == gain_db:
            break
        gain_db = following_db
    return result


def _write_limited(
    mix: RawMix,
    blocks: Iterator[Samples],
    gain_db: float,
    path: Path,
    audio_format: AudioFormat,
    ceiling_dbtp: float,
    curves: GainCurves | None,
) -> Finish:
    if curves is not None:
        curves.begin_finish()
    gain = np.float32(gain_factor(gain_db))

    def take_gains(gains: Samples) -> None:
        if curves is not None:
            curves.take_finish(gains * gain)

    limiter = Limiter(gain_factor(ceiling_dbtp), mix.sample_rate_hz)
    meter = Meter(mix.sample_rate_hz)
    _write(_limited(blocks, limiter, take_gains), mix, path, audio_format, meter)
    return Finish(gain_db, -decibels(limiter.lowest_gain), meter.levels)


def _amplified(mix: RawMix, gain_db: float) -> Iterator[Samples]:
    gain = np.float32(gain_factor(gain_db))
    return mix.blocks() if gain == 1 else (block * gain for block in mix.blocks())


def _counted(
    blocks: Iterator[Samples], mix: RawMix, progress: Callable[[float], None] | None, begin: float, end: float
) -> Iterator[Samples]:
    """Tell how far it is after each block, between two shares."""
    frames = 0
    for block in blocks:
        yield block
        frames += block.shape[1]
        if progress is not None:
            progress(begin + (end - begin) * frames / mix.frames)


def _limited(blocks: Iterator[Samples], limiter: Limiter, take_gains: Callable[[Samples], None]) -> Iterator[Samples]:
    early = limiter.latency_samples
    for block in blocks:
        late = limiter.process(block)[:, early:]
        take_gains(limiter.latest_gains(block.shape[1])[early:])
        early -= block.shape[1] - late.shape[1]
        yield late
    last = limiter.process(np.zeros((2, limiter.latency_samples), np.float32))
    take_gains(limiter.latest_gains(last.shape[1])[early:])
    yield last[:, early:]


def _write(
    blocks: Iterator[Samples], mix: RawMix, path: Path, audio_format: AudioFormat, meter: Meter | None = None
) -> None:
    """Write the blocks and measure them, one block behind whoever makes them."""
    with AudioWriter(path, mix.sample_rate_hz, 2, mix.frames, audio_format) as writer, ThreadPoolExecutor(2) as pool:
        takers = [writer.write] if meter is None else [writer.write, meter.update]
        behind: list[Future[None]] = []
        for block in blocks:
            for done in behind:
                done.result()
            behind = [pool.submit(take, block) for take in takers]
        for done in behind:
            done.result()
