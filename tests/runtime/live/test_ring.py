"""Rings of audio, and the histogram of times."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.runtime.live.memory import BINS, bin_of, percentile_ns, time_of
from mixbridge.runtime.live.sound.ring import AudioRing


def test_what_was_written_is_read_over_the_end_of_the_ring() -> None:
    ring, written = AudioRing.of(3, 64), np.arange(300, dtype=np.float32).reshape(3, 100)
    for begin in range(0, 100, 7):
        block = written[:, begin : begin + 7]
        ring.write(block[:1], block[1:])
    assert ring.position == 100
    np.testing.assert_array_equal(ring.read(50, 100), written[:, 50:])
    rows = np.empty((2, 20), np.float32)
    ring.read_into(70, rows, first_row=1)
    np.testing.assert_array_equal(rows, written[1:, 70:90])


def test_before_the_first_sample_it_is_silent() -> None:
    ring = AudioRing.of(1, 64)
    ring.write(np.ones((1, 10), np.float32))
    np.testing.assert_array_equal(ring.read(-5, 10)[0], [0] * 5 + [1] * 10)


def test_it_tells_what_is_still_there() -> None:
    ring = AudioRing.of(1, 64)
    ring.write(np.ones((1, 60), np.float32))
    ring.write(np.ones((1, 40), np.float32))
    assert ring.is_held(60)
    assert not ring.is_held(40)


@pytest.mark.parametrize("time_ns", [1, 17, 1000, 123_456, 2_666_667, 10**9])
def test_times_are_told_to_a_sixteenth(time_ns: int) -> None:
    shown = time_of(bin_of(time_ns))
    assert time_ns <= shown <= max(17, time_ns * 17 / 16 + 1)
    assert bin_of(time_ns) < BINS


def test_the_percentile_is_that_of_the_times() -> None:
    histogram = np.zeros(BINS, np.int64)
    for time_ns in [1000] * 99 + [10**6]:
        histogram[bin_of(time_ns)] += 1
    assert percentile_ns(histogram, 0.99) == time_of(bin_of(1000))
    assert percentile_ns(histogram, 1.0) == time_of(bin_of(10**6))
    assert percentile_ns(np.zeros(BINS, np.int64), 0.99) == 0
