"""Low cuts: where a track has something below its own lows, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import LOW_CUT_OFF_HZ
from mixbridge.presets.roles import TRAITS, Role
from mixbridge.runtime.practice.sounds import RoleSound, sound_of
from mixbridge.runtime.practice.stages.cutting import low_cut_of
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
TIME_S = np.arange(3 * RATE_HZ) / RATE_HZ


def sound(role: Role | None, audio: NDArray[np.floating]) -> RoleSound:
    return sound_of("a", role, audio[None].astype(np.float32), RATE_HZ, -20.0)


def noise(low_hz: float, high_hz: float, level_db: float = 0.0) -> Audio:
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(len(TIME_S)))
    freqs_hz = np.fft.rfftfreq(len(TIME_S), 1 / RATE_HZ)
    band = np.fft.irfft(np.where((freqs_hz > low_hz) & (freqs_hz < high_hz), spectrum, 0), len(TIME_S))
    return (10 ** (level_db / 20) * band / band.std()).astype(np.float32)


@pytest.mark.parametrize("role", ["lead vocal", "hi-hat", "electric guitar", "snare", "keys"])
def test_a_track_with_nothing_below_is_left_alone(role: Role) -> None:
    usual_hz = TRAITS[role].practice.high_pass_hz
    assert low_cut_of(sound(role, noise(4 * usual_hz, 9000)), RATE_HZ).freq_hz == LOW_CUT_OFF_HZ


@pytest.mark.parametrize("role", ["lead vocal", "hi-hat", "electric guitar", "snare"])
def test_what_booms_is_cut_where_engineers_cut_it(role: Role) -> None:
    usual_hz = TRAITS[role].practice.high_pass_hz
    booming = noise(4 * usual_hz, 9000) + noise(0.7 * usual_hz, usual_hz, -16)
    cut_hz = low_cut_of(sound(role, booming), RATE_HZ).freq_hz
    assert 0.7 * usual_hz <= cut_hz <= usual_hz


def test_the_more_engineers_cut_a_role_the_less_is_enough() -> None:
    """Of keys a fifth is cut, of hi-hats half."""
    a_little = noise(600, 9000) + noise(60, 110, -22)
    assert low_cut_of(sound("hi-hat", a_little), RATE_HZ).freq_hz > LOW_CUT_OFF_HZ
    assert low_cut_of(sound("keys", a_little), RATE_HZ).freq_hz == LOW_CUT_OFF_HZ


def test_a_low_instrument_is_left_whole() -> None:
    piano = np.sin(2 * np.pi * 55 * TIME_S) + 0.5 * np.sin(2 * np.pi * 110 * TIME_S)
    assert low_cut_of(sound("keys", piano), RATE_HZ).freq_hz < 55
    for role in ("drums", "full mix"):
        assert low_cut_of(sound(role, noise(20, 9000)), RATE_HZ).freq_hz == LOW_CUT_OFF_HZ


@pytest.mark.parametrize(("rumble_db", "is_cut"), [(-6.0, True), (-40.0, False)])
def test_a_bass_is_cut_only_below_its_notes_and_only_with_something_there(rumble_db: float, is_cut: bool) -> None:
    bass = np.sin(2 * np.pi * 55 * TIME_S) + np.sin(2 * np.pi * 110 * TIME_S) + noise(14, 26, rumble_db)
    cut_hz = low_cut_of(sound("bass", bass), RATE_HZ).freq_hz
    assert (28 <= cut_hz <= 45) if is_cut else cut_hz == LOW_CUT_OFF_HZ


@pytest.mark.parametrize(("rumble_db", "is_cut"), [(-32.0, True), (-60.0, False)])
def test_rumble_that_stays_while_a_voice_rests_is_cut_though_it_is_soft(rumble_db: float, is_cut: bool) -> None:
    sings = (TIME_S % 1.5) < 0.9
    voice = sum(np.sin(2 * np.pi * 300 * k * TIME_S) / k for k in range(1, 9)) * sings
    heard = voice + noise(20, 60, rumble_db)
    assert (low_cut_of(sound("lead vocal", heard), RATE_HZ).freq_hz > LOW_CUT_OFF_HZ) == is_cut


def test_plosives_are_cut() -> None:
    voice = sum(np.sin(2 * np.pi * 300 * k * TIME_S) / k for k in range(1, 9))
    pops = 2.0 * np.sin(2 * np.pi * 45 * TIME_S) * ((TIME_S % 1.0) < 0.06)
    assert low_cut_of(sound("lead vocal", voice), RATE_HZ).freq_hz == LOW_CUT_OFF_HZ
    assert 79 <= low_cut_of(sound("lead vocal", voice + pops), RATE_HZ).freq_hz <= 113


def test_a_track_shorter_than_a_frame_and_silence_are_fine() -> None:
    for audio in (np.zeros(1000), noise(100, 9000)[:1000], np.zeros(len(TIME_S))):
        assert low_cut_of(sound("lead vocal", audio), RATE_HZ).freq_hz >= LOW_CUT_OFF_HZ
