"""What no engineer would leave in a mix is found, each alone, and nothing is found in a sound one."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.roles import Role
from mixbridge.runtime.console.strip import pan_gains
from mixbridge.runtime.practice.sins import is_mirrored, limiter_db, place_of, sins
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SAMPLES = 2 * RATE_HZ
ROLES: dict[str, Role | None] = {
    "Kick": "kick", "Bass": "bass", "Vox": "lead vocal", "OH L": "overhead", "OH R": "overhead",
}  # fmt: skip
PANS = {"Kick": 0.0, "Bass": 0.0, "Vox": 0.0, "OH L": -1.0, "OH R": 1.0}
GAINS_DB = {"Kick": -6.0, "Bass": -4.0, "Vox": 0.0, "OH L": -8.0, "OH R": -8.0}


def band(low_hz: float, high_hz: float, seed: int) -> Audio:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(SAMPLES))
    freqs_hz = np.fft.rfftfreq(SAMPLES, 1 / RATE_HZ)
    audio = np.fft.irfft(np.where((freqs_hz >= low_hz) & (freqs_hz < high_hz), spectrum, 0), SAMPLES)
    return np.asarray(0.05 * audio / audio.std(), np.float32)


TRACKS = {
    "Kick": band(40, 110, 1),
    "Bass": band(50, 400, 2),
    "Vox": band(300, 4000, 3),
    "OH L": band(3000, 9000, 4),
    "OH R": band(3000, 9000, 5),
}


def found(pans: dict[str, float] | None = None, gains_db: dict[str, float] | None = None) -> set[str]:
    places, gains = {**PANS, **(pans or {})}, {**GAINS_DB, **(gains_db or {})}
    stems = {
        name: np.stack(pan_gains(places[name], 1))[:, None].astype(np.float32)
        * np.float32(10 ** (gains[name] / 20))
        * audio
        for name, audio in TRACKS.items()
    }
    mix = np.sum(list(stems.values()), axis=0, dtype=np.float32)
    return {name for name, was in sins(mix, stems, ROLES, [("OH L", "OH R")], RATE_HZ).items() if was}


def test_a_sound_mix_has_none() -> None:
    assert found() == set()


@pytest.mark.parametrize(
    ("pans", "gains_db", "sin"),
    [
        ({"Vox": 0.15, "OH L": -1.0}, {}, "lead vocal off the middle"),
        ({"Kick": -0.12}, {}, "kick off the middle"),
        ({"Bass": 0.11}, {}, "bass off the middle"),
        ({"OH L": 1.0}, {}, "pair not mirrored"),
        ({"OH L": -0.5}, {}, "pair not mirrored"),
        ({}, {"Vox": -16.0}, "lead vocal buried"),
        ({"OH L": 1.0}, {"OH L": 0.0, "OH R": 0.0}, "leaning"),
        ({"Bass": -0.9, "Kick": 0.9}, {}, "lows in the sides"),
    ],
)
def test_each_is_found(pans: dict[str, float], gains_db: dict[str, float], sin: str) -> None:
    assert sin in found(pans, gains_db)


def test_a_little_is_no_sin() -> None:
    assert found({"Vox": 0.08, "Kick": -0.05}, {"Vox": -8.0}) == set()


def test_places_are_those_of_the_pan() -> None:
    for pan in (-1.0, -0.4, 0.0, 0.7):
        stem = np.stack(pan_gains(pan, 1))[:, None].astype(np.float32) * TRACKS["Vox"]
        assert place_of(stem) == pytest.approx(pan, abs=1e-4)
    left, right = (np.stack(pan_gains(pan, 1))[:, None].astype(np.float32) * TRACKS["Vox"] for pan in (-0.6, 0.55))
    assert is_mirrored(left, right)
    assert not is_mirrored(left, left)


def test_the_limiter_has_what_stands_above_the_loudness() -> None:
    """A sine of -14 LUFS has its peak 3 dB above its power; a click of 20 dB more has to be held."""
    tone = np.repeat((0.2 * np.sin(2 * np.pi * 997 * np.arange(SAMPLES) / RATE_HZ))[None], 2, axis=0).astype(np.float32)
    quiet = limiter_db(tone, RATE_HZ)
    assert quiet < 0
    clicked = tone.copy()
    clicked[:, SAMPLES // 2 : SAMPLES // 2 + 8] = 2.0
    assert limiter_db(clicked, RATE_HZ) == pytest.approx(quiet + 20, abs=1.5)
