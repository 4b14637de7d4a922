"""The reverb: the room it makes, and how pedalboard convolves it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pedalboard
import pytest
from mixbridge.presets.console import FxBand, FxBus
from mixbridge.runtime.console.effects.bands import ROOM_RATE_HZ, ReverbProcessor, impulse_response
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

RATE_HZ = 44100
OFF = FxBand(gain_db=-60, decay_s=0.05)


def noise(frames: int, channels: int = 2, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def only(index: int, decay_s: float) -> FxBus:
    """A room that sounds in one band."""
    return FxBus(bands=tuple(FxBand(gain_db=0, decay_s=decay_s) if i == index else OFF for i in range(12)))


def level_db(audio: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(audio.astype(np.float64) ** 2)))


def test_how_pedalboard_convolves() -> None:
    """What reverb.py relies on: unit energy times 0.125, no latency, wet only, and streaming."""
    response = (noise(5000, 1)[0] * np.exp(-np.arange(5000) / 800)).astype(np.float32)
    dry = noise(30_000, 1)[0]
    energy = float(np.sum(response.astype(np.float64) ** 2))
    want = 0.125 / math.sqrt(energy) * fftconvolve(dry.astype(np.float64), response.astype(np.float64))[:30_000]
    for size in (64, 1000, 30_000):
        convolution = pedalboard.Convolution(response, mix=1.0, sample_rate=RATE_HZ)
        blocks = [convolution.process(dry[i : i + size], RATE_HZ, reset=False) for i in range(0, 30_000, size)]
        np.testing.assert_allclose(np.concatenate(blocks), want, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000, 96000])
def test_the_processor_is_a_convolution_with_its_impulse_response(rate_hz: int) -> None:
    fx_bus = FxBus(return_gain_db=-6)
    dry = noise(rate_hz)
    want = fftconvolve(dry, impulse_response(fx_bus, rate_hz), axes=1)[:, :rate_hz] * 10 ** (-6 / 20)
    got = ReverbProcessor(fx_bus, rate_hz).process(dry)
    assert level_db(got - want) - level_db(want) < -60


def test_noise_comes_back_at_its_level() -> None:
    """Unit energy, with a room as bright as the noise."""
    fx_bus = FxBus(bands=(FxBand(gain_db=0, decay_s=1),) * 12)
    dry = noise(6 * ROOM_RATE_HZ)
    wet = ReverbProcessor(fx_bus, ROOM_RATE_HZ).process(dry)
    assert level_db(wet[:, 2 * ROOM_RATE_HZ :]) == pytest.approx(level_db(dry), abs=1)


@pytest.mark.parametrize("size", [64, 1000, 8193])
def test_block_size_does_not_matter(size: int) -> None:
    dry = noise(20_001)
    whole = ReverbProcessor(FxBus(), RATE_HZ).process(dry)
    processor = ReverbProcessor(FxBus(), RATE_HZ)
    starts = [0, 1, *range(3, dry.shape[1], size), dry.shape[1]]
    blocks = [processor.process(dry[:, begin:end]) for begin, end in pairwise(starts)]
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), whole, atol=1e-6)


@pytest.mark.parametrize(("index", "decay_s"), [(3, 1.0), (5, 0.5), (7, 2.0), (10, 0.3)])
def test_a_band_decays_in_its_time(index: int, decay_s: float) -> None:
    response = impulse_response(only(index, decay_s), ROOM_RATE_HZ)
    early, late = int(0.1 * decay_s * ROOM_RATE_HZ), int(0.6 * decay_s * ROOM_RATE_HZ)
    width = int(0.1 * decay_s * ROOM_RATE_HZ)
    fall_db = level_db(response[:, early : early + width]) - level_db(response[:, late : late + width])
    assert fall_db == pytest.approx(30, abs=3)
    assert response.shape[1] == pytest.approx(decay_s * ROOM_RATE_HZ, rel=0.01)


@pytest.mark.parametrize(("index", "freq_hz"), [(3, 250), (5, 1000), (9, 8000)])
def test_a_band_sounds_at_its_frequency(index: int, freq_hz: float) -> None:
    response = impulse_response(only(index, 1.0), ROOM_RATE_HZ)
    inside = butter(4, (freq_hz / 2, min(freq_hz * 2, 23_000)), "bandpass", fs=ROOM_RATE_HZ, output="sos")
    assert level_db(sosfilt(inside, response)) - level_db(response) > -1


def test_the_same_seed_is_the_same_room() -> None:
    first, again = impulse_response(FxBus(seed=7), RATE_HZ), impulse_response(FxBus(seed=7), RATE_HZ)
    np.testing.assert_array_equal(first, again)
    other = impulse_response(FxBus(seed=8), RATE_HZ)
    assert abs(np.corrcoef(first[0], other[0])[0, 1]) < 0.05
    assert abs(np.corrcoef(first[0], first[1])[0, 1]) < 0.05


def test_the_room_is_the_same_on_every_machine() -> None:
    """Its first samples, written down."""
    np.testing.assert_allclose(impulse_response(FxBus(seed=1), ROOM_RATE_HZ)[:, :3], ROOM_1, rtol=1e-4)


def test_the_room_does_not_change_with_the_rate() -> None:
    slow, fast = (np.abs(np.fft.rfft(impulse_response(FxBus(), rate_hz), rate_hz * 2)) for rate_hz in (44100, 96000))
    bins = slice(200, 30_000)  # half a hertz each
    np.testing.assert_allclose(slow[:, bins], fast[:, bins], atol=0.02 * slow.max())


def test_the_tail() -> None:
    fx_bus = only(5, 0.4)
    processor = ReverbProcessor(fx_bus, RATE_HZ)
    click = np.zeros((2, 2 * RATE_HZ), np.float32)
    click[:, 0] = 1
    wet = processor.process(click)
    assert not np.abs(wet[:, processor.tail_samples + 1 :]).max() > 1e-7
    assert np.abs(wet[:, : processor.tail_samples]).max() > 0.01


@pytest.mark.parametrize("decay_s", [0.05, 10.0])
@pytest.mark.parametrize("rate_hz", [8000, 192000])
def test_extreme_rooms(decay_s: float, rate_hz: int) -> None:
    fx_bus = FxBus(bands=(FxBand(gain_db=12, decay_s=decay_s),) * 12)
    response = impulse_response(fx_bus, rate_hz)
    assert np.isfinite(response).all()
    assert response.shape[1] == pytest.approx(decay_s * rate_hz, rel=0.01)


ROOM_1 = [[-0.0118404, -0.0187565, -0.00722614], [0.0331334, 0.0346105, 0.00577955]]
