"""The compressor against its law, written out sample by sample."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pedalboard
import pytest
from mixbridge.presets.console import Compressor
from mixbridge.runtime.console.compressor import CompressorProcessor
from numpy.typing import NDArray

RATE_HZ = 44100


def levels(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """Noise with steps of level, a click and a silence."""
    rng = np.random.default_rng(seed)
    level_db = np.repeat(rng.uniform(-60, 0, frames // 1500 + 1), 1500)[:frames]
    audio = rng.standard_normal((channels, frames)) * 10 ** (level_db / 20) * 0.5
    audio[:, frames // 2 : frames // 2 + 2000] = 0
    audio[0, frames // 3] = 1.0
    return audio.astype(np.float32)


def law(audio: NDArray[np.float32], settings: Compressor, rate_hz: int) -> NDArray[np.float64]:
    """The compressor as its docstring says it, in double precision and one sample after the other."""
    attack = math.exp(-2 * math.pi * 1000 / (rate_hz * settings.attack_ms))
    release = math.exp(-2 * math.pi * 1000 / (rate_hz * settings.release_ms))
    half = settings.knee_db / 2
    level, gains_db = 0.0, []
    for detected in np.abs(audio).max(axis=0).astype(float):
        coefficient = attack if detected > level else release
        level = detected + coefficient * (level - detected)
        over_db = 20 * math.log10(max(level, 1e-12)) - settings.threshold_db
        if over_db <= -half:
            reduction_db = 0.0
        elif over_db < half:
            reduction_db = (over_db + half) ** 2 / (2 * settings.knee_db)
        else:
            reduction_db = over_db
        gains_db.append((1 / settings.ratio - 1) * reduction_db + settings.makeup_db)
    shift = round(settings.lookahead_ms * rate_hz / 1000)
    delayed = np.pad(audio, [(0, 0), (shift, 0)])[:, : audio.shape[1]]
    return delayed * 10 ** (np.array(gains_db) / 20)


CASES = {
    "knee": Compressor(threshold_db=-30, ratio=4, attack_ms=10, release_ms=100, knee_db=6),
    "wide knee": Compressor(threshold_db=-40, ratio=2, attack_ms=5, release_ms=60, knee_db=24, makeup_db=4),
    "hard": Compressor(threshold_db=-30, ratio=8, attack_ms=20, release_ms=200, knee_db=0),
    "look-ahead": Compressor(threshold_db=-35, ratio=20, attack_ms=1, release_ms=50, knee_db=3, lookahead_ms=5),
    "hard look-ahead": Compressor(threshold_db=-35, ratio=3, attack_ms=1, release_ms=50, knee_db=0, lookahead_ms=1),
    "lowest": Compressor(threshold_db=-120, ratio=3, attack_ms=30, release_ms=300, knee_db=24),
    "fastest": Compressor(threshold_db=-20, ratio=5, attack_ms=0.1, release_ms=1, knee_db=6),
    "never": Compressor(threshold_db=60, ratio=5, knee_db=6),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000])
def test_law(name: str, channels: int, rate_hz: int) -> None:
    settings = CASES[name]
    audio = levels(8000, channels)
    got = CompressorProcessor(settings, channels, rate_hz).process(audio)
    want = law(audio, settings, rate_hz)
    loud = np.abs(want) > 1e-5
    error_db = 20 * np.log10(np.abs(got[loud] / want[loud]))
    assert np.abs(error_db).max() < 0.003
    assert got.dtype == np.float32


def test_without_knee_it_is_pedalboards_compressor() -> None:
    audio = levels(30_000)
    settings = CASES["hard"]
    plain = pedalboard.Compressor(settings.threshold_db, settings.ratio, settings.attack_ms, settings.release_ms)
    want = plain.process(audio, RATE_HZ)
    np.testing.assert_array_equal(CompressorProcessor(settings, 1, RATE_HZ).process(audio), want)
    linked = CompressorProcessor(settings, 2, RATE_HZ).process(np.repeat(audio, 2, axis=0))
    np.testing.assert_allclose(linked, np.repeat(want, 2, axis=0), atol=2e-6)


def test_a_hard_knee_is_the_limit_of_a_soft_one() -> None:
    audio = levels(20_000)
    hard = CompressorProcessor(CASES["hard"], 1, RATE_HZ).process(audio)
    soft = CompressorProcessor(CASES["hard"].model_copy(update={"knee_db": 0.001}), 1, RATE_HZ).process(audio)
    np.testing.assert_allclose(soft, hard, atol=1e-4)


def test_both_channels_get_the_gain_of_the_louder() -> None:
    audio = levels(20_000, 2)
    audio[1] *= np.float32(0.01)
    got = CompressorProcessor(CASES["knee"], 2, RATE_HZ).process(audio)
    alone = CompressorProcessor(CASES["knee"], 1, RATE_HZ).process(audio[:1])
    np.testing.assert_allclose(got[:1], alone, rtol=1e-4)
    np.testing.assert_allclose(got[1] * audio[0], got[0] * audio[1], rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("settings", [Compressor(), Compressor(threshold_db=-60, ratio=1, lookahead_ms=20)])
def test_ratio_one_passes_audio_unchanged(settings: Compressor) -> None:
    audio = levels(5000, 2)
    processor = CompressorProcessor(settings, 2, RATE_HZ)
    assert processor.latency_samples == 0
    np.testing.assert_array_equal(processor.process(audio), audio)


def test_makeup_works_without_compression() -> None:
    audio = levels(5000)
    got = CompressorProcessor(Compressor(makeup_db=6), 1, RATE_HZ).process(audio)
    np.testing.assert_allclose(got, audio * 10**0.3, rtol=1e-6)


@pytest.mark.parametrize("lookahead_ms", [1.0, 10.0, 50.0])
def test_look_ahead_turns_down_before_the_peak_comes(lookahead_ms: float) -> None:
    audio = np.full((1, 10_000), 0.01, np.float32)
    audio[0, 5000:] = 1.0
    settings = Compressor(threshold_db=-30, ratio=20, attack_ms=1, knee_db=0, lookahead_ms=lookahead_ms)
    processor = CompressorProcessor(settings, 1, RATE_HZ)
    shift = processor.latency_samples
    assert shift == round(lookahead_ms * RATE_HZ / 1000)
    got = processor.process(np.pad(audio, [(0, 0), (0, shift)]))[0, shift:]
    late = CompressorProcessor(settings.model_copy(update={"lookahead_ms": 0.0}), 1, RATE_HZ).process(audio)[0]
    assert got[5000] < 0.5 * late[5000]
    assert got[5000 - shift // 2] < 0.9 * audio[0, 0]


@pytest.mark.parametrize("name", ["knee", "hard", "look-ahead"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("size", [64, 1000, 8193])
def test_block_size_does_not_matter(name: str, channels: int, size: int) -> None:
    audio = levels(20_000, channels)
    whole = CompressorProcessor(CASES[name], channels, RATE_HZ).process(audio)
    processor = CompressorProcessor(CASES[name], channels, RATE_HZ)
    # Blocks that grow, too: pedalboard alone would forget its state at each.
    starts = [0, 1, *range(3, audio.shape[1], size), audio.shape[1]]
    blocks = [processor.process(audio[:, begin:end]) for begin, end in pairwise(starts)]
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), whole, atol=1e-6)


def test_it_does_not_write_into_its_input() -> None:
    audio = levels(2000, 2)
    before = audio.copy()
    CompressorProcessor(CASES["knee"], 2, RATE_HZ).process(audio)
    np.testing.assert_array_equal(audio, before)


@pytest.mark.parametrize("frames", [0, 1])
@pytest.mark.parametrize("channels", [1, 2])
def test_hardly_any_samples(frames: int, channels: int) -> None:
    audio = np.ones((channels, frames), np.float32)
    for settings in CASES.values():
        assert CompressorProcessor(settings, channels, RATE_HZ).process(audio).shape == (channels, frames)


def test_silence_stays_silence() -> None:
    audio = np.zeros((2, 5000), np.float32)
    for settings in CASES.values():
        assert not CompressorProcessor(settings, 2, RATE_HZ).process(audio).any()
