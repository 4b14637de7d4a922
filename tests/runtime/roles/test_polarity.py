"""Microphones of one drum with opposite polarity are told; what only differs in distance and colour is not."""

from __future__ import annotations

import numpy as np
from mixbridge.runtime.roles.polarity import find_turned
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 44100


def hits(seed: int, every_s: float, late: int = 0) -> Audio:
    """Noise that begins and fades again and again."""
    random = np.random.default_rng(seed)
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    wave = random.standard_normal(len(time_s)) * np.exp(-12 * (time_s % every_s))
    return np.roll(0.1 * wave, late).astype(np.float32)[None]


KICK = hits(3, 0.7)
TOP = hits(1, 0.5) + 0.1 * KICK
BELOW = -hits(1, 0.5, 15) + 0.3 * np.roll(KICK, 60, axis=1) + 0.1 * hits(5, 0.11)
OTHER = hits(2, 0.5)


def test_a_microphone_below_a_snare_is_told() -> None:
    roles = {"Sn Bot": "snare", "Sn Top": "snare", "Sn 2": "snare"}
    audio = {"Sn Bot": BELOW, "Sn Top": TOP, "Sn 2": OTHER}
    assert find_turned(roles, audio, RATE_HZ) == [("Sn Top", "Sn Bot")]
    assert not find_turned(roles, {**audio, "Sn Bot": -BELOW}, RATE_HZ)
    twice = {name: np.repeat(item, 2, axis=0) for name, item in audio.items()}
    assert find_turned(roles, twice, RATE_HZ) == [("Sn Top", "Sn Bot")]


def test_only_microphones_of_one_source_are_compared() -> None:
    audio = {"Sn Top": TOP, "Sn Bot": BELOW}
    assert not find_turned({"Sn Top": "snare", "Sn Bot": "kick"}, audio, RATE_HZ)
    assert not find_turned({"Sn Top": "keys", "Sn Bot": "keys"}, audio, RATE_HZ)
    assert not find_turned({"Sn Top": "snare", "Sn Bot": "snare"}, {**audio, "Sn Bot": 0 * BELOW}, RATE_HZ)
