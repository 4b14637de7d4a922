"""How wet a song is: against rooms of known level and decay, and what the mix's room becomes."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Reverb, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.practice.space import ROOM, room_for, room_words
from mixbridge.runtime.practice.tail import Tail, tail_of
from mixbridge.runtime.rendering.in_memory import render_arrays
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 12


def band(seed: int = 0) -> Audio:
    """Notes of a scale, with overtones, begun and ended one after the other, two at a time."""
    random = np.random.default_rng(seed)
    audio = np.zeros((2, SECONDS * RATE_HZ))
    for start_s in np.arange(0, SECONDS - 0.6, 0.2):
        length = round(random.choice((0.25, 0.4)) * RATE_HZ)
        time_s = np.arange(length) / RATE_HZ
        pitch_hz = 220 * 2 ** (random.integers(0, 24) / 12)
        tone = sum(np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in range(1, 16) if pitch_hz * k < 15000)
        ends = np.minimum(1, np.minimum(time_s, time_s[::-1]) / 0.01)
        at = round(start_s * RATE_HZ)
        audio[:, at : at + length] += 0.1 * tone * ends * random.uniform(0.6, 1, (2, 1))
    return (audio + 1e-6 * random.standard_normal(audio.shape)).astype(np.float32)


def in_room(send_db: float, decay_s: float = 1.5, seed: int = 0, high_share: float = 0.6) -> Audio:
    room = Reverb(
        decay_low_s=decay_s,
        decay_mid_s=decay_s,
        decay_high_s=high_share * decay_s,
        damping_hz=6000.0,
        high_cut_hz=14000.0,
    )
    track = Track(name="band", strip=Strip(reverb_send_db=send_db))
    preset = Preset(tracks=(track,), reverb=room)
    return render_arrays({"band": band(seed)}, RATE_HZ, preset).mix[:, : SECONDS * RATE_HZ]


@pytest.mark.parametrize("seed", range(2))
def test_the_wetter_the_less_notes_fall(seed: int) -> None:
    falls = [tail_of(in_room(send_db, seed=seed), RATE_HZ).fall_db for send_db in (-80.0, -18.0, -9.0, 0.0)]
    assert falls == sorted(falls, reverse=True)
    assert falls[0] - falls[-1] > 6
    assert tail_of(in_room(-80.0, seed=seed), RATE_HZ).fall_db > 17


def test_loudness_and_channels_do_not_matter() -> None:
    wet = in_room(-6.0)
    whole = tail_of(wet, RATE_HZ)
    assert tail_of(0.05 * wet, RATE_HZ).fall_db == pytest.approx(whole.fall_db, abs=0.2)
    assert tail_of(wet[:1], RATE_HZ).fall_db == pytest.approx(whole.fall_db, abs=1.5)


def test_the_longer_the_room_the_longer_the_decay() -> None:
    decays = [tail_of(in_room(-2.0, decay_s), RATE_HZ).decay_s for decay_s in (0.6, 1.5, 3.0)]
    assert decays == sorted(decays)
    assert decays[2] > 1.5 * decays[0]


def test_what_never_ends_tells_nothing() -> None:
    steady = np.sin(2 * np.pi * 1000 * np.arange(5 * RATE_HZ) / RATE_HZ)[None].astype(np.float32)
    assert not tail_of(np.zeros((2, 5 * RATE_HZ), np.float32), RATE_HZ).is_known
    assert np.isnan(tail_of(steady, RATE_HZ).decay_s)
    assert not tail_of(band()[:, :4000], RATE_HZ).is_known


class TestRoom:
    def test_a_dry_song_gets_a_dry_mix_and_a_wet_one_a_wet(self) -> None:
        returns_db = [room_for(0.0, Tail(fall_db)).return_gain_db for fall_db in (20.0, 15.0, 12.5, 9.0)]
        assert returns_db == sorted(returns_db)
        assert returns_db[2] == ROOM.return_gain_db
        assert returns_db[0] == ROOM.return_gain_db - 14
        assert returns_db[3] > ROOM.return_gain_db + 5

    def test_decay_and_tone_go_half_of_the_way(self) -> None:
        room = room_for(0.0, Tail(12.5, 3.0, 0.4))
        assert room.decay_mid_s == pytest.approx((ROOM.decay_mid_s * 3.0) ** 0.5, abs=0.01)
        assert room.decay_high_s == pytest.approx(0.4 * room.decay_mid_s, abs=0.01)
        assert room_for(0.0, Tail(12.5)).decay_mid_s == ROOM.decay_mid_s

    def test_sides_have_more_to_say_where_nothing_ends(self) -> None:
        unknown = room_for(8.0, None).return_gain_db - ROOM.return_gain_db
        known = room_for(8.0, Tail(12.5)).return_gain_db - ROOM.return_gain_db
        assert unknown > 4
        assert 0 < known < 2
        assert room_for(8.0, Tail(float("nan"))) == room_for(8.0, None)

    def test_it_is_said(self) -> None:
        assert "drier than usual" in room_words(room_for(0.0, Tail(18.0)), Tail(18.0))
        assert "wetter than usual" in room_words(room_for(0.0, Tail(9.0, 2.0)), Tail(9.0, 2.0))
        assert "usual one" in room_words(ROOM, None)


def test_a_mix_follows_its_reference() -> None:
    """The way round: a dry band in the room that is found for a wet and for a dry song."""

    def made(song: Audio) -> float:
        room = room_for(0.0, tail_of(song, RATE_HZ))
        preset = Preset(tracks=(Track(name="band", strip=Strip(reverb_send_db=0.0)),), reverb=room)
        return tail_of(render_arrays({"band": band(7)}, RATE_HZ, preset).mix, RATE_HZ).fall_db

    assert made(in_room(0.0, seed=3)) < made(in_room(-80.0, seed=3)) - 3
