"""The de-esser on synthetic sibilants: what is turned down, by how much, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import DeEsser
from mixbridge.runtime.console.deesser import DeEsserProcessor
from scipy.signal import butter, sosfilt

RATE_HZ = 48_000


def noise_band(low_hz: float, high_hz: float, level_db: float, length_s: float = 1.0) -> np.ndarray:
    """Noise between two frequencies; its RMS is the level; shape (1, n)."""
    noise = np.random.default_rng(0).standard_normal(round(length_s * RATE_HZ))
    band = sosfilt(butter(4, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos"), noise)
    return (band * 10 ** (level_db / 20) / band.std())[None].astype(np.float32)


def level_db(audio: np.ndarray, low_hz: float, high_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(audio[0, RATE_HZ // 4 :])) ** 2
    freqs_hz = np.fft.rfftfreq(audio.shape[1] - RATE_HZ // 4, 1 / RATE_HZ)
    return float(10 * np.log10(spectrum[(freqs_hz > low_hz) & (freqs_hz < high_hz)].sum()))


def test_it_is_off_by_default_and_then_the_very_input():
    audio = np.ones((2, 100), np.float32)
    assert DeEsserProcessor(DeEsser(), 2, RATE_HZ).process(audio) is audio


@pytest.mark.parametrize("range_db", [3, 6, 12])
def test_a_loud_sibilant_is_turned_down_by_the_range_and_the_vowel_is_not(range_db):
    sibilant = noise_band(6200, 6800, -12)
    vowel = noise_band(200, 900, -12)
    settings = DeEsser(freq_hz=6500, threshold_db=-50, range_db=range_db)
    result = DeEsserProcessor(settings, 1, RATE_HZ).process(vowel + sibilant)
    before, after = (level_db(sound, 6200, 6800) for sound in (vowel + sibilant, result))
    assert before - after == pytest.approx(range_db, abs=1.0)
    assert level_db(result, 200, 900) == pytest.approx(level_db(vowel + sibilant, 200, 900), abs=0.1)


def test_what_is_below_the_threshold_passes_bit_for_bit():
    vowel = noise_band(200, 900, -12)
    result = DeEsserProcessor(DeEsser(threshold_db=-20, range_db=12), 1, RATE_HZ).process(vowel)
    np.testing.assert_array_equal(result[:, RATE_HZ // 10 :], vowel[:, RATE_HZ // 10 :])


def test_it_takes_as_much_as_the_band_is_above_the_threshold():
    time_s = np.arange(RATE_HZ) / RATE_HZ
    sine = (0.1 * np.sin(2 * np.pi * 7000 * time_s))[None].astype(np.float32)  # -20 dB
    result = DeEsserProcessor(DeEsser(freq_hz=7000, threshold_db=-25, range_db=20), 1, RATE_HZ).process(sine)
    fallen = level_db(sine, 6900, 7100) - level_db(result, 6900, 7100)
    assert fallen == pytest.approx(5, abs=1.0)


def test_between_words_the_band_comes_back():
    loud, quiet = noise_band(6200, 6800, -10, 0.5), noise_band(6200, 6800, -60, 0.5)
    audio = np.concatenate([loud, quiet], axis=1)
    result = DeEsserProcessor(DeEsser(threshold_db=-40, range_db=12), 1, RATE_HZ).process(audio)
    end = slice(-RATE_HZ // 5, None)
    np.testing.assert_allclose(result[:, end], audio[:, end], atol=1e-6)
