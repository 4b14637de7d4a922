"""The ceiling holds, and what is below it is left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mixbridge.runtime.audio.peaks import true_peak_db
from mixbridge.runtime.console.limiter import Limiter
from numpy.typing import NDArray
from scipy.signal import resample_poly

RATE_HZ = 44100


def limit(audio: NDArray[np.float32], ceiling: float, size: int = 8192) -> tuple[NDArray[np.float32], Limiter]:
    limiter = Limiter(ceiling, RATE_HZ)
    padded = np.pad(audio, [(0, 0), (0, limiter.latency_samples)])
    blocks = [limiter.process(padded[:, begin : begin + size]) for begin in range(0, padded.shape[1], size)]
    return np.concatenate(blocks, axis=1)[:, limiter.latency_samples :], limiter


def programme(kind: str) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    shapes = {
        "noise": rng.standard_normal((2, RATE_HZ)),
        "bass": np.tile(3 * np.sin(2 * np.pi * 50 * time_s), (2, 1)),
        "between samples": np.tile(2 * np.sin(2 * np.pi * 11025 * time_s + math.pi / 4), (2, 1)),
        "clicks": (rng.random((2, RATE_HZ)) < 0.001) * 4.0,
        "one side": np.stack([2 * np.sin(2 * np.pi * 440 * time_s), 0.1 * rng.standard_normal(RATE_HZ)]),
        "square": np.tile(1.5 * np.sign(np.sin(2 * np.pi * 997 * time_s)), (2, 1)),
    }
    return shapes[kind].astype(np.float32)


@pytest.mark.parametrize("kind", ["noise", "bass", "between samples", "clicks", "one side", "square"])
@pytest.mark.parametrize("ceiling_db", [0.0, -1.0, -6.0])
def test_no_true_peak_is_over_the_ceiling(kind: str, ceiling_db: float) -> None:
    audio = programme(kind)
    got, limiter = limit(audio, 10 ** (ceiling_db / 20))
    assert got.shape == audio.shape
    assert true_peak_db(got) <= ceiling_db
    assert true_peak_db(got) > ceiling_db - 0.5
    assert limiter.lowest_gain < 1
    assert np.abs(got).max() <= 10 ** (ceiling_db / 20)


def test_a_finer_meter_finds_no_more_than_a_trace_over_it() -> None:
    got, _ = limit(resample_poly(programme("noise"), 4, 5, axis=1).astype(np.float32), 0.5)
    fine = np.abs(resample_poly(got.astype(np.float64), 16, 1, axis=1)).max()
    assert 20 * math.log10(fine / 0.5) < 0.3


def test_below_the_ceiling_nothing_changes() -> None:
    audio = programme("noise") * np.float32(0.1)
    got, limiter = limit(audio, 1.0)
    np.testing.assert_array_equal(got, audio)
    assert limiter.lowest_gain == 1


def test_far_from_a_peak_nothing_changes() -> None:
    audio = programme("noise") * np.float32(0.1)
    audio[:, 20_000] = 3
    got, limiter = limit(audio, 0.9)
    reach = limiter.latency_samples
    np.testing.assert_array_equal(got[:, : 20_000 - reach], audio[:, : 20_000 - reach])
    np.testing.assert_array_equal(got[:, 20_000 + reach :], audio[:, 20_000 + reach :])
    assert np.abs(got[:, 20_000]).max() == pytest.approx(0.9, rel=0.01)


def test_both_channels_are_turned_down_together() -> None:
    audio = programme("one side")
    got, _ = limit(audio, 0.5)
    np.testing.assert_allclose(got[0] * audio[1], got[1] * audio[0], atol=1e-6)


@pytest.mark.parametrize("size", [1, 64, 1000, 100_000])
def test_block_size_does_not_matter(size: int) -> None:
    audio = programme("noise")[:, :3000]
    np.testing.assert_allclose(limit(audio, 0.5, size)[0], limit(audio, 0.5)[0], atol=1e-6)
