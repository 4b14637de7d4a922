"""The first guess, and what is recognised behind the direct sound, against settings that are known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

import torch
from mixbridge.export.recovery.answer import answer_of
from mixbridge.export.recovery.fit import FIXED
from mixbridge.export.recovery.guess import PairPassage, filtered_by, first_guess
from mixbridge.export.recovery.space import Space, preset_of
from mixbridge.runtime.audio.loudness import integrated_loudness

from .conftest import RATE_HZ, mixed_by, preset, sung

CURVE = {"low_cut.freq_hz": 160.0, "eq.band0.gain_db": -5.0, "eq.band0.freq_hz": 700.0, "eq.high_shelf.gain_db": 5.0,
         "eq.high_shelf.freq_hz": 3000.0}  # fmt: skip


def curve_db(values: dict[str, float]) -> np.ndarray:
    """The response of cuts and equalizer from 100 Hz to 9 kHz, without its mean."""
    click = np.zeros(8192, np.float32)
    click[0] = 1
    spectrum = np.abs(np.fft.rfft(filtered_by(click, values, FIXED, RATE_HZ)))
    freqs_hz = np.geomspace(100, 9000, 40)
    response = 20 * np.log10(np.interp(freqs_hz, np.fft.rfftfreq(8192, 1 / RATE_HZ), spectrum))
    return response - response.mean()


def test_equalizer_and_compressor_are_guessed() -> None:
    raw = sung(1)
    lufs = integrated_loudness(raw, RATE_HZ)
    strip = {**CURVE, "compressor.threshold_db": lufs - 5, "compressor.ratio": 4.0, "compressor.attack_ms": 8.0,
             "compressor.release_ms": 200.0, "fader_db": 3.0}  # fmt: skip
    made = preset(strip)
    guessed = first_guess(PairPassage(raw, mixed_by(raw, made), RATE_HZ), Space(lufs), FIXED, seed=0)
    true = {f"strip.{path}": value for path, value in strip.items()}
    neutral = {path: 0.0 if path.endswith("gain_db") else value for path, value in guessed.items()}
    wanted = curve_db({**neutral, "strip.low_cut.freq_hz": 16.0, "strip.high_cut.freq_hz": 22000.0, **true})
    assert np.abs(curve_db(guessed) - wanted).mean() < 1.0
    assert np.abs(wanted).mean() > 2.5  # that there was something to find
    assert guessed["strip.compressor.threshold_db"] == pytest.approx(lufs - 5, abs=2.5)
    assert guessed["strip.compressor.ratio"] == pytest.approx(4.0, rel=0.35)


def test_the_consoles_own_room_and_echoes_are_recognised() -> None:
    raw = sung(2)
    strip = {"pan": 0.2, "reverb_send_db": -12.0, "delay_send_db": -14.0}
    reverb = {"pre_delay_ms": 35.0, "size": 0.7, "decay_low_s": 1.4, "decay_mid_s": 1.2, "decay_high_s": 0.8}
    made = preset(strip, reverb, {"time_ms": 280.0, "feedback": 0.3, "ping_pong": 1.0, "high_cut_hz": 9000.0})
    with torch.no_grad():
        answer = answer_of(raw[0], mixed_by(raw, made), RATE_HZ, is_stereo=False)
    assert answer.is_own_room
    assert answer.values["strip.pan"] == pytest.approx(0.2, abs=0.03)
    assert answer.values["reverb.pre_delay_ms"] == pytest.approx(35.0, abs=0.1)
    assert answer.values["reverb.size"] == pytest.approx(0.7, abs=0.01)
    assert answer.values["strip.reverb_send_db"] == pytest.approx(-12.0, abs=2.0)
    assert answer.values["reverb.decay_mid_s"] == pytest.approx(1.2, rel=0.25)
    assert answer.values["delay.time_ms"] == pytest.approx(280.0, abs=0.3)
    assert answer.values["delay.ping_pong"] > 0.6


def test_where_nothing_follows_nothing_is_heard() -> None:
    raw = sung(3)
    with torch.no_grad():
        answer = answer_of(raw[0], np.repeat(raw, 2, axis=0), RATE_HZ, is_stereo=False)
    # What dividing leaves where the voice has little; the search in samples switches it off.
    assert answer.reverb_db < -22
    assert not answer.is_own_room
    assert answer.echo_db < -40
    assert abs(answer.values["strip.pan"]) < 0.01


def test_a_vector_gives_back_the_values_it_was_made_of() -> None:
    space = Space(-20.0)
    values = {"strip.eq.band0.gain_db": -4.0, "strip.compressor.ratio": 3.0, "reverb.decay_mid_s": 1.1}
    back = space.values(space.start(values))
    assert {path: back[path] for path in values} == pytest.approx(values)
    # Thresholds are relative to the track.
    assert Space(-30.0).values(space.start({}))["strip.compressor.threshold_db"] == pytest.approx(-30 - 4.14, abs=0.01)
    assert float(space.unlikeliness(space.start({}))) == 0
    made = preset_of("Vox", back)
    assert made.tracks[0].strip.compressor.ratio == pytest.approx(3.0)
    assert made.reverb.decay_mid_s == pytest.approx(1.1)
