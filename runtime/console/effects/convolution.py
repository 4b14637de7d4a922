"""Convolution of a stereo sound with a stereo impulse response, block by block.

Short pieces, which a player in real time needs, are pedalboard's (JUCE). From :data:`LONG_PIECE` on scipy's transforms
take less than half of the time.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pedalboard import Convolution
from scipy.fft import irfft, rfft

from ...audio.reading import Samples
from ..primitives import BUFFER_FRAMES, PluginStream

LONG_PIECE: Final = BUFFER_FRAMES
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
        self._channels = [_channel(row, gain, sample_rate_hz, piece_frames) for row in response]
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
        return np.stack([channel.process(row) for channel, row in zip(self._channels, block, strict=True)])


class _Channel(Protocol):
    def process(self, samples: Samples) -> Samples:
        """The next samples, shape (n,)."""


def _channel(response: Samples, gain: float, sample_rate_hz: int, piece_frames: int) -> _Channel:
    if piece_frames >= LONG_PIECE:
        return LongConvolution(response * np.float32(gain), piece_frames)
    return _ShortConvolution(response, gain, sample_rate_hz, piece_frames)


class _ShortConvolution:
    """One channel by pedalboard; arguments as for :class:`StereoConvolution`."""

    def __init__(self, response: Samples, gain: float, sample_rate_hz: int, piece_frames: int):
        energy = np.sum(response.astype(np.float64) ** 2)
        self._gain = np.float32(np.sqrt(energy) / _CONVOLUTION_GAIN * gain)
        convolution = Convolution(response, mix=1.0, sample_rate=sample_rate_hz)
        self._stream = PluginStream(convolution, sample_rate_hz, piece_frames)

    def process(self, samples: Samples) -> Samples:
        """The next samples, shape (n,)."""
        return self._stream.process(samples) * self._gain


class LongConvolution:
    """One channel by transforms of two pieces each, with a line of the spectra of earlier pieces (overlap-save).

    Args:
        response: shape (n,).
        piece_frames: as for :class:`StereoConvolution`.
    """

    def __init__(self, response: Samples, piece_frames: int):
        self._piece = piece_frames
        count = max(1, -(-len(response) // piece_frames))
        parts = np.pad(response, (0, count * piece_frames - len(response))).reshape(count, piece_frames)
        self._first, *self._others = (rfft(part, 2 * piece_frames) for part in parts)
        # The spectra of earlier pieces, the latest first, and what all of them give in the present one.
        self._line: list[NDArray[np.complex64]] = []
        self._earlier = np.zeros_like(self._first)
        # The piece before, and the present one as far as it is there.
        self._window = np.zeros(2 * piece_frames, np.float32)
        self._filled = 0

    def process(self, samples: Samples) -> Samples:
        """The next samples, shape (n,)."""
        answer = np.empty(len(samples), np.float32)
        begin = 0
        while begin < len(samples):
            end = min(len(samples), begin + self._piece - self._filled)
            answer[begin:end] = self._continued(samples[begin:end])
            begin = end
        return answer

    def _continued(self, samples: Samples) -> Samples:
        """The next samples of the present piece."""
        place = slice(self._piece + self._filled, self._piece + self._filled + len(samples))
        self._window[place] = samples
        self._filled += len(samples)
        spectrum = rfft(self._window)
        sound = irfft(self._earlier + spectrum * self._first, len(self._window))
        if self._filled == self._piece:
            self._begin_piece(spectrum)
        return np.asarray(sound[place], np.float32)

    def _begin_piece(self, spectrum: NDArray[np.complex64]) -> None:
        self._window[: self._piece] = self._window[self._piece :]
        self._window[self._piece :] = 0
        self._filled = 0
        self._line = [spectrum, *self._line][: len(self._others)]
        self._earlier = np.zeros_like(self._first)
        for earlier, part in zip(self._line, self._others, strict=False):
            self._earlier += earlier * part
