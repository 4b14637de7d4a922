"""The gate: quiet passages are turned down, by an expander with hysteresis and hold.

The law. The detector follows |x| (of stereo, the louder channel). The gate opens when the level reaches the threshold
and closes when it has been below threshold - hysteresis for longer than the hold. Open, the gain is 0 dB. Closed, the
gain falls by ratio - 1 dB for each dB that the level is below the threshold, down to -range. The gain then moves with
one pole, linear in amplitude, with the attack time while it rises and the release time while it falls.

pedalboard's NoiseGate is not used: it has neither range nor hold nor hysteresis, so it chatters on a decaying drum,
and its channels are not linked.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Gate
from ..audio.reading import Samples
from .primitives import NEPER_PER_DB, Follower

# Fast enough to open on a drum's first millisecond, slow enough not to follow the wave of a bass.
_DETECTOR_ATTACK_MS = 0.5
_DETECTOR_RELEASE_MS = 100.0
# The detector reads down to -120 dB of full scale; a threshold below cannot be met by sound.
_DETECTOR_EXPONENT = 20
# 0.001 dB: from here on the sound passes as it is, bit for bit.
_OPEN = np.float32(0.9999)


class GateProcessor:
    """One gate over mono or stereo audio, fed block by block, without latency.

    Args:
        settings: from the preset; range 0 passes audio through.
        sample_rate_hz: of the audio.
    """

    latency_samples = 0

    def __init__(self, settings: Gate, sample_rate_hz: int):
        self.is_active = settings.range_db > 0 and settings.ratio > 1
        if not self.is_active:
            return
        floor = 10 ** (-settings.range_db / 20)
        self._detector = Follower(_DETECTOR_ATTACK_MS, _DETECTOR_RELEASE_MS, sample_rate_hz, _DETECTOR_EXPONENT)
        self._door = _Door(settings, sample_rate_hz)
        self._threshold = np.float32(settings.threshold_db * NEPER_PER_DB)
        self._slope = np.float32(settings.ratio - 1)
        self._lowest = np.float32(math.log(floor))
        # The gain is followed in parts of the range's floor: a power of two at or below it, so that scaling is exact.
        exponent = math.ceil(-math.log2(floor)) if floor < 1 else 0
        self._unit = np.float32(2.0**-exponent)
        self._motion = Follower(settings.attack_ms, settings.release_ms, sample_rate_hz, exponent)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if not self.is_active or not block.shape[1]:
            return block
        gain = self.gains(np.abs(block).max(axis=0))
        return block * gain

    def gains(self, detector: Samples) -> Samples:
        """Gains for levels |x|, shape (n,). Overwrites its argument."""
        level = self._detector.process(detector)
        np.log(level, out=level)
        level -= np.float32(_DETECTOR_EXPONENT * math.log(2))
        is_open = self._door.process(level)
        level -= self._threshold
        np.minimum(level, 0, out=level)
        level *= self._slope
        np.maximum(level, self._lowest, out=level)
        target = np.exp(level, out=level)
        target[is_open] = 1
        gain = self._motion.process(target)
        gain *= self._unit
        gain[gain > _OPEN] = 1
        return gain


class _Door:
    """Open or closed, for each sample: opens at the threshold, closes below threshold - hysteresis after the hold.

    Each state is that of the last sample that decided one, so whole blocks are found by running maxima.
    """

    def __init__(self, settings: Gate, sample_rate_hz: int):
        self._opens = np.float32(settings.threshold_db * NEPER_PER_DB)
        self._closes = np.float32((settings.threshold_db - settings.hysteresis_db) * NEPER_PER_DB)
        self._hold = round(settings.hold_ms * sample_rate_hz / 1000)
        # Places relative to the next block: when it last opened, when it last was loud, when it last was closed.
        self._opened = self._loud = -(2**62)
        self._closed = -1

    def process(self, level: Samples) -> NDArray[np.bool_]:
        """Whether it is open, for levels in nepers, shape (n,)."""
        count = len(level)
        index = np.arange(count)
        opened = _last(index, level >= self._opens, self._opened)
        loud = _last(index, level >= self._closes, self._loud)
        closed = _last(index, index - loud > self._hold, self._closed)
        self._opened, self._loud, self._closed = (_moved(int(places[-1]), count) for places in (opened, loud, closed))
        is_open: NDArray[np.bool_] = opened > closed
        return is_open


def _last(index: NDArray[np.int64], is_there: NDArray[np.bool_], before: int) -> NDArray[np.int64]:
    places = np.where(is_there, index, before)
    return np.maximum.accumulate(places)


def _moved(place: int, count: int) -> int:
    return max(place - count, -(2**62))
