"""What stages are made of: a plugin, filter sections and a level follower, each fed block by block with its state kept.

Two of pedalboard's habits are kept away from everything else here. It sets a plugin up anew, losing its
state, when a block is larger than all before. And of a stereo block of one or two samples it cannot tell
which side of the array is the channels.

The level follower is pedalboard's compressor, used as a detector at native speed. Its law, for each sample: the level
follows its input with one pole, whose coefficient is exp(-2 pi 1000 / (rate * ms)), with the attack time while it rises
and the release time while it falls. So a time constant is the time divided by 2 pi, and after the whole time all but
1/535 of a step is done.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pedalboard
from numpy.typing import NDArray
from pedalboard import Plugin

from ..audio.reading import Samples
from ..filtering import SILENT, filter_sections, forget_silence

# The level that the detector falls to in silence, in parts of the lowest level that matters.
FLOOR: Final = np.float32(2**-20)
_REST_S = 30
# Levels are told apart down to -120 dB of full scale.
_LEVEL_EXPONENT = 20
NEPER_PER_DB: Final = math.log(10) / 20
BUFFER_FRAMES = 8192
# Samples that go through a filter together.
_STEP = 16
# OpenBLAS takes one thread for so many products; threads of its own would stand in the way of those of the strips.
_SINGLE_THREAD = 2**18
# Up to so many taps a filter is faster than a recursion, and what is left out is as small as single precision rounds.
_SHORT = 160
_UNHEARD = 1e-7


class PluginStream:
    """A plugin and its state.

    Args:
        plugin: a plugin of its own, or a board of them, without latency and silent on silence.
        sample_rate_hz: of the audio.
        piece_frames: what it is fed with at a time; longer blocks are taken apart.
    """

    def __init__(self, plugin: Plugin, sample_rate_hz: int, piece_frames: int = BUFFER_FRAMES):
        self._plugin = plugin
        self._rate_hz = sample_rate_hz
        self._piece_frames = piece_frames
        # The largest block that will ever be.
        self.process(np.zeros(piece_frames, np.float32))

    def process(self, samples: Samples) -> Samples:
        """The next samples of the channel, shape (n,) to (n,)."""
        if not len(samples):
            return samples
        return self._plugin.process(samples, self._rate_hz, self._piece_frames, reset=False)


class Rest:
    """Knows when a processor that is fed silence has come to rest, so that it need not run for more of it.

    After so long a silence every follower stands at its floor and every filter at zero: to go on with what they had is
    the same as to have run them, bit for bit. The longest release is 5 s, whose constant is 0.8 s.

    Args:
        sample_rate_hz: of the audio.
    """

    def __init__(self, sample_rate_hz: int):
        self._needed = _REST_S * sample_rate_hz
        self._silent = 0

    def answer(self, block: Samples, channels: int) -> Samples | None:
        """Silence of this many channels for more silence, once it rests; None where the processor has to run."""
        if self._silent < self._needed or block.any():
            return None
        return np.zeros((channels, block.shape[1]), np.float32)

    def listen(self, block: Samples, answer: Samples) -> None:
        """Takes what went in and what came out."""
        self._silent = 0 if block.any() or answer.any() else self._silent + block.shape[1]


class Reduction:
    """How far something is turned down: by what its level is above a threshold, up to a range.

    Args:
        threshold_db: where it starts.
        range_db: the most.
        attack_ms: of the level, while it rises.
        release_ms: while it falls.
        sample_rate_hz: of the audio.
        slope: dB for each dB above the threshold.
    """

    def __init__(
        self,
        threshold_db: float,
        range_db: float,
        attack_ms: float,
        release_ms: float,
        sample_rate_hz: int,
        slope: float = 1.0,
    ):
        self._level = Follower(attack_ms, release_ms, sample_rate_hz, _LEVEL_EXPONENT)
        self._slope = np.float32(slope)
        self.retune(threshold_db, range_db)

    def retune(self, threshold_db: float, range_db: float) -> None:
        """Take another threshold and range from here on."""
        self._threshold = np.float32(threshold_db * NEPER_PER_DB + _LEVEL_EXPONENT * math.log(2))
        self._range = np.float32(range_db * NEPER_PER_DB)

    def process(self, detector: Samples) -> Samples:
        """Reductions in nepers, 0 and more, for levels |x|, shape (n,). Overwrites its argument."""
        level = self._level.process(detector)
        np.log(level, out=level)
        level -= self._threshold
        level *= self._slope
        return np.clip(level, 0, self._range, out=level)


class SectionStream:
    """Second-order sections in double precision: the equalizer, and filters that pedalboard does not have.

    Args:
        sections: shape (count, 6), as scipy has them.
        channels: rows of a block.
    """

    def __init__(self, sections: NDArray[np.float64], channels: int):
        self._sections = np.ascontiguousarray(sections, np.float64)
        self._state = np.zeros((channels, len(sections), 2))

    def retune(self, sections: NDArray[np.float64]) -> None:
        """Take other sections, as many, from here on; the state stays."""
        self._sections = sections

    def process(self, block: Samples) -> NDArray[np.float64]:
        """The next samples, shape (channels, n), in double precision."""
        audio = block.astype(np.float64, order="C")
        if not block.shape[1]:
            return audio
        if len(audio) != len(self._state):  # it would write beyond its state
            raise ValueError(f"filters for {len(self._state)} channels were given {len(audio)}.")
        filter_sections(self._sections, audio, self._state)
        if forget_silence(self._state):
            audio[np.abs(audio) < SILENT] = 0
        return audio


class Follower:
    """Follows a level that is never negative, block by block.

    pedalboard's compressor is fed with a signal that is never zero, at a ratio without end: then input divided by
    output is the level in parts of its threshold, wherever it is above that.

    Args:
        attack_ms: while the level rises.
        release_ms: while it falls.
        sample_rate_hz: of the audio.
        exponent: levels are told in parts of 2**-exponent (a power of two, so that scaling is exact).

    Attributes:
        scale: what the input is multiplied by.
        stream: takes levels of at least :data:`FLOOR`; what goes in by what comes out is the level.
    """

    def __init__(self, attack_ms: float, release_ms: float, sample_rate_hz: int, exponent: int):
        self.scale = np.float32(2.0**exponent)
        self._plugin = pedalboard.Compressor(0.0, 1e9, attack_ms, release_ms)
        self.stream = PluginStream(self._plugin, sample_rate_hz)

    def retune(self, attack_ms: float, release_ms: float) -> None:
        """Take other times from here on; the level stays."""
        if self._plugin.attack_ms != attack_ms:
            self._plugin.attack_ms = attack_ms
        if self._plugin.release_ms != release_ms:
            self._plugin.release_ms = release_ms

    def process(self, detector: Samples) -> Samples:
        """Levels in parts of 2**-exponent, shape (n,); at most 1 where they are below. Overwrites its argument."""
        detector *= self.scale
        np.maximum(detector, FLOOR, out=detector)
        followed = self.stream.process(detector)
        return np.divide(detector, followed, out=detector)


class FilterBank:
    """Short filters side by side over one sound: windows of its samples times a table of shifted taps.

    As a product of matrices it is many times as fast as numpy's convolution, which takes one sample at a time. Each
    sample's sum is taken in the order of the taps, so that blocks of any length make the same digits.

    Args:
        taps: shape (filters, length); the results of the filters take turns.
        channels: rows of a block.
        dtype: float32 or float64.
        hop: samples from one result of a filter to the next.
    """

    def __init__(
        self, taps: NDArray[np.float64], channels: int, dtype: type[np.float32 | np.float64] = np.float32, hop: int = 1
    ):
        filters, length = taps.shape
        self._filters, self._hop = filters, hop
        self._table = np.zeros((length + hop * (_STEP - 1), _STEP * filters), dtype)
        for turn in range(_STEP):
            self._table[hop * turn : hop * turn + length, filters * turn : filters * (turn + 1)] = taps[:, ::-1].T
        self._most_rows = max(2, _SINGLE_THREAD // self._table.size)
        self._past = np.zeros((channels, length - 1), dtype)

    def process(self, block: NDArray[Any]) -> NDArray[Any]:
        """The next results, from shape (channels, n) to (channels, n / hop * filters)."""
        channels, frames = block.shape
        count = frames // self._hop
        # Of a single window BLAS makes another kind of product, with other last digits.
        windows = max(2, -(-count // _STEP))
        products = -(-windows // self._most_rows)
        rows = -(-windows // products)
        step, past = self._hop * _STEP, self._past.shape[1]
        joined = np.empty((channels, past + step * rows * products), self._table.dtype)
        joined[:, :past] = self._past
        joined[:, past : past + frames] = block
        joined[:, past + frames :] = 0
        self._past = joined[:, frames : frames + past].copy()
        size = joined.itemsize
        shape, strides = (channels, products, rows, len(self._table)), (step * rows * size, step * size, size)
        overlapping = np.ndarray(shape, joined.dtype, joined, 0, (joined.strides[0], *strides))
        # BLAS takes rows that do not overlap.
        product = overlapping.copy() @ self._table
        return product.reshape(channels, -1)[:, : count * self._filters]


def short_filter(sections: NDArray[np.float64], channels: int) -> FilterBank | SectionStream:
    """Makes the cheapest filter of second-order sections: of their answer to a click in single precision, if short.

    Args:
        sections: shape (count, 6), as scipy has them.
        channels: rows of a block.
    """
    from scipy.signal import sosfilt

    answer = sosfilt(sections, np.eye(1, 2 * _SHORT)[0])
    left = np.abs(answer)[::-1].cumsum()[::-1]
    length = int(np.count_nonzero(left > _UNHEARD))
    return FilterBank(answer[None, :length], channels) if length <= _SHORT else SectionStream(sections, channels)


class Hold:
    """Holds a signal back by a number of samples.

    Args:
        rows: of the signal.
        frames: how long.
    """

    def __init__(self, rows: int, frames: int):
        self._held = np.zeros((rows, frames), np.float32)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (rows, n)."""
        if not self._held.shape[1]:
            return block
        joined = np.concatenate([self._held, block], axis=1)
        self._held = joined[:, block.shape[1] :].copy()
        return joined[:, : block.shape[1]]
