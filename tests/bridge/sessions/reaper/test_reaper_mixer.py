"""What lies between the tracks of a REAPER project: folders, buses, VCAs, sends; rendered, and at rest in copies."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.core.model import TempoPoint
from mixbridge.bridge.sessions.inserting import insert
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.planning import plan_stems
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import Strip
from mixbridge.presets.preset import Preset, Track
from reaper_project import chain, envelope, item, plugin, project, track
from session_copies import PANS, balance_faults, write_copy
from timeline import RATE_HZ, noise, write_audio

RECEIVE = "AUXRECV {source} {mode} {volume} 0 {mute} 0 0 0 {channel} -1:U 0 -1 ''\n"


def receive(source: int, *, mode: int = 0, volume: float = 1, mute: int = 0, channel: int = 0) -> str:
    return RECEIVE.format(source=source, mode=mode, volume=volume, mute=mute, channel=channel)


def saved(folder: Path, *tracks: str, pan_law: str = "1", head: str = "") -> Path:
    write_audio(folder / "Media" / "a.wav", np.full(RATE_HZ, 0.5))
    write_audio(folder / "Media" / "wide.wav", noise(RATE_HZ, 2))
    path = folder / "song.RPP"
    path.write_text(project(tracks, rate=RATE_HZ, pan_law=pan_law, master=head))
    return path


def level(path: Path, folder: Path, name: str = "Kick") -> float:
    """The post-fader level of a track of half full scale, as a factor."""
    stem = render_stems(read_session(path), folder / "stems", post_fader=True, overwrite=True)[name]
    return float(np.abs(sf.read(stem)[0]).max()) / 0.5


def folder_of(*inside: str, lines: str = "", volpan: str = "1 0 -1 -1 1", own: str = "") -> tuple[str, ...]:
    """A folder, with an item of its own or none, and the tracks in it."""
    closed = inside[-1].replace("NCHAN 2", "ISBUS 2 -1\n  NCHAN 2")
    return (track("Drums", own, lines="ISBUS 1 1\n" + lines, volpan=volpan, number=9), *inside[:-1], closed)


def test_a_folders_fader_and_that_of_the_folder_around_it_act_on_its_tracks(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        track("All", lines="ISBUS 1 1\n", volpan="0.5 0 -1 -1 1", number=1),
        track("Drums", lines="ISBUS 1 1\n", volpan="0.25 1 -1 -1 1", number=2),
        track("Kick", item(), lines="ISBUS 2 -2\n", volpan="0.5 0 -1 -1 1", number=3),
        track("Bass", item(), number=4),
    )
    session = read_session(path)
    kick, bass = session.tracks
    assert [(group.name, group.kind, group.parent) for group in session.groups] == [
        ("All", "folder", None),
        ("Drums", "folder", 0),
    ]
    assert (kick.group, kick.parent, bass.group, bass.parent) == ("Drums", 1, None, None)
    (stem, other) = render_stems(session, tmp_path / "stems", post_fader=True).values()
    left, right = sf.read(stem)[0].T
    assert not left.any()
    assert right == pytest.approx(np.full(RATE_HZ, 0.5 * 0.5 * 0.25 * 0.5), abs=1e-6)
    assert np.abs(sf.read(other)[0]).max() == pytest.approx(0.5)


def test_a_sends_bus_is_the_way_of_a_track_whose_master_send_is_off(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        track("Kick", item(), number=1).replace("MAINSEND 1 0", "MAINSEND 0 0"),
        track("Bus", lines=receive(0, volume=0.5), volpan="0.5 0 -1 -1 1", number=2),
    )
    assert read_session(path).groups[0].kind == "bus"
    assert level(path, tmp_path) == pytest.approx(0.25)
    plan = plan_stems(read_session(path))
    assert not plan.not_rendered


@pytest.mark.parametrize(
    "send", [receive(0, mode=3), receive(0, mute=1), receive(0, volume=0), receive(0, channel=2)], ids=str
)
def test_a_key_or_a_send_before_the_fader_is_no_way_to_the_master(tmp_path: Path, send: str) -> None:
    path = saved(
        tmp_path,
        track("Kick", item(), number=1).replace("MAINSEND 1 0", "MAINSEND 0 0"),
        track("Bus", lines=send, number=2),
    )
    assert level(path, tmp_path) == 0
    assert ("Kick", "its output to the master is off, so its stem is silent") in [
        (note.track, note.what) for note in plan_stems(read_session(path), post_fader=True).remarks
    ]


def test_sends_in_a_circle_end(tmp_path: Path) -> None:
    off = [track(name, item(), lines=receive(1 - place), number=place) for place, name in enumerate("AB")]
    path = saved(tmp_path, *(text.replace("MAINSEND 1 0", "MAINSEND 0 0") for text in off))
    assert level(path, tmp_path, "A") == 1


def test_a_vca_acts_on_those_that_follow(tmp_path: Path) -> None:
    flags = "GROUP_FLAGS " + " ".join("0" for _ in range(20))
    path = saved(
        tmp_path,
        track("VCA", lines=f"{flags} 4 0\n", volpan="0.5 -1 -1 -1 1", number=1),
        track("Kick", item(), lines=f"{flags} 0 4\n", number=2),
        track("Bass", item(), lines=f"{flags} 0 8\n", number=3),
    )
    session = read_session(path)
    assert [group.kind for group in session.groups] == ["VCA"]
    assert level(path, tmp_path) == pytest.approx(0.5)
    assert level(path, tmp_path, "Bass") == pytest.approx(1)


def test_the_tempo_is_a_list_of_places_where_it_changes(tmp_path: Path) -> None:
    path = saved(
        tmp_path, track("A", item()), head="<TEMPOENVEX\n  ACT 1 -1\n  PT 0 120 1\n  PT 4 60 0\n  PT 8 90 1\n>\n"
    )
    assert read_session(path).tempo == (TempoPoint(0, 120), TempoPoint(4, 60, ramp=True), TempoPoint(8, 90))
    assert read_session(saved(tmp_path, track("A", item()))).tempo == ()


def test_plug_ins_of_a_folder_are_listed_and_those_of_a_chain_that_is_off_are_not(tmp_path: Path) -> None:
    off = track("Kick", chain(plugin("VST: Mine (X)")), item(), number=2).replace("FX 1", "FX 0")
    path = saved(tmp_path, *folder_of(off, own=chain(plugin("VST: Glue (X)"))))
    assert [(note.track, note.what) for note in read_session(path).unsupported] == [("Drums", "plug-in VST: Glue (X)")]


_FLAGS = "GROUP_FLAGS " + " ".join("0" for _ in range(20))
_PROJECTS = {
    "plain": (track("Kick", item(), number=1), track("Keys", item("Media/wide.wav"), number=2)),
    "folder": folder_of(
        track("Kick", item(), number=1),
        track("Keys", item("Media/wide.wav"), number=2),
        lines="IPHASE 0\n",
        volpan="0.1 0.5 -1 -1 1",
    ),
    "bus": (
        track("Kick", item(), number=1).replace("MAINSEND 1 0", "MAINSEND 0 0"),
        track("Keys", item("Media/wide.wav"), number=2),
        track("Bus", lines=receive(0, volume=0.25), volpan="0.5 -0.5 -1 -1 1", number=3),
    ),
    "vca": (
        track("VCA", lines=f"{_FLAGS} 1 0\n", volpan="0.5 0 -1 -1 1", number=1),
        track("Kick", item(), lines=f"{_FLAGS} 0 1\n", number=2),
        track("Keys", item("Media/wide.wav"), number=3),
    ),
    "envelopes": (
        track("Kick", envelope("VOLENV2", "0 0.2 0"), envelope("PANENV2", "0 1 0"), item(), number=1),
        track("Keys", item("Media/wide.wav"), lines="PANMODE 5\n", volpan="1 0 -1 -1 0.25", number=2),
    ),
    "own laws": (
        track("Kick", item(), volpan="1 0 0.5 -1 1", number=1),
        track("Keys", item("Media/wide.wav"), volpan="-1 0 1.4142135623731 -1 1", number=2),
    ),
    "short lines": (
        track("Kick", item(), volpan="1 0", number=1),
        track("Keys", item("Media/wide.wav"), number=2).replace("  VOLPAN 1 0 -1 -1 1\n", ""),
    ),
}


@pytest.mark.parametrize("law", ["1", "0.70710678118655", "0.5", "1.4142135623731", "2"])
def test_a_copy_has_the_balance_of_the_mix_whatever_the_projects_law(tmp_path: Path, law: str) -> None:
    path = saved(tmp_path, *_PROJECTS["plain"], pan_law=law)
    assert [fault for pan in PANS for fault in balance_faults(path, tmp_path / str(pan), pan)] == []


@pytest.mark.parametrize("name", _PROJECTS)
def test_a_copy_has_the_balance_of_the_mix_whatever_lies_between(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, *_PROJECTS[name])
    assert [fault for pan in (-0.6, 0.0, 1.0) for fault in balance_faults(path, tmp_path / str(pan), pan)] == []


def test_what_is_set_to_rest_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, *_PROJECTS["folder"])
    preset = Preset(tracks=(Track(name="Kick", strip=Strip()),))
    notes = write_copy(path, preset, tmp_path / "copy.RPP", match={"Kick": "Kick"}).notes
    assert (
        "Drums: the folder is set to 0 dB and the centre, since the tracks have the mix's levels; "
        "it had: fader at -20.0 dB, pan at 50 % right."
    ) in notes


def test_a_folder_with_audio_of_its_own_rests_and_that_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path, *folder_of(track("Kick", item(), number=1), own=item()))
    names = [entry.name for entry in read_session(path).tracks]
    assert names == ["Drums", "Kick"]
    preset = Preset(tracks=tuple(Track(name=name, strip=Strip(fader_db=-6)) for name in names))
    written = write_copy(path, preset, tmp_path / "copy.RPP", match={name: name for name in names})
    assert any("Drums: other tracks of the mix go through it" in note for note in written.notes)
    assert level(written.path, tmp_path) == pytest.approx(10 ** (-9.0103 / 20), abs=1e-3)


def test_a_masters_mute_pan_and_envelope_do_not_act_in_the_copy(tmp_path: Path) -> None:
    head = "MASTERMUTESOLO 1\n" + envelope("MASTERVOLENV2", "0 0.1 0")
    path = saved(tmp_path, track("Kick", item()), head=head)
    path.write_text(path.read_text().replace("MASTER_VOLUME 0.5 0 ", "MASTER_VOLUME 0.5 0.5 "))
    written = write_copy(path, Preset(tracks=(Track(name="Kick"),)), tmp_path / "copy.RPP", match={"Kick": "Kick"})
    text = written.path.read_text()
    assert "MASTERMUTESOLO 0" in text
    assert "MASTER_VOLUME 1 0 -1 -1 1" in text
    assert "<MASTERVOLENV2\n    ACT 0 -1" in text
    assert "Master: it was muted; it is not in the copy." in written.notes


def test_what_acts_in_the_copy_and_not_in_the_mix_is_said(tmp_path: Path) -> None:
    inside = track("Kick", item(), number=1).replace("MUTESOLO 0 0 0", "MUTESOLO 0 1 0")
    bus = track("Verb", lines=receive(1), number=2)
    key = track("Bass", item(), lines=receive(1, channel=2), number=3)
    path = saved(tmp_path, *folder_of(inside, own=chain(plugin("VST: Glue (X)"))), bus, key)
    preset = Preset(tracks=(Track(name="Kick"), Track(name="Bass")))
    notes = insert(read_session(path), preset, tmp_path / "copy.RPP").notes
    assert {
        "Solo stays on for Kick: the DAW plays nothing else until you switch it off.",
        "Kick: send to Verb stays, and acts besides the mix.",
        "Bass: side-chain key from Kick stays, and acts besides the mix.",
        "Drums: plug-in VST: Glue (X) stays, and acts besides the mix.",
    } <= set(notes)
