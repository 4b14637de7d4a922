"""The stages of a channel beside EQ and compressor: gate and low cut of an X32, pushed, pulled, taken back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import named, target
from desk_simulator import X32Simulator
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import IF_USED, Scope, parse_strips
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import DeEsser, Gate, HighCut, LowCut, Saturation, Strip
from mixbridge.presets.preset import Preset, Track

QUICK = PushOptions(ramp_ms=0.0)
GATE = Gate(threshold_db=-42.0, range_db=30.0, ratio=100, attack_ms=13, hold_ms=50, release_ms=600, hysteresis_db=0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    with named(X32Simulator()) as simulator:
        yield simulator


def mix(strip: Strip, name: str = "Kick") -> Preset:
    return Preset(tracks=(Track(name=name, strip=strip),))


def test_gate_and_low_cut_stand_in_the_desks_units(desk: X32Simulator) -> None:
    strip = Strip(gate=GATE, low_cut=LowCut(freq_hz=80, slope_db_per_octave=24))
    assert push_preset(mix(strip), target(desk), QUICK).is_verified
    assert desk.values["/ch/01/gate/on"] == desk.values["/ch/01/preamp/hpon"] == 1
    assert desk.unit("/ch/01/gate/thr") == -42
    assert desk.unit("/ch/01/gate/range") == 30
    assert desk.values["/ch/01/gate/mode"] == 3  # GATE
    # Its milliseconds are taken for time constants; a preset's are 2 pi of them.
    assert desk.unit("/ch/01/gate/attack") == round(13 / (2 * math.pi))
    assert desk.unit("/ch/01/gate/release") == pytest.approx(600 / (2 * math.pi), rel=0.035)
    assert desk.unit("/ch/01/gate/hold") == pytest.approx(50, rel=0.06)
    assert desk.unit("/ch/01/preamp/hpf") == pytest.approx(80, rel=0.015)
    assert desk.values["/ch/01/preamp/hpslope"] == 2


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize("slope", [0, 2])
def test_what_is_on_the_grid_comes_back_as_it_was(desk: X32Simulator, mode: int, slope: int) -> None:
    grid = {"thr": 71 / 160, "range": 20 / 57, "attack": 7 / 120, "hold": 0.37, "release": 0.61}
    desk.values |= {f"/ch/01/gate/{name}": value for name, value in grid.items()}
    desk.values |= {"/ch/01/gate/on": 1, "/ch/01/gate/mode": mode}
    desk.values |= {"/ch/01/preamp/hpon": 1, "/ch/01/preamp/hpf": 0.43, "/ch/01/preamp/hpslope": slope}
    before = dict(desk.values)
    pulled = pull_preset(target(desk)).preset
    desk.values |= {"/ch/01/gate/on": 0, "/ch/01/preamp/hpon": 0, "/ch/01/gate/thr": 1.0, "/ch/01/preamp/hpf": 0.0}
    desk.values |= {"/ch/01/gate/mode": 4, "/ch/01/gate/range": 0.0, "/ch/01/preamp/hpslope": 1}
    assert push_preset(pulled, target(desk), QUICK).is_verified
    assert desk.values == pytest.approx(before, abs=1e-6)
    again = pull_preset(target(desk)).preset
    assert again.track("Kick").strip.gate == pulled.track("Kick").strip.gate
    assert again.track("Kick").strip.low_cut == pulled.track("Kick").strip.low_cut


def test_taken_back_to_the_bit(desk: X32Simulator) -> None:
    desk.values |= {"/ch/01/gate/on": 1, "/ch/01/gate/mode": 4, "/ch/01/preamp/hpon": 1}
    before = dict(desk.values)
    strip = Strip(gate=GATE, low_cut=LowCut(freq_hz=120))
    assert push_preset(mix(strip), target(desk), QUICK).is_verified
    assert desk.values != before
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert desk.values == before


def test_a_preset_without_a_gate_leaves_that_of_the_desk(desk: X32Simulator) -> None:
    desk.values |= {"/ch/01/gate/on": 1, "/ch/01/preamp/hpon": 1, "/ch/02/gate/on": 1}
    result = push_preset(mix(Strip(fader_db=-3)), target(desk), QUICK)
    assert result.is_verified
    assert desk.values["/ch/01/gate/on"] == desk.values["/ch/01/preamp/hpon"] == 1
    notes = " ".join(result.plan.notes)
    assert "The preset has no gate on ch/01: that of the desk stays on (--only gate switches it off)." in notes
    assert "no low cut on ch/01" in notes
    named_gate = replace(QUICK, scope=Scope(frozenset({"gate"}), if_used=IF_USED - {"gate"}))
    assert push_preset(mix(Strip()), target(desk), named_gate).is_verified
    assert (desk.values["/ch/01/gate/on"], desk.values["/ch/01/preamp/hpon"]) == (0, 1)


def test_what_the_desk_lacks_is_told_with_what_it_takes(desk: X32Simulator) -> None:
    strip = Strip(
        gate=Gate(threshold_db=-40, range_db=20, ratio=2, hysteresis_db=4),
        high_cut=HighCut(freq_hz=8000),
        deesser=DeEsser(range_db=6),
        saturation=Saturation(drive=4),
    )
    (channel,) = plan_push(mix(strip), target(desk)).strips
    lost = " ".join(channel.fitted.lost)
    assert "The gate's hysteresis of 4.0 dB: Behringer X32 / Midas M32 has none to be set" in lost
    # A Butterworth of second order, an octave above its corner.
    assert "high cut (frequency 8000 Hz, slope 12 dB/oct), which takes 12.3 dB at 16000 Hz" in lost
    assert "which takes up to 6.0 dB of sibilance" in lost
    # tanh(4) / 4
    assert "which takes up to 12.0 dB of peaks at full scale" in lost
    assert "The gate's ratio" not in lost  # 2:1 it has
    lost = " ".join(plan_push(mix(Strip(gate=Gate(range_db=20, ratio=1.3))), target(desk)).strips[0].fitted.lost)
    assert "The gate's ratio of 1.3:1 and range of 20 dB become a ratio of 2:1 and a range of 20 dB: " in lost


def test_the_trim_takes_the_gate_with_it(desk: X32Simulator) -> None:
    everything = replace(QUICK, scope=Scope(frozenset({"trim", "fader", "gate"})))
    assert push_preset(mix(Strip(fader_db=16, gate=GATE)), target(desk), everything).is_verified
    trim_db = desk.unit("/ch/01/preamp/trim")
    assert trim_db == 6
    assert desk.unit("/ch/01/gate/thr") == GATE.threshold_db + trim_db


def test_a_linked_pair_shares_gate_and_low_cut(desk: X32Simulator) -> None:
    desk.link(1)
    strip = Strip(gate=GATE, low_cut=LowCut(freq_hz=100))
    options = replace(QUICK, scope=Scope(strips=parse_strips("1", load_desk("x32"))))
    assert push_preset(mix(strip), target(desk), options).is_verified
    for path in ("gate/on", "gate/thr", "gate/mode", "preamp/hpon", "preamp/hpf"):
        assert desk.values[f"/ch/01/{path}"] == desk.values[f"/ch/02/{path}"]
    sent = {arrival.address for arrival in desk.arrivals if arrival.values}
    assert not {address for address in sent if address.startswith("/ch/02/")}


def linked(first: Strip, second: Strip) -> Preset:
    return Preset(
        tracks=(Track(name="Kick", strip=first, link="pair"), Track(name="Bass", strip=second, link="pair")),
    )


def test_linked_tracks_share_their_trim_so_that_thresholds_agree(desk: X32Simulator) -> None:
    everything = replace(QUICK, scope=Scope(frozenset({"trim", "fader", "gate"})))
    preset = linked(Strip(fader_db=14, gate=GATE), Strip(fader_db=-3, gate=GATE))
    result = push_preset(preset, target(desk), everything)
    assert result.is_verified
    assert desk.unit("/ch/01/preamp/trim") == desk.unit("/ch/02/preamp/trim") == 4
    assert desk.unit("/ch/01/gate/thr") == desk.unit("/ch/02/gate/thr") == GATE.threshold_db + 4
    assert "Kick (ch/01) and Bass (ch/02) are linked in the preset and not on the desk" in " ".join(result.plan.notes)


def test_linked_tracks_on_a_linked_pair_are_pulled_as_such(desk: X32Simulator) -> None:
    desk.link(1)
    result = push_preset(linked(Strip(gate=GATE), Strip(gate=GATE)), target(desk), QUICK)
    assert result.is_verified
    assert "linked in the preset and not on the desk" not in " ".join(result.plan.notes)
    pulled = pull_preset(target(desk)).preset
    assert pulled.track("Kick").link == pulled.track("Bass").link == "ch/01 pair"
    assert pulled.track("Keys").link is None
    before = dict(desk.values)
    assert push_preset(pulled, target(desk), QUICK).is_verified
    assert desk.values == before
