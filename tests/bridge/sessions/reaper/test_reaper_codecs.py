"""States of ReaGate, ReaVerbate and ReaDelay: as REAPER writes them, and there and back over the console's ranges."""

from __future__ import annotations

import base64
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixbridge.bridge.fitting.plugins.rea_effects import (
    ANSWER_MS,
    ReaDelay,
    ReaVerbate,
    delay_of,
    fit_delay,
    fit_reverb,
    reverb_of,
)
from mixbridge.bridge.fitting.plugins.rea_gate import ReaGate, fit_gate, gate_of
from mixbridge.bridge.fitting.plugins.rooms import console_level_db
from mixbridge.bridge.sessions.reaper.codecs import (
    delay_in,
    delay_state,
    gate_in,
    gate_state,
    reverb_in,
    reverb_state,
)
from mixbridge.bridge.sessions.reaper.states import PluginKind, state_in, state_lines
from mixbridge.presets.console import Delay, Gate, Part, Reverb, get, parameters, replace
from scipy.signal import butter, lfilter, sosfiltfilt

# New plug-ins of public projects that REAPER 6 and 7 wrote.
GATE_HEAD = "dGdlcu9e7f4EAAAAAQAAAAAAAAACAAAAAAAAAAQAAAAAAAAACAAAAAAAAAACAAAAAQAAAAAAAAACAAAAAAAAAFwAAAAAAAAAAAAQAA=="
NEW_GATE = (
    "776t3g3wrd6c0QczppvEOwrXozwAAAAAAAAAAAAAgD8AAAAAAAAAAAAAAACc0QczAACAP5zRBzMAAIA/AAAAAAAAAAAAAAAALBYLPwAAAAAAAAAA"
    "AAAAAAAAAAA="
)
VERB_HEAD = "OGJ2cu9e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAAKAAAAAAAAAAAABAA"
VERB = "776t3g3wrd5DAgA/AACAP9oEPD817P8+AACAPwAAAAAAAIA/AAAAAA=="
DELAY_HEAD = "bGRlcu5e7f4CAAAAAQAAAAAAAAACAAAAAAAAAAIAAAABAAAAAAAAAAIAAAAAAAAATAAAAAEAAAAAABAA"
NEW_DELAY = "AAAAAAAAAAABAAAALAAAAAIAAAAAAAAAQwIAPwAAgD8AAAAAAACAPwAAAAAAAAA8nNEHMwAAgD8AAAAAAACAPwAAgD8AAIA/AAAAPw=="


def test_a_new_gate_is_written_as_reaper_does() -> None:
    # Threshold and dry at -150 dB, 3 ms, 100 ms, wet at 0 dB.
    new = ReaGate(-150, 3, 0, 100, 0, 10**-7.5, 1)
    state = base64.b64decode(NEW_GATE)
    assert gate_state(new) == state
    assert state_lines("gate", state)[0] == GATE_HEAD
    read = gate_in(state)
    assert read is not None
    assert (read.attack_ms, read.release_ms, read.wet_gain) == (pytest.approx(3), pytest.approx(100), 1)


def test_a_reverb_of_reapers_is_read() -> None:
    state = base64.b64decode(VERB)
    read = reverb_in(state)
    assert read is not None
    assert (read.wet_gain, read.room, read.dampening) == (
        pytest.approx(0.5, abs=1e-4),
        pytest.approx(0.7344, abs=1e-3),
        pytest.approx(0.4999, abs=1e-3),
    )
    assert (read.width, read.delay_ms, read.lowpass_hz, read.hipass_hz) == (1, 0, 20000, 0)
    assert state_lines("reverb", state)[0] == VERB_HEAD
    # What is ours lets nothing dry through; else it is the same.
    assert struct.unpack("<8f", reverb_state(read)[8:]) == pytest.approx((0.5, 0, 0.7344, 0.4999, 1, 0, 1, 0), abs=1e-3)


def test_a_new_delay_is_written_as_reaper_does() -> None:
    state = base64.b64decode(NEW_DELAY)
    assert state_lines("delay", state)[0] == DELAY_HEAD
    ours = delay_state(ReaDelay(0.5, 0, 10**-7.5, 20000, 0))
    assert len(ours) == len(state)
    numbers = [struct.unpack("<6i13f", each) for each in (ours, state)]
    differing = {place for place, (a, b) in enumerate(zip(*numbers, strict=True)) if a != pytest.approx(b, abs=1e-4)}
    # The dry sound, and the length in beats: ours is in milliseconds.
    assert differing == {7, 11}
    # One that counts in beats is none that a preset holds.
    assert delay_in(state) is None


@pytest.mark.parametrize("kind", ["gate", "reverb", "delay"])
def test_what_is_no_state_is_none(kind: PluginKind) -> None:
    read = {"gate": gate_in, "reverb": reverb_in, "delay": delay_in}[kind]
    good = {
        "gate": gate_state(ReaGate(-30, 1, 0, 100, 0, 0, 1)),
        "reverb": reverb_state(ReaVerbate(1, 0.5, 0.5, 1, 0, 20000, 0)),
        "delay": delay_state(ReaDelay(1, 300, 0.3, 20000, 0)),
    }[kind]
    assert read(good) is not None
    assert state_in([line.encode() for line in state_lines(kind, good)]) == good
    for bad in (b"", good[:-1], good + b"\0", b"\xff" * len(good), good[:-4] + struct.pack("<f", math.nan)):
        assert read(bad) is None


def settings(part: type[Part]) -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries({path: st.floats(row.low, row.high) for path, row in parameters(part).items()})


@given(settings(Gate))
def test_gates_come_back(values: dict[str, float]) -> None:
    gate = replace(Gate(), values)
    fitted = fit_gate(gate)
    state = gate_in(gate_state(fitted.gate))
    assert state is not None
    assert state.dry_gain + state.wet_gain == pytest.approx(1, abs=1e-6)  # an open gate passes all as it is
    found = gate_of(state)
    clamped = {clamp.key for clamp in fitted.clamped}
    for path in ("threshold_db", "range_db", "attack_ms", "hold_ms", "release_ms", "hysteresis_db"):
        if f"gate.{path}" not in clamped:
            assert get(found, path) == pytest.approx(get(gate, path), rel=1e-4, abs=1e-3), path
    assert found.ratio == 100


@given(settings(Delay))
def test_delays_come_back(values: dict[str, float]) -> None:
    delay = replace(Delay(), values)
    fitted = fit_delay(delay)
    state = delay_in(delay_state(fitted.plugin))
    assert state is not None
    found = delay_of(state, fitted.fader_db)
    for path in ("time_ms", "feedback", "low_cut_hz", "return_gain_db"):
        assert get(found, path) == pytest.approx(get(delay, path), rel=1e-5, abs=1e-4), path
    assert found.high_cut_hz == pytest.approx(min(delay.high_cut_hz, 20000), rel=1e-5)


@pytest.mark.parametrize("middle_s", [0.25, 1.5, 6.0])
@pytest.mark.parametrize("share", [0.5, 1.0])
@pytest.mark.parametrize("return_db", [-30.0, 6.0])
def test_reverbs_come_back(middle_s: float, share: float, return_db: float) -> None:
    """But for what ReaVerbate has not: decays of lows of their own, size; and times that its loop does not reach."""
    reverb = Reverb(
        decay_low_s=middle_s,
        decay_mid_s=middle_s,
        decay_high_s=max(0.1, share * middle_s),
        pre_delay_ms=90,
        width=0.7,
        low_cut_hz=90,
        high_cut_hz=9000,
        return_gain_db=return_db,
    )
    fitted = fit_reverb(reverb)
    state = reverb_in(reverb_state(fitted.plugin))
    assert state is not None
    assert state.wet_gain <= 2
    found = reverb_of(state, fitted.fader_db)
    for path in ("pre_delay_ms", "decay_mid_s", "width", "low_cut_hz", "high_cut_hz"):
        assert get(found, path) == pytest.approx(get(reverb, path), rel=2e-4), path
    if fitted.plugin.dampening < 0.999:
        assert found.decay_high_s == pytest.approx(reverb.decay_high_s, rel=1e-3)
    # Read and written again it is as loud as before.
    again = fit_reverb(found)
    levels = [20 * math.log10(each.plugin.wet_gain) + each.fader_db for each in (fitted, again)]
    assert levels[1] == pytest.approx(levels[0], abs=0.01)


def test_a_reverb_answers_when_its_shortest_comb_does() -> None:
    assert pytest.approx(25.3, abs=0.01) == ANSWER_MS
    assert fit_reverb(Reverb(pre_delay_ms=20)).plugin.delay_ms == 0
    assert fit_reverb(Reverb(pre_delay_ms=100)).plugin.delay_ms == pytest.approx(100 - ANSWER_MS)


COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617, 1685, 1748)
ALLPASSES = (556, 441, 341, 225, 180, 153)


def engine(feedback: float, damped: float, frames: int) -> np.ndarray:
    """One side of a reverb like WDL's verbengine.h: combs with a low-pass in the loop, then allpasses."""
    click = np.zeros(frames)
    click[0] = 0.015
    total = np.zeros(frames)
    for length in COMBS:
        loop, state = np.zeros(length), np.zeros(1)
        for begin in range(0, frames, length):
            count = min(length, frames - begin)
            out = loop[:count].copy()
            total[begin : begin + count] += out
            darker, state = lfilter([1 - damped], [1, -damped], out, zi=state)
            loop[:count] = click[begin : begin + count] + feedback * darker
    for length in ALLPASSES:
        loop, result = np.zeros(length), np.zeros(frames)
        for begin in range(0, frames, length):
            count = min(length, frames - begin)
            out = loop[:count].copy()
            result[begin : begin + count] = out - total[begin : begin + count]
            loop[:count] = total[begin : begin + count] + 0.5 * out
        total = result
    return total


def decay_s(sound: np.ndarray, centre_hz: float) -> float:
    """From -5 to -35 dB of what is still to come, in an octave."""
    edges = [centre_hz / 2**0.5, centre_hz * 2**0.5]
    band = sosfiltfilt(butter(4, edges, "band", fs=44100, output="sos"), sound)
    left_db = 10 * np.log10(np.cumsum(band[::-1] ** 2)[::-1] + 1e-30)
    left_db -= left_db[0]
    begin, end = int(np.argmax(left_db <= -5)), int(np.argmax(left_db <= -35))
    return float(-60 / np.polyfit(np.arange(begin, end) / 44100, left_db[begin:end], 1)[0])


@pytest.mark.parametrize(("middle_s", "high_s"), [(0.5, 0.5), (1.5, 0.8), (2.5, 1.4)])
def test_the_engine_decays_as_the_preset_says(middle_s: float, high_s: float) -> None:
    reverb = Reverb(decay_mid_s=middle_s, decay_high_s=high_s, damping_hz=4000)
    plugin = fit_reverb(reverb).plugin
    sound = engine(0.28 + 0.7 * plugin.room, 0.4 * plugin.dampening, round(44100 * (1.3 * middle_s + 0.3)))
    assert np.flatnonzero(sound)[0] == 1116
    assert decay_s(sound, 1000) == pytest.approx(middle_s, rel=0.05)
    assert decay_s(sound, 4000) == pytest.approx(high_s, rel=0.12)
    # As loud as the console's: its level stands in the wet gain.
    powers, hz = np.abs(np.fft.rfft(sound)) ** 2, np.fft.rfftfreq(len(sound), 1 / 44100)
    octaves = [(hz >= centre / 2**0.5) & (hz < centre * 2**0.5) for centre in (250, 500, 1000, 2000, 4000)]
    level_db = float(np.mean([10 * np.log10(powers[octave].mean()) for octave in octaves]))
    assert level_db + 20 * math.log10(plugin.wet_gain) == pytest.approx(console_level_db(reverb), abs=0.5)
