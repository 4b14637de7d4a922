"""Pushed to Ardour 7.3 itself as a user does it: what is missing is said, it stands, it is pulled, it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import ardour_host
import mixbridge
import pytest
from desk_push import NAMES, preset
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.connection import connect
from mixbridge.bridge.osc.exchange import read
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import SECTIONS, Scope
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import EqBand, Equalizer, Master, Strip, get, parameters
from mixbridge.presets.errors import DeskError, Hint

pytestmark = pytest.mark.skipif(ardour_host.missing() is not None, reason=str(ardour_host.missing()))

DESK = load_desk("ardour")
SCRIPT = Path(mixbridge.__file__).parent / "bridge" / "desks" / "mixbridge_plugins.lua"
MIX = preset(list(NAMES.values()), master=Master(eq=Equalizer(band1=EqBand(gain_db=2)), output_gain_db=-2))
EVERYTHING = PushOptions(scope=Scope(frozenset(SECTIONS)), ramp_ms=100)
# What Ardour's shelves and compressor do not have.
NOT_THERE = ("eq.low_shelf.q", "eq.high_shelf.q", "compressor.lookahead_ms")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ardour_host.ArdourHost]:
    tracks = [(name, 1 + number % 2) for number, name in NAMES.items()]
    with ardour_host.ardour_host(tmp_path_factory.mktemp("ardour"), tracks) as running:
        yield running


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def everything(at: str) -> dict[tuple[str, str], object]:
    """All that Ardour has, by strip and key."""
    with connect(Target.parse(at), DESK) as connection:
        asked = [item for number in NAMES for item in DESK.questions("track", number)] + DESK.questions("master", 0)
        asked = [item for item in asked if not connection.dialect.lacks(item)]
        return {(setting.strip, setting.key): wire for setting, wire in read(connection, asked).items()}


def test_pushed_pulled_and_taken_back(host: ardour_host.ArdourHost) -> None:
    at = f"ardour://127.0.0.1:{host.port}"
    check_missing(at)
    with ThreadPoolExecutor(1) as pool:  # without a window nobody hears that the script shall be run
        done = pool.submit(host.run_action, SCRIPT)
        plan = plan_push(MIX, at, replace(EVERYTHING, script=1))
        done.result()
    assert not any(strip.missing for strip in plan.strips)
    before = everything(at)

    result = push_preset(MIX, at, EVERYTHING)
    assert result.is_verified, result.sentence
    assert result.outcome is not None
    assert len(result.outcome.of("confirmed")) > 60
    pulled = pull_preset(at)
    assert [track.name for track in pulled.preset.tracks] == list(NAMES.values())
    for track in MIX.tracks:
        found = pulled.preset.track(track.name)
        assert found.mute == track.mute
        for path in parameters(Strip):
            if path not in NOT_THERE:
                assert get(found.strip, path) == pytest.approx(get(track.strip, path), rel=0.01, abs=0.02), path
    check_automation(at)

    stored, _ = snapshots.stored()
    back = undo(snapshots.next_undo(stored), UndoOptions(ramp_ms=100))
    assert back.is_verified, back.sentence
    now = everything(at)
    assert {place for place, wire in before.items() if now[place] != pytest.approx(wire, abs=1e-4)} == set()


def check_missing(at: str) -> None:
    plan = plan_push(MIX, at)
    missing = {strip.placed.track: strip.missing for strip in plan.strips}
    assert missing.pop("Kick") == ("ACE EQ", "ACE Compressor")
    # What is to be off is off where it is not there.
    assert all("ACE EQ" in titles for titles in missing.values())
    assert {row.setting.key for row in plan.rows} == {"pan"}
    with pytest.raises(DeskError, match=r"Kick \(1\): ACE EQ, ACE Compressor.*mixbridge_plugins.lua") as refusal:
        push_preset(MIX, at)
    assert refusal.value.hints == (Hint("insert_plugins", "ROW"),)
    assert not snapshots.stored()[0]


def check_automation(at: str) -> None:
    with connect(Target.parse(at), DESK) as connection:
        connection.link.send(Message("/strip/fader/automation", (1, 1)))
    quiet = MIX.model_copy(
        update={"tracks": (MIX.tracks[0].model_copy(update={"strip": Strip(fader_db=-20.0)}), *MIX.tracks[1:])}
    )
    options = replace(EVERYTHING, scope=Scope(frozenset({"fader"})))
    with pytest.raises(DeskError, match=r"Kick \(1\): fader in Play"):
        push_preset(quiet, at, options)
    result = push_preset(quiet, at, replace(options, to_manual=True))
    assert result.is_verified
    assert result.manual == ("Kick (1): fader in Play",)
    stored, _ = snapshots.stored()
    assert undo(snapshots.next_undo(stored), UndoOptions(ramp_ms=0)).is_verified
