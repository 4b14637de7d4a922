"""Convolution of a stereo sound with a stereo impulse response, block by block, by pedalboard (JUCE)."""

from __future__ import annotations

import numpy as np
from pedalboard import Convolution

from ...audio.reading import Samples
from ..primitives import BUFFER_FRAMES, PluginStream

# Convolution scales every impulse response to an energy of 0.125 squared (JUCE's normalisation; measured).
_CONVOLUTION_GAIN = 0.125


class StereoConvolution:
    """Wet sound only, without latency: left gives left, right gives right.

    Where its tail has died away and more silence comes, nothing is computed: the answer is silence. It works in pieces
    of a length of its own; when sound comes again, it is brought to where it would stand in them, so that all samples
    are those that it would have given.

    Args:
        response: shape (2, n).
        gain: of the result.
        sample_rate_hz: of sound and response.
        piece_frames: how long its pieces are. For each block, however short, it transforms a whole one; and at the end
            of a piece it adds up all of the response: short pieces are for short blocks.
    """

    def __init__(self, response: Samples, gain: float, sample_rate_hz: int, piece_frames: int = BUFFER_FRAMES):
        energies = np.sum(response.astype(np.float64) ** 2, axis=1)
        self._out_gains = (np.sqrt(energies) / _CONVOLUTION_GAIN * gain).astype(np.float32)
        self._channels = [
            PluginStream(Convolution(channel, mix=1.0, sample_rate=sample_rate_hz), sample_rate_hz, piece_frames)
            for channel in response
        ]
        self._piece_frames = piece_frames
        self._needed = response.shape[1] + 2 * piece_frames
        self._silent = self._skipped = 0

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n)."""
        is_silent = not block.any()
        if is_silent and self._silent >= self._needed:
            self._skipped += block.shape[1]
            return np.zeros_like(block)
        if self._skipped:
            missed = np.zeros((2, self._skipped % self._piece_frames), np.float32)
            self._skipped = 0
            self._convolved(missed)
        wet = self._convolved(block)
        self._silent = self._silent + block.shape[1] if is_silent and not wet.any() else 0
        return wet

    def _convolved(self, block: Samples) -> Samples:
        rows = zip(self._channels, block, self._out_gains, strict=True)
        return np.stack([channel.process(row) * gain for channel, row, gain in rows])
