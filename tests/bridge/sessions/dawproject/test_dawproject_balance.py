"""The mix's balance in a copy of a .dawproject and in a new one, behind groups, with pans of any law."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import audio, faults, project_xml, write_project
from mixbridge.bridge.sessions.core.model import Automation, Clip, Session, SessionGroup, SessionNote, SessionTrack
from mixbridge.bridge.sessions.dawproject.new import create
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.rendering.in_memory import render_arrays
from session_copies import PANS, balance_faults, write_copy
from timeline import RATE_HZ, noise, session_of, write_audio

AUTOMATED = '<Points unit="linear"><Target parameter="{0}"/><RealPoint time="0" value="0.1"/></Points>'


def channel(name: str, destination: str, volume: float, pan: float) -> str:
    mute = "true" if name == "Off" else "false"
    return (
        f'<Channel id="c{name}" destination="{destination}"><Mute value="{mute}"/>'
        f'<Pan id="p{name}" unit="normalized" value="{pan}"/><Volume id="v{name}" unit="linear" value="{volume}"/>'
        "</Channel>"
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A mono and a stereo track in a group in a group, with automation of faders, and one that is muted."""
    mono, stereo = write_audio(tmp_path / "m.wav", noise(4000)), write_audio(tmp_path / "s.wav", noise(4000, 2, seed=1))
    tracks = "".join(
        f'<Track contentType="audio" id="t{name}" name="{name}">{channel(name, "cIn", 0.3, 0.7)}</Track>'
        for name in ("Mono", "Stereo")
    )
    inner = f'<Track contentType="tracks" id="tIn" name="In">{channel("In", "cOut", 0.5, 0.2)}{tracks}</Track>'
    outer = f'<Track contentType="tracks" id="tOut" name="Out">{channel("Out", "m", 0.5, 0.5)}{inner}</Track>'
    muted = f'<Track contentType="audio" id="tOff" name="Off">{channel("Off", "m", 1, 0.5)}</Track>'
    master = '<Track contentType="audio" id="tm" name="Master"><Channel id="m" role="master"/></Track>'
    lanes = "".join(
        f'<Lanes track="t{name}"><Clips><Clip time="0" duration="0.5">{audio(f"audio/{name}.wav")}</Clip></Clips>'
        f"{AUTOMATED.format('v' + name)}</Lanes>"
        for name in ("Mono", "Stereo", "Off")
    )
    inside = (
        f'<Structure>{outer}{muted}{master}</Structure><Arrangement><Lanes timeUnit="seconds">{lanes}'
        f"{AUTOMATED.format('vOut')}</Lanes></Arrangement>"
    )
    files = {"audio/Mono.wav": mono, "audio/Stereo.wav": stereo, "audio/Off.wav": mono}
    return write_project(tmp_path / "song.dawproject", inside, files)


@pytest.mark.parametrize("pan", PANS)
def test_a_copy_has_the_balance_of_the_mix(project: Path, tmp_path: Path, pan: float) -> None:
    assert faults(project) == []
    assert balance_faults(project, tmp_path / "made", pan) == []


def test_groups_come_to_rest_and_it_is_said(project: Path) -> None:
    preset = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-3)) for name in ("Mono", "Stereo")))
    written = write_copy(project, preset, project.with_name("mix.dawproject"), match={n: n for n in ("Mono", "Stereo")})
    assert faults(written.path) == []
    session = read_session(written.path)
    assert [(group.gain_db, group.pan, group.volume) for group in session.groups] == [(0, 0, None)] * 2
    notes = " ".join(written.notes)
    assert "In: the group is set to 0 dB and the centre" in notes
    assert "fader at -6.0 dB, pan at 60 % left" in notes
    assert "Out: the automation of its volume is switched off, its points are kept." in notes
    # What is in no pair stays as it was.
    off = next(track for track in session.tracks if track.name == "Off")
    assert off.mute
    assert off.volume is not None


def levels_db(stem: np.ndarray) -> list[float]:
    return [10 * float(np.log10(np.mean(np.square(side, dtype=float)) + 1e-20)) for side in stem]


def stems(session: Session, folder: Path, *, post_fader: bool) -> dict[str, np.ndarray]:
    files = render_stems(session, folder, post_fader=post_fader)
    return {name: sf.read(path, dtype="float32", always_2d=True)[0].T for name, path in files.items()}


def grouped(tmp_path: Path) -> Session:
    """A session of another DAW: laws, a folder in a bus, a VCA, a solo, an output that is off."""
    mono, stereo = write_audio(tmp_path / "m.wav", noise(4000)), write_audio(tmp_path / "s.wav", noise(4000, 2, seed=1))
    tracks = (
        SessionTrack(
            "Mono", 0, (Clip(mono, 0, 4000),), gain_db=-2, pan=-0.5, pan_law="ardour", parent=0, controls=(2,)
        ),
        SessionTrack("Stereo", 1, (Clip(stereo, 0, 4000),), gain_db=-5, pan=0.3, parent=0),
        SessionTrack("Power", 2, (Clip(mono, 0, 4000),), pan=0.4, pan_law="constant_power", solo=True),
        SessionTrack("Cut", 3, (Clip(mono, 0, 4000),), has_output=False),
    )
    groups = (
        SessionGroup("Folder", "folder", parent=1, gain_db=-6, pan=0.5),
        SessionGroup("Bus", "bus", gain_db=-1, controls=(2,)),
        SessionGroup("Voices", "VCA", gain_db=-3),
    )
    note = (SessionNote("Keys", "", "MIDI"), SessionNote("Organ", "", "MIDI"), SessionNote("", "", "tempo changes"))
    return replace(session_of(tmp_path, *tracks), groups=groups, unsupported=note)


def test_a_new_project_keeps_levels_groups_and_laws(tmp_path: Path) -> None:
    session = grouped(tmp_path)
    written = create(session, Preset(), tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    again = read_session(written.path)
    ours = stems(session, tmp_path / "ours", post_fader=True)
    theirs = stems(again, tmp_path / "theirs", post_fader=True)
    for name, stem in ours.items():
        if name != "Cut":
            assert levels_db(theirs[name]) == pytest.approx(levels_db(stem), abs=0.01)
    assert not theirs["Cut"].any()
    assert [(group.name, group.parent) for group in again.groups] == [("Bus", None), ("Folder", 0)]
    assert [track.name for track in again.tracks if track.solo] == ["Power"]
    notes = " ".join(written.notes)
    assert "Voices: the format has no VCA" in notes
    assert "Cut: its output is off in the session, so it is muted." in notes
    assert "Not in the new project: MIDI (Keys, Organ)." in notes
    assert "Solo stays on for Power" in notes


@pytest.mark.parametrize("pan", PANS)
def test_a_new_project_has_the_balance_of_the_mix(tmp_path: Path, pan: float) -> None:
    session = grouped(tmp_path)
    raw = stems(session, tmp_path / "raw", post_fader=False)
    preset = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-4, pan=pan)) for name in raw))
    mix = render_arrays(raw, RATE_HZ, preset).stems
    written = create(session, preset, tmp_path / "new.dawproject", match={name: name for name in raw})
    there = stems(read_session(written.path), tmp_path / "there", post_fader=True)
    for name, stem in mix.items():
        for wanted, got in zip(levels_db(stem), levels_db(there[name]), strict=True):
            assert got == pytest.approx(wanted, abs=0.1) or max(wanted, got) < -100
    notes = " ".join(written.notes)
    assert "Folder: the folder is set to 0 dB and the centre" in notes
    assert "Voices: the format has no VCA" in notes


def test_automation_of_groups_goes_with_them(tmp_path: Path) -> None:
    volume = Automation(((0.0, 1.0), (0.25, 0.5)))
    session = grouped(tmp_path)
    session = replace(session, groups=(replace(session.groups[0], volume=volume), *session.groups[1:]))
    written = create(session, Preset(), tmp_path / "new.dawproject", match={})
    folder = next(group for group in read_session(written.path).groups if group.name == "Folder")
    assert folder.volume == volume
    with zipfile.ZipFile(written.path) as file:
        assert file.testzip() is None
    assert ElementTree.fromstring(project_xml(written.path)).find("Structure/Track/Track") is not None


def test_a_track_that_others_go_through_is_a_bus_first(tmp_path: Path) -> None:
    sound = write_audio(tmp_path / "a.wav", noise(4000))
    tracks = "".join(
        f'<Track contentType="audio" id="t{name}" name="{name}">{channel(name, to, 0.5, 0.3)}</Track>'
        for name, to in (("Vox", "cBus"), ("Bus", "m"))
    )
    master = '<Track contentType="audio" id="tm" name="Master"><Channel id="m" role="master"/></Track>'
    lanes = "".join(
        f'<Lanes track="t{name}"><Clips><Clip time="0" duration="0.5">{audio()}</Clip></Clips></Lanes>'
        for name in ("Vox", "Bus")
    )
    inside = (
        f'<Structure>{tracks}{master}</Structure><Arrangement><Lanes timeUnit="seconds">{lanes}</Lanes></Arrangement>'
    )
    path = write_project(tmp_path / "song.dawproject", inside, {"audio/a.wav": sound})
    preset = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-9)) for name in ("Vox", "Bus")))
    written = write_copy(path, preset, tmp_path / "mix.dawproject", match={"Vox": "Vox", "Bus": "Bus"})
    assert faults(written.path) == []
    session = read_session(written.path)
    assert (session.groups[0].name, session.groups[0].gain_db, session.groups[0].pan) == ("Bus", 0, 0)
    assert any("Bus: other tracks of the mix go through it" in note for note in written.notes)


def test_automation_of_mutes_is_switched_off_with_the_rest(project: Path) -> None:
    points = '<Points><Target parameter="muMono"/><BoolPoint time="0" value="true"/></Points>'
    text = project_xml(project).decode().replace('<Lanes track="tMono">', f'<Lanes track="tMono">{points}')
    text = text.replace(
        '<Channel id="cMono" destination="cIn"><Mute', '<Channel id="cMono" destination="cIn"><Mute id="muMono"'
    )
    with zipfile.ZipFile(project) as file:
        files = {name: file.read(name) for name in file.namelist() if name.startswith("audio/")}
    automated = write_project(project.with_name("mutes.dawproject"), text, files)
    muted = [track.name for track in read_session(automated).tracks if track.mute]
    assert "Mono" in muted
    preset = Preset(tracks=(Track(name="Mono"),))
    written = write_copy(automated, preset, project.with_name("mix.dawproject"), match={"Mono": "Mono"})
    assert "Mono: the automation of its mute is switched off, its points are kept." in written.notes
    assert [track.name for track in read_session(written.path).tracks if track.mute] == [
        name for name in muted if name != "Mono"
    ]


def test_the_master_comes_to_the_centre_and_is_heard(project: Path) -> None:
    old = '<Channel id="m" role="master"/>'
    new = (
        '<Channel id="m" role="master"><Mute value="true"/><Pan unit="linear" min="-1" max="1" value="0.5"/></Channel>'
    )
    text = project_xml(project).decode().replace(old, new)
    path = write_project(project.with_name("master.dawproject"), text)
    preset = Preset(tracks=(Track(name="Mono"),))
    written = write_copy(path, preset, project.with_name("mix.dawproject"), match={"Mono": "Mono"})
    assert "Master: its pan at 50 % right is set to the centre." in written.notes
    assert "Master: it was muted; it is not in the copy." in written.notes
    master = ElementTree.fromstring(project_xml(written.path)).find("Structure/Track/Channel[@role='master']")
    assert master is not None
    assert [(child.tag, child.get("value")) for child in master][1:3] == [("Mute", "false"), ("Pan", "0.0")]


def test_groups_without_ids_come_to_rest(project: Path, tmp_path: Path) -> None:
    text = project_xml(project).decode().replace(' id="tIn"', "").replace(' id="tOut"', "")
    with zipfile.ZipFile(project) as file:
        files = {name: file.read(name) for name in file.namelist() if name.startswith("audio/")}
    path = write_project(project.with_name("nameless.dawproject"), text, files)
    automated = {group.name: group.volume is not None for group in read_session(path).groups}
    assert automated == {"In": False, "Out": True}
    assert balance_faults(path, tmp_path / "made", 0.3) == []


def test_a_group_with_a_master_of_its_own_is_a_group(project: Path, tmp_path: Path) -> None:
    """Its channel has the role of a master, but goes somewhere: to the master of the project."""
    text = project_xml(project).decode()
    for name in ("In", "Out"):
        text = text.replace(f'<Channel id="c{name}" ', f'<Channel id="c{name}" role="master" ')
    with zipfile.ZipFile(project) as file:
        files = {name: file.read(name) for name in file.namelist() if name.startswith("audio/")}
    mastered = write_project(tmp_path / "mastered.dawproject", text, files)
    assert read_session(mastered).groups == read_session(project).groups
    preset = Preset(tracks=(Track(name="Mono", strip=Strip(fader_db=-3)),))
    written = write_copy(mastered, preset, tmp_path / "mix.dawproject", match={"Mono": "Mono"})
    assert faults(written.path) == []
    assert any(note.startswith("In: the group is set to 0 dB") for note in written.notes)
