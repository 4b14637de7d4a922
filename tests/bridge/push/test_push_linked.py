"""Linked channels: a pair is one strip, in scope, plan, snapshot, proof and undo; groups are told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import preset, target
from desk_simulator import X32Simulator
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import SECTIONS, Scope, parse_strips
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.errors import DeskError

EVERYTHING = PushOptions(scope=Scope(frozenset(SECTIONS) - {"name"}), ramp_ms=60)
QUICK = PushOptions(ramp_ms=0.0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    """Keys on 5 and 6, linked and panned apart; a single voice on 9."""
    with X32Simulator() as simulator:
        simulator.values |= {f"/ch/{n:02}/config/name": name for n, name in ((5, "Keys"), (6, "Keys"), (9, "Vox"))}
        simulator.link(5)
        simulator.values |= {"/ch/05/mix/pan": 0.0, "/ch/06/mix/pan": 1.0}
        yield simulator


def last_undo() -> snapshots.Stored:
    return snapshots.next_undo(snapshots.stored()[0])


def of_channel(values: dict[str, object], number: int) -> dict[str, object]:
    prefix = f"/ch/{number:02}/"
    return {address.removeprefix(prefix): value for address, value in values.items() if address.startswith(prefix)}


def test_a_pair_is_one_strip_and_all_of_it_stands(desk: X32Simulator) -> None:
    result = push_preset(preset(["Keys", "Vox"]), target(desk), EVERYTHING)
    assert result.is_verified, result.sentence
    assert [strip.label for strip in result.plan.strips] == ["ch/05", "ch/06", "ch/09"]
    first, second = (of_channel(desk.values, number) for number in (5, 6))
    assert {path for path in first if first[path] != second[path]} == {"mix/pan"}
    assert (desk.values["/ch/05/mix/pan"], desk.values["/ch/06/mix/pan"]) == (0.0, 1.0)
    assert any("ch/05 and ch/06 are linked" in note for note in result.plan.notes)


@pytest.mark.parametrize("tracks", ["5", "6", "5-6"])
def test_what_the_desk_moves_of_the_other_is_kept_and_comes_back(desk: X32Simulator, tracks: str) -> None:
    before = dict(desk.values)
    options = replace(EVERYTHING, scope=replace(EVERYTHING.scope, strips=parse_strips(tracks, load_desk("x32"))))
    told = () if tracks == "5-6" else (f"Keys={tracks}",)
    result = push_preset(preset(["Keys"]), target(desk), replace(options, assignments=told))
    assert result.is_verified, result.sentence
    moved = {address for address, value in desk.values.items() if value != before[address]}
    assert {address[:7] for address in moved} == {"/ch/05/", "/ch/06/"}
    kept = {(strip.number, value.key) for strip in last_undo().snapshot.strips for value in strip.values}
    assert {key for number, key in kept if number == 5} == {key for number, key in kept if number == 6}
    assert undo(last_undo(), UndoOptions(ramp_ms=0)).is_verified
    assert desk.values == before


def test_linked_strips_are_not_sent_twice(desk: X32Simulator) -> None:
    push_preset(preset(["Keys"]), target(desk), QUICK)
    assert not {
        arrival.address for arrival in desk.arrivals if arrival.values and arrival.address.startswith("/ch/06/")
    }


def test_what_is_not_shared_is_set_on_both(desk: X32Simulator) -> None:
    desk.values["/config/linkcfg/eq"] = 0
    result = push_preset(preset(["Keys"]), target(desk), QUICK)
    assert result.is_verified, result.sentence
    assert desk.values["/ch/05/eq/1/g"] == desk.values["/ch/06/eq/1/g"] != 0.5
    assert "/ch/06/eq/1/g" in {arrival.address for arrival in desk.arrivals if arrival.values}


class Forgetful(X32Simulator):
    """Says that linked channels share trims, and does not set the other's."""

    def _partners(self, address: str) -> list[str]:
        return [] if address.endswith("/trim") else super()._partners(address)


def test_what_the_desk_does_not_set_itself_is_set() -> None:
    with Forgetful() as desk:
        desk.values["/ch/05/config/name"] = "Keys"
        desk.link(5)
        desk.values |= {"/ch/05/preamp/trim": 1.0, "/ch/06/preamp/trim": 1.0}
        result = push_preset(preset(["Keys"]), target(desk), EVERYTHING)
        assert result.is_verified, result.sentence
        assert desk.unit("/ch/05/preamp/trim") == desk.unit("/ch/06/preamp/trim") == 0.0


def test_two_tracks_that_differ_cannot_be_on_a_pair(desk: X32Simulator) -> None:
    desk.values["/ch/06/config/name"] = "Organ"
    with pytest.raises(DeskError, match=r"ch/05 \(Keys\) and ch/06 \(Organ\) are linked.*Unlink"):
        push_preset(preset(["Keys", "Organ"]), target(desk), QUICK)
    assert not [arrival for arrival in desk.arrivals if arrival.values]
    alike = preset(["Keys", "Organ"])
    first, second = alike.tracks
    alike = alike.model_copy(update={"tracks": (first, second.model_copy(update={"strip": first.strip}))})
    assert push_preset(alike, target(desk), QUICK).is_verified


def test_linked_since_the_push(desk: X32Simulator) -> None:
    """Taking back moves the other channel then, so that it is kept, too."""
    assert push_preset(preset(["Vox"]), target(desk), QUICK).is_verified
    desk.link(9)
    before = of_channel(desk.values, 10)
    result = undo(last_undo(), UndoOptions(ramp_ms=0))
    assert result.is_verified
    assert of_channel(desk.values, 10) != before
    kept = {strip.number for strip in snapshots.stored()[0][0].snapshot.strips}
    assert kept == {9, 10}


def test_by_order_a_pair_takes_one_track(desk: X32Simulator) -> None:
    options = replace(QUICK, by_order=True)
    plan = plan_push(preset(["a", "b", "c", "d", "e", "f"]), target(desk), options)
    placed = {strip.label: strip.placed.track for strip in plan.strips}
    assert placed == {
        "ch/01": "a",
        "ch/02": "b",
        "ch/03": "c",
        "ch/04": "d",
        "ch/05": "e",
        "ch/06": "e",
        "ch/07": "f",
    }
    assert not plan.left_out


def test_groups_are_told_of(desk: X32Simulator) -> None:
    desk.values |= {"/ch/09/grp/dca": 0b10, "/ch/05/grp/mute": 0b1, "/config/mute/1": 1}
    notes = " ".join(plan_push(preset(["Keys", "Vox"]), target(desk)).notes)
    assert "ch/05: in mute group 1, which is muted" in notes
    assert "DCA" not in notes  # it stands at 0 dB
    desk.values["/dca/2/fader"] = 0.5
    assert "ch/09: in DCA 2, which stands at -10.0 dB" in " ".join(plan_push(preset(["Vox"]), target(desk)).notes)
    desk.values["/dca/2/on"] = 0
    assert "ch/09: in DCA 2, which is muted" in " ".join(plan_push(preset(["Vox"]), target(desk)).notes)
