"""Compressor and de-esser: set where a track needs them."""

from __future__ import annotations

import numpy as np
from mixbridge.presets.console import Compressor, Equalizer
from mixbridge.presets.roles import TRAITS, Role
from mixbridge.runtime.console.dynamics import compressor_work
from mixbridge.runtime.practice.shaping import compressor_of, deesser_of, softer_db
from mixbridge.runtime.practice.sounds import RoleSound, sound_of
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
TIME_S = np.arange(3 * RATE_HZ) / RATE_HZ


def sound(role: Role | None, audio: Audio) -> RoleSound:
    return sound_of("a", role, audio[None].astype(np.float32), RATE_HZ, -20.0)


def noise(seed: int = 0) -> Audio:
    return np.random.default_rng(seed).standard_normal(len(TIME_S)).astype(np.float32)


def sung(sibilance: float) -> Audio:
    """A voice of harmonics with an s of 0.15 s every second."""
    voice = sum(np.sin(2 * np.pi * 220 * k * TIME_S) / k for k in range(1, 12))
    spectrum = np.fft.rfft(noise())
    freqs_hz = np.fft.rfftfreq(len(TIME_S), 1 / RATE_HZ)
    hiss = np.fft.irfft(np.where((freqs_hz > 5500) & (freqs_hz < 8500), spectrum, 0), len(TIME_S))
    hisses = (TIME_S % 1) > 0.85
    return np.where(hisses, sibilance * hiss / hiss.std(), 0.2 * np.asarray(voice)).astype(np.float32)


def test_what_moves_is_compressed_moderately_and_what_is_steady_is_not() -> None:
    steady = np.sin(2 * np.pi * 300 * TIME_S).astype(np.float32)
    moving = steady * 10 ** ((np.sin(2 * np.pi * 0.7 * TIME_S) * 9 - 9) / 20)
    assert compressor_of(sound("lead vocal", steady), RATE_HZ, 0.0).ratio == 1
    made = compressor_of(sound("lead vocal", moving.astype(np.float32)), RATE_HZ, 6.0)
    work = compressor_work(moving[None].astype(np.float32), RATE_HZ, 6.0, Equalizer(), made)
    assert made.ratio == TRAITS["lead vocal"].practice.ratio[1]
    assert 1.5 <= work.mean_db <= 4
    assert work.most_db < 10


def test_a_fill_among_bleed_is_not_crushed() -> None:
    """Three tenths of a second of hits, and other drums 30 dB below them all the time: the mean reduction is small."""
    fill = noise() * np.where((TIME_S > 1) & (TIME_S < 1.3), 1.0, 0.03).astype(np.float32)
    made = compressor_of(sound("tom", 0.3 * fill), RATE_HZ, 0.0)
    assert made.ratio > 2
    levels_db = compressor_work(0.3 * fill[None], RATE_HZ, 0.0, Equalizer(), made).levels_db
    assert softer_db(made, levels_db) <= 4.51
    crushed = made.model_copy(update={"threshold_db": made.threshold_db - 20})
    assert softer_db(crushed, levels_db) > 12


def test_roles_that_few_compress_are_left_alone() -> None:
    moving = np.sin(2 * np.pi * 300 * TIME_S) * (0.1 + (TIME_S % 1 > 0.5))
    assert compressor_of(sound("keys", moving.astype(np.float32)), RATE_HZ, 0.0) == Compressor()


def test_only_sharp_voices_are_de_essed() -> None:
    sharp, soft = (sound("lead vocal", sung(level)) for level in (0.3, 0.01))
    made = deesser_of(sharp, RATE_HZ, 0.0)
    assert 2 < made.range_db <= 8
    assert 5500 <= made.freq_hz <= 8500
    assert deesser_of(soft, RATE_HZ, 0.0).range_db == 0
    assert deesser_of(sound("snare", sung(0.3)), RATE_HZ, 0.0).range_db == 0
