"""Tempo and echoes: only where both the tempo and the wish for them are certain."""

from __future__ import annotations

import math

import numpy as np
import pytest
from mixbridge.presets.console import SEND_OFF_DB, Delay
from mixbridge.presets.roles import Role
from mixbridge.runtime.practice.sounds import RoleSound, sound_of
from mixbridge.runtime.practice.stages.echo import SEND_DB, echo_for, echo_send_db, echo_words
from mixbridge.runtime.practice.stages.tempo import tempo_bpm
from mixbridge.runtime.practice.tail import Tail
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 6
WET, DRY = Tail(9.5, 2.0, 0.6), Tail(15.0)


def played(times_s: NDArray[np.floating], pitch_hz: float) -> Audio:
    """Notes at these times, and a little noise."""
    audio = 1e-4 * np.random.default_rng(0).standard_normal(SECONDS * RATE_HZ)
    since = np.arange(round(0.1 * RATE_HZ)) / RATE_HZ
    note = np.sin(2 * np.pi * pitch_hz * since) * np.exp(-since / 0.02)
    for at in times_s:
        begin = round(at * RATE_HZ)
        if begin + len(note) < len(audio):
            audio[begin : begin + len(note)] += note
    return audio[None].astype(np.float32)


def band(beat_s: float, jitter_s: float = 0.0) -> list[Audio]:
    """A drum on each beat, a bass on each half beat, a guitar on every second; played loosely or not."""
    numbers = np.random.default_rng(1)
    found = []
    for step_s, pitch_hz in ((beat_s, 200.0), (beat_s / 2, 90.0), (2 * beat_s, 700.0)):
        times = np.arange(0.05, SECONDS, step_s)
        found.append(played(np.clip(times + jitter_s * numbers.uniform(-1, 1, len(times)), 0, None), pitch_hz))
    return found


def sounds(tracks: list[Audio], lead: Role = "lead vocal") -> list[RoleSound]:
    roles: list[Role] = ["snare", "bass", lead]
    return [
        sound_of(str(number), role, audio, RATE_HZ, -20.0)
        for number, (role, audio) in enumerate(zip(roles, tracks, strict=True))
    ]


@pytest.mark.parametrize("bpm", [84.0, 97.5, 120.0, 133.0])
def test_a_band_that_keeps_time_tells_its_tempo(bpm: float) -> None:
    assert tempo_bpm(band(60 / bpm), RATE_HZ) == pytest.approx(bpm, abs=0.5)


def test_times_far_from_seventy_to_a_hundred_and_forty_are_told_by_their_octave() -> None:
    assert tempo_bpm(band(60 / 174), RATE_HZ) == pytest.approx(87, abs=0.5)


def test_who_keeps_no_time_tells_none() -> None:
    assert tempo_bpm(band(0.5, jitter_s=0.2), RATE_HZ) is None
    pad = np.sin(2 * np.pi * 220 * np.arange(SECONDS * RATE_HZ) / RATE_HZ)[None].astype(np.float32)
    assert tempo_bpm([pad, 0.5 * pad, 0 * pad], RATE_HZ) is None
    assert tempo_bpm([], RATE_HZ) is None
    assert tempo_bpm([pad[:, :RATE_HZ]] * 3, RATE_HZ) is None


def test_a_wet_reference_echoes_the_lead_vocal_in_time() -> None:
    tracks = sounds(band(60 / 100))
    echo = echo_for(tracks, RATE_HZ, WET)
    assert echo is not None
    assert echo.tempo_bpm == pytest.approx(100, abs=0.5)
    assert echo.note == "1/8"
    assert echo.echo_ms == pytest.approx(300, abs=2)
    assert -26 <= echo.return_gain_db + SEND_DB <= -20
    assert [echo_send_db(sound, echo) for sound in tracks] == [SEND_OFF_DB, SEND_OFF_DB, SEND_DB]
    (words,) = echo_words(echo)
    assert "100 bpm" in words
    assert "300 ms" in words


@pytest.mark.parametrize(
    ("beat_s", "jitter_s", "lead", "tail"),
    [
        pytest.param(0.6, 0.0, "lead vocal", DRY, id="a dry reference"),
        pytest.param(0.6, 0.0, "lead vocal", Tail(math.nan), id="a reference that says nothing"),
        pytest.param(0.6, 0.0, "lead vocal", None, id="no reference"),
        pytest.param(0.6, 0.0, "electric guitar", WET, id="no lead vocal"),
        pytest.param(0.5, 0.2, "lead vocal", WET, id="no tempo"),
    ],
)
def test_else_there_are_none(beat_s: float, jitter_s: float, lead: Role, tail: Tail | None) -> None:
    tracks = sounds(band(beat_s, jitter_s), lead)
    assert echo_for(tracks, RATE_HZ, tail) is None
    assert echo_send_db(tracks[2], None) == SEND_OFF_DB
    assert echo_words(None) == ()
    assert echo_words(Delay()) == ()
