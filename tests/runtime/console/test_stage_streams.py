"""Every stage as a stream: blocks of any size give what one long call gives, and odd input does no harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mixbridge.presets.console import (
    Compressor,
    DeEsser,
    Delay,
    Ducking,
    EqBand,
    Equalizer,
    FxBand,
    FxBus,
    Gate,
    HighCut,
    LowCut,
    Reverb,
    Saturation,
)
from mixbridge.presets.parts.match import MatchCurve, ToneCurve, WidthCurve
from mixbridge.runtime.console.compressor import CompressorProcessor
from mixbridge.runtime.console.cut import CutProcessor
from mixbridge.runtime.console.deesser import DeEsserProcessor, band_section
from mixbridge.runtime.console.effects.bands import ReverbProcessor
from mixbridge.runtime.console.effects.delay import DelayProcessor
from mixbridge.runtime.console.effects.room import RoomProcessor
from mixbridge.runtime.console.gate import GateProcessor
from mixbridge.runtime.console.limiter import Limiter
from mixbridge.runtime.console.match import MatchProcessor
from mixbridge.runtime.console.primitives import FilterBank, SectionStream, short_filter
from mixbridge.runtime.console.saturation import SaturationProcessor
from mixbridge.runtime.console.strip import Tone

MATCH = MatchCurve(tone=ToneCurve(hz_100_db=6, hz_5000_db=-8), width=WidthCurve(hz_80_db=-24, hz_2000_db=5))
STAGES: dict[str, Callable[[int], Any]] = {
    "gate": lambda rate_hz: GateProcessor(Gate(threshold_db=-30, range_db=40), rate_hz),
    "cuts": lambda rate_hz: CutProcessor(LowCut(freq_hz=90, slope_db_per_octave=24), HighCut(freq_hz=3000), 2, rate_hz),
    "EQ": lambda rate_hz: Tone(
        Equalizer(low_shelf=EqBand(gain_db=6, freq_hz=60), band1=EqBand(gain_db=-9, q=4), high_shelf=EqBand(gain_db=3)),
        2,
        rate_hz,
    ),
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
    "fx bus": lambda rate_hz: ReverbProcessor(FxBus(bands=(FxBand(decay_s=0.3),) * 12), rate_hz),
    "limiter": lambda rate_hz: Limiter(0.3, rate_hz),
    "reverb": lambda rate_hz: RoomProcessor(Reverb(ducking=Ducking(range_db=6)), rate_hz),
    "delay": lambda rate_hz: DelayProcessor(Delay(time_ms=33, ping_pong=0.7, ducking=Ducking(range_db=6)), rate_hz),
}
# What sounds on for the longest.
LONG_TAILS: dict[str, Callable[[int], Any]] = {
    **STAGES,
    "long reverb": lambda rate_hz: RoomProcessor(Reverb(decay_low_s=10, decay_mid_s=10, decay_high_s=10), rate_hz),
    "endless delay": lambda rate_hz: DelayProcessor(Delay(time_ms=2000, feedback=0.95, ping_pong=1), rate_hz),
    "slow gate": lambda rate_hz: GateProcessor(Gate(range_db=80, ratio=100, release_ms=5000), rate_hz),
    "slow compressor": lambda rate_hz: CompressorProcessor(
        Compressor(threshold_db=-120, ratio=20, attack_ms=1000, release_ms=5000, knee_db=24), 2, rate_hz
    ),
    "narrow EQ": lambda rate_hz: Tone(Equalizer(band0=EqBand(gain_db=24, freq_hz=20, q=10)), 2, rate_hz),
    "deep low cut": lambda rate_hz: CutProcessor(LowCut(freq_hz=16.1, slope_db_per_octave=24), HighCut(), 2, rate_hz),
    "matched saturation": lambda rate_hz: SaturationProcessor(Saturation(drive=100, level_match=1), 2, rate_hz),
}
TINY = np.finfo(np.float32).tiny
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


@every_stage
def test_blocks_of_one_sample_are_one_long_call(name):
    audio = bursts(1_500)
    whole = STAGES[name](44_100).process(audio.copy())
    stage = STAGES[name](44_100)
    single = np.concatenate([stage.process(audio[:, at : at + 1].copy()) for at in range(audio.shape[1])], axis=1)
    assert np.abs(single - whole).max() <= 10 ** (-100 / 20) * np.abs(whole).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG_TAILS)
def test_ten_minutes_of_tail_fall_to_nothing_without_a_step(name):
    """At a low rate, where ten minutes are soon over; what is slow with denormal numbers is found in the state."""
    rate_hz = 8_000
    stage = LONG_TAILS[name](rate_hz)
    # It ends softly, so that a step is the stage's.
    ending = bursts(rate_hz) * np.clip(np.linspace(4, -1, rate_hz, dtype=np.float32), 0, 1)
    loudest = max(np.abs(ending).max(), np.abs(stage.process(ending)).max())
    last, peaks = np.float32(0), []
    for _ in range(600):
        tail = np.abs(stage.process(np.zeros((2, rate_hz), np.float32))).max(axis=0)
        assert not ((tail > 0) & (tail < TINY)).any()
        assert not any(is_denormal(state) for state in states(stage))
        peaks.append(tail.max())
        heard = np.flatnonzero(tail)
        last = tail[heard[-1]] if len(heard) else last
    # 300 times 0.95 is what the delay has left; all else is silent.
    assert peaks[-1] <= 1e-6 * loudest * (name == "endless delay")
    # It never comes back louder, and what is cut off in the end is far below what is heard.
    assert max(peaks) <= 2 * loudest
    assert last <= 1e-5 * loudest
    minutes = [max(peaks[at : at + 60]) for at in range(0, 600, 60)]
    assert minutes == sorted(minutes, reverse=True)


@pytest.mark.parametrize("name", LONG_TAILS)
def test_a_minute_of_dc_neither_grows_nor_drifts(name):
    rate_hz = 8_000
    stage = LONG_TAILS[name](rate_hz)
    levels = [np.abs(stage.process(np.full((2, rate_hz), 0.25, np.float32))).max() for _ in range(60)]
    assert np.isfinite(levels).all()
    # The longest room and delay have filled up by then.
    assert max(levels[40:]) <= 1.05 * max(levels[:40]) + 1e-6


@every_stage
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_not_hidden_from_the_check_behind_the_strip(name, bad):
    audio = bursts(9_000)
    audio[0, 4_000] = bad
    with np.errstate(all="ignore"):
        stage = STAGES[name](44_100)
        result = np.concatenate([stage.process(audio), stage.process(bursts(9_000))], axis=1)
    assert not np.isfinite(result).all()


def states(part: Any, depth: int = 0) -> list[np.ndarray]:
    """All arrays that a stage keeps, wherever in it."""
    if isinstance(part, np.ndarray):
        return [part] if part.dtype.kind == "f" else []
    if isinstance(part, list | tuple):
        return [state for each in part for state in states(each, depth + 1)]
    if depth < 6 and type(part).__module__.startswith("mixbridge."):
        return [state for each in vars(part).values() for state in states(each, depth + 1)]
    return []


def is_denormal(state: np.ndarray) -> bool:
    size = np.abs(state)
    return bool(((size > 0) & (size < np.finfo(state.dtype).tiny)).any())


@pytest.mark.parametrize("drive", [1, 3, 6, 20])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_saturation_makes_the_same_digits_in_blocks_of_any_size(drive, rate_hz):
    """Its filters are products of matrices of another shape for each length; every sum has the same order."""
    settings = Saturation(drive=drive, tone=0.5, mix=0.7)
    audio = bursts(20_000)
    whole = SaturationProcessor(settings, 2, rate_hz).process(audio.copy())
    stage, parts, begin = SaturationProcessor(settings, 2, rate_hz), [], 0
    for size in (1, 2, 15, 16, 17, 333, 8193, 64, 20_000):
        parts.append(stage.process(audio[:, begin : begin + size].copy()))
        begin += size
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_short_filters_are_the_sections_that_they_stand_for():
    audio = bursts(20_000)
    band = band_section(6000, 44_100)
    wanted = SectionStream(band, 2).process(audio)
    bank = short_filter(band, 2)
    assert isinstance(bank, FilterBank)
    assert np.abs(bank.process(audio) - wanted).max() <= 1e-6 * np.abs(wanted).max()
    # One that rings for longer is a recursion.
    assert isinstance(short_filter(band_section(2000, 192_000), 2), SectionStream)
