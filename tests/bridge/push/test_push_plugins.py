"""A preset pushed to the user's plug-ins on a DAW's tracks: Ardour itself, Live and REAPER as they are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ardour_host
import pytest
from live_set import DEVICES, LiveSet, LiveTrack, live_set
from mixbridge.bridge.desks.hosted.plugged import is_same_parameter, is_same_plugin
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.osc.link import Link, Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.plugins.using.choices import load_choices
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.push.pushing import PushOptions, plan_push, push_preset
from mixbridge.bridge.push.routing.plugged import PushedPlugins, pushed_plugins
from mixbridge.bridge.push.scope import Scope
from mixbridge.bridge.push.undoing import undo
from mixbridge.presets.console import Compressor, EqBand, Equalizer, Strip
from mixbridge.presets.errors import DeskError
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Track
from udp_peer import Reply, UdpPeer, Value

ZAM = Path("/usr/lib/vst3/ZamEQ2.vst3")
needs_zam = pytest.mark.skipif(not ZAM.exists(), reason="zam-plugins are not installed")
EQ = Equalizer(
    low_shelf=EqBand(gain_db=-4, freq_hz=120, q=0.7),
    band1=EqBand(gain_db=3.5, freq_hz=2500, q=1.2),
    high_shelf=EqBand(gain_db=2, freq_hz=8000, q=0.7),
)
VOX = Strip(eq=EQ, compressor=Compressor(threshold_db=-24, ratio=4, attack_ms=12, makeup_db=3), pan=0.25)
PRESET = Preset(
    tracks=(Track(name="Vox", strip=VOX), Track(name="Bass", strip=Strip(eq=EQ, compressor=VOX.compressor)))
)
PLUGINS = 'eq = "ZamEQ2"\ncompressor = "ZamComp"\n'


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("mixbridge.bridge.osc.dialects.ableton.Ableton.repeat_ms", 0.0)


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> PushedPlugins:
    if not ZAM.exists():
        pytest.skip("zam-plugins are not installed")
    file = tmp_path_factory.mktemp("plugins") / "plugins.toml"
    file.write_text(
        PLUGINS + "[places]\nZamEQ2 = 2\nZamComp = 3\n[tracks.Bass.places]\nzameq2 = 1\nZamComp = 5\n", encoding="utf-8"
    )
    return pushed_plugins(PRESET, load_choices(file, is_remote=True), 48000)


def _raw(pushed: PushedPlugins, track: str, stage: str) -> dict[str, float]:
    """What the plug-in keeps, by the names of pedalboard."""
    [item] = next(fit for fit in pushed.fits if (fit.track, fit.stage) == (track, stage)).plugins
    return dict(item.state.values)


# Ardour


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ardour_host.ArdourHost]:
    if ardour_host.missing() is not None or not Path("/usr/lib/lv2/ZamEQ2.lv2").exists():
        pytest.skip(f"{ardour_host.missing()}, or no zam-plugins")
    tracks = [("Vox", 1), ("Bass", 1)]
    with ardour_host.ardour_host(tmp_path_factory.mktemp("ardour"), tracks) as running:
        yield running


def _insert(host: ardour_host.ArdourHost, *plugins: tuple[str, str]) -> None:
    for track, name in plugins:
        host.run_lua(f"""
            local plugin = ARDOUR.LuaAPI.new_plugin (Session, "urn:zamaudio:{name}", ARDOUR.PluginType.LV2, "")
            assert (not plugin:isnil (), "no such plug-in")
            Session:route_by_name ("{track}"):add_processor_by_index (plugin, -1, nil, true)""")


def _told(host: ardour_host.ArdourHost, strip: int, plugin: int) -> dict[str, float]:
    """Parameters of a plug-in as Ardour has them, by label."""
    link = Link.open(Target.parse(f"ardour://127.0.0.1:{host.port}"), load_desk("ardour").transport)
    link.send(Message("/strip/plugin/descriptor", (strip, plugin)))
    told: dict[str, float] = {}
    while (message := link.receive(1.0)) is not None and not message.address.endswith("_end"):
        told[str(message.args[3])] = float(message.args[-1] or 0)  # type: ignore[arg-type]
    link.close()
    return told


@needs_zam
def test_ardour_itself_sets_them_proves_it_and_takes_it_back(
    host: ardour_host.ArdourHost, pushed: PushedPlugins
) -> None:
    at, options = f"ardour://127.0.0.1:{host.port}", PushOptions(ramp_ms=0, plugins=pushed)
    with pytest.raises(DeskError, match=r"lack plug-ins of yours that the preset is fitted to: Vox \(1\): ZamEQ2, Zam"):
        push_preset(PRESET, at, options)
    _insert(host, ("Vox", "ZamEQ2"), ("Vox", "ZamComp"), ("Bass", "ZamTube"), ("Bass", "ZamEQ2"))
    with pytest.raises(
        DeskError, match=r"fitted to: Bass \(2\): ZamComp\. OSC cannot insert them: insert them by hand"
    ):
        push_preset(PRESET, at, options)
    _insert(host, ("Bass", "ZamComp"))
    before = _told(host, 1, 1), _told(host, 1, 2), _told(host, 2, 2)

    result = push_preset(PRESET, at, options)
    assert result.is_verified, result.sentence
    assert not any(strip.missing for strip in result.plan.strips)
    eq, compressor, bass = _told(host, 1, 1), _told(host, 1, 2), _told(host, 2, 2)
    raw = _raw(pushed, "Vox", "eq")
    assert eq["Boost/Cut 1"] == pytest.approx(-50 + 70 * raw["boost_cut_1_db"], abs=1e-4)
    assert eq["Bandwidth 1"] == pytest.approx(0.1 + 5.9 * raw["bandwidth_1"], abs=1e-5)
    assert eq["Frequency H"] == pytest.approx(20 + 13980 * raw["frequency_h_hz"], abs=0.1)
    assert eq["Peaks ON"] == 0
    raw = _raw(pushed, "Vox", "compressor")
    assert compressor["Threshold"] == pytest.approx(-80 + 80 * raw["threshold_db"], abs=1e-4)
    assert compressor["Ratio"] == pytest.approx(1 + 19 * raw["ratio"], abs=1e-4)
    assert compressor["Makeup"] == pytest.approx(3, abs=0.3)
    assert bass["Boost/Cut L"] == pytest.approx(-50 + 70 * _raw(pushed, "Bass", "eq")["boost_cut_l_db"], abs=1e-4)

    again = push_preset(PRESET, at, options)
    assert again.is_verified
    assert again.snapshot is None, "nothing was to be changed"
    [kept] = snapshots.stored()[0]
    assert [item.name for item in kept.snapshot.plugins] == ["zameq2", "zamcomp"]
    assert undo(kept).is_verified
    after = _told(host, 1, 1), _told(host, 1, 2), _told(host, 2, 2)
    for now, was in zip(after, before, strict=True):
        assert now == pytest.approx(was, abs=2e-3)


# Live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[LiveSet, str]]:
    tracks = (
        LiveTrack("Vox", ("Eq8", "PluginDevice:ZamComp", "PluginDevice:ZamEQ2")),
        LiveTrack("Bass", ("Compressor2", "PluginDevice:Pro-Q 3")),
    )
    with live_set(tracks, tmp_path) as (peer, target):
        yield peer, target


def _value(peer: LiveSet, device: str, name: str, track: int = 0) -> float:
    [(_, (*_, found))] = peer.replies("/live/device/get/parameter/value", peer.parameter(track, device, name), 0.0)
    assert isinstance(found, float)
    return found


@needs_zam
def test_live_sets_devices_by_their_names_and_its_own_eq_goes_off(
    live: tuple[LiveSet, str], pushed: PushedPlugins
) -> None:
    peer, target = live
    for name, there in (("Device On", 1.0), ("3 Filter On A", 1.0), ("3 Filter Type A", 3.0), ("3 Gain A", 6.0)):
        peer.replies("/live/device/set/parameter/value", (*peer.parameter(0, "Eq8", name), there), 0.0)
    before = dict(peer.values)
    result = push_preset(PRESET, target, PushOptions(ramp_ms=0, plugins=pushed))
    assert result.is_verified, result.sentence
    raw = _raw(pushed, "Vox", "eq")
    for label, name in (("Boost/Cut 1", "boost_cut_1_db"), ("Bandwidth 2", "bandwidth_2"), ("Peaks ON", "peaks_on")):
        assert _value(peer, "PluginDevice:ZamEQ2", label) == pytest.approx(raw[name], abs=1e-6)
    assert _value(peer, "PluginDevice:ZamComp", "Ratio") == pytest.approx(_raw(pushed, "Vox", "compressor")["ratio"])
    assert _value(peer, "PluginDevice:ZamComp", "Device On") == 0.5, "nobody asked for it"
    assert _value(peer, "Eq8", "Device On") == 0
    assert _value(peer, "Eq8", "3 Gain A") == 6, "what is off needs no flat bands"
    bass = next(strip for strip in result.plan.strips if strip.placed.track == "Bass")
    assert bass.missing == ("ZamEQ2", "ZamComp")

    [kept] = snapshots.stored()[0]
    assert undo(kept).is_verified
    assert {place: peer.values[place] for place in before} == before
    assert _value(peer, "PluginDevice:ZamEQ2", "Boost/Cut 1") == 0.5


def test_a_plugin_of_which_live_shows_a_part_is_left_alone_and_named(live: tuple[LiveSet, str], tmp_path: Path) -> None:
    peer, target = live
    file = tmp_path / "plugins.toml"
    file.write_text('[tracks.Bass]\neq = "Pro-Q 3"\n', encoding="utf-8")
    pushed = pushed_plugins(PRESET, load_choices(file, is_remote=True), 48000)
    plan = plan_push(PRESET, target, PushOptions(plugins=pushed))
    bass = next(strip for strip in plan.strips if strip.placed.track == "Bass")
    assert bass.missing == ("'Band 1 Shape' as known of FabFilter Pro-Q 3",)
    assert not any("@fabfilter" in row.setting.key for row in bass.rows)
    assert any("Pro-Q 3 (not measured): " in note for note in plan.notes)
    assert any("was not measured" in note for note in plan.notes)
    assert len(DEVICES["PluginDevice:Pro-Q 3"]) == 3
    assert not peer.values


# REAPER


class Listener(UdpPeer):
    """Takes what comes and says nothing, as REAPER does."""

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> list[Reply]:
        return []


@needs_zam
def test_reaper_gets_them_by_the_places_that_the_user_tells(pushed: PushedPlugins) -> None:
    options = PushOptions(by_order=True, plugins=pushed, scope=Scope(frozenset({"eq", "compressor"})))
    with Listener() as reaper:
        result = push_preset(PRESET, f"reaper://127.0.0.1:{reaper.port}", options)
        assert result.is_done
        assert not result.is_verified
    sent = {arrival.address: arrival.values for arrival in reaper.arrivals}
    raw = _raw(pushed, "Vox", "eq")
    # The fourth of its list, as pedalboard and hosts have it: before it stand three of the host's own.
    assert list(raw).index("boost_cut_1_db") == 3
    assert sent["/track/1/fx/2/fxparam/4/value"] == (pytest.approx(raw["boost_cut_1_db"], abs=1e-6),)
    assert sent["/track/1/fx/3/fxparam/8/value"][0] == pytest.approx(
        list(_raw(pushed, "Vox", "compressor").values())[7], abs=1e-6
    )
    assert "/track/2/fx/1/fxparam/4/value" in sent
    assert not any("fxeq" in address or "/track/2/fx/2/" in address for address in sent)
    notes = " ".join(result.plan.notes)
    assert "places in plugins.toml are taken at their word" in notes
    assert "not verified, cannot be undone" in notes


@needs_zam
def test_what_nobody_can_know_is_asked_for(pushed: PushedPlugins) -> None:
    with pytest.raises(DeskError, match=r"REAPER does not tell where ZamEQ2 is on Vox: .* \[places\] \"ZamEQ2\" = 1"):
        plan_push(PRESET, "reaper://127.0.0.1", PushOptions(plugins=replace(pushed, places={})), offline=True)
    with pytest.raises(DeskError, match="sets no parameters of plug-ins; Ardour, Live and REAPER do"):
        plan_push(PRESET, "x32://127.0.0.1", PushOptions(plugins=pushed), offline=True)


def test_reaeq_is_set_by_what_documents_tell(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text('eq = "ReaEQ"\n[places]\nReaEQ = 1\n', encoding="utf-8")
    pushed = pushed_plugins(PRESET, load_choices(file, is_remote=True), 48000)
    plan = plan_push(PRESET, "reaper://127.0.0.1", PushOptions(plugins=pushed), offline=True)
    rows = {row.setting.address: row.setting for row in plan.rows if "fxparam" in row.setting.address}
    assert len(rows) == 2 * 10
    # The first of its parameters is the frequency of the low shelf, the second its gain.
    low = rows["/track/1/fx/1/fxparam/2/value"]
    assert low.key == "eq.@reaeq_at_1.low.gain_db"
    assert float(low.scale.decode(low.value)) == pytest.approx(-4, abs=1)
    assert any("ReaEQ (not measured): " in note for note in plan.notes)


def test_the_command_plans_it_and_says_what_was_not_measured(tmp_path: Path, run: Any) -> None:
    (tmp_path / "plugins.toml").write_text('eq = "ReaEQ"\n[places]\nReaEQ = 1\n', encoding="utf-8")
    save(PRESET, tmp_path / "preset.json")
    done = run(
        *("push", tmp_path / "preset.json", "--to", "reaper://127.0.0.1", "--dry-run", "--offline"),
        *("--plugins", tmp_path / "plugins.toml", "--only", "eq"),
    )
    assert done.code == 0, done.err
    assert "EQ of Vox on ReaEQ (not measured): 0." in " ".join(done.out.split())


# Names


@pytest.mark.parametrize(
    ("known", "shown", "is_same"),
    [
        ("Boost/Cut 1", "Boost/Cut 1", True),
        ("knee_db", "Knee", True),
        ("band_1_frequency_hz", "Band 1 Frequency", True),
        ("Gain", "Gain 2", False),
        ("Attack", "Attack Shape", False),
    ],
)
def test_parameters_are_known_by_either_name(known: str, shown: str, is_same: bool) -> None:
    assert is_same_parameter(known, shown) is is_same


@pytest.mark.parametrize(
    ("title", "shown", "is_same"),
    [
        ("FabFilter Pro-Q 3", "Pro-Q 3", True),
        ("ZamComp", "ZamComp (stereo)", True),
        ("ZamComp", "ZamCompX2", False),
        ("FabFilter Pro-Q 3", "Pro-Q 4", False),
        ("TDR Nova", "va", False),
    ],
)
def test_plugins_are_known_with_and_without_their_maker(title: str, shown: str, is_same: bool) -> None:
    assert is_same_plugin(title, shown) is is_same
