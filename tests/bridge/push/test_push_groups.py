"""Groups of a preset on the buses of an X32: found by name or named, set, told of where tracks go elsewhere, pulled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from desk_push import named, target
from desk_simulator import X32Simulator
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import Scope, parse_sections
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import GroupBus, Preset, Track

OPTIONS = PushOptions(scope=Scope(parse_sections(None, faders=True, mutes=True)), ramp_ms=0.0)
GROUP = Strip(
    eq=Equalizer(band1=EqBand(gain_db=2, freq_hz=2000, q=1), high_shelf=EqBand(gain_db=1.5, freq_hz=9000)),
    compressor=Compressor(threshold_db=-18, ratio=2, attack_ms=60, release_ms=600, knee_db=0, makeup_db=2),
    fader_db=-3,
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    """Kick and bass go through bus 2 alone, called Rhythm."""
    with named(X32Simulator()) as simulator:
        simulator.values["/bus/02/config/name"] = "Rhythm"
        for channel in (1, 2):
            strip = f"/ch/{channel:02}/mix"
            simulator.values |= {f"{strip}/02/on": 1, f"{strip}/01/type": 5, f"{strip}/st": 0}
        simulator.values |= {f"/ch/{channel:02}/mix/on": 1 for channel in range(1, 5)}
        yield simulator


def mix(name: str = "Rhythm", strip: Strip = GROUP) -> Preset:
    tracks = (Track(name="Kick", bus=name), Track(name="Bass", bus=name), Track(name="Keys"))
    return Preset(tracks=tracks, buses=(GroupBus(name=name, strip=strip),))


def test_a_group_is_the_bus_of_its_name(desk: X32Simulator) -> None:
    result = push_preset(mix(), target(desk), OPTIONS)
    assert result.is_verified, result.sentence
    assert [strip.label for strip in result.plan.strips] == ["ch/01", "ch/02", "ch/03", "bus/02"]
    assert desk.unit("/bus/02/mix/fader") == pytest.approx(-3, abs=0.05)
    assert desk.unit("/bus/02/dyn/thr") == -18
    assert (desk.values["/bus/02/dyn/on"], desk.values["/bus/02/eq/on"], desk.values["/bus/02/mix/on"]) == (1, 1, 1)
    gains = {desk.unit(f"/bus/02/eq/{band}/g") for band in range(1, 7)}
    assert gains >= {2.0, 1.5}
    assert "routed" not in " ".join(result.plan.notes)


def test_pulled_pushed_and_taken_back(desk: X32Simulator) -> None:
    before = dict(desk.values)
    assert push_preset(mix(), target(desk), OPTIONS).is_verified
    after = dict(desk.values)
    pulled = pull_preset(target(desk)).preset
    assert [track.bus for track in pulled.tracks] == ["Rhythm", "Rhythm", None, None]
    (bus,) = pulled.buses
    assert bus.strip.compressor.threshold_db == -18
    assert bus.strip.fader_db == pytest.approx(-3, abs=0.05)
    assert push_preset(pulled, target(desk), OPTIONS).is_verified
    assert desk.values == after
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert desk.values == before


def test_tracks_that_go_elsewhere_are_told_of(desk: X32Simulator) -> None:
    desk.values["/ch/02/mix/st"] = 1
    plan = plan_push(mix(), target(desk), OPTIONS)
    assert "Bass: not routed through bus/02 alone, as the preset has it." in " ".join(plan.notes)
    assert "Kick: not routed" not in " ".join(plan.notes)
    assert pull_preset(target(desk)).preset.track("Bass").bus is None


def test_a_bus_can_be_named_and_is_never_guessed(desk: X32Simulator) -> None:
    plan = plan_push(mix("Drums"), target(desk), OPTIONS)
    assert "The groups (Drums): their own settings stay as they are on the desk." in plan.notes
    assert "bus/02" not in [strip.label for strip in plan.strips]
    told = replace(OPTIONS, assignments=("Drums=bus/02",))
    assert plan_push(mix("Drums"), target(desk), told).strips[-1].label == "bus/02"
    with pytest.raises(DeskError, match="has no bus 'bus/17'"):
        plan_push(mix("Drums"), target(desk), replace(OPTIONS, assignments=("Drums=bus/17",)))
    desk.values["/bus/07/config/name"] = "rhythm"
    desk.values["/bus/02/config/name"] = "RHYTHM"
    with pytest.raises(DeskError, match="'Rhythm' could be bus/02 or bus/07"):
        plan_push(mix(), target(desk), OPTIONS)


def test_what_a_bus_lacks_is_told(desk: X32Simulator) -> None:
    strip = GROUP.model_copy(update={"gate": Gate(range_db=20)})
    bus = plan_push(mix(strip=strip), target(desk), OPTIONS).strips[-1]
    assert "which takes up to 20.0 dB of what is quiet" in " ".join(bus.fitted.lost)
