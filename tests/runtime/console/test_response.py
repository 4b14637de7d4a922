"""The curves that people are shown are those that the processors make."""

import numpy as np
import pytest
from mixbridge.presets.console import EQ_BANDS, Compressor, EqBand, Equalizer
from mixbridge.runtime.console.compressor import CompressorProcessor
from mixbridge.runtime.console.response import (
    band_responses_db,
    compressor_curve_db,
    compressor_gain_db,
    eq_response_db,
)
from mixbridge.runtime.console.strip import Tone

FREQS_HZ = np.geomspace(50, 20000, 200)


def impulse_response_db(eq, rate_hz, freqs_hz):
    impulse = np.zeros(2**16, np.float32)
    impulse[0] = 1
    response = Tone(eq, 1, rate_hz).process(impulse[None])[0]
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(response)))
    return np.interp(freqs_hz, np.fft.rfftfreq(len(impulse), 1 / rate_hz), spectrum)


@pytest.mark.parametrize("rate_hz", [44100, 96000])
@pytest.mark.parametrize("name", EQ_BANDS)
@pytest.mark.parametrize(("gain_db", "freq_hz", "q"), [(9, 800, 0.71), (-12, 3000, 4), (6, 15000, 0.3)])
def test_each_band_is_the_filter_that_runs(name, rate_hz, gain_db, freq_hz, q):
    eq = Equalizer(**{name: EqBand(gain_db=gain_db, freq_hz=freq_hz, q=q)})
    expected = impulse_response_db(eq, rate_hz, FREQS_HZ)
    np.testing.assert_allclose(eq_response_db(eq, FREQS_HZ, rate_hz), expected, atol=0.1)


def test_a_whole_equalizer_is_the_sum_of_its_bands():
    eq = Equalizer(
        low_shelf=EqBand(gain_db=4, freq_hz=90),
        band1=EqBand(gain_db=-6, freq_hz=2500, q=2),
        band3=EqBand(gain_db=0.005),
    )
    bands = band_responses_db(eq, FREQS_HZ, 44100)
    assert list(bands) == ["low_shelf", "band1"]
    np.testing.assert_allclose(eq_response_db(eq, FREQS_HZ, 44100), impulse_response_db(eq, 44100, FREQS_HZ), atol=0.1)
    assert not eq_response_db(Equalizer(), FREQS_HZ, 44100).any()


def test_a_corner_over_half_the_rate_is_moved_as_in_the_filter():
    eq = Equalizer(high_shelf=EqBand(gain_db=6, freq_hz=16000))
    freqs_hz = np.geomspace(50, 7000, 50)
    np.testing.assert_allclose(eq_response_db(eq, freqs_hz, 16000), impulse_response_db(eq, 16000, freqs_hz), atol=0.1)


@pytest.mark.parametrize("knee_db", [0, 6, 20])
@pytest.mark.parametrize("level_db", [-50, -26, -20, -15, -3, 6])
def test_compressor_at_a_level_that_stays(knee_db, level_db):
    settings = Compressor(threshold_db=-20, ratio=4, attack_ms=1, release_ms=10, knee_db=knee_db, makeup_db=3)
    steady = np.full((1, 4000), 10 ** (level_db / 20), np.float32)
    out = CompressorProcessor(settings, 1, 8000).process(steady)[0, -1]
    assert compressor_curve_db(settings, level_db) == pytest.approx(20 * np.log10(out), abs=0.05)


def test_gain_leaves_makeup_out_and_ratio_one_does_nothing():
    loud = Compressor(threshold_db=-20, ratio=2, knee_db=0, makeup_db=5)
    np.testing.assert_allclose(compressor_gain_db(loud, [-30, -20, -10]), [0, 0, -5])
    np.testing.assert_allclose(compressor_curve_db(Compressor(threshold_db=-60), [-30, 0]), [-30, 0])
