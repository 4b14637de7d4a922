"""Saturation: its law, its harmonics and aliases, tone, mix, matched level."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Saturation
from mixbridge.runtime.audio.loudness import integrated_loudness
from mixbridge.runtime.console.saturation import SaturationProcessor
from scipy.signal import butter, sosfilt

RATE_HZ = 44_100


def saturated(settings: Saturation, audio: np.ndarray, rate_hz: int = RATE_HZ) -> np.ndarray:
    """The whole sound, its latency taken off."""
    processor = SaturationProcessor(settings, audio.shape[0], rate_hz)
    late = np.concatenate([audio, np.zeros((audio.shape[0], processor.latency_samples), np.float32)], axis=1)
    return processor.process(late.astype(np.float32))[:, processor.latency_samples :]


def sine(freq_hz: float, peak: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * freq_hz * np.arange(2 * rate_hz) / rate_hz))[None].astype(np.float32)


def lines(audio: np.ndarray, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Amplitudes at 0, 1, 2 ... Hz over the middle second."""
    middle = audio[0, rate_hz // 2 :][:rate_hz]
    return np.abs(np.fft.rfft(middle * np.hanning(rate_hz))) * 4 / rate_hz


def test_it_is_off_by_default_and_then_the_very_input():
    audio = np.ones((2, 100), np.float32)
    assert SaturationProcessor(Saturation(), 2, RATE_HZ).process(audio) is audio


@pytest.mark.parametrize("drive", [0.5, 2, 3.9, 7])
def test_slow_sound_follows_tanh(drive):
    audio = sosfilt(butter(4, 500, fs=RATE_HZ, output="sos"), np.random.default_rng(0).standard_normal((1, RATE_HZ)))
    audio = (audio / np.abs(audio).max()).astype(np.float32)
    expected = np.tanh(drive * audio) / drive
    error = saturated(Saturation(drive=drive), audio) - expected
    assert 20 * np.log10(np.abs(error[:, 500:-500]).max() / np.abs(expected).max()) < -60


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("drive", [1, 2, 4, 8, 30, 100])
def test_a_10_khz_tone_leaves_no_alias_above_minus_70_db(drive, rate_hz):
    amplitudes = lines(saturated(Saturation(drive=drive), sine(10_000, rate_hz=rate_hz), rate_hz), rate_hz)
    level = amplitudes[10_000]
    for harmonic in range(1, 10, 2):
        amplitudes[harmonic * 10_000 - 6 : harmonic * 10_000 + 7] = 0
    assert 20 * np.log10(amplitudes[20:20_000].max() / level) < -70


@pytest.mark.parametrize("drive", [1.0, 4.0, 20.0, 100.0])
def test_harmonics_are_those_of_tanh(drive):
    amplitudes = lines(saturated(Saturation(drive=drive), sine(1000)))
    angles = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
    exact = np.abs(np.fft.rfft(np.tanh(drive * np.sin(angles)) / drive)) / 2048
    for harmonic in (1, 3, 5):
        assert 20 * np.log10(amplitudes[1000 * harmonic] / exact[harmonic]) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("drive", [3, 20, 100])
def test_quiet_sound_comes_at_the_same_time_as_loud_sound(drive):
    """Where the mean between neighbouring samples is taken, it is that for the smallest steps, too."""

    def phase(peak: float) -> float:
        line = np.fft.rfft(saturated(Saturation(drive=drive), sine(1000, peak))[0, RATE_HZ // 2 :][:RATE_HZ])[1000]
        return float(np.angle(line))

    assert phase(1e-5) == pytest.approx(phase(0.5), abs=2e-4)


@pytest.mark.parametrize("drive", [0.5, 3, 12, 100])
def test_matched_level_keeps_the_loudness_within_1_db(drive):
    rng = np.random.default_rng(1)
    music = sosfilt(butter(1, [80, 4000], "bandpass", fs=RATE_HZ, output="sos"), rng.standard_normal((2, 8 * RATE_HZ)))
    music *= 0.3 * (0.4 + np.abs(np.sin(np.arange(music.shape[1]) / 9000)))
    music = music.astype(np.float32)
    result = saturated(Saturation(drive=drive, level_match=1), music)
    change = integrated_loudness(result, RATE_HZ) - integrated_loudness(music, RATE_HZ)
    assert abs(change) < 1.0
    assert (
        integrated_loudness(saturated(Saturation(drive=12), music), RATE_HZ) < integrated_loudness(music, RATE_HZ) - 3
    )


def test_mix_0_is_the_input_and_between_is_between():
    audio = sine(440, 0.8)
    np.testing.assert_array_equal(saturated(Saturation(drive=4, mix=0), audio), audio)
    wet, half = saturated(Saturation(drive=4), audio), saturated(Saturation(drive=4, mix=0.5), audio)
    np.testing.assert_allclose(half, (audio + wet) / 2, atol=1e-6)


def test_tone_decides_what_is_bent_and_not_the_balance():
    quiet = np.random.default_rng(2).standard_normal((1, RATE_HZ)).astype(np.float32) * 1e-3
    plain = saturated(Saturation(drive=1), quiet)
    for tone in (-1.0, 1.0):
        np.testing.assert_allclose(saturated(Saturation(drive=1, tone=tone), quiet), plain, atol=2e-6)

    def third(freq_hz: float, tone: float) -> float:
        amplitudes = lines(saturated(Saturation(drive=2, tone=tone), sine(freq_hz, 0.5)))
        return float(20 * np.log10(amplitudes[round(3 * freq_hz)] / amplitudes[round(freq_hz)]))

    assert third(100, -1) > third(100, 0) + 5 > third(100, 1) + 10
    assert third(5000, 1) > third(5000, 0) + 3


def test_silence_stays_silence_and_full_scale_stays_finite():
    silence = np.zeros((2, 5000), np.float32)
    settings = Saturation(drive=100, tone=1, mix=0.7, level_match=1)
    np.testing.assert_array_equal(saturated(settings, silence), silence)
    assert np.isfinite(saturated(settings, sine(50, 1000.0))).all()
