"""Convolution of a stereo sound with a stereo impulse response, block by block, by pedalboard (JUCE)."""

from __future__ import annotations

import numpy as np
from pedalboard import Convolution

from ...audio.reading import Samples
from ..primitives import PluginStream

# Convolution scales every impulse response to an energy of 0.125 squared (JUCE's normalisation; measured).
_CONVOLUTION_GAIN = 0.125


class StereoConvolution:
    """Wet sound only, without latency: left gives left, right gives right.

    Args:
        response: shape (2, n).
        gain: of the result.
        sample_rate_hz: of sound and response.
    """

    def __init__(self, response: Samples, gain: float, sample_rate_hz: int):
        energies = np.sum(response.astype(np.float64) ** 2, axis=1)
        self._out_gains = (np.sqrt(energies) / _CONVOLUTION_GAIN * gain).astype(np.float32)
        self._channels = [
            PluginStream(Convolution(channel, mix=1.0, sample_rate=sample_rate_hz), sample_rate_hz)
            for channel in response
        ]

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n)."""
        rows = zip(self._channels, block, self._out_gains, strict=True)
        return np.stack([channel.process(row) * gain for channel, row, gain in rows])
