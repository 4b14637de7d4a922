"""A mix's lanes in sessions of three formats, and back: the same points, and what the DAW would play."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from dawproject_files import audio, one_track, write_project
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.sessions import inserting
from mixbridge.bridge.sessions.core.fades import automation_values
from mixbridge.bridge.sessions.core.model import Automation, SessionTrack
from mixbridge.bridge.sessions.core.moving import lanes_of, moving_fader
from mixbridge.bridge.sessions.preset_of import preset_of
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import Compressor, EqBand, Equalizer, LowCut, Master, Strip, parameters
from mixbridge.presets.lanes.lane import Lane, lane
from mixbridge.presets.lanes.simplify import simplified
from mixbridge.presets.lanes.values import value_at
from mixbridge.presets.preset import GroupBus, Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays
from reaper_project import item, project, track

RATE_HZ = 8000
FADER = lane("fader_db", [(0.25, -12), (1.5, -2.5), (2.0, -2.5), (2.25, -30)])
PAN = lane("pan", [(0.5, -0.7), (1.0, 0.2), (2.5, 0.9)])
HELD = lane("fader_db", [(0, -6), (1.0, 0), (2.0, -18)], "hold")


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    tone = 0.25 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE_HZ) / RATE_HZ)
    sf.write(path, tone, RATE_HZ, subtype="FLOAT")
    return path


def reaper(folder: Path, sound: Path) -> Path:
    (folder / "Media").mkdir()
    (folder / "Media" / "a.wav").write_bytes(sound.read_bytes())
    path = folder / "song.RPP"
    path.write_text(project([track("Vox", item(length=3.0))], rate=RATE_HZ))
    return path


def dawproject(folder: Path, sound: Path) -> Path:
    clip = f'<Clip time="0" duration="3" playStart="0">{audio("audio/a.wav", RATE_HZ)}</Clip>'
    return write_project(folder / "song.dawproject", one_track(clip), {"audio/a.wav": sound})


SESSIONS = {"reaper": reaper, "dawproject": dawproject}


def inserted(folder: Path, sound: Path, how: str, lanes: tuple[Lane, ...], **strip: float) -> Path:
    make, _, new = how.partition(" to ")
    session = read_session(SESSIONS[make](folder, sound))
    output = folder / (f"new.{new}" if new else f"copy{session.path.suffix}")
    preset = Preset(tracks=(Track(name="Vox", strip=Strip(**strip), lanes=lanes),))
    inserting.insert(session, preset, output)
    return output


@pytest.mark.parametrize("how", ["reaper", "dawproject", "reaper to dawproject"])
@pytest.mark.parametrize("lanes", [(FADER,), (PAN,), (FADER, PAN), (HELD,)], ids=["fader", "pan", "both", "held"])
def test_the_same_lanes_come_back(tmp_path, sound, how, lanes):
    copy = inserted(tmp_path, sound, how, lanes, fader_db=-3, pan=0.1)
    read = preset_of(read_session(copy)).preset.tracks[0]
    got = {item.parameter: item for item in read.lanes}
    assert set(got) == {item.parameter for item in lanes}
    for wanted in lanes:
        there = got[wanted.parameter]
        assert there.shape == wanted.shape
        for point in wanted.points:
            near = min(there.points, key=lambda other: abs(other.time_s - point.time_s))
            assert near.time_s == pytest.approx(point.time_s, abs=0.001)
            assert near.value == pytest.approx(point.value, abs=0.05 if wanted.parameter == "fader_db" else 0.005)
        row = parameters(Strip)[wanted.parameter]
        for time_s in np.linspace(0, 3, 61):
            off = value_at(there, row, time_s) - value_at(wanted, row, time_s)
            assert abs(off) < (0.1 if wanted.parameter == "fader_db" else 0.01), time_s
        if len(lanes) == 1:
            assert len(there.points) == len(wanted.points)


@pytest.mark.parametrize("how", ["reaper", "dawproject"])
def test_what_the_daw_plays_is_what_the_mix_plays(tmp_path, sound, how):
    copy = inserted(tmp_path, sound, how, (FADER, PAN), fader_db=-3)
    files = render_stems(read_session(copy), tmp_path / "stems", post_fader=True)
    there = sf.read(next(iter(files.values())), always_2d=True)[0].T
    stem = sf.read(sound, dtype="float32")[0][None]
    mix = render_arrays({"Vox": stem}, RATE_HZ, Preset(tracks=(Track(name="Vox", lanes=(FADER, PAN)),))).stems["Vox"]
    for begin in range(0, 3 * RATE_HZ, 400):
        for side in (0, 1):
            wanted, got = (np.sqrt(np.mean(np.square(sound[side, begin : begin + 400]))) for sound in (mix, there))
            if wanted > 1e-4:
                assert abs(20 * math.log10(got / wanted)) < 0.1, (begin, side)


def test_an_input_gain_is_in_the_fader(tmp_path, sound):
    copy = inserted(tmp_path, sound, "reaper", (FADER,), input_gain_db=4.0)
    read = preset_of(read_session(copy)).preset.tracks[0].lanes[0]
    assert read.points[0].value == pytest.approx(-8, abs=0.01)


def test_a_second_mix_takes_the_place_of_the_first(tmp_path, sound):
    copy = inserted(tmp_path, sound, "reaper", (FADER,))
    second = tmp_path / "second.RPP"
    inserting.insert(read_session(copy), Preset(tracks=(Track(name="Vox", lanes=(HELD,)),)), second)
    assert second.read_text().count("<VOLENV2") == 1
    assert preset_of(read_session(second)).preset.tracks[0].lanes[0].shape == "hold"


SEND = lane("reverb_send_db", [(0.2, -30), (1.4, -9), (2.2, -9), (2.6, -40)])
GROUP = lane("fader_db", [(0.3, 0), (1.2, -7.5), (2.4, -1)])
MASTER_LANE = lane("output_gain_db", [(0.5, -4), (2.5, 1)])
THRESHOLD = lane("compressor.threshold_db", [(0.4, -12), (2.0, -30)])
GAIN = lane("eq.band1.gain_db", [(0.5, -3), (1.0, 6), (2.5, 1)])
SWEEP = lane("eq.band2.freq_hz", [(0.25, 2500), (2.25, 6000)])
LOW_CUT = lane("low_cut.freq_hz", [(0.5, 60), (2.0, 200)])
MIXING = Strip(
    low_cut=LowCut(freq_hz=60),
    eq=Equalizer(band1=EqBand(gain_db=-3, freq_hz=700), band2=EqBand(gain_db=4, freq_hz=2500)),
    compressor=Compressor(threshold_db=-12, ratio=3),
    reverb_send_db=-30,
)
MOVING = Preset(
    tracks=(Track(name="Vox", strip=MIXING, bus="All", lanes=(FADER, SEND, THRESHOLD, GAIN, SWEEP, LOW_CUT)),),
    buses=(GroupBus(name="All", lanes=(GROUP, GAIN), strip=Strip(eq=Equalizer(band1=EqBand(gain_db=-3)))),),
    master=Master(compressor=Compressor(threshold_db=-12, ratio=2)),
    master_lanes=(MASTER_LANE, THRESHOLD),
)
# REAPER's plug-ins have envelopes in numbers that nobody has published.
OF_REAPER = {"fader_db", "pan", "reverb_send_db", "output_gain_db"}


@pytest.mark.parametrize("how", ["reaper", "dawproject", "reaper to dawproject"])
def test_sends_groups_master_and_stages_come_back(tmp_path, sound, how):
    make, _, new = how.partition(" to ")
    session = read_session(SESSIONS[make](tmp_path, sound))
    copy = tmp_path / (f"new.{new}" if new else f"copy{session.path.suffix}")
    notes = inserting.insert(session, MOVING, copy).notes
    read = preset_of(read_session(copy)).preset
    came_back = {owner: {item.parameter: item for item in lanes} for owner, lanes in owners_of(read)}
    left = {note.partition(":")[0]: note for note in notes if "lanes of" in note}
    for owner, lanes in owners_of(MOVING):
        kept = [item for item in lanes if how != "reaper" or item.parameter in OF_REAPER]
        assert set(came_back[owner]) == {item.parameter for item in kept}
        for wanted in kept:
            same_lane(came_back[owner][wanted.parameter], wanted)
        for wanted in lanes:
            assert (wanted.parameter in left.get(owner, "")) == (wanted not in kept)


def owners_of(preset: Preset) -> list[tuple[str, tuple[Lane, ...]]]:
    tracks = [(each.name, each.lanes) for each in preset.tracks]
    return [*tracks, *((bus.name, bus.lanes) for bus in preset.buses), ("Master", preset.master_lanes)]


def same_lane(there: Lane, wanted: Lane) -> None:
    """The same number of points, at the same times, of the same values."""
    row = {**parameters(Strip), **parameters(Master)}[wanted.parameter]
    assert len(there.points) == len(wanted.points), there
    for near, point in zip(there.points, wanted.points, strict=True):
        assert near.time_s == pytest.approx(point.time_s, abs=0.001)
        assert near.value == pytest.approx(point.value, abs=0.06 if row.unit == "dB" else 0.01 * point.value)


def test_a_second_mix_without_lanes_leaves_none(tmp_path, sound):
    for how in ("reaper", "dawproject"):
        folder = tmp_path / how
        folder.mkdir()
        session = read_session(SESSIONS[how](folder, sound))
        first, second = (folder / f"{name}{session.path.suffix}" for name in ("first", "second"))
        inserting.insert(session, MOVING, first)
        still = MOVING.model_copy(
            update={
                "tracks": (Track(name="Vox", strip=MIXING, bus="All"),),
                "buses": (GroupBus(name="All"),),
                "master_lanes": (),
            }
        )
        inserting.insert(read_session(first), still, second)
        assert not preset_of(read_session(second)).preset.has_lanes


def test_an_automated_mute_moves_the_fader():
    mute = Automation(((0.0, 1.0), (1.0, 1.0), (1.005, 0.0), (2.0, 0.0), (2.005, 1.0)))
    (item,) = lanes_of(SessionTrack("Vox", 0, gain_db=-6, mute_automation=mute), 2)
    row = parameters(Strip)["fader_db"]
    for time_s, wanted_db in ((0.5, -6), (1.5, -120), (2.5, -6)):
        assert value_at(item, row, time_s) == pytest.approx(wanted_db, abs=0.05)


def test_what_is_left_out_is_said(tmp_path, sound):
    session = read_session(reaper(tmp_path, sound))
    lanes = (FADER, lane("eq.band0.gain_db", [(0, 0), (1, 3)]))
    preset = Preset(
        tracks=(Track(name="Vox", lanes=lanes, bus="All"),),
        buses=(GroupBus(name="All", lanes=(GROUP, THRESHOLD)),),
        master_lanes=(MASTER_LANE, GAIN),
    )
    notes = inserting.insert(session, preset, tmp_path / "copy.RPP").notes
    said = {note.partition(":")[0]: note for note in notes if "lanes of" in note}
    assert list(said) == ["Vox", "All", "Master"]
    for owner, path in (
        ("Vox", "eq.band0.gain_db"),
        ("All", "compressor.threshold_db"),
        ("Master", "eq.band1.gain_db"),
    ):
        assert path in said[owner]
        assert "fader_db" not in said[owner]
        assert "output_gain_db" not in said[owner]


def test_jumps_of_a_daw():
    """Two points at one time: the lane has a millisecond between them."""
    volume = Automation(((0.0, 1.0), (1.0, 1.0), (1.0, 0.5), (2.0, 0.5)))
    (read,) = lanes_of(SessionTrack("Vox", 0, volume=volume), 2)
    row = parameters(Strip)["fader_db"]
    for time_s in (0.0, 0.5, 0.998, 1.001, 1.5, 3.0):
        wanted = 0 if time_s < 1 else 20 * math.log10(0.5)
        assert value_at(read, row, time_s) == pytest.approx(wanted, abs=0.05)


@pytest.mark.parametrize("between", ["linear", "ardour_gain"])
def test_a_daws_own_lines_stay_near(between):
    moving = moving_fader(Track(name="Vox", lanes=(FADER,)), 2, "balance", between)
    row = parameters(Strip)["fader_db"]
    for time_s in np.linspace(0, 3, 500):
        got = 20 * math.log10(automation_values(moving.volume, np.array([time_s]))[0])
        assert got == pytest.approx(value_at(FADER, row, time_s), abs=0.03)
    assert moving.pan is None
    assert len(moving.volume.points) < 200


def test_simplified_keeps_what_matters():
    line = [(float(n), 2.0 * n) for n in range(10)]
    assert simplified(line, 0.01) == [line[0], line[-1]]
    corner = [*line, (10.0, 0.0), (11.0, 0.0)]
    assert simplified(corner, 0.01) == [line[0], line[-1], (10.0, 0.0), (11.0, 0.0)]
    noisy = [(float(n), 0.01 * (-1) ** n) for n in range(50)]
    assert simplified(noisy, 0.05) == [noisy[0]]


def test_the_command(tmp_path, sound):
    copy = inserted(tmp_path, sound, "reaper", (FADER,))
    result = CliRunner().invoke(cli, ["session", "read", str(copy), "-o", str(tmp_path / "read.json")])
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "read.json").read_text())
    assert data["version"] == 3
    assert data["tracks"][0]["lanes"][0]["parameter"] == "fader_db"
    assert data["tracks"][0]["strip"]["fader_db"] == pytest.approx(0, abs=1e-3)


def test_the_picture_of_a_session_has_a_panel_for_each_lane(tmp_path, sound):
    pytest.importorskip("matplotlib")
    copy = inserted(tmp_path, sound, "reaper", (FADER, PAN))
    picture = tmp_path / "song.svg"
    result = CliRunner().invoke(cli, ["session", "inspect", str(copy), "--picture", str(picture)])
    assert result.exit_code == 0, result.output
    assert picture.read_text(encoding="utf-8").count('<g id="axes_') == 3
