"""Low cut and high cut: corner, slope, off, extremes of rate."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import HighCut, LowCut
from mixbridge.runtime.console.cut import CutProcessor, cut_sections
from scipy.signal import sosfreqz

OFF = LowCut(), HighCut()


def response_db(low_cut: LowCut, high_cut: HighCut, freq_hz: float, rate_hz: int = 48_000) -> float:
    """Measured on an impulse that goes through the processor."""
    click = np.zeros((1, 2 * rate_hz), np.float32)
    click[0, 0] = 1
    spectrum = np.fft.rfft(CutProcessor(low_cut, high_cut, 1, rate_hz).process(click)[0])
    return float(20 * np.log10(np.abs(spectrum[round(2 * freq_hz)])))


def test_it_is_off_by_default_and_then_the_very_input():
    audio = np.ones((2, 100), np.float32)
    assert CutProcessor(*OFF, 2, 44_100).process(audio) is audio


@pytest.mark.parametrize("slope", [12, 24])
@pytest.mark.parametrize("corner_hz", [40, 120, 400])
def test_the_low_cut_is_3_db_down_at_its_corner_and_falls_by_its_slope(corner_hz, slope):
    cut = LowCut(freq_hz=corner_hz, slope_db_per_octave=slope)
    assert response_db(cut, OFF[1], corner_hz) == pytest.approx(-3.01, abs=0.05)
    assert response_db(cut, OFF[1], corner_hz / 8) == pytest.approx(-3 * slope, abs=0.6)
    assert response_db(cut, OFF[1], corner_hz * 10) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("slope", [12, 24])
def test_the_high_cut_is_3_db_down_at_its_corner_and_falls_by_its_slope(slope):
    cut = HighCut(freq_hz=2000, slope_db_per_octave=slope)
    assert response_db(OFF[0], cut, 2000) == pytest.approx(-3.01, abs=0.05)
    # The bilinear transform makes it steeper towards half the sample rate.
    assert -3 * slope - 6 < response_db(OFF[0], cut, 16_000, 192_000) < -3 * slope + 0.5
    assert response_db(OFF[0], cut, 100) == pytest.approx(0, abs=0.01)


def test_a_slope_between_the_two_is_the_nearer_one():
    lengths = [
        len(cut_sections(LowCut(freq_hz=80, slope_db_per_octave=slope), HighCut(), 44_100)) for slope in (17, 18)
    ]
    assert lengths == [1, 2]


@pytest.mark.parametrize("rate_hz", [8_000, 192_000])
def test_extreme_rates_are_stable_and_exact(rate_hz):
    cuts = LowCut(freq_hz=20, slope_db_per_octave=24), HighCut(freq_hz=3900, slope_db_per_octave=24)
    poles = np.concatenate([np.roots(section[3:]) for section in cut_sections(*cuts, rate_hz)])
    assert np.abs(poles).max() < 1
    exact = sosfreqz(cut_sections(*cuts, rate_hz), [20, 200], fs=rate_hz)[1]
    for freq_hz, value in zip((20, 200), exact, strict=True):
        assert response_db(*cuts, freq_hz, rate_hz) == pytest.approx(20 * np.log10(np.abs(value)), abs=0.02)


def test_a_high_cut_above_half_the_rate_does_nothing():
    assert not len(cut_sections(LowCut(), HighCut(freq_hz=9000), 8_000))


def test_silence_becomes_silence_and_stays_cheap():
    processor = CutProcessor(LowCut(freq_hz=400, slope_db_per_octave=24), HighCut(), 1, 48_000)
    processor.process(np.ones((1, 480), np.float32))
    for _ in range(200):
        tail = processor.process(np.zeros((1, 4800), np.float32))
    np.testing.assert_array_equal(tail, 0)
