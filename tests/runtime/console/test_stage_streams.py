"""Every stage as a stream: blocks of any size give what one long call gives, and odd input does no harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, DeEsser, Delay, Ducking, Gate, HighCut, LowCut, Reverb, Saturation
from mixbridge.presets.parts.match import MatchCurve, ToneCurve, WidthCurve
from mixbridge.runtime.console.compressor import CompressorProcessor
from mixbridge.runtime.console.cut import CutProcessor
from mixbridge.runtime.console.deesser import DeEsserProcessor
from mixbridge.runtime.console.effects.delay import DelayProcessor
from mixbridge.runtime.console.effects.room import RoomProcessor
from mixbridge.runtime.console.gate import GateProcessor
from mixbridge.runtime.console.match import MatchProcessor
from mixbridge.runtime.console.saturation import SaturationProcessor

MATCH = MatchCurve(tone=ToneCurve(hz_100_db=6, hz_5000_db=-8), width=WidthCurve(hz_80_db=-24, hz_2000_db=5))
STAGES: dict[str, Callable[[int], Any]] = {
    "gate": lambda rate_hz: GateProcessor(Gate(threshold_db=-30, range_db=40), rate_hz),
    "cuts": lambda rate_hz: CutProcessor(LowCut(freq_hz=90, slope_db_per_octave=24), HighCut(freq_hz=3000), 2, rate_hz),
    "compressor": lambda rate_hz: CompressorProcessor(
        Compressor(threshold_db=-30, ratio=4, lookahead_ms=2), 2, rate_hz
    ),
    "de-esser": lambda rate_hz: DeEsserProcessor(DeEsser(threshold_db=-40, range_db=9), 2, rate_hz),
    "match": lambda rate_hz: MatchProcessor(MATCH, rate_hz),
    "linear match": lambda rate_hz: MatchProcessor(MATCH.model_copy(update={"linear_phase": 1.0}), rate_hz),
    "saturation": lambda rate_hz: SaturationProcessor(
        Saturation(drive=3, tone=0.5, mix=0.7, level_match=1), 2, rate_hz
    ),
    "hard saturation": lambda rate_hz: SaturationProcessor(Saturation(drive=60), 2, rate_hz),
    "reverb": lambda rate_hz: RoomProcessor(Reverb(ducking=Ducking(range_db=6)), rate_hz),
    "delay": lambda rate_hz: DelayProcessor(Delay(time_ms=33, ping_pong=0.7, ducking=Ducking(range_db=6)), rate_hz),
}
every_stage = pytest.mark.parametrize("name", STAGES)


def bursts(frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = np.exp(-((np.arange(frames) % 9000) / 2500))
    return (rng.standard_normal((2, frames)) * envelope * 0.4).astype(np.float32)


@every_stage
@pytest.mark.parametrize("sizes", [(64,), (511, 1, 8193, 3, 0, 700)])
def test_blocks_of_any_size_are_one_long_call(name, sizes):
    audio = bursts(30_000)
    whole = STAGES[name](44_100).process(audio.copy())
    stage, parts, begin, turn = STAGES[name](44_100), [], 0, 0
    while begin < audio.shape[1]:
        size = sizes[turn % len(sizes)]
        parts.append(stage.process(audio[:, begin : begin + size].copy()))
        begin, turn = begin + size, turn + 1
    difference = np.abs(np.concatenate(parts, axis=1) - whole).max()
    assert difference <= 10 ** (-100 / 20) * np.abs(whole).max()


@every_stage
@pytest.mark.parametrize("rate_hz", [8_000, 192_000])
def test_extreme_rates_and_dc(name, rate_hz):
    audio = bursts(rate_hz) + np.float32(0.5)
    result = STAGES[name](rate_hz).process(audio)
    assert result.shape == audio.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert np.abs(result).max() < 20


@every_stage
def test_silence_gives_silence(name):
    stage = STAGES[name](44_100)
    np.testing.assert_array_equal(stage.process(np.zeros((2, 20_000), np.float32)), 0)


@every_stage
def test_the_end_of_a_sound_leaves_no_denormal_numbers(name):
    """They would make silence a hundred times as slow as sound."""
    stage = STAGES[name](44_100)
    stage.process(bursts(20_000))
    tiny = np.finfo(np.float32).tiny
    for _ in range(600):
        tail = np.abs(stage.process(np.zeros((2, 4410), np.float32)))
        assert not ((tail > 0) & (tail < tiny)).any()
    np.testing.assert_array_equal(tail, 0)
