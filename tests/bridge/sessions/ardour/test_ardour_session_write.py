"""A mix written into a session that Ardour made, opened by Ardour and asked for its values over OSC."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

import ardour_host
import pytest
from ardour_settings import strip
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.fitting.preset import fit_preset
from mixbridge.bridge.osc.asking import ask
from mixbridge.bridge.osc.connection import connect
from mixbridge.bridge.osc.dialects.ardour_automation import find_automated
from mixbridge.bridge.osc.exchange import read
from mixbridge.bridge.osc.link import Target
from mixbridge.bridge.osc.packets import Message
from mixbridge.bridge.sessions.ardour.writing import written_mix
from mixbridge.bridge.sessions.writing import in_terms_of
from mixbridge.presets.console import Master, Strip, parameters
from mixbridge.presets.console import get as value_of
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

pytestmark = pytest.mark.skipif(ardour_host.missing() is not None, reason=str(ardour_host.missing()))

DESK = load_desk("ardour")
TRACKS = (("Drums", 2), ("Bass", 1), ("Keys", 2), ("Untouched", 1))
MATCH = {"drum kit": "Drums", "bass": "Bass", "keys": "Keys"}
# Stages and sends that no strip has here.
BESIDE = {"gate", "low_cut", "high_cut", "reverb_send_db", "delay_send_db"}
OWN = ("ACE EQ (mixbridge)", "ACE Compressor (mixbridge)")

# What a user has done: a delay on the bass, ACE EQ with settings on the keys, a fader that follows its automation.
USERS_DOING = """
for name, uri in pairs ({ Bass = "urn:ardour:a-delay", Keys = "urn:ardour:a-eq" }) do
  local plugin = ARDOUR.LuaAPI.new_plugin (Session, uri, ARDOUR.PluginType.LV2, "")
  Session:route_by_name (name):add_processor_by_index (plugin, 0, nil, true)
  ARDOUR.LuaAPI.set_processor_param (Session:route_by_name (name):nth_plugin (0), 3, 5)
end
local fader = Session:route_by_name ("Drums"):gain_control ()
fader:alist ():add (Temporal.timepos_t (0), 0.5, false, false)
fader:alist ():add (Temporal.timepos_t (48000), 0.25, false, false)
fader:set_automation_state (ARDOUR.AutoState.Play)
Session:save_state ("", false, false, false, false, false)
"""


def preset(seed=0):
    return Preset(
        name="mix",
        tracks=(
            Track(name="drum kit", strip=Strip(**strip(seed + 1, fader_db=-3.217, pan=-0.1))),
            Track(name="bass", strip=Strip(**strip(seed + 2, fader_db=-11.83, pan=0.35))),
            Track(name="keys", strip=Strip(**strip(seed + 3, fader_db=2.4, pan=0.62)), mute=True),
            Track(name="spare", strip=Strip()),
        ),
        master=Master(**strip(seed + 5, output_gain_db=-1.25)),
    )


@dataclass(frozen=True)
class Opened:
    """A session, the notes on its snapshot, and what Ardour answered and saved when it had opened that."""

    original: bytes
    before: dict[str, ET.Element]
    snapshot: dict[str, ET.Element]
    after: dict[str, ET.Element]
    notes: tuple[str, ...]
    answers: dict
    automated: tuple
    strips: dict
    mix: Preset
    mix_after: Preset
    again: str
    original_after: bytes


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """One Ardour: it makes the session, then opens the snapshot of it, and saves that."""
    with ardour_host.ardour_host(tmp_path_factory.mktemp("ardour"), TRACKS) as host:
        host.run_lua(USERS_DOING)
        session = host.session_file
        original, before = session.read_bytes(), routes(session)
        snapshot = session.with_name("mix.ardour")
        written = write_copy(session, preset(), snapshot, match=MATCH)
        file = routes(snapshot)
        mix = written_mix(snapshot)
        # A second mix in the snapshot takes the first one's place.
        again = session.with_name("again.ardour")
        write_copy(snapshot, preset(), again, match=MATCH)
        reopened = host.reopen("mix")
        with connect(Target("ardour", "127.0.0.1", reopened.port), DESK) as connection:
            dialect: Any = connection.dialect
            strips = {item.name: item for item in dialect.strips.values()}
            numbers = {name: strips[track].number for name, track in MATCH.items()}
            answers = read(connection, settings(numbers))
            automated = find_automated(connection.link, list(dialect.strips.values()))
            ask(connection.link, [Message("/save_state"), Message("/transport_speed")], lambda got: is_speed(got[-1]))
        yield Opened(
            original=original,
            before=before,
            snapshot=file,
            after=routes(snapshot),
            notes=written.notes,
            answers=answers,
            automated=automated,
            strips=strips,
            mix=mix,
            mix_after=written_mix(snapshot),
            again=again.read_text(),
            original_after=session.read_bytes(),
        )


def is_speed(message):
    return message.address == "/transport_speed"


def in_ardour():
    """The preset with the faders and pans that give Ardour's strips the gains of the mix."""
    laws = {name: (channels, "ardour" if channels == 1 else "balance") for name, channels in TRACKS}
    there = [in_terms_of(track, *laws[MATCH[track.name]]) for track in preset().tracks[:3]]
    return preset().model_copy(update={"tracks": (*there, *preset().tracks[3:])})


def settings(numbers):
    """What a push of that would set."""
    fitted = fit_preset(in_ardour(), DESK, numbers)
    found = [
        item for name, strip in fitted.strips.items() for item in DESK.settings("track", numbers[name], strip.values)
    ]
    found += DESK.settings("master", 0, fitted.master.values)
    return [item for item in found if item.key.split(".")[0] not in BESIDE]


def routes(path):
    return {route.get("name"): route for route in ET.parse(path).getroot().iter("Route")}


def plugins(route):
    return [item.get("name") for item in route.iter("Processor") if item.get("unique-id")]


def test_plugins_faders_and_pans_stand_at_the_presets_values(opened):
    assert len(opened.answers) > 100
    off = {
        (setting.strip, setting.key): (setting.value, found)
        for setting, found in opened.answers.items()
        if not setting.scale.same(setting.value, found)
    }
    assert off == {}


def test_the_new_plugins_stand_before_the_users(opened):
    """OSC tells the plug-ins' own names, so that a push finds mixbridge's first."""
    assert {name: strip.plugins for name, strip in opened.strips.items()} == {
        "Drums": ("ACE EQ", "ACE Compressor (stereo)"),
        "Bass": ("ACE EQ", "ACE Compressor", "ACE Delay"),
        "Keys": ("ACE EQ", "ACE Compressor (stereo)", "ACE EQ"),
        "Untouched": (),
        "Master": ("ACE EQ", "ACE Compressor (stereo)"),
    }
    assert plugins(opened.after["Keys"]) == [*OWN, "ACE EQ"]
    compressors = {
        name: next(item for item in route.iter("Processor") if item.get("name") == OWN[1]).get("unique-id")
        for name, route in opened.after.items()
        if name != "Untouched"
    }
    assert {name for name, uri in compressors.items() if uri.endswith("#stereo")} == {"Drums", "Keys", "Master"}


def test_levels_stand_in_the_file_that_ardour_saves(opened):
    for track in in_ardour().tracks[:3]:
        route = opened.after[MATCH[track.name]]
        values = {item.get("name"): float(item.get("value", "nan")) for item in route.iter("Controllable")}
        assert 20 * math.log10(values["gaincontrol"]) == pytest.approx(track.strip.fader_db, abs=1e-4)
        assert values["pan-azimuth"] == pytest.approx((1 + track.strip.pan) / 2, abs=1e-6)
        assert (route.find("MuteMaster").get("muted") == "1") == track.mute


def test_automation_that_would_hide_the_mix_is_switched_off_and_kept(opened):
    assert opened.automated == ()
    lists = [item for item in opened.after["Drums"].iter("AutomationList") if item.get("automation-id") == "gain"]
    assert [item.get("state") for item in lists] == ["Off"]
    assert len(lists[0].find("events").text.split()) == 4
    assert "Drums: the automation of its gain is switched to Manual, its points are kept." in opened.notes


def test_notes_say_what_acts_besides_and_what_is_left_out(opened):
    assert any(re.match(r"Keys: its own plug-ins stay on, behind mixbridge's: ACE EQ\.", note) for note in opened.notes)
    assert any("Bass" in note and "ACE Delay" in note for note in opened.notes)
    assert any("not in the session: 'spare'" in note for note in opened.notes)


def test_all_else_is_as_it_was(opened):
    assert opened.original_after == opened.original
    assert ET.tostring(opened.snapshot["Untouched"]) == ET.tostring(opened.before["Untouched"])
    for name in ("Drums", "Bass", "Keys", "Master"):
        old, new = opened.before[name], opened.snapshot[name]
        for item in [item for item in new.findall("Processor") if item.get("name") in OWN]:
            new.remove(item)
        changed = [
            (a.get("name") or a.get("automation-id") or a.tag)
            for a, b in zip(old.iter(), new.iter(), strict=True)
            if (a.tag, a.attrib, (a.text or "").strip()) != (b.tag, b.attrib, (b.text or "").strip())
        ]
        assert set(changed) <= {"gaincontrol", "trimcontrol", "pan-azimuth", "mute", "MuteMaster", "gain"}


@pytest.mark.parametrize("which", ["mix", "mix_after"])
def test_the_mix_is_read_back_from_the_snapshot(opened, which):
    """From the one that we wrote, and from what Ardour made of it."""
    mix = getattr(opened, which)
    assert [track.name for track in mix.tracks] == list(MATCH.values())
    for track, wanted in zip(mix.tracks, preset().tracks, strict=False):
        assert track.mute == wanted.mute
        for path in parameters(Strip):
            if not path.endswith("shelf.q") and path != "compressor.lookahead_ms":  # not to be had in Ardour
                expected = value_of(wanted.strip, path)
                assert value_of(track.strip, path) == pytest.approx(expected, rel=0.01, abs=0.02), path
    for path in ("output_gain_db", "compressor.threshold_db", "eq.band1.gain_db"):
        assert value_of(mix.master, path) == pytest.approx(value_of(preset().master, path), rel=0.01, abs=0.02)


def test_a_second_mix_takes_the_place_of_the_first(opened):
    root = ET.fromstring(opened.again)
    for route in root.iter("Route"):
        own = [name for name in plugins(route) if name in OWN]
        assert own == ([] if route.get("name") == "Untouched" else list(OWN))
    numbers = [item.get("id") for item in root.iter() if item.get("id") and item.tag in {"Processor", "Route"}]
    assert len(numbers) == len(set(numbers))
    assert int(root.get("id-counter")) >= max(map(int, numbers))


SESSION = """<?xml version="1.0" encoding="UTF-8"?>
<!-- kept -->
<Session version="7002" name="song" sample-rate="48000" id-counter="9">
  <!-- kept, too -->
  <Unknown id="7" what="&lt;ever&#10;"><Thing/>text</Unknown>
  <Routes>
    <Route id="1" name="Vox" audio-playlist="2">
      <PresentationInfo order="1" flags="AudioTrack"/>
      <Controllable name="mute" id="3" value="0"/>
      <Processor id="4" name="Amp" active="1" type="amp">
        <Controllable name="gaincontrol" id="5" value="1"/>
      </Processor>
    </Route>
  </Routes>
  <Playlists><Playlist id="2" name="Vox"/></Playlists>
</Session>
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "song.ardour"
    path.write_text(SESSION)
    return path


def test_what_is_not_understood_is_kept(small):
    written = write_copy(small, preset(), small.with_name("mix.ardour"), match={"keys": "Vox"})
    text = written.path.read_text()
    assert '<!-- kept, too -->\n  <Unknown id="7" what="&lt;ever&#10;"><Thing />text</Unknown>' in text
    assert any("no master" in note for note in written.notes)
    assert any("pan is left out" in note for note in written.notes)
    ids = re.findall(r'\bid="(\d+)"', text)
    assert sorted(map(int, ids)) == [1, 2, 3, 4, 5, 7, 10, 11]


@pytest.mark.parametrize(
    ("output", "match", "words"),
    [
        ("elsewhere/mix.ardour", {"keys": "Vox"}, "in the folder"),
        ("mix.xml", {"keys": "Vox"}, "in the folder"),
        ("mix.ardour", {"keys": "Drums"}, "has no track 'Drums'"),
        ("mix.ardour", {"strings": "Vox"}, "has no track 'strings'"),
        ("mix.ardour", {"keys": "Vox", "bass": "Vox"}, "two tracks"),
    ],
)
def test_mistakes_are_explained_and_nothing_is_written(small, output, match, words):
    with pytest.raises(SessionError, match=words):
        write_copy(small, preset(), small.parent / output, match=match)
    assert [path.name for path in small.parent.iterdir()] == ["song.ardour"]


def test_neither_the_session_nor_a_snapshot_that_is_there_is_replaced(small):
    with pytest.raises(OutputError, match="never changed"):
        write_copy(small, preset(), small, match={"keys": "Vox"}, overwrite=True)
    snapshot = small.with_name("mix.ardour")
    snapshot.write_text("mine")
    with pytest.raises(OutputError):
        write_copy(small, preset(), snapshot, match={"keys": "Vox"})
    assert snapshot.read_text() == "mine"
    assert small.read_text() == SESSION
    write_copy(small, preset(), snapshot, match={"keys": "Vox"}, overwrite=True)
    assert "mixbridge" in snapshot.read_text()
