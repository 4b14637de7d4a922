"""Pushes to REAPER: what is sent is what its pattern file takes, and what is left alone is said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import mixbridge
import pytest
from mixbridge.bridge.desks.hosted.plugged import Plugged
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.desks.profile import Desk
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.routing.effects import Rack, choose_effects
from mixbridge.bridge.push.scope import Scope, parse_sections
from mixbridge.presets.console import Compressor, DeEsser, EqBand, Equalizer, Gate, HighCut, LowCut, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.preset import Preset, Track
from udp_peer import Reply, UdpPeer, Value

PATTERNS = Path(mixbridge.__file__).parent / "bridge" / "desks" / "mixbridge.ReaperOSC"
VOX = Strip(
    low_cut=LowCut(freq_hz=90),
    eq=Equalizer(band1=EqBand(gain_db=3, freq_hz=2500, q=1.0)),
    pan=0.5,
    reverb_send_db=-9,
    delay_send_db=-14.5,
)
PRESET = Preset(tracks=(Track(name="Vox", strip=VOX), Track(name="Kick", strip=Strip(reverb_send_db=-20))))
SLOTS = {"reverb": "1", "delay": "send 2"}


class Listener(UdpPeer):
    """Takes what comes and says nothing, as REAPER does."""

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Iterable[Reply]:
        return ()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def options(sections: str, *, slots: dict[str, str] | None = None) -> PushOptions:
    return PushOptions(scope=Scope(parse_sections(sections)), by_order=True, slots=slots or {})


def sent(sections: str, slots: dict[str, str] | None = None) -> dict[str, Value]:
    with Listener() as reaper:
        result = push_preset(PRESET, f"reaper://127.0.0.1:{reaper.port}", options(sections, slots=slots))
        assert result.is_done
    return {arrival.address: arrival.values[0] for arrival in reaper.arrivals}


def patterns() -> list[tuple[str, re.Pattern[str]]]:
    """What the pattern file takes: kind of argument (f a number in its unit, n a part, b a switch), address."""
    lines = [line.split() for line in PATTERNS.read_text().splitlines() if line and not line.startswith("#")]
    words = [word for _, *rest in lines for word in rest if "/" in word]
    return [(word[0], re.compile(word[1:].replace("@", r"\d+"))) for word in words]


def with_sends() -> Desk:
    desk = load_desk("reaper")
    buses = {(kind, slot): slot for kind in ("reverb", "delay") for slot in range(1, 9)}
    gain = {"key": "eq.@mine.1.gain_db", "label": "Gain", "number": 3, "scale": {"kind": "linear", "low": 0, "high": 1}}
    mine = Plugged.model_validate({"name": "mine", "title": "Mine", "place": 2, "parameters": (gain,)})
    desk = desk.with_effects(choose_effects(desk, Rack(buses=buses), SLOTS, ()).effects.values())
    return desk.with_plugged([mine])


def test_every_address_of_the_profile_is_in_the_pattern_file() -> None:
    desk = with_sends()
    kinds = {"name": "s", "mute": "b", "pan": "n", "eq.@mine.1.gain_db": "n"}
    seen = set()
    for kind in ("track", "master"):
        for setting in desk.questions(kind, 1):
            wanted = "b" if setting.key.endswith(".on") else kinds.get(setting.key, "f")
            fits = [flag for flag, pattern in patterns() if pattern.fullmatch(setting.address)]
            assert fits == [wanted], setting.address
            seen.add(next(pattern for _, pattern in patterns() if pattern.fullmatch(setting.address)).pattern)
    # And none is there that nobody uses, but for the action that deselects all tracks, and what tells of the song.
    assert {pattern.pattern for _, pattern in patterns()} - seen == {"/action", "/play", "/time"}
    assert desk.transport.song is not None
    assert desk.transport.song.address == "/time"


def test_sends_go_out_in_db_by_the_number_that_the_user_names() -> None:
    found = sent("fx", SLOTS)
    assert {address: value for address, value in found.items() if "send" in address} == {
        "/track/1/send/1/volume/db": pytest.approx(-9),
        "/track/1/send/2/volume/db": pytest.approx(-14.5),
        "/track/2/send/1/volume/db": pytest.approx(-20),
        "/track/2/send/2/volume/db": pytest.approx(-150),
    }
    assert not any("fxparam" in address for address in found)


def test_without_a_number_no_send_is_touched() -> None:
    plan = plan_push(PRESET, "reaper://127.0.0.1", options("fx,pan"), offline=True)
    assert not [row for row in plan.rows if "send" in row.setting.address]
    notes = "\n".join(plan.notes)
    assert "The reverb could be send 1 or send 8: name one (--reverb 1)" in notes
    named = plan_push(PRESET, "reaper://127.0.0.1", options("fx", slots=SLOTS), offline=True)
    assert len([row for row in named.rows if "send" in row.setting.address]) == 4
    with pytest.raises(DeskError, match="send 9"):
        plan_push(PRESET, "reaper://127.0.0.1", options("fx", slots={"reverb": "send 9"}), offline=True)


def test_no_switch_of_a_band_is_sent() -> None:
    """REAPER's own source takes each message that ends in _BYPASS for the switch of the whole ReaEQ."""
    found = sent("eq,low_cut")
    assert found["/track/1/fxeq/bypass"] == 1.0
    assert not any("hipass" in address for address in found)
    assert [address for address in found if address.endswith("bypass") and "/1/" in address] == ["/track/1/fxeq/bypass"]
    # What a preset does nothing in stays as it is.
    with pytest.raises(DeskError, match="low_cut"):
        sent("low_cut")


def test_what_reaper_is_not_sent_is_said_with_its_loss() -> None:
    strip = Strip(
        gate=Gate(range_db=30),
        low_cut=LowCut(freq_hz=80, slope_db_per_octave=24),
        high_cut=HighCut(freq_hz=9000),
        compressor=Compressor(ratio=3, threshold_db=-20),
        deesser=DeEsser(range_db=6),
    )
    plan = plan_push(
        Preset(tracks=(Track(name="Vox", strip=strip),)), "reaper://127.0.0.1", PushOptions(by_order=True), offline=True
    )
    said = "\n".join((*plan.notes, *(text for each in plan.strips for text in each.fitted.lost)))
    assert "takes up to 30.0 dB of what is quiet: REAPER has none to be set." in said
    assert "takes up to 6.0 dB of sibilance: REAPER has none to be set." in said
    assert "The high cut" in said
    assert "The low cut" in said
    assert "cannot be asked" in " ".join(load_desk("reaper").cannot)
