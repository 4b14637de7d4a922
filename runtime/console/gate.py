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
from collections.abc import Sequence
from typing import Final

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
_STANDING: Final = 64


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
        self._take(settings)
        # The gain is followed in parts of the range's floor: a power of two at or below it, so that scaling is exact.
        exponent = math.ceil(-math.log2(floor)) if floor < 1 else 0
        self._unit = np.float32(2.0**-exponent)
        self._motion = Follower(settings.attack_ms, settings.release_ms, sample_rate_hz, exponent)
        # While it is open and its gain stands still, there is nothing to compute.
        self._is_settled = False

    def retune(self, settings: Gate) -> None:
        """Take other settings from here on, of at most the range that it was built for; its gain goes on from here."""
        if not self.is_active:
            return
        self._take(settings)
        self._door.retune(settings)
        self._motion.retune(settings.attack_ms, settings.release_ms)
        self._is_settled = False

    def _take(self, settings: Gate) -> None:
        self._threshold = np.float32(settings.threshold_db * NEPER_PER_DB)
        self._slope = np.float32(settings.ratio - 1)
        self._lowest = np.float32(math.log(10 ** (-settings.range_db / 20)))

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if not self.is_active or not block.shape[1]:
            return block
        gain = self._curve(np.abs(block).max(axis=0))
        return block if gain is None else block * gain

    def gains(self, detector: Samples) -> Samples:
        """Gains for levels |x|, shape (n,). Overwrites its argument."""
        gain = self._curve(detector)
        return np.ones_like(detector) if gain is None else gain

    def _curve(self, detector: Samples) -> Samples | None:
        """The gains; None where the sound passes as it is."""
        level = self._detector.process(detector)
        np.log(level, out=level)
        level -= np.float32(_DETECTOR_EXPONENT * math.log(2))
        spans = self._door.process(level)
        is_open = spans == [(0, len(level))]
        if is_open and self._is_settled:
            return None
        gain = self._motion.process(self._targets(level, spans))
        gain *= self._unit
        passes = gain > _OPEN
        self._is_settled = is_open and bool(passes[-1]) and _stands(gain)
        if passes.all():
            return None
        gain[passes] = 1
        return gain

    def _targets(self, level: Samples, spans: Sequence[tuple[int, int]]) -> Samples:
        """What the gain moves towards. Overwrites its argument."""
        level -= self._threshold
        np.minimum(level, 0, out=level)
        level *= self._slope
        np.maximum(level, self._lowest, out=level)
        target = np.exp(level, out=level)
        for begin, end in spans:
            target[begin:end] = 1
        return target


def _stands(gain: Samples) -> bool:
    """Whether a gain that moves to 1, and is near it, has come as far as single precision lets it.

    While it moves, each sample is at least the next number above the one before: over so many that would be seen.
    """
    last = gain[-_STANDING:]
    return len(last) == _STANDING and bool((last == last[0]).all())


def detected_db(detector: Samples, sample_rate_hz: int) -> Samples:
    """What a gate's detector sees of levels |x|, shape (n,), in dB, sample by sample."""
    follower = Follower(_DETECTOR_ATTACK_MS, _DETECTOR_RELEASE_MS, sample_rate_hz, _DETECTOR_EXPONENT)
    level = np.log(follower.process(detector.astype(np.float32)))
    level /= np.float32(NEPER_PER_DB)
    return level - np.float32(_DETECTOR_EXPONENT * math.log(2) / NEPER_PER_DB)


class _Door:
    """Tells when the gate is open: from the threshold on, until it was below threshold - hysteresis for the hold."""

    def __init__(self, settings: Gate, sample_rate_hz: int):
        self._rate_hz = sample_rate_hz
        self.retune(settings)
        self._is_open = False
        # Where the hold ends, from the next block on; nothing was loud before the first.
        self._held = -1

    def retune(self, settings: Gate) -> None:
        """Take another threshold, hysteresis and hold from here on."""
        self._opens = np.float32(settings.threshold_db * NEPER_PER_DB)
        self._closes = np.float32((settings.threshold_db - settings.hysteresis_db) * NEPER_PER_DB)
        self._hold = round(settings.hold_ms * self._rate_hz / 1000)

    def process(self, level: Samples) -> list[tuple[int, int]]:
        """The spans of samples in which it is open, for levels in nepers, shape (n,)."""
        count, held = len(level), self._held
        spans, begin = [], 0
        for loud, quiet in _runs(level >= self._closes):
            if self._is_open and held < loud:
                spans.append((begin, held))
                self._is_open = False
            if not self._is_open:
                opens = level[loud:quiet] >= self._opens
                begin = loud + int(opens.argmax())
                self._is_open = bool(opens[begin - loud])
            held = quiet + self._hold
        if self._is_open:
            spans.append((begin, min(held, count)))
            self._is_open = held >= count
        self._held = max(held - count, -1)
        return [(first, end) for first, end in spans if first < end]


def _runs(is_there: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where something is there, as stretches from one place up to another."""
    edges = (np.flatnonzero(is_there[1:] != is_there[:-1]) + 1).tolist()
    edges = [*([0] if is_there[0] else []), *edges, *([len(is_there)] if is_there[-1] else [])]
    return list(zip(edges[0::2], edges[1::2], strict=True))
