"""A sung word or two, and what the runtime makes of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

import voice_pairs
from mixbridge.export.twin.proof import runtime_console
from mixbridge.presets.console import Delay, Reverb, Strip, replace
from mixbridge.presets.preset import Preset, Track

RATE_HZ = voice_pairs.RATE_HZ


def sung(seed: int = 0, seconds: float = 9.0) -> np.ndarray:
    """Words, all at one level; shape (1, samples)."""
    return voice_pairs.sung(seed, seconds, any_level=False)


def preset(strip: Mapping[str, float], reverb: Mapping[str, float] = {}, delay: Mapping[str, float] = {}) -> Preset:
    return Preset(
        tracks=(Track(name="Vox", strip=replace(Strip(), strip)),),
        reverb=replace(Reverb(), reverb),
        delay=replace(Delay(), delay),
    )


def mixed_by(raw: np.ndarray, made: Preset) -> np.ndarray:
    return runtime_console(raw, made, RATE_HZ)
