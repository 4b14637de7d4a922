"""Folders of audio and files of many channels as sessions: names, pairs, and time stamps."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.sessions.audio.wav import time_stamp
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.bridge.sessions.stems.render import render_stems
from mixbridge.presets.errors import SessionError
from timeline import RATE_HZ, noise, write_audio


def stamped(path: Path, samples: np.ndarray, begins: int, description: str = "", container: bytes = b"RIFF") -> Path:
    """A Broadcast WAV: a plain one with a `bext` chunk in front of its samples."""
    write_audio(path, samples)
    plain = path.read_bytes()
    chunk = description.encode().ljust(256, b"\0") + bytes(32 + 32 + 10 + 8)
    chunk += struct.pack("<II", begins & 0xFFFFFFFF, begins >> 32) + bytes(2 + 64 + 190)
    body = plain[8:12] + b"bext" + struct.pack("<I", len(chunk)) + chunk + plain[12:]
    path.write_bytes(container + struct.pack("<I", len(body)) + body)
    return path


def test_each_file_is_a_track_and_sides_are_one(tmp_path: Path) -> None:
    names = ["01 Kick.wav", "02_Gtr.L.wav", "02_Gtr.R.wav", "Keys (L).wav", "Keys (R).wav", "Vox R.wav", "808.wav"]
    audio = {name: noise(1000, seed=seed) for seed, name in enumerate(names)}
    for name, samples in audio.items():
        write_audio(tmp_path / "song" / name, samples)
    session = read_session(tmp_path / "song")
    assert (session.format, session.name, session.sample_rate_hz) == ("folder", "song", RATE_HZ)
    assert [track.name for track in session.tracks] == ["Kick", "Gtr", "808", "Keys", "Vox R"]
    stems = {
        name: sf.read(path, always_2d=True, dtype="float32")[0].T
        for name, path in render_stems(session, tmp_path / "stems").items()
    }
    np.testing.assert_array_equal(stems["Kick"], audio["01 Kick.wav"])
    np.testing.assert_array_equal(stems["Gtr"], np.concatenate([audio["02_Gtr.L.wav"], audio["02_Gtr.R.wav"]]))
    np.testing.assert_array_equal(stems["Keys"], np.concatenate([audio["Keys (L).wav"], audio["Keys (R).wav"]]))
    np.testing.assert_array_equal(stems["Vox R"], audio["Vox R.wav"])


@pytest.mark.parametrize(("left", "right"), [((2, RATE_HZ), (2, RATE_HZ)), ((1, RATE_HZ), (1, 2 * RATE_HZ))])
def test_files_that_are_no_pair_stay_apart(left: tuple[int, int], right: tuple[int, int], tmp_path: Path) -> None:
    write_audio(tmp_path / "Gtr L.wav", noise(1000, left[0]), left[1])
    write_audio(tmp_path / "Gtr R.wav", noise(1000, right[0]), right[1])
    assert [track.name for track in read_session(tmp_path).tracks] == ["Gtr L", "Gtr R"]


def test_files_of_several_rates_take_the_commonest(tmp_path: Path) -> None:
    for name, rate_hz in (("a", 8000), ("b", 16000), ("c", 16000)):
        write_audio(tmp_path / f"{name}.wav", noise(rate_hz), rate_hz)
    session = read_session(tmp_path)
    assert session.sample_rate_hz == 16000
    assert [track.clips[0].length for track in session.tracks] == [16000] * 3


def test_time_stamps_place_the_files(tmp_path: Path) -> None:
    hour = 3600 * RATE_HZ
    stamped(tmp_path / "Kick.wav", noise(1000), hour + 500)
    stamped(tmp_path / "Vox.wav", noise(1000, seed=1), hour + 1700)
    session = read_session(tmp_path)
    assert [track.clips[0].position for track in session.tracks] == [0, 1200]
    assert session.time_reference == hour + 500
    assert not session.unsupported


def test_a_time_stamp_of_0_is_a_time(tmp_path: Path) -> None:
    stamped(tmp_path / "Kick.wav", noise(1000), 0)
    stamped(tmp_path / "Vox.wav", noise(1000, seed=1), 5 * RATE_HZ)
    session = read_session(tmp_path)
    assert [track.clips[0].position for track in session.tracks] == [0, 5 * RATE_HZ]
    assert (session.time_reference, session.unsupported) == (0, ())


def test_files_without_a_time_stamp_begin_together(tmp_path: Path) -> None:
    stamped(tmp_path / "Kick.wav", noise(1000), 5 * RATE_HZ)
    write_audio(tmp_path / "Vox.wav", noise(1000, seed=1))
    session = read_session(tmp_path)
    assert [track.clips[0].position for track in session.tracks] == [0, 0]
    assert "time stamps" in session.unsupported[0].what


@pytest.mark.parametrize("other", [0, 40 * 3600 * RATE_HZ])
def test_time_stamps_that_fit_together_badly_are_left_out_and_said(other: int, tmp_path: Path) -> None:
    stamped(tmp_path / "Kick.wav", noise(1000), 3600 * RATE_HZ)
    stamped(tmp_path / "Vox.wav", noise(1000), other)
    session = read_session(tmp_path)
    assert [track.clips[0].position for track in session.tracks] == [0, 0]
    assert "time stamps" in session.unsupported[0].what


def test_a_file_of_many_channels_has_a_track_for_each(tmp_path: Path) -> None:
    audio = noise(3000, 4)
    names = "sSPEED=025.000-ND\r\nsTRK1=Kick\r\nsTRK3=Vox: lead\r\nsTRK99999=x"
    file = stamped(tmp_path / "take.wav", audio, (5 << 32) + 7, names)
    session = read_session(file)
    assert session.time_reference == (5 << 32) + 7
    assert [track.name for track in session.tracks] == ["Kick", "take 2", "Vox: lead", "take 4"]
    for n, path in enumerate(render_stems(session, tmp_path / "stems").values()):
        np.testing.assert_array_equal(sf.read(path, dtype="float32")[0], audio[n])


def test_a_stereo_file_is_one_track(tmp_path: Path) -> None:
    file = write_audio(tmp_path / "mix.wav", noise(100, 2))
    (track,) = read_session(file).tracks
    assert (track.name, track.channels, track.clips[0].channels) == ("mix", 2, None)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEbext\xff\xff\xff\xff", b"RIFF\0\0\0\0WAVE" + bytes(999)]
)
def test_a_broken_header_has_no_time_stamp(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(content)
    assert time_stamp(tmp_path / "broken.wav") == (None, {})
    with pytest.raises(SessionError, match="broken"):
        read_session(tmp_path / "broken.wav")


def test_rf64_has_time_stamps_too(tmp_path: Path) -> None:
    assert time_stamp(stamped(tmp_path / "a.wav", noise(10), 99, container=b"RF64"))[0] == 99


def test_a_link_in_a_folder_may_not_leave_it(tmp_path: Path) -> None:
    write_audio(tmp_path / "secret.wav", noise(100))
    write_audio(tmp_path / "song" / "a.wav", noise(100))
    (tmp_path / "song" / "b.wav").symlink_to(tmp_path / "secret.wav")
    with pytest.raises(SessionError, match="allow audio from outside"):
        read_session(tmp_path / "song")
    assert len(read_session(tmp_path / "song", allow_outside=True).tracks) == 2


def test_what_is_no_session_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "song.als").write_text("x")
    for name, words in (
        ("empty", "holds no audio"),
        ("song.als", "no session that can be read"),
        ("gone.RPP", "cannot"),
    ):
        with pytest.raises(SessionError, match=words):
            read_session(tmp_path / name)


def test_a_folder_with_several_sessions_asks_which(tmp_path: Path) -> None:
    for name in ("a.RPP", "b.ardour"):
        (tmp_path / name).write_text("x")
    with pytest.raises(SessionError, match="holds 2 sessions"):
        read_session(tmp_path)


def test_a_session_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "song.RPP").open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(SessionError, match="64 MiB"):
        read_session(tmp_path / "song.RPP")


def test_folders_inside_are_read_and_named_by_path_where_needed(tmp_path: Path) -> None:
    for seed, name in enumerate(("Drums/01 Kick.wav", "Perc/01 Kick.wav", "Keys.L.wav", "Keys.R.wav")):
        write_audio(tmp_path / name, noise(100, seed=seed))
    (tmp_path / "notes.txt").write_text("x")
    session = read_session(tmp_path)
    assert [track.name for track in session.tracks] == ["Keys", "Drums/01 Kick", "Perc/01 Kick"]
    assert session.tracks[2].clips[0].source == tmp_path / "Perc" / "01 Kick.wav"
    # A file that is no audio is nothing that a strict export could miss.
    assert session.unsupported == ()
