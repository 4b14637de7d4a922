"""The fx bus: a reverb of noise that decays in twelve bands, convolved by pedalboard.

The room is made at a fixed rate from a bit stream that numpy guarantees never to change, so that a seed is
the same room on every machine and at every sample rate. Its impulse response has unit energy: noise sent at
some level comes back at that level, and a return gain of 0 dB means just that.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import NDArray

from ....presets.console import FX_BAND_CENTRES_HZ, FxBus
from ....presets.units import gain_factor
from ...audio.reading import Samples
from ..primitives import BUFFER_FRAMES
from .convolution import StereoConvolution

ROOM_RATE_HZ = 48_000

# The room ends where its loudest band has fallen by this much.
FLOOR_DB = 60.0
SHORTEST_S = 0.05
FADE_OUT_S = 0.01


class ReverbProcessor:
    """The reverb on the sum of the sends: wet only, without latency, fed block by block.

    Args:
        fx_bus: its settings.
        sample_rate_hz: of the audio.
        piece_frames: of the convolution.

    Attributes:
        tail_samples: how long it sounds on after its input has ended.
    """

    def __init__(self, fx_bus: FxBus, sample_rate_hz: int, piece_frames: int = BUFFER_FRAMES):
        response = impulse_response(fx_bus, sample_rate_hz)
        self._convolution = StereoConvolution(
            response, gain_factor(fx_bus.return_gain_db), sample_rate_hz, piece_frames
        )
        self.tail_samples = response.shape[1] - 1

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n) to (2, n): left gives left, right gives right."""
        return self._convolution.process(block)


@lru_cache(maxsize=4)
def impulse_response(fx_bus: FxBus, sample_rate_hz: int) -> Samples:
    """The room's answer to a click on both channels, shape (2, n), before the return gain.

    Its mean energy per channel is 1 at 48 kHz; at other rates its frequency response is the same. What lies
    above half the sample rate falls away.
    """
    room = _room(fx_bus)
    room /= math.sqrt(float(np.mean(np.sum(room**2, axis=1))))
    if sample_rate_hz != ROOM_RATE_HZ:
        scale = ROOM_RATE_HZ / sample_rate_hz
        room = soxr.resample(room.T, ROOM_RATE_HZ, sample_rate_hz, quality="VHQ").T * scale
    response = np.ascontiguousarray(room, dtype=np.float32)
    response.flags.writeable = False  # it is kept for the next who asks
    return response


def _room(fx_bus: FxBus) -> NDArray[np.float64]:
    frames = math.ceil(_length_s(fx_bus) * ROOM_RATE_HZ)
    spectrum = np.fft.rfft(fx_noise(fx_bus.seed, frames))
    time_s = np.arange(frames) / ROOM_RATE_HZ
    room = np.zeros((2, frames))
    for band, weight in zip(fx_bus.bands, fx_band_weights(frames), strict=True):
        decay = gain_factor(band.gain_db) * 10 ** (-3 * time_s / band.decay_s)
        room += np.fft.irfft(spectrum * weight, frames) * decay
    fade = min(frames, round(FADE_OUT_S * ROOM_RATE_HZ))
    room[:, frames - fade :] *= np.linspace(1, 0, fade)
    return room


def _length_s(fx_bus: FxBus) -> float:
    loudest_db = max(band.gain_db for band in fx_bus.bands)
    audible = (band.decay_s * (1 + (band.gain_db - loudest_db) / FLOOR_DB) for band in fx_bus.bands)
    return max(SHORTEST_S, *audible)


def fx_noise(seed: int, frames: int) -> NDArray[np.float64]:
    """White noise, shape (2, frames). A longer one begins with the shorter one."""
    bits = np.random.PCG64(seed).random_raw(2 * frames)
    return (bits.astype(np.float64) / 2**63 - 1).reshape(frames, 2).T


def fx_band_weights(frames: int) -> NDArray[np.float64]:
    """Raised-cosine bands over the octaves that add up to 1 everywhere, shape (12, frames // 2 + 1)."""
    octave = np.log2(np.maximum(np.fft.rfftfreq(frames, 1 / ROOM_RATE_HZ), 1.0))
    centres = np.log2(FX_BAND_CENTRES_HZ)
    position = np.interp(octave, centres, np.arange(len(centres)))
    distance = np.abs(position[None] - np.arange(len(centres))[:, None])
    weights: NDArray[np.float64] = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1))
    return weights
