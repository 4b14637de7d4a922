"""A sung word or two, and what the runtime makes of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.twin.proof import runtime_console
from mixbridge.presets.console import Delay, Reverb, Strip, replace
from mixbridge.presets.preset import Preset, Track

RATE_HZ = 22050


def sung(seed: int = 0, seconds: float = 9.0) -> np.ndarray:
    """Words: harmonics that glide, breath, pauses; shape (1, samples)."""
    rng = np.random.default_rng(seed)
    frames, steps = round(seconds * RATE_HZ), round(seconds / 0.2) + 2
    places = np.arange(steps) * 0.2 * RATE_HZ
    pitch_hz = np.interp(np.arange(frames), places, rng.uniform(120, 300, steps))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(np.sin(phase * k + rng.uniform(0, 6)) / k for k in range(1, 24))
    loud = rng.uniform(0.1, 1, steps) * (rng.uniform(0, 1, steps) > 0.25)
    words = np.interp(np.arange(frames), places, loud)
    return (0.12 * (tone + 0.5 * rng.standard_normal(frames)) * words)[None].astype(np.float32)


def preset(strip: Mapping[str, float], reverb: Mapping[str, float] = {}, delay: Mapping[str, float] = {}) -> Preset:
    return Preset(
        tracks=(Track(name="Vox", strip=replace(Strip(), strip)),),
        reverb=replace(Reverb(), reverb),
        delay=replace(Delay(), delay),
    )


def mixed_by(raw: np.ndarray, made: Preset) -> np.ndarray:
    return runtime_console(raw, made, RATE_HZ)
