"""A new .dawproject of any session: valid, the same preset and the same sound when it is read back."""

from __future__ import annotations

import dataclasses
import math
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile as sf
from dawproject_files import PRESET, faults, project_xml
from mixbridge.bridge.sessions.core.model import Automation, Clip, Fade, Session, SessionTrack
from mixbridge.bridge.sessions.dawproject.new import create
from mixbridge.bridge.sessions.dawproject.writing import written_mix
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.console import Compressor, Strip
from mixbridge.presets.edit import desk_form, diff
from mixbridge.presets.errors import OutputError, SessionError
from mixbridge.presets.preset import Preset
from mixbridge.presets.preset import Track as PresetTrack
from timeline import RATE_HZ, noise, session_of, write_audio

EMPTY = Preset()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A mono file, a stereo one, and one at another rate."""
    folder = tmp_path / "media"
    return [
        write_audio(folder / "a.wav", noise(40_000)),
        write_audio(folder / "b & c.wav", noise(30_000, 2, seed=1)),
        write_audio(folder / "d.flac", noise(50_000, seed=2), 11_025, "PCM_24"),
    ]


def stems(session: Session, folder: Path) -> dict[str, np.ndarray]:
    return {name: sf.read(path, always_2d=True)[0].T for name, path in render_stems(session, folder).items()}


def assert_same_sound(tmp_path: Path, session: Session, written: Path, atol: float = 0) -> Session:
    again = read_session(written)
    ours, theirs = stems(session, tmp_path / "ours"), stems(again, tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    for name, samples in ours.items():
        np.testing.assert_allclose(theirs[name], samples, atol=atol, rtol=0)
    return again


def test_a_session_goes_there_and_back(tmp_path: Path, files: list[Path]) -> None:
    mono, stereo, other = files
    session = session_of(
        tmp_path,
        SessionTrack(
            "Vox",
            0,
            (
                Clip(mono, 1000, 9000, 400, fade_in=Fade(500), fade_out=Fade(700), name="take 1"),
                Clip(mono, 12_000, 8000, 20_000, gain_db=-6.5),
                Clip(mono, 21_000, 1000, mute=True),
            ),
            group="Singers",
            colour="#a1b2c3",
        ),
        SessionTrack("Keys", 1, (Clip(stereo, 0, 20_000, 100, loop_start=200, loop_frames=5000),), channels=2),
        SessionTrack("Bass", 2, (Clip(other, 500, 15_000, 77.0),), group="Rhythm", gain_db=-4, pan=0.25, mute=True),
        SessionTrack("Choir", 3, (Clip(mono, 0, 8000),), group="Singers"),
    )
    preset = PRESET.model_copy(update={"tracks": (*PRESET.tracks, PresetTrack(name="unused"))})
    written = create(session, preset, tmp_path / "new.dawproject", match={"lead": "Vox"})
    assert faults(written.path) == []
    again = assert_same_sound(tmp_path, session, written.path)
    assert again.sample_rate_hz == RATE_HZ
    by_name = {track.name: track for track in again.tracks}
    assert [track.name for track in again.tracks] == ["Vox", "Choir", "Keys", "Bass"]
    assert (by_name["Vox"].group, by_name["Choir"].group, by_name["Keys"].group) == ("Singers", "Singers", None)
    assert by_name["Vox"].colour == "#a1b2c3"
    assert [clip.name for clip in by_name["Vox"].clips] == ["take 1", "a.wav", "a.wav"]
    bass = by_name["Bass"]
    assert (bass.gain_db, bass.pan, bass.mute) == (pytest.approx(-4), pytest.approx(0.25), True)
    mix = written_mix(written.path)
    renamed = PRESET.model_copy(update={"tracks": (PRESET.tracks[0].model_copy(update={"name": "Vox"}),)})
    assert diff(desk_form(renamed), mix) == ()
    assert any("'unused'" in note for note in written.notes)


def test_audio_is_within_or_beside_the_file(tmp_path: Path, files: list[Path]) -> None:
    session = session_of(tmp_path, (Clip(files[0], 0, 8000),), (Clip(files[0], 0, 8000), Clip(files[1], 9000, 100)))
    inside = create(session, EMPTY, tmp_path / "inside.dawproject", match={})
    with zipfile.ZipFile(inside.path) as file:
        names = [name for name in file.namelist() if name.startswith("audio/")]
        assert names == ["audio/a.wav", "audio/b & c.wav"]
        assert file.read(names[0]) == files[0].read_bytes()
        assert file.getinfo(names[0]).compress_type == zipfile.ZIP_STORED
    beside = create(session, EMPTY, tmp_path / "songs" / "beside.dawproject", match={}, embed=False)
    assert faults(beside.path) == []
    paths = {element.get("path") for element in ElementTree.fromstring(project_xml(beside.path)).iter("File")}
    assert paths == {"../media/a.wav", "../media/b & c.wav"}
    with pytest.raises(SessionError, match="allow audio from outside"):
        read_session(beside.path)


def test_a_dawproject_may_be_made_of_a_dawproject(tmp_path: Path, files: list[Path]) -> None:
    session = session_of(tmp_path, (Clip(files[0], 0, 8000),))
    first = create(session, EMPTY, tmp_path / "first.dawproject", match={})
    second = create(read_session(first.path), EMPTY, tmp_path / "second.dawproject", match={}, embed=False)
    assert_same_sound(tmp_path, session, second.path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reverse": True}, "turned round"),
        ({"polarity": True}, "inverted polarity"),
        ({"channels": (1,)}, "some channels"),
        ({"downmix": True}, "put together anew"),
        ({"envelope": Automation(((0, 1), (1, 0.5), (2, 0.7)), "curved")}, "curved gain"),
    ],
)
def test_what_the_format_cannot_say_is_rendered(
    tmp_path: Path, files: list[Path], change: dict[str, object], reason: str
) -> None:
    clip = dataclasses.replace(Clip(files[1], 3000, 8000, 250), **change)  # type: ignore[arg-type]
    session = session_of(tmp_path, (clip,), (Clip(files[0], 0, 8000),))
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    assert [note for note in written.notes if reason in note] == [written.notes[0]]
    assert_same_sound(tmp_path, session, written.path)


def test_clips_that_hide_each_other_are_rendered(tmp_path: Path, files: list[Path]) -> None:
    session = session_of(
        tmp_path,
        (Clip(files[0], 0, 8000), Clip(files[0], 100, 100), Clip(files[0], 4000, 8000, opaque=True, layer=1)),
        (Clip(files[0], 0, 8000, opaque=True), Clip(files[0], 8000, 100, opaque=True)),
    )
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    assert [note for note in written.notes if "hide" in note] == [written.notes[0]]
    assert_same_sound(tmp_path, session, written.path)


def test_crossfades_are_said_as_such(tmp_path: Path, files: list[Path]) -> None:
    first = Clip(files[0], 0, 8000, fade_out=Fade(1000))
    session = session_of(
        tmp_path,
        (first, Clip(files[0], 7000, 8000, 900, fade_in=Fade(1000))),
        (first, Clip(files[0], 6000, 8000), Clip(files[0], 14_000, 800, fade_in=Fade(100))),
    )
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    assert_same_sound(tmp_path, session, written.path)
    clips = list(ElementTree.fromstring(project_xml(written.path)).iter("Clip"))
    assert [float(clip.get("fadeInTime", "")) * RATE_HZ for clip in clips] == [0, -1000, 0, 0, 100]
    assert clips[1].get("time") == "1.0"
    assert [note for note in written.notes if "overlap" in note] == [
        "Track 2: 1 clip overlaps another; a DAW that plays one at a time hides what lies below."
    ]


def test_gains_that_move_and_tapes(tmp_path: Path, files: list[Path]) -> None:
    envelope = Automation(((0.0, 1.0), (0.5, 0.25), (0.9, 2.0)))
    session = session_of(
        tmp_path,
        (Clip(files[0], 100, 8000, 300, gain_db=3, envelope=envelope),),
        (Clip(files[0], 0, 8000, 500, stretch=1.5),),
        (Clip(files[0], 0, 800, gain_db=-math.inf),),
    )
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    again = assert_same_sound(tmp_path, session, written.path, atol=1e-6)
    assert again.tracks[1].clips[0].stretch == pytest.approx(1.5)
    assert again.unsupported == ()
    assert not any(clip.notes for track in again.tracks for clip in track.clips)


def test_what_comes_before_the_song_or_the_file(tmp_path: Path, files: list[Path]) -> None:
    session = session_of(
        tmp_path, (Clip(files[0], -500, 8000, 100, fade_in=Fade(300)),), (Clip(files[0], 1000, 5000, -200.0),)
    )
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    again = assert_same_sound(tmp_path, session, written.path)
    assert [track.clips[0].position for track in again.tracks] == [0, 1200]


def test_automation_of_tracks_that_are_not_mixed(tmp_path: Path, files: list[Path]) -> None:
    volume, pan = Automation(((0.0, 1.0), (1.0, 0.5))), Automation(((0.5, -1.0), (1.0, 1.0)), "hold")
    tracks = [
        SessionTrack(name, order, (Clip(files[0], 0, 8000),), volume=volume, pan_automation=pan)
        for order, name in enumerate(("kept", "mixed"))
    ]
    tracks.append(dataclasses.replace(tracks[0], name="curved", volume=Automation(volume.points, "ardour_gain")))
    preset = Preset(tracks=(PresetTrack(name="mixed"),))
    written = create(session_of(tmp_path, *tracks), preset, tmp_path / "new.dawproject", match={"mixed": "mixed"})
    assert faults(written.path) == []
    kept, mixed, curved = read_session(written.path).tracks
    assert (kept.volume, kept.pan_automation) == (volume, pan)
    assert (mixed.volume, mixed.pan_automation, curved.volume) == (None, None, None)
    assert sum("automation is left out" in note for note in written.notes) == 3


def test_what_is_lost_is_said(tmp_path: Path, files: list[Path]) -> None:
    track = SessionTrack(
        "Vox", 0, (Clip(files[0], 0, 8000, fade_in=Fade(10, "fast_start")),), gain_db=20, polarity_inverted=True
    )
    preset = Preset(tracks=(PresetTrack(name="x", strip=Strip(compressor=Compressor(ratio=4), fader_db=20)),))
    written = create(session_of(tmp_path, track), EMPTY, tmp_path / "a.dawproject", match={})
    said = " ".join(written.notes)
    assert "lose their shape" in said
    assert "polarity" in said
    assert "+20.0 dB is held at +6.0 dB" in said
    written = create(session_of(tmp_path, track), preset, tmp_path / "b.dawproject", match={"x": "Vox"})
    assert "knee" in " ".join(written.notes)
    strip = written_mix(written.path).tracks[0].strip
    assert strip.fader_db + strip.compressor.makeup_db == pytest.approx(20)


def test_names_of_all_kinds(tmp_path: Path, files: list[Path]) -> None:
    names = ("a<b>&\"'", "\x00\x1b", "Ü音", "same", "same", "")
    session = session_of(
        tmp_path, *(SessionTrack(name, order, (Clip(files[0], 0, 800, name=name),)) for order, name in enumerate(names))
    )
    written = create(session, EMPTY, tmp_path / "new.dawproject", match={})
    assert faults(written.path) == []
    assert [track.name for track in read_session(written.path).tracks] == [
        "a<b>&\"'", "??", "Ü音", "same", "same (2)", "track",
    ]  # fmt: skip


def test_nothing_is_left_by_a_failure(tmp_path: Path, files: list[Path]) -> None:
    session = session_of(tmp_path, (Clip(files[0], 0, 8000),))
    output = tmp_path / "out" / "new.dawproject"
    with pytest.raises(SessionError, match="no track"):
        create(session, PRESET, output, match={"lead": "nobody"})
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(b"RIFF")
    with pytest.raises(SessionError, match=r"damaged\.wav"):
        create(session_of(tmp_path, (Clip(damaged, 0, 10),)), EMPTY, output, match={})
    assert not output.exists()
    create(session, EMPTY, output, match={})
    with pytest.raises(OutputError, match="exists already"):
        create(session, EMPTY, output, match={})
    assert [path.name for path in output.parent.iterdir()] == ["new.dawproject"]
