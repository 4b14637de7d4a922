"""A whole desk as a file: what it holds, and what can be made of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from desk_push import named, target
from desk_simulator import X32Simulator
from mixbridge.bridge.osc import asking
from mixbridge.bridge.push.archive import chosen, differences, take_snapshot
from mixbridge.bridge.push.scope import Scope, Strips
from mixbridge.presets.errors import DeskError
from udp_peer import Reply, Value, Weather


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_it_holds_all_that_the_profile_knows(share: float) -> None:
    weather = Weather.all(share)
    with named(X32Simulator(weather, weather, 2)) as desk:
        taken = take_snapshot(target(desk))
    assert (len(taken.strips), taken.unread, taken.purpose) == (
        32 + 16 + 1 + 2,
        0,
        "desk",
    )  # channels, buses, main, effects
    assert taken.preset == "X32 simulated 4.06"
    assert [strip.name for strip in taken.strips[:5]] == ["Kick", "Bass", "Keys", "Lead Vox", ""]
    assert all(strip.values for strip in taken.strips)


class Nameless(X32Simulator):
    """Does not say what it is."""

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Iterable[Reply]:
        return [] if address in {"/info", "/xinfo"} else super().replies(address, values, time_s)


def test_a_desk_that_does_not_say_what_it_is_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ATTEMPTS", 2)
    with named(Nameless()) as desk:
        taken = take_snapshot(target(desk))
    assert taken.preset == ""
    assert len(taken.strips) == 51


def test_parts_and_differences() -> None:
    with named(X32Simulator()) as desk:
        first = take_snapshot(target(desk))
        desk.values |= {"/ch/02/eq/1/g": 1.0, "/main/st/mix/fader": 0.25}
        second = take_snapshot(target(desk))
    rows = {(item.label, item.row.setting.key): item.row for item in differences(first, second)}
    assert rows.keys() == {("ch/02", "eq.1.gain_db"), ("main/st", "fader_db")}
    gain, fader = rows["ch/02", "eq.1.gain_db"], rows["main/st", "fader_db"]
    assert (gain.now_value, gain.then_value) == (0.0, 15.0)
    assert fader.now_value == pytest.approx(-9.98, abs=0.03)
    assert fader.then_value == pytest.approx(-29.95, abs=0.1)
    assert differences(first, first) == []
    part = chosen(first, Scope(frozenset({"eq"}), Strips(frozenset({2}))))
    assert [strip.label for strip in part.strips] == ["ch/02"]
    assert {value.key.partition(".")[0] for value in part.strips[0].values} == {"eq"}
    with pytest.raises(DeskError, match="nothing of these sections"):
        chosen(part, Scope(frozenset({"fader"})))
