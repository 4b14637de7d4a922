"""Pulled from a desk and pushed to it again, nothing changes; and what a preset cannot hold is told."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_push import named, target
from desk_simulator import Index, Number, X32Simulator
from mixbridge.bridge.osc import pipeline
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, push_preset
from mixbridge.bridge.push.scope import SECTIONS, Scope
from mixbridge.presets import files

EVERYTHING = PushOptions(scope=Scope(frozenset(SECTIONS) - {"name"}), ramp_ms=0)
USUAL = PushOptions(ramp_ms=0)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated desk is a thread of this process: on a busy machine it may not be given its turn for seconds."""
    monkeypatch.setattr(pipeline, "SILENCE_S", 60.0)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def desk() -> Iterator[X32Simulator]:
    with named(X32Simulator()) as simulator:
        yield simulator


def shuffle(desk: X32Simulator, seed: int) -> None:
    """Anything that a desk may have, on the named channels and the main bus."""
    chance = random.Random(seed)
    strips = ("/ch/01/", "/ch/02/", "/ch/03/", "/ch/04/", "/main/st/")
    for address, kind in desk.kinds.items():
        if address.startswith(strips) and "/grp/" not in address:
            if isinstance(kind, Number):
                desk.values[address] = chance.randint(0, kind.steps) / kind.steps
            elif isinstance(kind, Index):
                desk.values[address] = chance.randint(0, kind.highest)


@pytest.mark.parametrize("options", [EVERYTHING, USUAL], ids=["everything", "usual"])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_changes(desk: X32Simulator, tmp_path: Path, seed: int, options: PushOptions) -> None:
    shuffle(desk, seed)
    before = dict(desk.values)
    files.save(pull_preset(target(desk)).preset, tmp_path / "desk.json")
    result = push_preset(files.load(tmp_path / "desk.json"), target(desk), options)
    assert result.is_verified, result.sentence
    assert {address for address, value in desk.values.items() if value != before[address]} == set()
    assert not [arrival for arrival in desk.arrivals if arrival.values]


def test_what_was_edited_is_set_and_the_rest_stays(desk: X32Simulator) -> None:
    shuffle(desk, 3)
    before = dict(desk.values)
    pulled = pull_preset(target(desk)).preset
    first, *others = pulled.tracks
    edited = first.model_copy(update={"strip": first.strip.model_copy(update={"pan": -0.5})})
    preset = pulled.model_copy(update={"tracks": (edited, *others)})
    assert push_preset(preset, target(desk), EVERYTHING).is_verified
    assert {address for address, value in desk.values.items() if value != before[address]} == {"/ch/01/mix/pan"}


def lost(desk: X32Simulator, track: str) -> str:
    return " ".join(pull_preset(target(desk)).lost.get(track, ()))


def test_what_is_lost_is_told(desk: X32Simulator) -> None:
    desk.values |= {"/ch/01/eq/on": 1, "/ch/01/eq/1/type": 3, "/ch/01/eq/2/type": 0}
    assert "no filter of the kind vintage bell" in lost(desk, "Kick")
    assert "no filter of the kind low cut" in lost(desk, "Kick")
    desk.values |= {"/ch/02/eq/on": 0, "/ch/02/eq/1/g": 1.0}
    assert "The EQ is off: what is set on it is not in the preset." in lost(desk, "Bass")
    desk.values |= {"/ch/03/dyn/on": 1, "/ch/03/dyn/mode": 1}
    assert "The compressor is set to expander" in lost(desk, "Keys")
    desk.values |= {"/ch/04/dyn/on": 1, "/ch/04/dyn/knee": 0.6, "/ch/04/dyn/det": 1}
    assert "The knee of the compressor, 3: a preset has none." in lost(desk, "Lead Vox")
    assert "The detector of the compressor, rms" in lost(desk, "Lead Vox")


@pytest.mark.parametrize("kind", range(6, 14))
def test_cuts_of_the_main_bus_are_told_of(desk: X32Simulator, kind: int) -> None:
    desk.values |= {"/main/st/eq/on": 1, "/main/st/eq/1/type": kind}
    assert "no filter of the kind" in lost(desk, "master")
