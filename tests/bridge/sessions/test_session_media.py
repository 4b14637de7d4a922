"""Paths in sessions are not trusted: what leads out of the folder is refused, what is missing is said with where."""

import os
from pathlib import Path

import pytest
from mixbridge.bridge.sessions.core.media import Resolver
from mixbridge.presets.errors import SessionError


def locate(folder: Path, written: str, **options: object) -> Path | None:
    return Resolver(folder, **options).find(written)  # type: ignore[arg-type]


def resolve(folder: Path, written: str, **options: object) -> Path:
    path = locate(folder, written, **options)
    assert path is not None
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A session's folder with a file in it, and a secret beside it."""
    (tmp_path / "song" / "Media").mkdir(parents=True)
    (tmp_path / "song" / "Media" / "kick.wav").write_bytes(b"x")
    (tmp_path / "secret.wav").write_bytes(b"secret")
    return tmp_path / "song"


@pytest.mark.parametrize(
    "written",
    ["Media/kick.wav", "./Media/kick.wav", r"Media\kick.wav", "Media/../Media/kick.wav", "Media//kick.wav"],
)
def test_a_file_in_the_folder_is_found_however_it_is_written(written: str, folder: Path) -> None:
    assert resolve(folder, written).read_bytes() == b"x"


def test_an_absolute_path_into_the_folder_is_inside(folder: Path) -> None:
    assert resolve(folder, str(folder / "Media" / "kick.wav")).read_bytes() == b"x"


@pytest.mark.parametrize(
    "written",
    [
        "../secret.wav",
        "Media/../../secret.wav",
        r"..\secret.wav",
        r"Media\..\..\secret.wav",
        "../../../../../../etc/passwd",
        "/etc/passwd",
        "{outside}/secret.wav",
        "{folder}/../secret.wav",
        r"\\server\share\kick.wav",
        "//server/share/kick.wav",
        r"C:\Windows\kick.wav",
        "D:/Audio/kick.wav",
        r"\kick.wav",
        "file:///etc/passwd",
        "http://example.org/kick.wav",
    ],
)
def test_what_leads_out_of_the_folder_is_refused(written: str, folder: Path) -> None:
    written = written.format(outside=folder.parent, folder=folder)
    with pytest.raises(SessionError, match="allow audio from outside") as refusal:
        resolve(folder, written)
    assert written[:20] in str(refusal.value)
    assert str(folder) in str(refusal.value)


@pytest.mark.parametrize("name", ["link.wav", "linked/secret.wav"])
def test_a_link_that_leaves_the_folder_is_refused(name: str, folder: Path) -> None:
    (folder / "link.wav").symlink_to("../secret.wav")
    (folder / "linked").symlink_to("..")
    with pytest.raises(SessionError, match="allow audio from outside"):
        resolve(folder, name)
    assert resolve(folder, name, allow_outside=True).read_bytes() == b"secret"


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "link.wav").symlink_to("Media/kick.wav")
    assert resolve(folder, "link.wav").read_bytes() == b"x"


def test_a_session_folder_that_is_a_link_is_no_escape(folder: Path) -> None:
    (folder.parent / "other").symlink_to(folder)
    assert resolve(folder.parent / "other", "Media/kick.wav").read_bytes() == b"x"


@pytest.mark.parametrize("written", ["../secret.wav", "{outside}/secret.wav"])
def test_the_user_may_allow_it(written: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert resolve(folder, written.format(outside=folder.parent), allow_outside=True).read_bytes() == b"secret"


def test_a_relative_path_is_relative_to_the_session_wherever_one_is(folder: Path, tmp_path: Path) -> None:
    assert Path.cwd() != folder
    assert resolve(folder, "../secret.wav", allow_outside=True).read_bytes() == b"secret"


@pytest.mark.parametrize("written", ["kick.wav", r"D:\Old\kick.wav", "../gone/kick.wav", r"\\server\kick.wav"])
def test_a_folder_to_search_is_trusted(written: str, folder: Path) -> None:
    assert resolve(folder, written, search=[folder.parent, folder / "Media"]).read_bytes() == b"x"


def test_a_search_takes_the_name_alone(folder: Path) -> None:
    assert locate(folder, "a/..", search=[folder]) is None
    assert locate(folder, "sub/secret.wav", search=[folder / "Media"]) is None


@pytest.mark.parametrize("written", ["", "  ", "a\0b.wav", "x" * 5000])
def test_a_name_that_no_file_can_have(written: str, folder: Path) -> None:
    with pytest.raises(SessionError, match="none that a file can have"):
        resolve(folder, written, allow_outside=True)


@pytest.mark.parametrize("written", ["Media", ".", "Media/" + "y" * 300])
def test_what_is_no_file_is_missing(written: str, folder: Path) -> None:
    assert locate(folder, written) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_is_no_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe.wav")
    assert locate(folder, "pipe.wav") is None


def test_what_is_missing_is_said_once_with_where_it_was_looked_for(folder: Path) -> None:
    resolver = Resolver(folder, search=[folder.parent])
    assert resolver.find("snare.wav", under=["Media"]) is None
    assert resolver.find("snare.wav", under=["Media"]) is None
    assert resolver.find("kick.wav", under=["Media"]) == folder / "Media" / "kick.wav"
    (missing,) = resolver.missing.values()
    assert missing.written == "snare.wav"
    assert missing.looked_in == (folder, folder / "Media", folder.parent)


@pytest.mark.parametrize(
    "written",
    [r"MEDIA\Kick.WAV", "media/kick.wav", "{folder}/MEDIA/kick.wav", "Media/Ku\u0308hl.wav", "Media/K\xfchl.wav"],
)
def test_names_that_differ_in_case_or_unicode_form_are_found(written: str, folder: Path) -> None:
    (folder / "Media" / "k\xfchl.wav").write_bytes(b"x")
    assert resolve(folder, written.format(folder=folder)).read_bytes() == b"x"
    assert resolve(folder, written.format(folder=folder), search=[folder / "Media"]).read_bytes() == b"x"


def test_of_names_that_are_alike_the_very_one_is_taken_and_none_is_guessed(folder: Path) -> None:
    for name in ("Snare.wav", "SNARE.wav"):
        (folder / "Media" / name).write_text(name)
    assert resolve(folder, "Media/SNARE.wav").read_text() == "SNARE.wav"
    assert locate(folder, "Media/snare.wav") is None


def test_a_name_of_other_case_is_no_way_out(folder: Path) -> None:
    (folder / "LINK.wav").symlink_to("../secret.wav")
    with pytest.raises(SessionError, match="allow audio from outside"):
        resolve(folder, "link.wav")
    assert resolve(folder, f"{folder.parent}/SECRET.wav", allow_outside=True).read_bytes() == b"secret"


def test_what_leads_out_can_be_listed_and_the_rest_is_found(folder: Path) -> None:
    resolver = Resolver(folder, lists_outside=True)
    assert resolver.find("/etc/passwd") is None
    assert resolver.find("Media/kick.wav") is not None
    assert [(item.written, item.is_outside) for item in resolver.missing.values()] == [("/etc/passwd", True)]


def test_messages_show_no_control_letters_and_end(folder: Path) -> None:
    with pytest.raises(SessionError) as error:
        resolve(folder, "../\x1b[31mred\n" + "z" * 1000)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 800


def test_a_folder_for_recordings_may_be_written_in_other_case(folder: Path) -> None:
    assert Resolver(folder).find("KICK.wav", under=["media"]) == folder / "Media" / "kick.wav"
