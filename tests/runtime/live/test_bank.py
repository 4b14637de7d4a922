"""Strips run side by side against the same strips run one by one, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from live_presets import RATE_HZ
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, HighCut, LowCut, Strip
from mixbridge.runtime.live.sound.bank import MonoStrip, StripBank
from mixbridge.runtime.live.sound.units import StripUnit, strip_unit

EQ = Equalizer(
    low_shelf=EqBand(gain_db=4, freq_hz=45),
    band2=EqBand(gain_db=-5, freq_hz=2000),
    high_shelf=EqBand(gain_db=3, freq_hz=9000),
)
STRIPS = (
    Strip(),
    Strip(eq=EQ, compressor=Compressor(threshold_db=-31, ratio=4, knee_db=0, makeup_db=2), fader_db=-3, pan=0.4),
    Strip(
        eq=EQ, low_cut=LowCut(freq_hz=80), compressor=Compressor(threshold_db=-28, ratio=3, knee_db=8), input_gain_db=4
    ),
    Strip(
        input_gain_db=4,
        compressor=Compressor(threshold_db=-40, ratio=2, knee_db=0),
        high_cut=HighCut(freq_hz=9000),
        pan=-1,
    ),
    Strip(eq=EQ, compressor=Compressor(threshold_db=-6, ratio=8, knee_db=3), fader_db=-12),
)
SOUND = (np.random.default_rng(1).standard_normal((len(STRIPS), 6000)) * 0.1).astype(np.float32)
LATE = 37


def alone(strip: Strip, sound: np.ndarray) -> np.ndarray:
    unit = StripUnit([strip], [1], [False], [()], LATE, RATE_HZ)
    out = np.empty((2, len(sound)), np.float32)
    unit.process(sound[None], out)
    return out


def units() -> list[MonoStrip]:
    made = [strip_unit([strip], [1], [False], [()], LATE, RATE_HZ) for strip in STRIPS]
    assert all(isinstance(unit, MonoStrip) for unit in made)
    return [unit for unit in made if isinstance(unit, MonoStrip)]


@pytest.mark.parametrize("block_frames", [64, 1500])
def test_strips_in_a_bank_are_those_alone_whoever_else_is_in_it(block_frames: int) -> None:
    """For a while one strip is out of the bank, as while its neighbour is replaced."""
    strips = units()
    got = np.empty((len(strips), 2, SOUND.shape[1]), np.float32)
    for number, begin in enumerate(range(0, SOUND.shape[1], block_frames)):
        block = SOUND[:, begin : begin + block_frames]
        left_out = number % 3
        inside = [place for place in range(len(strips)) if place != left_out]
        audio = StripBank([strips[place] for place in inside]).process(block[inside])
        for place, row in zip(inside, audio, strict=True):
            got[place, :, begin : begin + block_frames] = row * strips[place].level.value
        strips[left_out].process(block[left_out][None], got[left_out, :, begin : begin + block_frames])
    for strip, sound, mine in zip(STRIPS, SOUND, got, strict=True):
        np.testing.assert_array_equal(mine, alone(strip, sound))


@pytest.mark.parametrize(
    "strip", [Strip(gate=Gate(range_db=20)), Strip(compressor=Compressor(ratio=2, lookahead_ms=3))]
)
def test_what_a_bank_cannot_do_is_done_by_the_stages(strip: Strip) -> None:
    assert isinstance(strip_unit([strip], [1], [False], [()], 200, RATE_HZ), StripUnit)
