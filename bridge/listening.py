"""What can be said of a sound in figures: spectrum, loudness, width, balance, and how a track meets its compressor.

For reports. Figures are of passages in memory; nothing is decided by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ..presets.console import Compressor, Equalizer
from ..runtime.audio import Samples
from ..runtime.compressor import CompressorProcessor
from ..runtime.loudness import integrated_loudness
from ..runtime.peaks import true_peak_db
from ..runtime.response import compressor_gain_db, eq_response_db

Curve = NDArray[np.float64]

# Exact centres, base 2, from 31 Hz to 20 kHz.
THIRDS_HZ: Curve = 1000 * 2.0 ** (np.arange(-15, 14) / 3)

_FFT = 16384
_TINY = 1e-12
_LOWEST_DB = -120.0
# Levels change slowly: one of so many samples tells enough.
_EVERY = 64
# What is further below the loudest is not counted as played.
_PLAYING_DB = 40.0


@dataclass(frozen=True)
class Sound:
    """A passage in figures.

    Attributes:
        loudness_lufs: integrated; -inf for silence.
        true_peak_dbtp: likewise.
        thirds_db: power in each third octave at a loudness of 0 LUFS; NaN where the sample rate or silence has none.
        width: share of the power that is in the side channel, 0 mono to 0.5 unrelated channels and 1 opposite ones.
        balance_db: how much louder the right channel is than the left.
    """

    loudness_lufs: float
    true_peak_dbtp: float
    thirds_db: Curve
    width: float
    balance_db: float

    @property
    def crest_db(self) -> float:
        """Peak over loudness: how lively or how squeezed."""
        return self.true_peak_dbtp - self.loudness_lufs


@dataclass(frozen=True)
class CompressorWork:
    """How a track meets its compressor.

    Attributes:
        levels_db: what its detector sees while the track plays, in dB of the track as it came; shape (n,).
        mean_db: how much is turned down on average while it plays, 0 or more.
        most_db: how much at most.
    """

    levels_db: Curve
    mean_db: float
    most_db: float


def measure(audio: Samples, sample_rate_hz: int) -> Sound:
    """The figures of samples of shape (1 or 2, n)."""
    loudness = integrated_loudness(audio, sample_rate_hz)
    left, right = (audio[0], audio[-1])
    power_left, power_right = _power(left), _power(right)
    side, total = _power((left - right) / 2), (power_left + power_right) / 2
    return Sound(
        loudness,
        true_peak_db(audio),
        tone(audio, sample_rate_hz, loudness),
        side / total if total > _TINY else 0.0,
        10 * math.log10((power_right + _TINY) / (power_left + _TINY)),
    )


def tone(audio: Samples, sample_rate_hz: int, loudness_lufs: float) -> Curve:
    """Third octaves brought to a loudness of 0 LUFS, for comparing; NaN for silence."""
    if not math.isfinite(loudness_lufs):
        return np.full(len(THIRDS_HZ), np.nan)
    return third_octaves_db(audio, sample_rate_hz) - loudness_lufs


def third_octaves_db(audio: Samples, sample_rate_hz: int) -> Curve:
    """Power in the bands of :data:`THIRDS_HZ`, in dB; NaN for bands above half the sample rate."""
    padded = np.pad(audio, ((0, 0), (0, max(0, _FFT - audio.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT, axis=1)[:, :: _FFT // 2]
    spectrum = scipy.fft.rfft(frames * np.hanning(_FFT).astype(np.float32), axis=-1)
    # Channels add up, as in loudness.
    power = (np.abs(spectrum).astype(np.float64) ** 2).mean(axis=1).sum(axis=0) / _FFT**2
    cumulative = np.concatenate(([0.0], np.cumsum(power)))
    bin_edges_hz = (np.arange(len(cumulative)) - 0.5) * sample_rate_hz / _FFT
    edges_hz = np.append(THIRDS_HZ / 2 ** (1 / 6), THIRDS_HZ[-1] * 2 ** (1 / 6))
    bands = np.diff(np.interp(edges_hz, bin_edges_hz, cumulative))
    return np.where(0.48 * sample_rate_hz > THIRDS_HZ, 10 * np.log10(bands + _TINY), np.nan)


def compressor_work(
    audio: Samples, sample_rate_hz: int, input_gain_db: float, eq: Equalizer, compressor: Compressor
) -> CompressorWork:
    """How audio of shape (1 or 2, n) meets a compressor behind a gain and an equalizer."""
    detector = np.abs(_equalized(audio, sample_rate_hz, eq)).max(axis=0)
    levels_db = _followed_db(detector, sample_rate_hz, compressor)[::_EVERY]
    levels_db = levels_db[levels_db > levels_db.max() - _PLAYING_DB]
    turned_down = -compressor_gain_db(compressor, levels_db + input_gain_db)
    return CompressorWork(levels_db, float(turned_down.mean()), float(turned_down.max()))


def _followed_db(detector: Samples, sample_rate_hz: int, compressor: Compressor) -> Curve:
    """The level that the compressor's own follower sees, sample by sample.

    It is found in the gain of a compressor of the same speed whose threshold lies below everything.
    """
    probe = Compressor(
        threshold_db=_LOWEST_DB,
        ratio=20,
        attack_ms=compressor.attack_ms,
        release_ms=compressor.release_ms,
        knee_db=0,
    )
    signal = np.maximum(detector, np.float32(_TINY))
    followed = CompressorProcessor(probe, 1, sample_rate_hz).process(signal[None].copy())[0]
    gain_db = 20 * np.log10(followed.astype(np.float64) / signal)
    levels_db: Curve = _LOWEST_DB - gain_db / (1 - 1 / probe.ratio)
    return levels_db


def _equalized(audio: Samples, sample_rate_hz: int, eq: Equalizer) -> Samples:
    """Without the filters' phase, which no level depends on much."""
    freqs_hz = scipy.fft.rfftfreq(audio.shape[1], 1 / sample_rate_hz)
    grid_hz = np.geomspace(10, sample_rate_hz / 2, 400)
    gain = 10 ** (np.interp(freqs_hz, grid_hz, eq_response_db(eq, grid_hz, sample_rate_hz)) / 20)
    spectrum = scipy.fft.rfft(audio, axis=1) * gain.astype(np.float32)
    equalized: Samples = scipy.fft.irfft(spectrum, audio.shape[1], axis=1)
    return equalized


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))
