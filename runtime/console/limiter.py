"""The ceiling: a limiter that looks ahead and lets no true peak over it.

The gain that each sample's true peak needs goes through a sliding minimum and then a moving average of the
same length. Every averaged value is a minimum that covers the peak in the middle: the gain is down in time
and cannot overshoot. Where no peak is near, samples pass unchanged, bit for bit.

Our own code on purpose: pedalboard's Limiter (0.9.26) raises what is far below its threshold by 4.75 dB and looks at
samples only; a tone at a quarter of the sample rate left it with a true peak of 1.1 dBTP at a threshold of -1 dB.
"""

from __future__ import annotations

import numpy as np

from ...presets.units import gain_factor
from ..audio.peaks import REACH, TAPS, peaks_between
from ..audio.reading import Samples, as_stereo

# Half the length of minimum and average: long enough not to follow the cycles of a bass.
_HALF_S = 0.010
# Turning the gain bends the waveform between the samples by a little; rounding adds less.
_MARGIN_DB = 0.03


def limit(audio: Samples, ceiling: float, sample_rate_hz: int) -> Samples:
    """A whole signal under a ceiling, shape (1 or 2, n) as it came, without delay."""
    limiter = Limiter(ceiling, sample_rate_hz)
    limited = limiter.process(np.pad(as_stereo(audio), ((0, 0), (0, limiter.latency_samples))))
    return limited[: audio.shape[0], limiter.latency_samples :]


class Limiter:
    """A limiter for stereo, fed block by block.

    Args:
        ceiling: highest true peak of the output, as a factor of full scale.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how much later the audio comes out.
        lowest_gain: the furthest it has turned down so far, as a factor; 1 if it never had to.
    """

    def __init__(self, ceiling: float, sample_rate_hz: int):
        self._ceiling = ceiling * gain_factor(-_MARGIN_DB)
        self._half = max(1, round(_HALF_S * sample_rate_hz))
        self.latency_samples = 2 * self._half + REACH
        self.lowest_gain = 1.0
        self._audio = np.zeros((2, max(self.latency_samples, TAPS - 1)), np.float32)
        self._needed = np.ones(4 * self._half, np.float32)
        self._last_gap = np.float32(0)
        self._latest: Samples | None = None

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n), later by `latency_samples`."""
        frames = block.shape[1]
        if not frames:
            return block
        audio = np.concatenate([self._audio, block], axis=1)
        needed = np.concatenate([self._needed, self._needed_gain(audio, frames)])
        self._audio, self._needed = audio[:, frames:], needed[frames:]
        start = audio.shape[1] - frames - self.latency_samples
        delayed = audio[:, start : start + frames]
        if needed.min() >= 1:
            self._latest = None
            return delayed
        from scipy.ndimage import minimum_filter1d, uniform_filter1d  # seldom needed, slow to import

        length = 2 * self._half + 1
        lowest = minimum_filter1d(needed, length, mode="nearest")
        gain = uniform_filter1d(lowest.astype(np.float64), length, mode="nearest")
        gain = gain[2 * self._half : 2 * self._half + frames]
        self.lowest_gain = min(self.lowest_gain, float(gain.min()))
        self._latest = gain.astype(np.float32)
        limited: Samples = delayed * self._latest
        return limited

    def latest_gains(self, frames: int) -> Samples:
        """Gives the gain of each sample of the latest block, whose length this is; shape (n,)."""
        return np.ones(frames, np.float32) if self._latest is None else self._latest

    def _needed_gain(self, audio: Samples, frames: int) -> Samples:
        """Gains for the `frames` samples that end REACH before the last one, each for the gaps on both sides."""
        gaps = peaks_between(audio[:, audio.shape[1] - frames - (TAPS - 1) :], self._ceiling)
        before = np.concatenate([[self._last_gap], gaps[:-1]])
        self._last_gap = gaps[-1]
        samples = np.abs(audio[:, audio.shape[1] - frames - REACH : audio.shape[1] - REACH]).max(axis=0)
        peaks = np.maximum(np.maximum(gaps, before), samples)
        needed: Samples = (self._ceiling / np.maximum(peaks, self._ceiling)).astype(np.float32)
        return needed
