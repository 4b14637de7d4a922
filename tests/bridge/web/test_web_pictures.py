"""The laws of a strip's dynamics and the levels that come to them."""

from __future__ import annotations

import numpy as np
import pytest
from mixbridge.bridge.web.showing.laws import counted, laws_of, levels_of
from mixbridge.presets.console import Master, Strip, replace
from mixbridge.runtime.rendering.in_memory import render_strip
from mixbridge.runtime.rendering.takes import Takes

RATE_HZ = 44100


def sine(freq_hz: float, level_db: float) -> np.ndarray:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * freq_hz * time_s)).astype(np.float32)[None]


def out_db(strip: Strip, section: str, level_db: float) -> float:
    law = laws_of(strip)[section]
    return float(np.interp(level_db, law["input_db"], law["output_db"]))


def top(strip: Strip, audio: np.ndarray, section: str) -> float:
    """The highest level that is counted, to a whole dB."""
    levels = levels_of(audio, RATE_HZ, strip, Takes())[section]
    return levels["low_db"] + len(levels["shares"]) - 0.5


def test_laws_are_what_the_console_does_to_a_level_that_stays() -> None:
    """Each law, at a level, is the level of a rendered sine."""
    strip = Strip()
    cases = {
        # So quick that its level is the wave's highest sample.
        "compressor": (
            {"compressor.ratio": 4.0, "compressor.threshold_db": -30.0, "compressor.attack_ms": 0.1},
            1000.0,
            -12.0,
        ),
        "gate": ({"gate.range_db": 30.0, "gate.threshold_db": -20.0, "gate.ratio": 3.0}, 1000.0, -26.0),
        "deesser": ({"deesser.range_db": 9.0, "deesser.threshold_db": -20.0}, 6500.0, -14.0),
        "saturation": ({"saturation.drive": 6.0}, 100.0, -10.0),
    }
    for section, (settings, freq_hz, level_db) in cases.items():
        set_up = replace(strip, settings)
        rendered = render_strip(sine(freq_hz, level_db), RATE_HZ, set_up)[0, RATE_HZ // 2 : -4096]
        heard_db = 20 * np.log10(np.abs(rendered).max() * np.sqrt(2))
        assert laws_of(set_up)[section]["is_on"]
        assert not laws_of(strip)[section]["is_on"]
        assert out_db(strip, section, level_db) == pytest.approx(level_db, abs=0.05)
        assert out_db(set_up, section, level_db) == pytest.approx(heard_db, abs=0.7), section
    assert set(laws_of(Master())) == {"compressor"}


def test_levels_are_those_that_come_to_each_stage() -> None:
    strip = replace(Strip(), {"input_gain_db": 6.0, "fader_db": -20.0, "pan": 0.7})
    audio = sine(6500.0, -20.0)
    for section in ("gate", "saturation"):
        assert top(strip, audio, section) == pytest.approx(-14, abs=1), section
    # Its detector is slower than the wave, and lies a little below its highest sample.
    assert top(strip, audio, "compressor") == pytest.approx(-15, abs=1)
    assert top(strip, audio, "deesser") == pytest.approx(-14, abs=1.5)
    assert top(strip, sine(200.0, -20.0), "deesser") < -35
    # The compressor turns down what comes to de-esser and saturation, and not what its own detector sees.
    pressed = replace(strip, {"compressor.ratio": 20.0, "compressor.threshold_db": -34.0, "compressor.knee_db": 0.0})
    assert top(pressed, audio, "compressor") == pytest.approx(-15, abs=1)
    levels = levels_of(audio, RATE_HZ, pressed, Takes())["saturation"]
    loudest = levels["low_db"] + int(np.argmax(levels["shares"]))
    assert loudest == pytest.approx(-33, abs=1.5)


def test_silence_has_no_levels() -> None:
    assert counted(np.full(8, -200.0)) is None
    assert counted(np.array([-30.5, -30.2, -12.0])) == {"low_db": -31, "shares": [1.0, *[0.0] * 18, 0.5]}
