"""Sends, effects, gate and cuts in a session of mixbridge's, pushed to Ardour 7.3 itself, pulled and taken back."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import ardour_host
import pytest
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.asking import ask
from mixbridge.bridge.osc.connection import connect
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import Scope
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.bridge.sessions.ardour.writing import written_mix
from mixbridge.presets.console import SEND_OFF_DB, Delay, Gate, HighCut, LowCut, Reverb, Strip, get
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

pytestmark = pytest.mark.skipif(ardour_host.missing() is not None, reason=str(ardour_host.missing()))

DESK = load_desk("ardour")
NAMES = ("Vox", "Keys", "Bass")
# In the session: two sends of the voice, which has a gate and cuts; one of the keys, none of the bass.
THERE = Preset(
    tracks=(
        Track(
            name="Vox",
            strip=Strip(
                reverb_send_db=-6.0,
                delay_send_db=-20.0,
                gate=Gate(threshold_db=-40, range_db=20),
                low_cut=LowCut(freq_hz=80),
            ),
        ),
        Track(name="Keys", strip=Strip(reverb_send_db=-14.0)),
        Track(name="Bass"),
    )
)
WANTED = Preset(
    tracks=(
        Track(
            name="Vox",
            strip=Strip(
                reverb_send_db=-17.5,
                delay_send_db=-9.25,
                gate=Gate(threshold_db=-33, range_db=40, ratio=2, attack_ms=20, hold_ms=0, hysteresis_db=0),
                low_cut=LowCut(freq_hz=120, slope_db_per_octave=24),
                high_cut=HighCut(freq_hz=9000),
            ),
        ),
        Track(name="Keys", strip=Strip(reverb_send_db=SEND_OFF_DB)),
        Track(name="Bass", strip=Strip(reverb_send_db=-30.0)),
    ),
    reverb=Reverb(decay_mid_s=2.0, low_cut_hz=200, high_cut_hz=8000, return_gain_db=-4),
    delay=Delay(time_ms=250, feedback=0.4, low_cut_hz=120, high_cut_hz=4000, return_gain_db=-3),
)
STAGES = frozenset({"send", "gate", "low_cut", "high_cut", "reverb", "delay"})
PUSH = PushOptions(scope=Scope(STAGES), ramp_ms=100)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ardour_host.ArdourHost]:
    tracks = [(name, 1 + place % 2) for place, name in enumerate(NAMES)]
    with ardour_host.ardour_host(tmp_path_factory.mktemp("ardour"), tracks) as running:
        snapshot = running.session_file.with_name("mix.ardour")
        write_copy(running.session_file, THERE, snapshot, match={name: name for name in NAMES})
        yield running.reopen("mix")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def saved(host: ardour_host.ArdourHost, at: str) -> dict[tuple[str, str], float]:
    """Levels of the sends as Ardour saves them, by strip and by what the send is called."""
    with connect(Target.parse(at), DESK) as connection:
        ask(connection.link, [Message("/save_state"), Message("/transport_speed")], lambda got: is_speed(got[-1]))
    levels = {}
    for route in routes(host):
        for send in route.findall("Processor[@type='intsend']"):
            control = send.find("Controllable[@name='gaincontrol']")
            assert control is not None
            gain = float(control.get("value", "nan"))
            levels[str(route.get("name")), str(send.get("name"))] = 20 * math.log10(gain) if gain > 0 else -math.inf
    return levels


def routes(host: ardour_host.ArdourHost) -> Iterator[ET.Element]:
    return ET.parse(host.session / "mix.ardour").getroot().iter("Route")


def is_speed(message: Message) -> bool:
    return message.address == "/transport_speed"


def test_sends_are_pushed_pulled_and_taken_back(host: ardour_host.ArdourHost) -> None:
    at = f"ardour://127.0.0.1:{host.port}"
    reverb, delay = "Reverb (mixbridge)", "Delay (mixbridge)"
    before = saved(host, at)
    assert before == pytest.approx({("Vox", reverb): -6, ("Vox", delay): -20, ("Keys", reverb): -14}, abs=1e-4)

    plan = plan_push(WANTED, at, PUSH)
    missing = {strip.placed.track: strip.missing for strip in plan.strips if strip.missing}
    assert missing == {"Bass": ("a send to a bus with ACE Reverb",)}
    have = WANTED.model_copy(update={"tracks": WANTED.tracks[:2]})
    result = push_preset(have, at, PUSH)
    assert result.is_verified, result.sentence
    assert result.outcome is not None
    assert len(result.outcome.of("confirmed")) >= 20
    now = saved(host, at)
    assert (now["Vox", reverb], now["Vox", delay]) == pytest.approx((-17.5, -9.25), abs=0.001)
    assert now["Keys", reverb] == -math.inf
    check_pulled(at)
    check_file(host)

    stored, _ = snapshots.stored()
    back = undo(snapshots.next_undo(stored), UndoOptions(ramp_ms=100))
    assert back.is_verified, back.sentence
    assert saved(host, at) == pytest.approx(before, abs=0.001)


def check_pulled(at: str) -> None:
    pulled = pull_preset(at).preset
    vox, keys, bass = (pulled.track(name).strip for name in NAMES)
    wanted = WANTED.tracks[0].strip
    for path in (
        *("reverb_send_db", "delay_send_db", "gate.threshold_db", "gate.ratio", "gate.attack_ms", "gate.release_ms"),
        *("low_cut.freq_hz", "low_cut.slope_db_per_octave", "high_cut.freq_hz", "high_cut.slope_db_per_octave"),
    ):
        assert get(vox, path) == pytest.approx(get(wanted, path), rel=0.01, abs=0.001), path
    assert (keys.reverb_send_db, keys.delay_send_db, bass.reverb_send_db) == (SEND_OFF_DB,) * 3
    assert keys.gate.range_db == 0
    for path in ("decay_mid_s", "low_cut_hz", "high_cut_hz", "return_gain_db"):
        assert get(pulled.reverb, path) == pytest.approx(get(WANTED.reverb, path), rel=0.01, abs=0.001), path
    for path in ("time_ms", "feedback", "low_cut_hz", "high_cut_hz", "return_gain_db"):
        assert get(pulled.delay, path) == pytest.approx(get(WANTED.delay, path), rel=0.01, abs=0.001), path


def check_file(host: ardour_host.ArdourHost) -> None:
    """What Ardour saved is the mix for whoever reads the session, too."""
    mix = written_mix(host.session / "mix.ardour")
    vox = mix.track("Vox").strip
    assert (vox.low_cut.freq_hz, vox.low_cut.slope_db_per_octave) == pytest.approx((120, 24))
    assert vox.gate.threshold_db == pytest.approx(-33)
    for path in ("decay_mid_s", "low_cut_hz", "high_cut_hz"):
        assert get(mix.reverb, path) == pytest.approx(get(WANTED.reverb, path), rel=0.01, abs=0.001), path
    for path in ("time_ms", "feedback", "low_cut_hz", "high_cut_hz", "return_gain_db", "reverb_send_db"):
        assert get(mix.delay, path) == pytest.approx(get(WANTED.delay, path), rel=0.01, abs=0.001), path
    (bus,) = (item for item in routes(host) if item.get("name") == "Reverb (mixbridge)")
    faders = {item.get("name"): float(item.get("value", "nan")) for item in bus.iter("Controllable")}
    assert 20 * math.log10(faders["gaincontrol"]) == pytest.approx(-4, abs=0.001)


def test_a_send_that_is_switched_off_is_silent(host: ardour_host.ArdourHost) -> None:
    at = f"ardour://127.0.0.1:{host.port}"
    with connect(Target.parse(at), DESK) as connection:
        connection.link.send(Message("/strip/send/enable", (1, 1, 0.0)))
    assert pull_preset(at).preset.track("Vox").strip.reverb_send_db == SEND_OFF_DB
    with connect(Target.parse(at), DESK) as connection:
        connection.link.send(Message("/strip/send/enable", (1, 1, 1.0)))
    assert pull_preset(at).preset.track("Vox").strip.reverb_send_db > SEND_OFF_DB
