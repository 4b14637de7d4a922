"""The reverb: a room made of early reflections and a tail of noise that decays in every band as it is set.

An impulse response is made from the settings and convolved. That has what a network of delays has to work for: an
echo density that is that of noise from the first moments on, no metallic modes, left and right independent, and the
decay that was asked for. The bit stream behind it is one that numpy guarantees never to change, so a seed is the
same room on every machine; the room is made at a fixed rate and resampled. Its energy is 1 in the middle of the
spectrum: noise sent at some level comes back at that level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from ....presets.console import Ducking, Reverb
from ....presets.units import gain_factor
from ...audio.reading import Samples
from ..primitives import BUFFER_FRAMES
from .convolution import StereoConvolution
from .ducking import Ducker

ROOM_RATE_HZ: Final = 48_000
# The tail is made in bands of half an octave: 31 Hz to 22 kHz.
BAND_CENTRES_HZ: Final = 31.25 * 2.0 ** (np.arange(20) / 2)
LOW_HZ, MID_HZ = 250.0, 1000.0
FLOOR_DB = 66.0
FADE_OUT_S = 0.02
# A small chamber answers within 3 ms and is dense at once; a hall's reflections arrive over 80 ms.
EARLY_S = (0.012, 0.080)
_EARLY_COUNT = 18
CORRECTIONS = 3
# Where a band has only a few swings in its decay there is little to measure; what is put right stays within this.
CORRECTION_FACTORS = (0.6, 1.7)
SHORTEST_FRAMES = 100
# Below this a decay has so few swings of a band that one of them is heard.
_EVENED_BELOW_HZ: Final = 1000.0
# Over how many periods a band's level is averaged, and how far down a dip is lifted in full.
_PERIODS, _DEEPEST_DIP = 4.0, 0.2
# Noise is split into bands in lengths from here on; a multiple of this many frames.
_SHORTEST_KEPT: Final = 2**15
KEPT_STEP: Final = 24
EARLY_SHARE = 0.35
# Each side hears a little of the other, so that a sound on one side has a room around it.
CROSS_ANGLE = math.pi / 8


class RoomProcessor:
    """The reverb bus: from the sum of the sends to the return, wet only, without latency, fed block by block.

    Args:
        settings: from the preset.
        sample_rate_hz: of the audio.
        piece_frames: of the convolution.

    Attributes:
        tail_samples: how long it sounds on after its input has ended.
    """

    def __init__(self, settings: Reverb, sample_rate_hz: int, piece_frames: int = BUFFER_FRAMES):
        response = room_response(settings, sample_rate_hz)
        self._convolution = StereoConvolution(
            response, gain_factor(settings.return_gain_db), sample_rate_hz, piece_frames
        )
        self._ducker = Ducker(settings.ducking, sample_rate_hz)
        self._near, self._far = np.float32(math.cos(CROSS_ANGLE)), np.float32(math.sin(CROSS_ANGLE))
        self.tail_samples = response.shape[1] - 1

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n) to (2, n)."""
        crossed = block * self._near + block[::-1] * self._far
        return self._ducker.process(block, self._convolution.process(crossed))


def room_response(settings: Reverb, sample_rate_hz: int) -> Samples:
    """The room's answer to a click on both channels, shape (2, n), with pre-delay, width and cuts, before the gain."""
    # One room at several levels is made once.
    return _response(settings.model_copy(update={"return_gain_db": 0.0, "ducking": Ducking()}), sample_rate_hz)


@lru_cache(maxsize=8)
def _response(settings: Reverb, sample_rate_hz: int) -> Samples:
    room = _room(settings)
    room = _widened(room, settings.width)
    room = _cut(room, settings)
    if sample_rate_hz != ROOM_RATE_HZ:
        scale = ROOM_RATE_HZ / sample_rate_hz
        room = soxr.resample(room.T, ROOM_RATE_HZ, sample_rate_hz, quality="VHQ").T * scale
    silence = np.zeros((2, round(settings.pre_delay_ms * sample_rate_hz / 1000)))
    response = np.ascontiguousarray(np.concatenate([silence, room], axis=1), dtype=np.float32)
    response.flags.writeable = False  # it is kept for the next who asks
    return response


def decay_s(settings: Reverb, freqs_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The time to fall by 60 dB at frequencies: straight lines over log frequency between low, mid and high."""
    corners = np.log2([LOW_HZ, MID_HZ, settings.damping_hz])
    decays = np.log2([settings.decay_low_s, settings.decay_mid_s, settings.decay_high_s])
    curve: NDArray[np.float64] = 2.0 ** np.interp(np.log2(np.maximum(freqs_hz, 1.0)), corners, decays)
    return curve


def _room(settings: Reverb) -> NDArray[np.float64]:
    decays = decay_s(settings, BAND_CENTRES_HZ)
    frames = next_fast_len(math.ceil((decays.max() * FLOOR_DB / 60 + EARLY_S[1]) * ROOM_RATE_HZ), real=True)
    kept = kept_frames(frames)
    time_s = np.arange(frames) / ROOM_RATE_HZ
    early_s = EARLY_S[0] + settings.size * (EARLY_S[1] - EARLY_S[0])
    # The tail grows while the first reflections arrive.
    growth = 1 - np.exp(-4 * time_s / early_s)
    tail = np.zeros((2, frames))
    for decay, noise in zip(decays, room_bands(settings.seed, kept), strict=True):
        band = noise[:, :frames] * growth
        tail += [_decaying(row, decay, time_s) for row in band]
    tail[:, -round(FADE_OUT_S * ROOM_RATE_HZ) :] *= np.linspace(1, 0, round(FADE_OUT_S * ROOM_RATE_HZ))
    tail /= math.sqrt(float(np.mean(np.sum(tail**2, axis=1))))
    early = _early(settings, early_s, frames)
    return math.sqrt(1 - EARLY_SHARE) * tail + math.sqrt(EARLY_SHARE) * early


def _decaying(band: NDArray[np.float64], decay: float, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A band of noise that falls by 60 dB in `decay` seconds, as measured.

    Narrow bands of noise swell and shrink by themselves; the slope is measured and put right.
    """
    wanted = slope = 3 / decay
    least, most = (wanted * factor for factor in CORRECTION_FACTORS)
    decaying = band * 10 ** (-slope * time_s)
    for _ in range(CORRECTIONS):
        slope += wanted - (_measured_slope(decaying, time_s) or wanted)
        slope = min(max(slope, least), most)
        decaying = band * 10 ** (-slope * time_s)
    return decaying


def _measured_slope(band: NDArray[np.float64], time_s: NDArray[np.float64]) -> float | None:
    """Decades of amplitude per second, from 5 to 35 dB below the start of the backward-integrated energy (ISO 3382).

    None where the band is too short to tell.
    """
    left = np.cumsum(band[::-1] ** 2)[::-1]
    begin, end = (int(np.argmax(left < left[0] * 10 ** (-level / 10))) for level in (5, 35))
    if end - begin < SHORTEST_FRAMES:
        return None
    stretch = slice(begin, end, max(1, (end - begin) // 500))
    return -float(np.polyfit(time_s[stretch], np.log10(left[stretch]), 1)[0]) / 2


def _early(settings: Reverb, early_s: float, frames: int) -> NDArray[np.float64]:
    """First reflections, denser and weaker with time, each side its own; energy 1 a side."""
    steps, heights = reflections(settings.seed)
    places = np.round(early_s * steps * ROOM_RATE_HZ).astype(int) + 1
    early = np.zeros((2, frames))
    for row, place, height in zip(early, places, heights, strict=True):
        np.add.at(row, place, height)
    early /= np.sqrt(np.sum(early**2, axis=1, keepdims=True))
    return early


def reflections(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the first reflections come, in parts of their time, and how strong they are; shapes (2, count)."""
    draws = _uniform(seed + 1, 4 * _EARLY_COUNT).reshape(2, 2, _EARLY_COUNT)
    steps = (np.arange(_EARLY_COUNT) + draws[:, 0]) / _EARLY_COUNT
    heights = np.exp(-1.5 * steps) * np.where(draws[:, 1] < 0.5, -1, 1)
    return steps**0.7, heights


def _widened(room: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Left and right from independent (width 1) to the same (width 0), at equal energy."""
    angle = (1 - width) * math.pi / 4
    return math.cos(angle) * room + math.sin(angle) * room[::-1]


def _cut(room: NDArray[np.float64], settings: Reverb) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfreqz

    frames = room.shape[1]
    freqs_hz = np.fft.rfftfreq(2 * frames, 1 / ROOM_RATE_HZ)
    response = np.ones(len(freqs_hz), complex)
    for sections in (
        butter(2, settings.low_cut_hz, "highpass", output="sos", fs=ROOM_RATE_HZ),
        butter(2, settings.high_cut_hz, "lowpass", output="sos", fs=ROOM_RATE_HZ),
    ):
        response *= sosfreqz(sections, freqs_hz, fs=ROOM_RATE_HZ)[1]
    cut: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(room, 2 * frames) * response)[:, :frames]
    return cut


def room_noise(seed: int, frames: int) -> NDArray[np.float64]:
    """White noise, Gaussian enough (the sum of four draws), shape (2, frames). A longer one begins with the shorter."""
    noise: NDArray[np.float64] = (_uniform(seed, 8 * frames).reshape(frames, 2, 4).sum(axis=2) - 2).T
    return noise


def room_bands(seed: int, frames: int) -> Iterator[NDArray[np.float64]]:
    """The noise of a room, band by band, each of shape (2, frames).

    A narrow band swells and shrinks by itself, as slowly as it is narrow: in a short decay there are few swings, and
    one that swells late would sound longer than it is set. Such swells are evened out.
    """
    spectrum = rfft(room_noise(seed, frames))
    for centre_hz, weight in zip(BAND_CENTRES_HZ, room_band_weights(frames), strict=True):
        band: NDArray[np.float64] = irfft(spectrum * weight, frames)
        yield _evened(band, centre_hz) if centre_hz < _EVENED_BELOW_HZ else band


def _evened(band: NDArray[np.float64], centre_hz: float) -> NDArray[np.float64]:
    """Hold a band's level, averaged over some of its periods."""
    length = min(round(_PERIODS / centre_hz * ROOM_RATE_HZ), band.shape[1])
    level = np.sqrt(uniform_filter1d(np.square(band), length, axis=1, mode="wrap"))
    usual = np.sqrt(np.mean(np.square(band), axis=1, keepdims=True))
    evened: NDArray[np.float64] = band * (usual / np.maximum(level, usual * _DEEPEST_DIP))
    return evened


def kept_frames(frames: int) -> int:
    """The next length in steps of an eighth of an octave, in which noise is split into bands.

    A narrow band begins with what its filter carries round from the end of the noise. With few lengths, rooms of
    nearly the same decay are nearly the same room, and whoever fits a decay keeps the bands.
    """
    octaves = math.ceil(8 * math.log2(max(frames, _SHORTEST_KEPT)))
    steps: int = next_fast_len(math.ceil(2 ** (octaves / 8) / KEPT_STEP), real=True)
    return steps * KEPT_STEP


def _uniform(seed: int, count: int) -> NDArray[np.float64]:
    bits: NDArray[np.uint64] = np.random.PCG64(seed).random_raw(count)
    return bits.astype(np.float64) / 2**64


def room_band_weights(frames: int) -> NDArray[np.float64]:
    """Raised-cosine bands over the octaves that add up to 1 everywhere, shape (bands, frames // 2 + 1)."""
    octave = np.log2(np.maximum(np.fft.rfftfreq(frames, 1 / ROOM_RATE_HZ), 1.0))
    count = len(BAND_CENTRES_HZ)
    position = np.interp(octave, np.log2(BAND_CENTRES_HZ), np.arange(count))
    distance = np.abs(position[None] - np.arange(count)[:, None])
    weights: NDArray[np.float64] = 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1))
    return weights
