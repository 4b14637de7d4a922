"""Whatever reads a file that a user or another file names: a pipe, a socket or a device is refused by name, at once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mixbridge.bridge.cli.desks.scene import _text
from mixbridge.bridge.desks.loading import load_desk
from mixbridge.bridge.push import snapshots
from mixbridge.bridge.sessions.audio.wav import time_stamp
from mixbridge.bridge.sessions.reading import read_session
from mixbridge.presets import files
from mixbridge.presets.errors import MixbridgeError
from mixbridge.runtime.audio.opening import OpenFiles
from mixbridge.runtime.audio.reading import AudioReader, probe, read_passage
from mixbridge.runtime.model.bundle import MANIFEST, TRACK_ENCODER, open_bundle
from mixbridge.runtime.prediction.predict import _source

Read = Callable[[Path], object]


def bundle_of(name: str) -> Read:
    """Read a bundle in which the file of this name is the odd one."""

    def read(path: Path) -> object:
        folder = Path(shutil.copytree(open_bundle().folder, path.parent / "bundle"))
        (folder / name).unlink()
        (folder / name).symlink_to(path)
        return open_bundle(folder).read(TRACK_ENCODER)

    return read


READERS: dict[str, tuple[str, Read]] = {
    "audio": (".wav", probe),
    "audio in blocks": (".flac", AudioReader),
    "a passage": (".mp3", lambda path: read_passage(path, 0, 1)),
    "preset": (".json", files.load),
    "desk": (".toml", load_desk),
    "snapshot": (".json", snapshots.load),
    "scene": (".scn", lambda path: _text(str(path))),
    "REAPER": (".RPP", read_session),
    "REAPER's copy": (".rpp-bak", read_session),
    "Ardour": (".ardour", read_session),
    "DAWproject": (".dawproject", read_session),
    "WAV session": (".wav", read_session),
    "time stamp": (".wav", time_stamp),
    "manifest": (".json", bundle_of(MANIFEST)),
    "graph": (".onnx", bundle_of(TRACK_ENCODER)),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_takes_what_is_no_regular_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, kind: str
) -> None:
    ending, read = READERS[reader]
    path = tmp_path / f"odd{ending}"
    monkeypatch.chdir(tmp_path)  # the name of a socket may be short only
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            server.bind(path.name)
        else:
            path.symlink_to("/dev/zero")
        with pytest.raises(MixbridgeError, match=f"it is a {kind}, not a regular file") as caught:
            read(path)
    assert path.name in str(caught.value) or MANIFEST in str(caught.value) or TRACK_ENCODER in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_the_hash_of_a_source_is_not_taken_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with OpenFiles() as files, pytest.raises(MixbridgeError, match="it is a pipe"):
        _source(tmp_path / "pipe", files)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("what", ["show", "apply", "mix", "inspect"])
def test_the_command_line_says_it_and_ends(tmp_path: Path, what: str) -> None:
    pipe = tmp_path / {"inspect": "odd.RPP", "mix": "odd.wav"}.get(what, "odd.json")
    os.mkfifo(pipe)
    stems = tmp_path / "stems"
    stems.mkdir()
    command = {
        "show": ["show", str(pipe)],
        "apply": ["apply", str(pipe), str(stems), "-o", str(tmp_path / "out")],
        "mix": ["mix", str(pipe), "--reference", str(pipe), "-o", str(tmp_path / "out")],
        "inspect": ["inspect", str(pipe)],
    }[what]
    done = subprocess.run(
        [sys.executable, "-c", "from mixbridge.bridge.cli.main import main; main()", *command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "it is a pipe, not a regular file" in done.stderr
    assert pipe.name in done.stderr
