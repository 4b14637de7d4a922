"""The compressor: pedalboard's detector with a soft knee, linked channels and look-ahead around it.

The law, for each sample: the level follows |x| (of stereo, the louder channel) with one pole, whose
coefficient is exp(-2 pi 1000 / (rate * ms)), with the attack time while it rises and the release time while
it falls. The gain is a static curve of that level: none below the knee, the slope 1/ratio - 1 above it, a
parabola in between.
"""

from __future__ import annotations

import math

import numpy as np
import pedalboard

from ...presets.console import Compressor
from ...presets.units import gain_factor
from ..audio.reading import Samples
from .primitives import NEPER_PER_DB, Follower, PluginStream


class CompressorProcessor:
    """One compressor over mono or stereo audio, fed block by block.

    Args:
        settings: from the preset; ratio 1 passes audio through.
        channels: 1 or 2.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how much later the audio comes out (the look-ahead).
    """

    def __init__(self, settings: Compressor, channels: int, sample_rate_hz: int):
        self._is_active = settings.ratio > 1
        self._makeup = np.float32(gain_factor(settings.makeup_db))
        self._curve = GainCurve(settings, sample_rate_hz)
        lookahead = round(settings.lookahead_ms * sample_rate_hz / 1000)
        self.latency_samples = lookahead if self._is_active else 0
        is_plain = settings.knee_db == 0 and channels == 1 and not lookahead
        self._plugin = plain_compressor(settings)
        self._plain = PluginStream(self._plugin, sample_rate_hz) if is_plain else None
        self._latest: Samples | None = None
        self._delayed = np.zeros((channels, self.latency_samples), np.float32)

    def retune(self, settings: Compressor) -> None:
        """Take other settings from here on; the lower edge of the knee is no lower than what it was built for."""
        self._makeup = np.float32(gain_factor(settings.makeup_db))
        self._curve.retune(settings)
        for name in ("threshold_db", "ratio", "attack_ms", "release_ms"):
            if getattr(self._plugin, name) != getattr(settings, name):
                setattr(self._plugin, name, getattr(settings, name))

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n), later by `latency_samples`."""
        if not self._is_active:
            return self._made_up(block)
        if self._plain is not None:
            return self._made_up(self._plain.process(block[0])[None])
        levels = np.abs(block)
        detector = np.maximum.reduce(levels, axis=0) if len(levels) > 1 else levels[0]
        gain = self._latest = self._curve.process(detector)
        audio = self._delay(block)
        return self._made_up(audio if gain is None else audio * gain)

    def latest_gains(self, frames: int) -> Samples:
        """Gives the gain of each sample of the latest block, whose length this is; not of a plain mono compressor."""
        return np.full(frames, self._makeup) if self._latest is None else self._latest * self._makeup

    def _made_up(self, audio: Samples) -> Samples:
        return audio if self._makeup == 1 else audio * self._makeup

    def _delay(self, block: Samples) -> Samples:
        if not self.latency_samples:
            return block
        joined = np.concatenate([self._delayed, block], axis=1)
        self._delayed = joined[:, block.shape[1] :].copy()
        return joined[:, : block.shape[1]]


def plain_compressor(settings: Compressor) -> pedalboard.Compressor:
    """Make pedalboard's compressor, which has no knee, no link of channels and no look-ahead."""
    return pedalboard.Compressor(settings.threshold_db, settings.ratio, settings.attack_ms, settings.release_ms)


class GainCurve:
    """From detector to gain.

    Levels are followed in parts of a power of two that puts the knee's lower edge just above 0 dB.

    Args:
        settings: from the preset.
        sample_rate_hz: of the audio.

    Attributes:
        follower: of the level.
        edge: where the knee begins, in nepers above the follower's 1.
        knee: how wide it is, in nepers.
        slope: of the gain above it.
    """

    def __init__(self, settings: Compressor, sample_rate_hz: int):
        edge_db = settings.threshold_db - settings.knee_db / 2
        self._exponent = math.ceil(-edge_db * NEPER_PER_DB / math.log(2))
        self.follower = Follower(settings.attack_ms, settings.release_ms, sample_rate_hz, self._exponent)
        self.retune(settings)

    def retune(self, settings: Compressor) -> None:
        """Take another curve and other times from here on; the level stays."""
        edge_db = settings.threshold_db - settings.knee_db / 2
        self.edge = np.float32(edge_db * NEPER_PER_DB + self._exponent * math.log(2))
        self.knee = np.float32(settings.knee_db * NEPER_PER_DB)
        self.slope = np.float32(1 / settings.ratio - 1)
        self.follower.retune(settings.attack_ms, settings.release_ms)

    def process(self, detector: Samples) -> Samples | None:
        """Gains for levels, shape (n,); None where the level stays below the knee. Overwrites its argument."""
        level = self.follower.process(detector)
        np.log(level, out=level)
        level -= self.edge
        if level.max(initial=0) <= 0:
            return None
        above = np.maximum(level, 0, out=level)
        if self.knee > 0:
            inside = np.minimum(above, self.knee)
            above -= inside
            inside *= inside
            inside *= 0.5 / self.knee
            above += inside
        above *= self.slope
        return np.exp(above, out=above)
