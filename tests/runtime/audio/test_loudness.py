"""Loudness and true peak against pyloudnorm, known levels and a finer oversampling."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pyloudnorm
import pytest
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.loudness import StreamingLoudness, integrated_loudness, k_weights
from mixbridge.runtime.audio.peaks import TAPS, TruePeakMeter, peaks_between, true_peak_db
from numpy.typing import NDArray
from scipy.signal import freqz, resample_poly, sosfreqz


def music(frames: int, channels: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise whose level wanders over 60 dB, so that both gates have work."""
    rng = np.random.default_rng(seed)
    level_db = np.repeat(rng.uniform(-80, -10, frames // 5000 + 1), 5000)[:frames]
    return (rng.standard_normal((channels, frames)) * 10 ** (level_db / 20)).astype(np.float32)


def sine(frames: int, freq_hz: float, rate_hz: int, phase: float = 0.0, channels: int = 1) -> NDArray[np.float32]:
    wave = np.sin(2 * np.pi * freq_hz * np.arange(frames) / rate_hz + phase)
    return np.tile(wave, (channels, 1)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length_s", [0.4, 0.4501, 1.2345, 3.0])
def test_equals_pyloudnorm(rate_hz: int, channels: int, length_s: float) -> None:
    audio = music(math.ceil(length_s * rate_hz), channels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = pyloudnorm.Meter(rate_hz).integrated_loudness(audio.T.astype(np.float64))
    assert integrated_loudness(audio, rate_hz) == pytest.approx(want, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000, 88200, 96000, 192000])
def test_the_weighting_is_that_of_pyloudnorm(rate_hz: int) -> None:
    stages = (
        pyloudnorm.IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate_hz, "high_shelf"),
        pyloudnorm.IIRfilter(0.0, 0.5, 38.0, rate_hz, "high_pass"),
    )
    freqs_hz = np.geomspace(10, 0.49 * rate_hz, 200)
    want = np.prod([np.abs(freqz(stage.b, stage.a, freqs_hz, fs=rate_hz)[1]) for stage in stages], axis=0) ** 2
    assert k_weights(freqs_hz, rate_hz) == pytest.approx(want, rel=1e-12)


def test_the_weighting_has_the_curve_of_the_standard() -> None:
    """The coefficients that ITU-R BS.1770-4 lists for 48 kHz, tables 1 and 2."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    freqs_hz = np.geomspace(20, 20000, 200)
    want_db = 20 * np.log10(np.abs(sosfreqz([shelf, high_pass], freqs_hz, fs=48000)[1]))
    assert 10 * np.log10(k_weights(freqs_hz, 48000)) == pytest.approx(want_db, abs=0.1)


def test_a_1_khz_sine_at_full_scale_is_minus_3_lufs() -> None:
    assert integrated_loudness(sine(96000, 997, 48000), 48000) == pytest.approx(-3.01, abs=0.05)
    assert integrated_loudness(sine(96000, 997, 48000, channels=2), 48000) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("size", [64, 1000, 8193])
def test_blocks_give_the_same_loudness(size: int) -> None:
    audio = music(100_000, 2)
    meter = StreamingLoudness(44100)
    for begin in range(0, audio.shape[1], size):
        meter.update(audio[:, begin : begin + size])
    assert meter.integrated_lufs == pytest.approx(integrated_loudness(audio, 44100), abs=1e-9)


def test_silence_is_minus_infinity() -> None:
    assert integrated_loudness(np.zeros((2, 44100), np.float32), 44100) == -math.inf
    assert integrated_loudness(np.zeros((1, 0), np.float32), 44100) == -math.inf
    assert StreamingLoudness(44100).integrated_lufs == -math.inf
    assert integrated_loudness(sine(44100, 1000, 44100) * np.float32(1e-5), 44100) == -math.inf


def test_a_short_sound_counts_as_a_block_filled_with_silence() -> None:
    short = sine(4410, 997, 44100)
    filled = np.pad(short, [(0, 0), (0, 17640 - 4410)])
    assert integrated_loudness(short, 44100) == pytest.approx(integrated_loudness(filled, 44100), abs=0.01)
    assert integrated_loudness(short[:, :1], 44100) <= -30


def test_loudness_of_what_is_no_number_is_refused() -> None:
    with pytest.raises(AudioError, match="not finite"):
        integrated_loudness(np.full((1, 1000), np.nan, np.float32), 44100)


@pytest.mark.parametrize("phase", [0.0, 0.3, math.pi / 4, 1.2])
def test_a_sine_at_a_quarter_of_the_rate_peaks_at_full_scale(phase: float) -> None:
    """Its samples are up to 3 dB lower than its crests."""
    audio = sine(4000, 12000, 48000, phase)
    audio[:, :500] *= np.linspace(0, 1, 500, dtype=np.float32)
    audio[:, -500:] *= np.linspace(1, 0, 500, dtype=np.float32)
    # Four times oversampling may miss a crest at this frequency by a sixteenth of a turn: 0.69 dB at most.
    assert -0.7 <= true_peak_db(audio) <= 0.02


def test_true_peak_agrees_with_a_finer_oversampling() -> None:
    noise = np.random.default_rng(1).standard_normal(20_000)
    audio = resample_poly(noise, 4, 5)[None].astype(np.float32)  # nothing above 0.4 of the rate
    fine = np.abs(resample_poly(np.pad(audio.astype(np.float64), [(0, 0), (100, 100)]), 32, 1, axis=1)).max()
    assert true_peak_db(audio) == pytest.approx(20 * math.log10(fine), abs=0.25)
    assert true_peak_db(audio) <= 20 * math.log10(fine) + 0.01


@pytest.mark.parametrize("size", [1, 31, 64, 1000, 8193])
def test_blocks_give_the_same_peak(size: int) -> None:
    audio = music(5000, 2)
    meter = TruePeakMeter()
    for begin in range(0, audio.shape[1], size):
        meter.update(audio[:, begin : begin + size])
    assert meter.peak_db == pytest.approx(true_peak_db(audio), abs=1e-5)


def test_a_peak_at_the_very_end_counts() -> None:
    audio = np.zeros((1, 100), np.float32)
    audio[0, -2:] = (1, 1)
    assert true_peak_db(audio) > 1


def test_true_peak_of_nothing_is_minus_infinity() -> None:
    assert true_peak_db(np.zeros((2, 1000), np.float32)) == -math.inf
    assert true_peak_db(np.zeros((1, 0), np.float32)) == -math.inf
    assert TruePeakMeter().peak_db == -math.inf


def test_skipping_quiet_chunks_loses_no_peak() -> None:
    audio = music(20_000, 2)
    every = peaks_between(audio, 0)
    assert every.shape == (20_000 - (TAPS - 1),)
    some = peaks_between(audio, 0.3)
    np.testing.assert_array_equal(some[every >= 0.3], every[every >= 0.3])
    assert np.count_nonzero(some) < np.count_nonzero(every)
