"""The delay: times, feedback, sides, tone, tail."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from mixbridge.presets.console import Delay
from mixbridge.runtime.console.effects.delay import DelayProcessor

RATE_HZ = 48_000
OPEN = {"low_cut_hz": 20, "high_cut_hz": 22_000}


def echoes(settings: Delay, left: float = 1.0, right: float = 1.0, length_s: float = 3.0) -> np.ndarray:
    """What comes back of a click."""
    sends = np.zeros((2, round(length_s * RATE_HZ)), np.float32)
    sends[:, 0] = left, right
    return DelayProcessor(settings, RATE_HZ).process(sends)


@pytest.mark.parametrize("time_ms", [10, 123.4, 375, 2000])
def test_echoes_come_in_time_and_by_the_feedback_weaker(time_ms):
    returned = echoes(Delay(time_ms=time_ms, feedback=0.5, **OPEN), length_s=7)[0]
    step = round(time_ms * RATE_HZ / 1000)
    energies = [
        np.sum(returned[place : place + 200 if step > 200 else place + step] ** 2)
        for place in (step, 2 * step, 3 * step)
    ]
    assert not returned[:step].any()
    for louder, quieter in pairwise(energies):
        assert 10 * np.log10(quieter / louder) == pytest.approx(-6, abs=1.0)


def test_without_feedback_there_is_one_echo():
    returned = echoes(Delay(time_ms=100, feedback=0, **OPEN))[0]
    step = round(0.1 * RATE_HZ)
    assert np.sum(returned[step : step + 1000] ** 2) > 0.5
    assert np.abs(returned[2 * step :]).max() < 1e-4


def test_ping_pong_goes_from_left_to_right():
    returned = echoes(Delay(time_ms=200, feedback=0.6, ping_pong=1, **OPEN))
    step = round(0.2 * RATE_HZ)
    loudest = [
        int(np.argmax(np.abs(returned[:, place : place + 500]).max(axis=1))) for place in (step, 2 * step, 3 * step)
    ]
    assert loudest == [0, 1, 0]
    assert np.abs(returned[1, step : step + 500]).max() == 0


def test_each_echo_is_darker():
    returned = echoes(Delay(time_ms=250, feedback=0.8, high_cut_hz=3000))[0]
    step = round(0.25 * RATE_HZ)

    def tilt_db(place: int) -> float:
        power = np.abs(np.fft.rfft(returned[place : place + 4800])) ** 2
        return float(10 * np.log10(power[1000:].mean() / power[50:100].mean()))

    assert tilt_db(step) > tilt_db(2 * step) + 6 > tilt_db(3 * step) + 12


def test_the_tail_ends_where_nothing_is_heard_any_more():
    settings = Delay(time_ms=50, feedback=0.9, **OPEN)
    processor = DelayProcessor(settings, RATE_HZ)
    sends = np.zeros((2, processor.tail_samples + 5000), np.float32)
    sends[:, 0] = 1
    returned = processor.process(sends)
    assert np.abs(returned[:, processor.tail_samples :]).max() < 1e-3 < np.abs(returned).max()


def test_feedback_never_grows_and_silence_stays_cheap():
    processor = DelayProcessor(Delay(time_ms=20, feedback=0.95, ping_pong=0.5, **OPEN), RATE_HZ)
    noise = np.random.default_rng(0).standard_normal((2, 10 * RATE_HZ)).astype(np.float32)
    assert np.abs(processor.process(noise)).max() < 60
    for _ in range(600):
        returned = processor.process(np.zeros((2, 4800), np.float32))
    np.testing.assert_array_equal(returned, 0)
