"""The gate's law, measured: threshold, hysteresis, hold, range, slope and times."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Gate
from mixbridge.runtime.console.gate import GateProcessor

RATE_HZ = 48_000


def tone(*stretches: tuple[float, float], freq_hz: float = 1000.0) -> np.ndarray:
    """A sine whose level in dB changes from stretch to stretch, each of some seconds; shape (1, n)."""
    levels = np.concatenate([np.full(round(length_s * RATE_HZ), 10 ** (level / 20)) for level, length_s in stretches])
    return (levels * np.sin(2 * np.pi * freq_hz * np.arange(len(levels)) / RATE_HZ))[None].astype(np.float32)


def gains_db(settings: Gate, audio: np.ndarray) -> np.ndarray:
    """The gain at each sample, read off the processor."""
    return 20 * np.log10(GateProcessor(settings, RATE_HZ).gains(np.abs(audio[0]).copy()))


def test_it_is_off_by_default_and_then_the_very_input():
    audio = tone((-60, 0.1))
    assert GateProcessor(Gate(), RATE_HZ).process(audio) is audio


@pytest.mark.parametrize(("level_db", "gain_db"), [(-20, 0), (-31, 0), (-41, -30), (-42, -35), (-60, -40), (-100, -40)])
def test_below_the_threshold_it_falls_by_the_ratio_down_to_the_range(level_db, gain_db):
    settings = Gate(threshold_db=-35, range_db=40, ratio=6 if level_db > -60 else 10, hold_ms=0, hysteresis_db=0)
    measured = gains_db(settings, tone((level_db, 1.5)))[-RATE_HZ // 10 :].mean()
    assert measured == pytest.approx(gain_db, abs=1.0)


def test_hysteresis_keeps_it_open_until_the_level_is_that_much_lower():
    settings = Gate(threshold_db=-30, range_db=60, ratio=50, hysteresis_db=6, hold_ms=0)
    gain = gains_db(settings, tone((-28, 0.5), (-34, 0.5), (-38, 0.8), (-34, 0.5), (-28, 0.5)))
    ends = [gain[round(end_s * RATE_HZ) - 1] for end_s in (0.5, 1.0, 1.8, 2.3, 2.8)]
    assert ends[0] == ends[1] == pytest.approx(0, abs=0.01)  # open, and still open between the two levels
    assert ends[2] < -55
    assert ends[3] < -55  # the same level from below does not open it
    assert ends[4] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("hold_ms", [0, 50, 300])
def test_it_stays_open_for_the_hold(hold_ms):
    settings = Gate(threshold_db=-30, range_db=60, ratio=50, hysteresis_db=0, hold_ms=hold_ms, release_ms=5)
    gain = gains_db(settings, tone((-10, 0.3), (-120, 0.8)))
    closing_s = np.argmax(gain[round(0.3 * RATE_HZ) :] < -3) / RATE_HZ
    # The detector itself takes 100 ms / (2 pi) * ln(10) for the 20 dB down to the threshold.
    assert closing_s == pytest.approx(hold_ms / 1000 + 0.0366, abs=0.003)


def test_attack_and_release_are_one_pole_of_the_time_over_two_pi():
    settings = Gate(threshold_db=-30, range_db=40, ratio=50, hold_ms=0, attack_ms=50, release_ms=400)
    gain = 10 ** (gains_db(settings, tone((-120, 0.5), (-6, 0.5), (-120, 1.5))) / 20)
    opening = gain[round(0.5 * RATE_HZ) :][: round(0.3 * RATE_HZ)]
    assert np.argmax(opening > 1 - 0.99 / np.e) / RATE_HZ == pytest.approx(0.05 / (2 * np.pi), abs=0.001)
    closing = gain[round(1.0 * RATE_HZ) :]
    begin = np.argmax(closing < 0.999)
    fallen = np.argmax(closing < 1 / np.e) - begin
    assert fallen / RATE_HZ == pytest.approx(0.4 / (2 * np.pi), rel=0.05)


def test_stereo_channels_are_gated_together():
    audio = np.concatenate([tone((-10, 0.5)), tone((-80, 0.5))])
    gated = GateProcessor(Gate(threshold_db=-30, range_db=60), RATE_HZ).process(audio)
    np.testing.assert_array_equal(gated[1, RATE_HZ // 4 :], audio[1, RATE_HZ // 4 :])


def test_a_decaying_drum_is_cut_once_and_does_not_chatter():
    time_s = np.arange(RATE_HZ) / RATE_HZ
    drum = (np.exp(-8 * time_s) * np.sin(2 * np.pi * 60 * time_s))[None].astype(np.float32)
    settings = Gate(threshold_db=-30, range_db=60, ratio=50, hysteresis_db=4, hold_ms=10, release_ms=20)
    is_open = gains_db(settings, drum) > -6
    assert np.count_nonzero(np.diff(is_open.astype(int))) == 2  # opens once, closes once


def test_silence_and_what_is_louder_than_full_scale():
    settings = Gate(threshold_db=20, range_db=80, ratio=100, hysteresis_db=24)
    loud = tone((30, 0.5))
    np.testing.assert_allclose(GateProcessor(settings, RATE_HZ).process(loud)[:, -100:], loud[:, -100:])
    silence = np.zeros((2, 10_000), np.float32)
    np.testing.assert_array_equal(GateProcessor(settings, RATE_HZ).process(silence), silence)


@pytest.mark.parametrize("attack_ms", [0.1, 100.0])
def test_blocks_that_are_all_open_change_nothing(attack_ms):
    """Once the gain stands at 1 nothing is computed; before, and when it falls, it is where it would have been."""
    settings = Gate(threshold_db=-30, range_db=12, ratio=50, attack_ms=attack_ms, hold_ms=0, release_ms=50)
    audio = tone((-10, 1.0), (-60, 0.4), (-10, 0.8), (-32, 0.3), (-60, 0.3), (-10, 0.5))
    whole = GateProcessor(settings, RATE_HZ).process(audio.copy())
    for size in (65, 1000):
        gate = GateProcessor(settings, RATE_HZ)
        parts = [gate.process(audio[:, at : at + size].copy()) for at in range(0, audio.shape[1], size)]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    quiet = np.abs(whole[0] / np.where(audio[0] == 0, 1, audio[0]))[round(1.2 * RATE_HZ) : round(1.3 * RATE_HZ)]
    assert quiet[quiet > 0].max() < 0.3
