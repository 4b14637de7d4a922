"""Gates: on close-miked drums with bleed between their hits, and never at the cost of a hit."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Gate
from mixbridge.presets.roles import Role
from mixbridge.runtime.console.gate import GateProcessor
from mixbridge.runtime.practice.sounds import RoleSound, sound_of
from mixbridge.runtime.practice.stages.gating import MOST_LOST_DB, gate_of, hits_of, lost_db
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100
SECONDS = 4
TIME_S = np.arange(SECONDS * RATE_HZ) / RATE_HZ
BEAT_S = 0.5


def burst(at_s: float, low_hz: float, high_hz: float, decay_s: float, seed: int = 0) -> Audio:
    """A hit of noise in a band that dies away."""
    noise = np.fft.rfft(np.random.default_rng(seed).standard_normal(len(TIME_S)))
    freqs_hz = np.fft.rfftfreq(len(TIME_S), 1 / RATE_HZ)
    band = np.fft.irfft(np.where((freqs_hz > low_hz) & (freqs_hz < high_hz), noise, 0), len(TIME_S))
    since = TIME_S - at_s
    hit = band / np.abs(band).max() * np.exp(-np.maximum(since, 0) / decay_s) * (since >= 0)
    return hit.astype(np.float32)


def snares(soft: bool = False) -> Audio:
    beats = np.arange(BEAT_S, SECONDS - 0.1, 2 * BEAT_S)
    played = sum(0.6 * burst(at, 180, 6000, 0.04) for at in beats)
    ghosts = sum(0.05 * burst(at + 0.37, 180, 6000, 0.04) for at in beats) if soft else 0
    return np.asarray(played + ghosts, np.float32)


def others(level_db: float) -> Audio:
    """A kick and hats, as a snare's microphone hears them."""
    kicks = sum(burst(at, 40, 120, 0.05, 1) for at in np.arange(0, SECONDS - 0.1, 2 * BEAT_S))
    hats = sum(0.7 * burst(at, 7000, 14000, 0.03, 2) for at in np.arange(BEAT_S / 2, SECONDS - 0.1, BEAT_S))
    return np.asarray(10 ** (level_db / 20) * 0.6 * (kicks + hats), np.float32)


def sound(audio: Audio, role: Role = "snare") -> RoleSound:
    return sound_of("a", role, audio[None], RATE_HZ, -20.0)


@pytest.mark.parametrize("bleed_db", [-30.0, -24.0, -18.0])
def test_what_other_drums_leave_between_the_hits_is_turned_down_and_no_hit_is(bleed_db: float) -> None:
    audio = (snares() + others(bleed_db))[None]
    gate = gate_of(sound(audio[0]), RATE_HZ, 0.0)
    assert gate.range_db > 0
    hits = hits_of(audio, RATE_HZ)
    assert hits is not None
    assert lost_db(audio, RATE_HZ, gate, hits) <= MOST_LOST_DB
    gated = GateProcessor(gate, RATE_HZ).process(audio.copy())
    kick, snare = (slice(int(at * RATE_HZ), int((at + 0.1) * RATE_HZ)) for at in (2 * BEAT_S, BEAT_S))
    change_db = [float(10 * np.log10(np.square(gated[:, where]).sum() / np.square(audio[:, where]).sum()))
                 for where in (kick, snare)]  # fmt: skip
    assert change_db[0] < -12
    assert change_db[1] > -0.3


def test_the_threshold_is_a_level_behind_the_input_gain() -> None:
    audio = snares() + others(-24)
    plain, louder = (gate_of(sound(audio), RATE_HZ, gain_db) for gain_db in (0.0, 7.5))
    assert louder.threshold_db == pytest.approx(plain.threshold_db + 7.5, abs=0.01)


@pytest.mark.parametrize(
    ("audio", "role"),
    [
        pytest.param(snares(), "snare", id="no bleed"),
        pytest.param(snares() + others(-45), "snare", id="bleed that nobody hears"),
        pytest.param(snares() + others(-4), "snare", id="bleed as loud as the hits"),
        pytest.param(snares() + others(-24), "overhead", id="overheads hear the kit"),
        pytest.param(snares() + others(-24), "hi-hat", id="hats ring"),
        pytest.param((0.3 * np.sin(2 * np.pi * 80 * TIME_S)).astype(np.float32), "tom", id="a tone that stands"),
        pytest.param(np.zeros(len(TIME_S), np.float32), "kick", id="silence"),
    ],
)
def test_all_else_has_no_gate(audio: Audio, role: Role) -> None:
    assert gate_of(sound(audio, role), RATE_HZ, 0.0) == Gate()


def test_soft_notes_of_the_drum_itself_are_no_bleed() -> None:
    """They are 22 dB below the loud ones and as soft as the bleed: only what they sound like tells them from it."""
    audio = snares(soft=True) + others(-22)
    assert gate_of(sound(audio), RATE_HZ, 0.0) == Gate()
    hits = hits_of(audio[None], RATE_HZ)
    assert hits is not None
    assert hits.own_db.min() < hits.own_db.max() - 18


def test_soft_notes_above_the_bleed_open_the_gate() -> None:
    audio = (snares(soft=True) + others(-36))[None]
    gate, hits = gate_of(sound(audio[0]), RATE_HZ, 0.0), hits_of(audio, RATE_HZ)
    assert hits is not None
    assert gate.range_db > 0
    assert gate.threshold_db < hits.own_db.min() < hits.own_db.max() - 18
    assert lost_db(audio, RATE_HZ, gate, hits) <= MOST_LOST_DB


def test_a_gate_that_would_cut_a_hit_is_seen() -> None:
    audio = (snares() + others(-24))[None]
    hits = hits_of(audio, RATE_HZ)
    assert hits is not None
    slow = Gate(threshold_db=-12, range_db=40, attack_ms=60, hold_ms=0, release_ms=5)
    assert lost_db(audio, RATE_HZ, slow, hits) > 3
