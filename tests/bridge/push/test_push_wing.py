"""Pushes to a WING whose strips have other models of EQ, compressor and gate than the standard ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.connection import connect
from mixbridge.bridge.osc.exchange import hello
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.archive import take_snapshot
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import Scope
from mixbridge.bridge.push.tables import summary_lines
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, Strip
from mixbridge.presets.preset import Preset, Track
from wing_desk import WingDesk

STRIP = Strip(
    eq=Equalizer(band1=EqBand(gain_db=4, freq_hz=2500, q=1.2)),
    compressor=Compressor(threshold_db=-24, ratio=4, attack_ms=12, makeup_db=3),
    gate=Gate(threshold_db=-42, range_db=30, ratio=100),
)
PRESET = Preset(tracks=(Track(name="Kick", strip=STRIP), Track(name="Vox", strip=STRIP)))
QUICK = PushOptions(ramp_ms=0)
# What stands on the strips that another model was chosen for.
OTHERS = {"/ch/2/dyn/mdl": "76LA", "/ch/2/dyn/in": -30.0, "/ch/2/gate/mdl": "RED3", "/main/1/eq/mdl": "SOUL"}


@pytest.fixture
def wing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[WingDesk, str]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with WingDesk() as desk:
        desk.held = {"/ch/1/$name": "Kick", "/ch/2/$name": "Vox", **OTHERS}
        yield desk, f"wing://127.0.0.1:{desk.port}"


def test_other_models_are_left_alone_and_named(wing: tuple[WingDesk, str]) -> None:
    """What they hold is in no profile, so that it could not be put back."""
    desk, at = wing
    said = "\n".join(summary_lines(plan_push(PRESET, at, QUICK)))
    assert "Vox: ch 2 lacks standard gate (GATE; it has RED3) and standard compressor (COMP; it has 76LA)" in said
    assert "which leaves out 18.0 dB of compression at full scale and up to 30.0 dB of what is quiet" in said
    result = push_preset(PRESET, at, QUICK)
    assert result.is_verified
    assert {address: desk.held[address] for address in OTHERS} == OTHERS
    touched = {address for address in desk.held if address.startswith(("/ch/2/dyn", "/ch/2/gate", "/main/1/eq"))}
    assert touched <= set(OTHERS)
    assert desk.held["/ch/2/eq/on"] == 1
    assert desk.held["/ch/1/dyn/ratio"] == "4.0"
    assert desk.held["/ch/1/gate/ratio"] == "GATE"
    assert desk.absent == []


def test_another_model_is_switched_off_where_the_preset_has_nothing_there(wing: tuple[WingDesk, str]) -> None:
    desk, at = wing
    desk.held["/ch/2/dyn/on"] = 1
    before = dict(desk.held)
    bare = Preset(tracks=(Track(name="Vox", strip=Strip(pan=0.2)),))
    plan = plan_push(bare, at, QUICK)
    assert plan.strips[0].missing == ()
    assert push_preset(bare, at, QUICK).is_verified
    assert desk.held["/ch/2/dyn/on"] == 0
    assert desk.held["/ch/2/dyn/mdl"] == "76LA"
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert {address: desk.held[address] for address in before} == before
    assert desk.absent == []


def test_taken_back_as_it_was(wing: tuple[WingDesk, str]) -> None:
    desk, at = wing
    before = dict(desk.held)
    assert push_preset(PRESET, at, QUICK).is_verified
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert {address: desk.held[address] for address in before} == before
    assert desk.held["/ch/1/dyn/ratio"] == "3.0"


def test_pulled_and_kept_without_a_question_that_is_not_answered(wing: tuple[WingDesk, str]) -> None:
    desk, at = wing
    scope = Scope(sections=Scope().sections | {"fader"})
    assert push_preset(PRESET, at, PushOptions(ramp_ms=0, scope=scope)).is_verified
    pulled = pull_preset(at)
    assert pulled.preset.track("Kick").strip.compressor.ratio == pytest.approx(4)
    lost = "\n".join(pulled.lost["Vox"])
    assert "No standard compressor (COMP; it has 76LA) on it: taken as flat." in lost
    assert "No standard gate (GATE; it has RED3) on it" in lost
    kept = take_snapshot(at)
    assert kept.unread == 0
    assert {strip.number for strip in kept.strips if strip.kind == "track"} >= {1, 2, 40}
    assert desk.absent == []


def test_who_it_is_may_come_from_another_address(wing: tuple[WingDesk, str]) -> None:
    desk, _ = wing
    with connect(Target("wing", "127.0.0.1", desk.port), load_desk("wing")) as connection:
        info = hello(connection)
    assert info is not None
    assert (info.model, info.name) == ("WING wing-rack", "FOH")
