"""Busses, VCAs, pans and mutes of a session that Ardour 7.3 made: our stems behind all of them against its own export.

Each track plays in half a second of its own, so that one export of the master has them all.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import ardour_host
import ardour_material
import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.model import Session
from mixbridge.bridge.sessions.core.routing import silence
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from session_copies import write_copy

pytestmark = pytest.mark.skipif(ardour_host.missing() is not None, reason=str(ardour_host.missing()))

LUA = Path(ardour_host.__file__).with_name("ardour_timeline.lua")
TRACKS = (("Bass", 1), ("Keys", 2), ("Vox", 1), ("Middle", 1), ("Wide", 2), ("Choir", 1), ("Muted", 1), ("Cut", 1))
SILENT = ("Choir", "Muted", "Cut")
RATE_HZ = 48000
TURN = RATE_HZ // 2
BUSSES = """
for _, name in ipairs ({ "Band", "All", "Room", "Mute" }) do
  Session:new_audio_route (2, 2, nil, 1, name, ARDOUR.PresentationInfo.Flag.AudioBus,
    ARDOUR.PresentationInfo.max_order)
end
Session:vca_manager ():create_vca (3, "VCA %n")
Session:save_state ("", false, false, false, false, false)
"""
MIXER = """
local no_group = PBD.GroupControlDisposition.NoGroup
local function route (name) return Session:route_by_name (name) end
local function connect (from, to)
  route (from):output ():disconnect_all (nil)
  for i = 0, 1 do route (from):output ():audio (i):connect (route (to):input ():audio (i):name ()) end
end
connect ("Bass", "Band")
connect ("Band", "All")
connect ("Muted", "Mute")
route ("Cut"):output ():disconnect_all (nil)
route ("Band"):gain_control ():set_value (0.5, no_group)
route ("Band"):pan_azimuth_control ():set_value (0.3, no_group)
for i = 0, 1 do route ("Band"):phase_control ():set_phase_invert (i, true) end
route ("All"):trim_control ():set_value (1.25, no_group)
route ("Bass"):pan_azimuth_control ():set_value (0.8, no_group)
route ("Vox"):pan_azimuth_control ():set_value (0.25, no_group)
route ("Keys"):pan_azimuth_control ():set_value (0.7, no_group)
route ("Keys"):gain_control ():set_value (0.6, no_group)
route ("Keys"):solo_isolate_control ():set_value (1, no_group)
local at, vcas = { 0.8, 1, 1 }, {}
for vca in Session:vca_manager ():vcas ():iter () do
  vcas[#vcas + 1] = vca
  vca:gain_control ():set_value (at[#vcas], no_group)
end
route ("Vox"):gain_control ():set_value (0.9, no_group)
route ("Vox"):to_slavable ():assign (vcas[1])
route ("All"):to_slavable ():assign (vcas[2])
route ("Bass"):to_slavable ():assign (vcas[2]) -- and once more through its bus
route ("Choir"):to_slavable ():assign (vcas[3])
vcas[1]:gain_control ():set_value (0.4, no_group)
vcas[2]:gain_control ():set_value (0.7, no_group)
vcas[3]:mute_control ():set_value (1, no_group)
route ("Mute"):mute_control ():set_value (1, no_group)
local i = 0
for track in Session:get_tracks ():iter () do
  place (track:name (), "mono", track:name (), i * TURN, 0, TURN)
  i = i + 1
end
sleep (0.5)
save ()
"""
EXPORT = """
local export = Session:simple_export ()
export:set_folder ("FOLDER")
export:set_name ("all")
export:set_range (0, FRAMES)
export:set_preset ("75969a1c-3133-4694-864b-a1fa50e43348")
return tostring (export:run_export ())
"""
# What Ardour makes of a copy: each strip's gain with its VCAs, its pan, its mute.
STRIPS = r"""
local lines = {}
for strip in Session:get_routes ():iter () do
  local pan = strip:pan_azimuth_control ()
  lines[#lines + 1] = strip:name () .. "\t" .. strip:gain_control ():get_value () .. "\t" ..
    (pan:isnil () and -1 or pan:get_value ()) .. "\t" .. tostring (strip:muted ()) ..
    "\t" .. tostring (strip:output ():audio (0):connected ())
end
return table.concat (lines, "\n")
"""
LATER = """
local no_group = PBD.GroupControlDisposition.NoGroup
Session:route_by_name ("Band"):solo_control ():set_value (1, no_group)
sleep (0.3)
save ()
Session:route_by_name ("Band"):solo_control ():set_value (0, no_group)
sleep (0.3)
"""


@dataclass(frozen=True)
class MixedSession:
    """A session, our stems behind its faders and Ardour's master in each track's turn; and what became of it later."""

    session: Session
    ours: dict[str, np.ndarray]
    theirs: dict[str, np.ndarray]
    later: Session
    copy_notes: tuple[str, ...]
    copy_strips: dict[str, tuple]

    def track(self, name):
        return next(track for track in self.session.tracks if track.name == name)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Its export has been seen to end Ardour, which is started anew then, once."""
    try:
        return make(tmp_path_factory.mktemp("mixer"))
    except ardour_host.HostError:
        return make(tmp_path_factory.mktemp("again"))


def make(folder):
    (folder / "theirs").mkdir()
    sound = 0.25 * np.sin(2 * np.pi * 441 * np.arange(RATE_HZ) / RATE_HZ)
    sf.write(folder / "mono.wav", sound, RATE_HZ, subtype="FLOAT")
    with ardour_host.ardour_host(folder / "ardour", TRACKS, rate_hz=RATE_HZ) as host:
        host.run_lua(BUSSES)
        ardour_material.inject(host.session_file, {"mono": (folder / "mono.wav",)})
        host.reopen()
        frames = len(TRACKS) * TURN
        host.run_lua(f"dofile ([[{LUA}]])\n{MIXER.replace('TURN', str(TURN))}")
        session = read_session(host.session_file)
        stems = render_stems(session, folder / "ours", post_fader=True)
        preset = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-4, pan=0.5)) for name, _ in TRACKS))
        copy = host.session_file.with_name("copy.ardour")
        written = write_copy(host.session_file, preset, copy, match={name: name for name, _ in TRACKS})
        host.reopen("copy")
        lines = [line.split("\t") for line in host.run_lua(STRIPS).splitlines()]
        strips = {name: (float(gain), float(pan), *switches) for name, gain, pan, *switches in lines}
        host.reopen()
        host.run_lua(f"dofile ([[{LUA}]])\n{LATER}")
        later = read_session(host.session_file)
        host.run_lua(EXPORT.replace("FOLDER", str(folder / "theirs")).replace("FRAMES", str(frames)))
        exported = next((folder / "theirs").glob("all.[fw]*"))
        theirs, rate_hz = sf.read(exported, always_2d=True)
        return MixedSession(
            session,
            {name: sf.read(path, always_2d=True)[0] for name, path in stems.items()},
            {name: turn(theirs, n, rate_hz) for n, (name, _) in enumerate(TRACKS)},
            later,
            written.notes,
            strips,
        )


def turn(samples, number, rate_hz):
    """What is heard in a track's half second, without its first and last tenth."""
    return samples[round((number + 0.1) / 2 * rate_hz) : round((number + 0.9) / 2 * rate_hz)]


def levels_db(samples):
    return [20 * math.log10(math.sqrt(np.mean(side**2)) + 1e-6) for side in samples.T]


@pytest.mark.parametrize("name", [name for name, _ in TRACKS if name not in SILENT])
def test_levels_behind_busses_vcas_and_pans_are_ardours(mixed, name):
    number = [name for name, _ in TRACKS].index(name)
    ours, theirs = levels_db(turn(mixed.ours[name], number, RATE_HZ)), levels_db(mixed.theirs[name])
    assert min(theirs) > -40
    assert ours == pytest.approx(theirs, abs=0.005)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Choir", "muted by the VCA VCA 3"),
        ("Muted", "muted by the bus Mute"),
        ("Cut", "its output to the master is off"),
    ],
)
def test_what_a_vca_or_bus_mutes_or_goes_nowhere_is_silent(mixed, name, reason):
    assert max(levels_db(mixed.theirs[name])) < -90  # the export's dither
    assert not mixed.ours[name].any()
    assert silence(mixed.session, mixed.track(name)) == reason


def test_busses_and_vcas_are_groups(mixed):
    groups = {group.name: group for group in mixed.session.groups}
    assert {name: group.kind for name, group in groups.items()} == {
        "Band": "bus", "All": "bus", "Mute": "bus", "VCA 1": "VCA", "VCA 2": "VCA", "VCA 3": "VCA",
    }  # fmt: skip
    assert groups["Band"].polarity_inverted
    # A VCA acts by how far it has moved since a strip was given to it.
    assert groups["VCA 1"].gain_db == pytest.approx(20 * math.log10(0.4 / 0.8))
    assert mixed.session.groups[groups["Band"].parent].name == "All"
    assert (mixed.track("Bass").group, mixed.track("Keys").group) == ("Band", None)


def test_a_solo_is_the_one_that_was_pressed(mixed):
    assert [track.name for track in mixed.later.tracks if track.solo] == []
    assert [group.name for group in mixed.later.groups if group.solo] == ["Band"]


def test_ardour_finds_the_mixs_balance_in_a_copy(mixed):
    """All stems are mono: the mix pans them by a sine, Ardour by a parabola or, on stereo strips, a line."""
    wanted = [-4 + 20 * math.log10(side(0.75 * math.pi / 2)) for side in (math.cos, math.sin)]
    for name, channels in TRACKS:
        gain, pan, *switches = mixed.copy_strips[name]
        sides = ardour_mono(pan) if channels == 1 else (min(1, 2 - 2 * pan), min(1, 2 * pan))
        assert [20 * math.log10(gain * side) for side in sides] == pytest.approx(wanted, abs=0.01)
        assert switches == ["false", "true"]  # not muted, and connected
    for name in ("Band", "All", "Mute"):
        assert mixed.copy_strips[name] == (pytest.approx(1), pytest.approx(0.5), "false", "true")
    notes = " ".join(mixed.copy_notes)
    assert "Band: the bus is set to 0 dB and the centre" in notes
    assert "it had: fader at -6.0 dB, pan at 40 % left, inverted polarity" in notes
    assert "VCA 3: the VCA is set to 0 dB" in notes


def ardour_mono(azimuth):
    scale = 2 - 4 * 10 ** (-3 / 20)
    return [side * (scale * side + 1 - scale) for side in (1 - azimuth, azimuth)]
