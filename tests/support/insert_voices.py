"""A voice to clean, made here: a glottal pulse through moving formants, in syllables; and noise to put over it."""

from __future__ import annotations

import numpy as np
from mixbridge.runtime.audio.reading import Samples
from numpy.typing import NDArray
from scipy.signal import lfilter

# First and second formants of a few vowels, in Hz.
_VOWELS = ((730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840))


def voice(seconds: float, rate_hz: int = 48_000, seed: int = 0) -> Samples:
    """Syllables of a speaking voice with pauses, shape (1, n), peak 0.5."""
    random = np.random.default_rng(seed)
    frames = round(seconds * rate_hz)
    spoken = np.zeros(frames)
    place = round(0.1 * rate_hz)
    while place < frames:
        length = round(random.uniform(0.12, 0.3) * rate_hz)
        syllable = _syllable(length, rate_hz, random)[: frames - place]
        spoken[place : place + len(syllable)] += syllable
        place += length + round(random.choice([0.02, 0.05, 0.35]) * rate_hz)
    return (0.5 * spoken / np.abs(spoken).max()).astype(np.float32)[None]


def noise(frames: int, level_db: float, seed: int = 1) -> Samples:
    """White noise, shape (1, n)."""
    random = np.random.default_rng(seed)
    return (10 ** (level_db / 20) * random.standard_normal((1, frames))).astype(np.float32)


def _syllable(length: int, rate_hz: int, random: np.random.Generator) -> NDArray[np.float64]:
    pitch_hz = random.uniform(105, 150) * (1 + 0.1 * np.linspace(0.5, -0.5, length))
    phase = np.cumsum(pitch_hz / rate_hz)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    sound = lfilter([1], [1, -0.96], pulses) + 0.002 * random.standard_normal(length)
    for formant_hz in (*_VOWELS[random.integers(len(_VOWELS))], 2600, 3500):
        radius = np.exp(-np.pi * 90 / rate_hz)
        angle = 2 * np.pi * formant_hz / rate_hz
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
    return np.asarray(sound * np.hanning(length) ** 0.5)
