"""Only regular files are read, and not more of them than there may be."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mixbridge.presets.inputs import check_regular, open_regular, read_regular, read_text

Read = Callable[[Path], object]


@pytest.fixture
def odd_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the name of a socket may be short only
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        yield {"a pipe": tmp_path / "pipe", "a socket": tmp_path / "socket", "a device": Path("/dev/zero")}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a device"])
@pytest.mark.parametrize("read", [check_regular, open_regular, lambda path: read_regular(path, 10)])
def test_what_is_no_regular_file_is_refused_at_once(odd_files: dict[str, Path], kind: str, read: Read) -> None:
    with pytest.raises(OSError, match=f"it is {kind}, not a regular file") as caught:
        read(odd_files[kind])
    assert caught.value.filename == str(odd_files[kind])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("mixbridge.presets.inputs.check_regular", lambda path: 0)
    answers: list[str] = []

    def opens() -> None:
        try:
            open_regular(tmp_path / "pipe")
        except OSError as error:
            answers.append(str(error.strerror))

    thread = threading.Thread(target=opens, daemon=True)
    thread.start()
    thread.join(60)
    assert answers == ["it is a pipe, not a regular file"]


def test_a_folder_and_a_missing_file_are_what_python_calls_them(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing", 10)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "link", 5) == b"12345"
    assert check_regular(tmp_path / "link") == 5


def test_a_file_may_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("ä".encode() * 1024)
    assert read_text(tmp_path / "file", 2048) == "ä" * 1024
    with pytest.raises(OSError, match="larger than 1 KiB"):
        read_regular(tmp_path / "file", 1024)
