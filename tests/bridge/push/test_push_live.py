"""Devices of Live over AbletonOSC, in a set that is simulated: found by name, set, read back, taken back, or named."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from live_set import DEVICES, LiveSet, LiveTrack, live_set
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.strip import fit_strip
from mixbridge.bridge.fitting.unfit import unfit
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pulling import pull_preset
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.scope import Scope
from mixbridge.bridge.push.tables import summary_lines
from mixbridge.bridge.push.undoing import UndoOptions, undo
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Gate, HighCut, LowCut, Strip, get
from mixbridge.presets.preset import Preset, Track

STRIP = Strip(
    gate=Gate(threshold_db=-42, range_db=30, ratio=100, attack_ms=20, hold_ms=60, hysteresis_db=3),
    low_cut=LowCut(freq_hz=110, slope_db_per_octave=24),
    high_cut=HighCut(freq_hz=9000),
    eq=Equalizer(
        low_shelf=EqBand(gain_db=-4, freq_hz=120, q=0.7),
        band1=EqBand(gain_db=3.5, freq_hz=2500, q=1.2),
        high_shelf=EqBand(gain_db=2, freq_hz=8000, q=0.7),
    ),
    compressor=Compressor(threshold_db=-24, ratio=4, attack_ms=12, knee_db=6, makeup_db=3),
)
PRESET = Preset(tracks=(Track(name="Vox", strip=STRIP), Track(name="Bass", strip=STRIP)))
QUICK = PushOptions(ramp_ms=0)
ALL = ("Saturator", "Gate", "AutoFilter", "Eq8", "Compressor2", "Eq8")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[LiveSet, str]]:
    """Two tracks: Vox with all devices, the EQ twice, Bass with a Compressor alone; and the target for a push."""
    tracks = (LiveTrack("Vox", ALL), LiveTrack("Bass", ("Compressor2",)), LiveTrack("Keys"))
    with live_set(tracks, tmp_path) as (peer, target):
        yield peer, target


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixbridge.bridge.osc.dialects.ableton.Ableton.repeat_ms", 0.0)


def value(peer: LiveSet, device: str, name: str, track: int = 0) -> float:
    [(_, (*_, found))] = peer.replies("/live/device/get/parameter/value", peer.parameter(track, device, name), 0.0)
    assert isinstance(found, float)
    return found


def test_devices_are_set_by_the_names_of_their_parameters(live: tuple[LiveSet, str]) -> None:
    peer, target = live
    result = push_preset(PRESET, target, QUICK)
    assert result.is_verified
    # EQ Eight: bands 2 to 7, the eighth is the high cut, the first is left alone; the second EQ Eight, too.
    assert value(peer, "Eq8", "8 Filter Type A") == 6
    assert 10 * 2200 ** value(peer, "Eq8", "8 Frequency A") == pytest.approx(9000, rel=1e-4)
    assert value(peer, "Eq8", "8 Filter On A") == value(peer, "Eq8", "Device On") == 1
    devices = {place[2] for place in peer.values if place[0].endswith("parameter/value") and place[1] == 0}
    assert devices == {1, 2, 3, 4}
    first = {peer.parameter(0, "Eq8", name) for name in DEVICES["Eq8"] if name.startswith("1 ")}
    assert not first & {place[1:] for place in peer.values}
    gains = [value(peer, "Eq8", f"{band} Gain A") for band in range(2, 8)]
    assert max(gains) == pytest.approx(3.5, abs=0.3)
    # Compressor: published defaults are 0.75 for 4:1 and 0.4 for 1 ms.
    assert value(peer, "Compressor2", "Ratio") == pytest.approx(0.75, abs=1e-3)
    assert value(peer, "Compressor2", "Output Gain") == pytest.approx(3)
    assert value(peer, "Compressor2", "Knee") == pytest.approx(6, abs=0.6)
    attack_ms = 12 / (2 * math.pi)
    assert value(peer, "Compressor2", "Attack") == pytest.approx(math.log(attack_ms / 0.01) / math.log(1e5), abs=1e-4)
    # Gate: 0.55 is -12 dB, so that 40 dB are a whole.
    assert value(peer, "Gate", "Threshold") == pytest.approx(
        load_desk("ableton").settings("track", 1, {"fader_db": -42})[0].value
    )
    assert value(peer, "Gate", "Floor") == pytest.approx(-30)
    assert value(peer, "Gate", "Return") == pytest.approx(3)
    assert value(peer, "Gate", "Hold") == pytest.approx(math.log(60) / math.log(1500), abs=1e-4)
    # Auto Filter: its frequency is a key.
    assert value(peer, "AutoFilter", "Frequency") == pytest.approx(69 + 12 * math.log2(110 / 440), abs=1e-3)
    assert (value(peer, "AutoFilter", "Slope"), value(peer, "AutoFilter", "Filter Type")) == (1, 1)
    assert ("/live/device/get/parameter/value", *peer.parameter(0, "Compressor2", "Release")) not in peer.values


def test_what_a_track_lacks_is_said_with_its_loss_and_the_rest_is_set(live: tuple[LiveSet, str]) -> None:
    peer, target = live
    plan = plan_push(PRESET, target, QUICK)
    bass = next(strip for strip in plan.strips if strip.placed.track == "Bass")
    assert bass.missing == ("Gate", "Auto Filter", "EQ Eight")
    [line] = [line for line in summary_lines(plan) if line.startswith("Bass") and "lacks" in line]
    assert "lacks Gate and Auto Filter and EQ Eight, which leaves out up to " in line
    assert "up to 30.0 dB of what is quiet" in line
    assert "3 dB at 110 Hz, and more below" in line
    assert re.search(r"up to 3\.\d dB of EQ|up to 4\.\d dB of EQ", line)
    assert "compression" not in line
    assert push_preset(PRESET, target, QUICK).is_verified
    assert value(peer, "Compressor2", "Ratio", track=1) == pytest.approx(0.75, abs=1e-3)


def test_a_device_that_would_do_nothing_is_not_missed(live: tuple[LiveSet, str]) -> None:
    """The preset does not compress, and its EQ is flat."""
    _, target = live
    plan = plan_push(Preset(tracks=(Track(name="Keys", strip=Strip()),)), target, QUICK)
    assert plan.strips[0].missing == ("EQ Eight",)
    assert "Keys: track 3 lacks EQ Eight." in summary_lines(plan)


def test_taken_back_to_the_bit(live: tuple[LiveSet, str]) -> None:
    peer, target = live
    for device in ("Gate", "AutoFilter", "Eq8", "Compressor2"):
        for number, (name, (low, high)) in enumerate(DEVICES[device].items()):
            value_of = float(np.float32(low + (high - low) * ((number * 7 + 3) % 10) / 10))
            is_list = high - low in (1, 2, 4, 7) and ("On" in name or "Type" in name or name in ("Slope", "Model"))
            place = ("/live/device/get/parameter/value", *peer.parameter(0, device, name))
            peer.values[place] = float(round(value_of)) if is_list or name in ("Makeup", "FlipMode") else value_of
    before = dict(peer.values)
    alone = Preset(tracks=PRESET.tracks[:1])
    assert push_preset(alone, target, QUICK).is_verified
    assert peer.values != before
    assert undo(snapshots.next_undo(snapshots.stored()[0]), UndoOptions(ramp_ms=0)).is_verified
    assert {place: peer.values[place] for place in before} == before


def test_a_parameter_of_another_range_is_left_alone(live: tuple[LiveSet, str]) -> None:
    peer, target = live
    peer.tracks[0].odd = {"Ratio": (1.0, 100.0)}
    plan = plan_push(PRESET, target, QUICK)
    vox = next(strip for strip in plan.strips if strip.placed.track == "Vox")
    assert vox.missing == ("'Ratio' as known of Compressor",)
    assert push_preset(PRESET, target, QUICK).is_verified
    assert ("/live/device/get/parameter/value", *peer.parameter(0, "Compressor2", "Ratio")) not in peer.values


def test_what_is_pulled_is_what_was_pushed(live: tuple[LiveSet, str]) -> None:
    _, target = live
    scope = Scope(sections=Scope().sections | {"fader"})
    assert push_preset(PRESET, target, PushOptions(ramp_ms=0, scope=scope)).is_verified
    strip = pull_preset(target).preset.track("Vox").strip
    for path in ("low_cut.freq_hz", "high_cut.freq_hz", "gate.range_db", "gate.hold_ms", "gate.threshold_db"):
        assert get(strip, path) == pytest.approx(get(STRIP, path), rel=1e-3), path
    assert strip.low_cut.slope_db_per_octave == 24
    assert strip.compressor.ratio == pytest.approx(4, rel=5e-3)
    assert strip.compressor.threshold_db == pytest.approx(-24, abs=0.3)


GRID = np.linspace(0.02, 0.98, 13)


@pytest.mark.parametrize("share", GRID)
def test_every_parameter_comes_back_on_its_grid(share: float) -> None:
    desk = load_desk("ableton")
    for key, parameter in desk.parameters("track").items():
        if parameter.address != "/live/device/set/parameter/value" or parameter.scale.low is None:
            continue
        scale = parameter.scale
        value_of = scale.low + (scale.high - scale.low) * share  # type: ignore[operator]
        once = scale.snap(value_of)
        assert scale.snap(once) == pytest.approx(once, rel=1e-6), key
        [setting] = [item for item in desk.settings("track", 1, {key: once}) if item.key == key]
        assert scale.decode(setting.value) == pytest.approx(once, rel=1e-6), key


@pytest.mark.parametrize("seed", range(6))
def test_a_strip_on_the_grid_comes_back(seed: int) -> None:
    chance = np.random.default_rng(seed)
    strip = Strip(
        gate=Gate(
            threshold_db=-20 - 40 * chance.random(),
            range_db=70 * chance.random(),
            ratio=100,
            attack_ms=1 + 60 * chance.random(),
            hold_ms=1 + 900 * chance.random(),
            hysteresis_db=12 * chance.random(),
        ),
        low_cut=LowCut(freq_hz=30 + 300 * chance.random(), slope_db_per_octave=float(chance.choice((12, 24)))),
        high_cut=HighCut(freq_hz=2000 + 18000 * chance.random()),
    )
    desk = load_desk("ableton")
    once = unfit(fit_strip(strip, desk, "track", 48000).values, desk, "track").strip
    assert isinstance(once, Strip)
    again = unfit(fit_strip(once, desk, "track", 48000).values, desk, "track").strip
    assert isinstance(again, Strip)
    for section in ("gate", "low_cut", "high_cut"):
        first, second = getattr(once, section).model_dump(), getattr(again, section).model_dump()
        assert second == pytest.approx(first, rel=1e-4), section
    assert once.low_cut.freq_hz == pytest.approx(strip.low_cut.freq_hz, rel=1e-3)
    assert once.gate.range_db == pytest.approx(strip.gate.range_db, abs=1e-3)
