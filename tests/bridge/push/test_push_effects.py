"""Reverb, delay and the sends to them on an X32: found or named, set without a jump, read back, pulled, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import named, target
from desk_simulator import CHORUS, HALL, PLATE, X32Simulator
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import Scope, parse_sections
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import Delay, Ducking, Reverb, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import Preset, Track

EFFECTS = PushOptions(scope=Scope(parse_sections("fx")), ramp_ms=0.0)
GLIDING = replace(EFFECTS, ramp_ms=60.0)
REVERB = Reverb(
    pre_delay_ms=40,
    decay_low_s=3.0,
    decay_mid_s=2.0,
    decay_high_s=1.0,
    damping_hz=5000,
    size=0.6,
    width=0.5,
    low_cut_hz=200,
    high_cut_hz=9000,
    return_gain_db=-4,
)
DELAY = Delay(
    note="1/8.", tempo_bpm=120, feedback=0.4, ping_pong=1, high_cut_hz=4000, reverb_send_db=-18, return_gain_db=-8
)
# As parts of their ranges, where the X32's documents have them.
RETURNS = ("/fxrtn/01/mix/fader", "/fxrtn/02/mix/fader")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    """Slot 1 is a hall fed by bus 13, slot 3 a delay fed by bus 15; the others are something else."""
    with named(X32Simulator()) as simulator:
        yield simulator


def mix(reverb_db: float = -10, delay_db: float = -80) -> Preset:
    vox = Strip(reverb_send_db=reverb_db, delay_send_db=delay_db)
    tracks = (Track(name="Lead Vox", strip=vox), Track(name="Kick"))
    return Preset(tracks=tracks, reverb=REVERB, delay=DELAY)


def parameter(desk: X32Simulator, slot: int, number: int) -> float:
    return float(desk.values[f"/fx/{slot}/par/{number:02}"])


def test_the_only_reverb_is_set_and_fed(desk: X32Simulator) -> None:
    result = push_preset(mix(), target(desk), EFFECTS)
    assert result.is_verified, result.sentence
    assert parameter(desk, 1, 1) == pytest.approx(40 / 200, abs=1e-4)
    assert 0.2 * 25 ** parameter(desk, 1, 2) == pytest.approx(2.0, rel=1e-3)
    assert 2 + 98 * parameter(desk, 1, 3) == pytest.approx(2 + 98 * 0.6, abs=0.01)
    assert 1000 * 20 ** parameter(desk, 1, 4) == pytest.approx(5000, rel=1e-3)
    assert 10 * 50 ** parameter(desk, 1, 7) == pytest.approx(200, rel=1e-3)
    assert 200 * 100 ** parameter(desk, 1, 8) == pytest.approx(9000, rel=1e-3)
    assert 0.5 * 4 ** parameter(desk, 1, 9) == pytest.approx(1.5, rel=1e-3)
    assert parameter(desk, 1, 10) == pytest.approx(0.5, abs=1e-4)
    assert [desk.unit(address) for address in RETURNS] == [pytest.approx(-4, abs=0.05)] * 2
    assert desk.unit("/ch/04/mix/13/level") == pytest.approx(-10, abs=0.3)
    assert desk.values["/ch/01/mix/13/level"] == 0.0  # the kick sends nothing
    assert desk.values["/fx/1/type"] == HALL
    assert desk.values["/ch/04/mix/15/level"] == 0.5  # no delay, so that the sends to it stay
    lost = " ".join(line for strip in result.plan.strips for line in strip.fitted.lost)
    assert "Of the reverb, Behringer X32 / Midas M32 has no decay high 1 s." in lost


def test_a_delay_with_its_send_to_the_reverb(desk: X32Simulator) -> None:
    assert push_preset(mix(delay_db=-12), target(desk), EFFECTS).is_verified
    assert 1 + 2999 * parameter(desk, 3, 2) == pytest.approx(375, abs=0.5)  # a dotted eighth at 120
    assert desk.values["/fx/3/par/03"] == 1  # crossed
    assert parameter(desk, 3, 10) == parameter(desk, 3, 11) == pytest.approx(0.4, abs=1e-4)
    assert 200 * 100 ** parameter(desk, 3, 12) == pytest.approx(4000, rel=1e-3)
    assert parameter(desk, 3, 1) == 1.0  # nothing of the dry sound comes back
    assert desk.unit("/fxrtn/05/mix/fader") == desk.unit("/fxrtn/06/mix/fader") == pytest.approx(-8, abs=0.05)
    assert desk.unit("/fxrtn/05/mix/13/level") == pytest.approx(-18, abs=0.3)
    assert desk.unit("/ch/04/mix/15/level") == pytest.approx(-12, abs=0.3)


def test_effects_are_only_set_if_they_are_asked_for(desk: X32Simulator) -> None:
    before = dict(desk.values)
    push_preset(mix(), target(desk), PushOptions(ramp_ms=0.0))
    assert {address for address in desk.values if desk.values[address] != before[address]} <= {
        address for address in desk.values if "/eq/" in address or "/dyn/" in address or "/pan" in address
    }


def test_round_trip_of_every_setting(desk: X32Simulator) -> None:
    assert push_preset(mix(delay_db=-12), target(desk), EFFECTS).is_verified
    pulled = pull_preset(target(desk)).preset
    vox = pulled.track("Lead Vox").strip
    assert vox.reverb_send_db == pytest.approx(-10, abs=0.3)
    assert vox.delay_send_db == pytest.approx(-12, abs=0.3)
    for name in (
        "pre_delay_ms",
        "decay_low_s",
        "decay_mid_s",
        "damping_hz",
        "size",
        "width",
        "low_cut_hz",
        "high_cut_hz",
    ):
        assert getattr(pulled.reverb, name) == pytest.approx(getattr(REVERB, name), rel=2e-3), name
    assert pulled.reverb.decay_high_s == pulled.reverb.decay_mid_s
    assert pulled.delay.time_ms == pytest.approx(375, abs=0.5)
    assert (pulled.delay.feedback, pulled.delay.ping_pong) == (pytest.approx(0.4, abs=1e-3), 1)
    assert pulled.delay.reverb_send_db == pytest.approx(-18, abs=0.3)
    before = dict(desk.values)
    again = push_preset(pulled, target(desk), EFFECTS)
    assert again.is_verified
    assert desk.values == before
    assert not again.plan.changes


def test_taken_back_to_the_bit(desk: X32Simulator) -> None:
    before = dict(desk.values)
    assert push_preset(mix(delay_db=-12), target(desk), EFFECTS).is_verified
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert desk.values == before


def test_levels_glide(desk: X32Simulator) -> None:
    desk.values |= dict.fromkeys(RETURNS, 1.0)
    assert push_preset(mix(reverb_db=0), target(desk), GLIDING).is_verified
    for address in (*RETURNS, "/ch/04/mix/13/level"):
        assert desk.steepest_db(address, 0.01) <= 3.0, address


def test_a_send_that_is_off_rises_from_nothing(desk: X32Simulator) -> None:
    desk.values |= {"/ch/04/mix/13/on": 0, "/ch/04/mix/13/level": 1.0}
    assert push_preset(mix(reverb_db=-6), target(desk), GLIDING).is_verified
    order = [
        (item.address, item.values[0]) for item in desk.arrivals if item.values and "/ch/04/mix/13/" in item.address
    ]
    assert order[0] == ("/ch/04/mix/13/level", 0.0)
    switched = order.index(("/ch/04/mix/13/on", 1))
    assert all(level == 0.0 for address, level in order[:switched] if address.endswith("level"))
    assert desk.unit("/ch/04/mix/13/level") == pytest.approx(-6, abs=0.3)


def test_an_effect_in_use_is_not_replaced_but_told_of(desk: X32Simulator) -> None:
    desk.values["/fx/1/type"] = CHORUS
    before = dict(desk.values)
    with pytest.raises(DeskError, match="nothing of"):
        push_preset(
            Preset(tracks=(Track(name="Kick", mute=True),)),
            target(desk),
            replace(EFFECTS, scope=Scope(frozenset({"reverb"}))),
        )
    plan = plan_push(mix(), target(desk), replace(EFFECTS, scope=Scope(parse_sections("eq,fx"))))
    notes = " ".join(plan.notes)
    assert "No effect slot is a reverb that a bus feeds (fx 1 is chorus, fx 2 is chorus, fx 3 is stereo delay" in notes
    assert "--reverb 1" in notes
    assert not [strip for strip in plan.strips if strip.placed.kind == "reverb"]
    assert "no reverb of Behringer X32 / Midas M32 is chosen" in " ".join(plan.strips[0].fitted.lost)
    assert desk.values == before


def test_of_two_reverbs_none_is_guessed(desk: X32Simulator) -> None:
    desk.values["/fx/2/type"] = PLATE
    plan = plan_push(mix(), target(desk), replace(EFFECTS, scope=Scope(parse_sections("eq,fx"))))
    assert "The reverb could be fx 1 or fx 2: name one (--reverb 1)." in " ".join(plan.notes)
    result = push_preset(mix(), target(desk), replace(EFFECTS, slots={"reverb": "fx 2"}))
    assert result.is_verified
    assert desk.values["/fx/2/type"] == PLATE
    assert 0.5 * 20 ** parameter(desk, 2, 2) == pytest.approx(2.0, rel=1e-3)  # a plate's own range
    assert desk.unit("/ch/04/mix/14/level") == pytest.approx(-10, abs=0.3)
    assert desk.values["/ch/04/mix/13/level"] == 0.5


def test_a_named_slot_is_replaced_while_its_return_is_down_and_comes_back(desk: X32Simulator) -> None:
    """A graphic EQ, all of whose 31 bands go when a hall takes its place."""
    desk.values |= {f"/fx/4/par/{par:02}": par / 100 for par in range(1, 65)}
    desk.values |= {"/fxrtn/07/mix/fader": 0.75, "/fxrtn/08/mix/fader": 0.75}
    before = dict(desk.values)
    result = push_preset(mix(), target(desk), replace(GLIDING, slots={"reverb": "4"}))
    assert result.is_verified, result.sentence
    assert "fx 4: the graphic eq that is there is replaced by the hall" in " ".join(result.plan.notes)
    assert desk.values["/fx/4/type"] == HALL
    assert 0.2 * 25 ** parameter(desk, 4, 2) == pytest.approx(2.0, rel=1e-3)
    assert desk.values["/ch/04/mix/13/level"] == 0.5
    assert desk.unit("/ch/04/mix/16/level") == pytest.approx(-10, abs=0.3)
    sent = [(item.address, item.values[0]) for item in desk.arrivals if item.values]
    changed = sent.index(("/fx/4/type", HALL))
    for side in ("/fxrtn/07/mix/fader", "/fxrtn/08/mix/fader"):
        assert [value for address, value in sent[:changed] if address == side][-1] == 0.0
        assert desk.steepest_db(side, 0.01) <= 3.0
    assert all(index > changed for index, (address, _) in enumerate(sent) if address.startswith("/fx/4/par"))
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=60)).is_verified
    assert desk.values == pytest.approx(before, abs=1e-3)  # 0.75 is between two steps of a fader


def test_a_slot_that_no_bus_feeds_is_refused(desk: X32Simulator) -> None:
    desk.values["/fx/2/source/l"] = 0
    with pytest.raises(DeskError, match=r"fx 2 is fed by no bus.*Choose a bus as its source"):
        push_preset(mix(), target(desk), replace(EFFECTS, slots={"reverb": "2"}))
    with pytest.raises(DeskError, match="no effect slot '9' for a reverb; it has fx 1, fx 2, fx 3, fx 4"):
        push_preset(mix(), target(desk), replace(EFFECTS, slots={"reverb": "9"}))
    with pytest.raises(DeskError, match="cannot be both the reverb and the delay"):
        push_preset(mix(delay_db=-9), target(desk), replace(EFFECTS, slots={"reverb": "3", "delay": "3"}))
    assert not [arrival for arrival in desk.arrivals if arrival.values]


def test_what_the_reverb_lacks_and_a_bus_that_is_not_at_0_db(desk: X32Simulator) -> None:
    desk.values["/bus/13/mix/fader"] = 0.5
    ducked = mix().model_copy(
        update={"reverb": REVERB.model_copy(update={"ducking": Ducking(range_db=6), "decay_mid_s": 9.0})}
    )
    plan = plan_push(ducked, target(desk), EFFECTS)
    (reverb,) = [strip for strip in plan.strips if strip.placed.kind == "reverb"]
    assert "ducking threshold -40 dB, ducking range 6 dB" in " ".join(reverb.fitted.lost)
    assert [(clamp.key, clamp.wanted, clamp.given) for clamp in reverb.clamped][:1] == [
        ("reverb.decay_mid_s", 9.0, pytest.approx(5.0))
    ]
    assert "The bus 13 that feeds the reverb stands at -10.0 dB" in " ".join(plan.notes)
