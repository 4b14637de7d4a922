"""Long silence costs next to nothing, and what comes behind it is what it would have been."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, LowCut, Master, Saturation, Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.console import primitives
from mixbridge.runtime.console.strip import Stages
from mixbridge.runtime.rendering.in_memory import render_arrays

RATE_HZ = 16_000
BUSY = Strip(
    gate=Gate(threshold_db=-50, range_db=30, hold_ms=2000, release_ms=5000),
    low_cut=LowCut(freq_hz=20, slope_db_per_octave=24),
    eq=Equalizer(low_shelf=EqBand(gain_db=6, freq_hz=20, q=2)),
    compressor=Compressor(threshold_db=-40, ratio=8, attack_ms=1, release_ms=5000, lookahead_ms=5, makeup_db=6),
    saturation=Saturation(drive=2, level_match=1),
)
MASTER = Master(eq=BUSY.eq, compressor=BUSY.compressor)


def with_a_long_pause(pause_s: float) -> np.ndarray:
    """Noise, silence, noise again; shape (1, n)."""
    noise = np.random.default_rng(0).standard_normal((1, 3 * RATE_HZ)).astype(np.float32) * np.float32(0.2)
    return np.concatenate([noise, np.zeros((1, round(pause_s * RATE_HZ)), np.float32), noise], axis=1)


def test_what_follows_a_long_pause_is_bit_for_bit_what_it_would_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = with_a_long_pause(90)
    preset = Preset(tracks=(Track(name="Vox", strip=BUSY),), master=MASTER)
    rested = render_arrays({"Vox": audio}, RATE_HZ, preset)
    monkeypatch.setattr(primitives, "_REST_S", 10**6)
    awake = render_arrays({"Vox": audio}, RATE_HZ, preset)
    np.testing.assert_array_equal(rested.mix, awake.mix)
    np.testing.assert_array_equal(rested.stems["Vox"], awake.stems["Vox"])
    assert np.abs(rested.mix[:, -RATE_HZ:]).max() > 0.01


def test_a_long_pause_is_not_processed(monkeypatch: pytest.MonkeyPatch) -> None:
    processed = []
    process = Stages.process
    monkeypatch.setattr(
        Stages, "process", lambda self, block: (processed.append(block.shape[1]), process(self, block))[1]
    )
    render_arrays({"Vox": with_a_long_pause(600)}, RATE_HZ, Preset(tracks=(Track(name="Vox", strip=BUSY),)))
    assert sum(processed) < 80 * RATE_HZ
