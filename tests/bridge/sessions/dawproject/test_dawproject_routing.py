"""Groups, busses, VCAs, sends and mutes of a .dawproject: what acts on its tracks, and what is said of the rest."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import audio, faults, write_project
from kind_examples import kind_of
from mixbridge.bridge.sessions.core.model import Automation, Session
from mixbridge.bridge.sessions.core.routing import acting, silence
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from timeline import RATE_HZ, write_audio

MASTER = (
    '<Track contentType="audio" name="Master" id="tm"><Channel role="master" id="master">{devices}</Channel></Track>'
)


def channel(
    identity: str, inside: str = "", *, volume: float = 1, pan: float = 0.5, mute: str = "", **more: str
) -> str:
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    devices, sends = (inside, "") if inside.startswith("<Devices>") else ("", inside)
    return (
        f'<Channel id="{identity}"{attributes}>{devices}<Mute value="{mute or "false"}" id="{identity}m"/>'
        f'<Pan unit="normalized" value="{pan}" id="{identity}p"/>{sends}'
        f'<Volume unit="linear" value="{volume}" id="{identity}v"/></Channel>'
    )


def track(name: str, own: str, inside: str = "", kind: str = "audio", more: str = "") -> str:
    return f'<Track contentType="{kind}" name="{name}" id="t{name}"{more}>{own}{inside}</Track>'


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]
    sound = write_audio(tmp_path / "a.wav", np.full(RATE_HZ, 0.25))

    def read(structure: str, more: str = "", devices: str = "") -> Session:
        inside = (
            f"<Structure>{structure}{MASTER.format(devices=devices)}</Structure>"
            f'<Arrangement><Lanes timeUnit="seconds"><Lanes track="tVox"><Clips><Clip time="0" duration="1">{audio()}'
            f"</Clip></Clips>{more}</Lanes></Lanes></Arrangement>"
        )
        path = write_project(tmp_path / "song.dawproject", inside, {"audio/a.wav": sound})
        assert faults(path) == []
        return read_session(path)

    return read


def level_db(session: Session, folder: Path) -> list[float]:
    """Both sides of the first stem behind all faders."""
    path = next(iter(render_stems(session, folder, post_fader=True).values()))
    samples, _ = sf.read(path, always_2d=True)
    return [20 * math.log10(side + 1e-10) for side in np.abs(samples).max(0) / 0.25]


def test_groups_in_groups_act_on_what_lies_in_them(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    inner = track("Vox", channel("v", volume=0.5, destination="g1"))
    first = track("Lead", channel("g1", volume=0.5, pan=0.75, destination="g2"), inner, "tracks")
    session = read(track("All", channel("g2", volume=0.25, destination="master"), first, "tracks"))
    (vox,) = session.tracks
    assert [(group.name, group.kind) for group in acting(session, vox)] == [("Lead", "group"), ("All", "group")]
    assert vox.group == "Lead"
    assert level_db(session, tmp_path / "out") == pytest.approx([-24.08 - 6.02, -24.08], abs=0.01)


def test_the_destination_counts_and_not_the_folder(read) -> None:  # type: ignore[no-untyped-def]
    folder = track("Folder", channel("g", volume=0.5), track("Vox", channel("v", destination="b")), "tracks")
    bus = track("Bus", channel("b", destination="master", role="submix"))
    session = read(folder + bus)
    assert [(group.name, group.kind) for group in acting(session, session.tracks[0])] == [("Bus", "bus")]
    session = read(track("Folder", channel("g"), track("Vox", channel("v", destination="master")), "tracks"))
    assert (session.groups, session.tracks[0].group) == ((), "Folder")


def test_without_a_destination_a_track_goes_to_its_group(read) -> None:  # type: ignore[no-untyped-def]
    inner = track("Shelf", "", track("Vox", channel("v")), "tracks")  # a folder without a channel of its own
    session = read(track("Group", channel("g", mute="true"), inner, "tracks"))
    assert [group.name for group in acting(session, session.tracks[0])] == ["Group"]
    assert silence(session, session.tracks[0]) == "muted by the group Group"


def test_a_bus_that_is_on_no_track(read) -> None:  # type: ignore[no-untyped-def]
    bus = channel("b", volume=0.5, name="Sub", role="submix", destination="master")
    session = read(track("Vox", channel("v", destination="b")) + bus)
    assert [(group.name, group.kind) for group in session.groups] == [("Sub", "bus")]
    assert session.groups[0].gain_db == pytest.approx(-6.02, abs=0.01)


def test_channels_that_feed_each_other_end(read) -> None:  # type: ignore[no-untyped-def]
    busses = channel("a", role="submix", name="A", destination="b") + channel("b", role="submix", destination="a")
    session = read(track("Vox", channel("v", destination="a")) + busses)
    assert [group.name for group in session.groups] == ["Bus", "A"]
    assert silence(session, session.tracks[0]) is None


def test_a_vca_acts_on_what_lies_in_it(read) -> None:  # type: ignore[no-untyped-def]
    inner = track("Vox", channel("v", destination="master"))
    session = read(track("Voices", channel("g", volume=0.5, role="vca"), inner, "tracks"))
    assert [(group.name, group.kind) for group in acting(session, session.tracks[0])] == [("Voices", "VCA")]
    session = read(track("Vox", channel("v")) + track("Far", channel("g", volume=0.5, role="vca"), "", ""))
    assert [(note.track, note.what) for note in session.unsupported] == [
        ("Far", "the VCA's fader at -6.0 dB is not in the raw stems")
    ]


SEND = (
    '<Sends><Send destination="{to}"{name}><Enable value="{on}"/><Volume unit="linear" value="{level}"/></Send></Sends>'
)
ROOM = track("Room", channel("r", role="effect", destination="master"))


@pytest.mark.parametrize(
    ("send", "notes"),
    [
        (SEND.format(to="r", name="", on="true", level=0.5), ["send to Room"]),
        (SEND.format(to="r", name="", on="false", level=0.5), []),
        (SEND.format(to="r", name="", on="true", level=0), []),
    ],
)
def test_sends_that_act_are_said(read, send: str, notes: list[str]) -> None:  # type: ignore[no-untyped-def]
    session = read(track("Vox", channel("v", send)) + ROOM)
    assert [note.what for note in session.unsupported] == notes
    assert session.groups == ()


def test_plugins_of_groups_and_of_the_master_are_said(read) -> None:  # type: ignore[no-untyped-def]
    chain = (
        '<Devices><Vst3Plugin deviceName="{0}" deviceRole="audioFX"/><Limiter deviceName="Off" deviceRole="audioFX">'
        '<Enabled value="False"/></Limiter><Limiter deviceName="Gone" deviceRole="audioFX" loaded="false"/></Devices>'
    )
    group = track("Group", channel("g", chain.format("Glue")), track("Vox", channel("v", destination="g")), "tracks")
    unused = track("Elsewhere", channel("e", chain.format("Unheard")), "", "tracks")
    session = read(
        (group + unused).replace('"False"', '"false"'), devices=chain.format("Loud").replace("False", "false")
    )
    assert [(note.track, note.what) for note in session.unsupported] == [
        ("Group", "plug-in Glue"),
        ("", "plug-in Loud on the master"),
    ]


def test_automation_of_groups_and_mutes_is_read(read) -> None:  # type: ignore[no-untyped-def]
    lanes = (
        '<Points unit="linear"><Target parameter="gv"/><RealPoint time="0" value="1"/><RealPoint time="1" value="0.5"/>'
        '</Points><Points><Target parameter="vm"/><BoolPoint time="0" value="true"/></Points>'
        '<Points unit="semitones"><Target parameter="vv"/><RealPoint time="0" value="1"/></Points>'
    )
    group = track("Group", channel("g"), track("Vox", channel("v", destination="g")), "tracks")
    session = read(group, lanes)
    assert session.groups[0].volume == Automation(((0, 1), (1, 0.5)), "hold")
    notes = [(note.track, note.what) for note in session.unsupported]
    assert session.tracks[0].mute  # from its beginning to its end
    assert notes == [("Vox", "automation of Volume")]
    assert all(kind_of(what) for _, what in notes)


def test_a_solo_is_kept(read) -> None:  # type: ignore[no-untyped-def]
    group = track("Group", channel("g", solo="true"), track("Vox", channel("v", destination="g")), "tracks")
    session = read(group)
    assert (session.groups[0].solo, session.tracks[0].solo) == (True, False)
