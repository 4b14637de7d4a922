"""What goes wrong with sessions, disks and places for results: it is said in the ledger, and the rest goes on."""

from __future__ import annotations

import errno
import json
import os
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.batch import work
from mixbridge.bridge.batch.page import PAGE
from mixbridge.bridge.batch.work import do_item
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.batch.items import BatchItem, BatchPlace
from mixbridge.runtime.batch.ledger import LEDGER, read_status

RATE_HZ = 22050
COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]


def write(path, seed=0, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    sf.write(path, audio, RATE_HZ, subtype="PCM_16")
    return path


def write_claim(path, frames):
    """A small FLAC file whose header claims so many frames: 10 GB of them, decoded."""
    write(path)
    content = bytearray(path.read_bytes())
    (word,) = struct.unpack(">Q", content[18:26])  # rate, channels, bits, and 36 bits of frames
    content[18:26] = struct.pack(">Q", word >> 36 << 36 | frames)
    path.write_bytes(content)


def test_each_session_that_cannot_be_used_is_set_aside_with_its_reason(run, tmp_path):
    songs = tmp_path / "songs"
    for name in ("Good", "Text as reference", "Folder as reference", "No such reference", "Corrupt", "Claims"):
        write(songs / name / "Vox.wav", 1)
    write(songs / "Good/Bass.wav", 2)
    write(songs / "Corrupt/Bass.flac", 2)
    whole = (songs / "Corrupt/Bass.flac").read_bytes()
    (songs / "Corrupt/Bass.flac").write_bytes(whole[:60] + b"\xff" * (len(whole) - 60))
    write_claim(songs / "Claims/Bass.flac", 5 * 10**9)
    (songs / "Nothing but a header").mkdir()
    (songs / "Nothing but a header/Vox.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt ")
    (songs / "lyrics.wav").write_text("la la la")
    rows = [
        "session,reference,preset",
        "songs/Good,,bass",
        "songs/Text as reference,songs/lyrics.wav,",
        "songs/Folder as reference,songs/Good,",
        "songs/No such reference,songs/gone.wav,",
        "songs/Corrupt,,bass",
        "songs/Claims,,bass",
        "songs/Nothing but a header,,bass",
        "songs/Vanished,,bass",
    ]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    outcome = run("batch", tmp_path / "list.csv", "-o", tmp_path / "out", "--workers", "1", "--json")
    assert outcome.code == 3
    said = {item["item"]: item["error"] for item in outcome.data["items"]}
    assert said.pop("Good") is None
    for name, words in {
        "Text as reference": "lyrics.wav",
        "Folder as reference": "songs/Good",
        "No such reference": "gone.wav",
        "Corrupt": "Bass.flac",
        "Claims": "takes 123978 MiB, and the disk has",
        "Nothing but a header": "Vox.wav",
        "Vanished": "is not there",
    }.items():
        assert words in said.pop(name), name
    assert not said
    entries = read_status(tmp_path / "out").entries
    assert {name for name, entry in entries.items() if entry.state == "failed"} == {*entries} - {"Good"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(["Good", LEDGER, PAGE])
    assert "unexpected error" not in str(outcome.data)


def test_an_input_that_goes_while_it_is_mixed_leaves_nothing(tmp_path, monkeypatch):
    song = write(tmp_path / "songs/Song/Vox.wav").parent
    real = work.render_options

    def vanishing(*args, **kwargs):
        (song / "Vox.wav").unlink()
        return real(*args, **kwargs)

    monkeypatch.setattr(work, "render_options", vanishing)
    (tmp_path / "out").mkdir()
    with pytest.raises((OSError, ValueError), match=r"Vox\.wav"):
        do_item(BatchItem("Song", str(song), preset="bass"), BatchPlace(str(tmp_path / "out")), lambda _seconds: None)
    assert not list((tmp_path / "out").iterdir())


def test_a_disk_that_fills_at_the_last_moment_leaves_nothing(tmp_path, monkeypatch):
    song = write(tmp_path / "songs/Song/Vox.wav").parent

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(work, "write_record", full)
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=r"out/Song/batch\.json .*disk"):
        do_item(BatchItem("Song", str(song), preset="bass"), BatchPlace(str(tmp_path / "out")), lambda _seconds: None)
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1.2 MiB: the ledger has room there, and one short mix, but not a long one."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1200k", "tmpfs", place]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("may not mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_told_and_the_rest_goes_on(run, tmp_path, small_disk):
    write(tmp_path / "songs/Long/Vox.wav", 1, seconds=60)
    write(tmp_path / "songs/Short/Vox.wav", 2, seconds=0.5)
    out = small_disk / "out"
    outcome = run("batch", tmp_path / "songs", "-o", out, "--preset", "bass", "--workers", "1", "--no-stems", "--json")
    assert outcome.code == 3
    said = {item["item"]: item["error"] for item in outcome.data["items"]}
    assert said["Short"] is None
    assert "disk" in said["Long"]
    assert str(out / "Long") in said["Long"]
    entries = read_status(out).entries
    assert {name: entry.state for name, entry in entries.items()} == {"Long": "failed", "Short": "rendered"}
    assert sorted(path.name for path in out.iterdir()) == sorted(["Short", LEDGER, PAGE])


def test_a_place_that_cannot_be_written_to_is_told_before_any_work(run, tmp_path, small_disk):
    write(tmp_path / "songs/Short/Vox.wav")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for place in (small_disk, small_disk / "out"):
        outcome = run("batch", tmp_path / "songs", "-o", place, "--preset", "bass", "--workers", "1")
        assert outcome.code == 2
        assert "Read-only file system" in outcome.err
        assert str(place) in outcome.err


def test_a_watched_folder_is_mixed_until_it_is_stopped(tmp_path):
    pytest.importorskip("watchfiles")
    write(tmp_path / "in/Monday/Vox.wav", 1)
    command = [*COMMAND, "--watch", tmp_path / "in", "-o", tmp_path / "out", "--preset", "bass", "--json"]
    process = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        states = []
        for line in process.stdout:
            states.append((json.loads(line)["item"], json.loads(line)["state"]))
            if states == [("Monday", "begun")]:
                write(tmp_path / "in/Tuesday/Vox.wav", 2)
                (tmp_path / "in/Broken").mkdir()
                (tmp_path / "in/Broken/Vox.mid").write_bytes(b"MThd")
            if ("Tuesday", "rendered") in states:
                break
        assert (tmp_path / "out" / PAGE).read_text().count("<audio ") >= 1
        process.send_signal(signal.SIGTERM)
        process.communicate()
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert states == [(name, what) for name in ("Monday", "Tuesday") for what in ("begun", "rendered")]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(["Monday", "Tuesday", LEDGER, PAGE])  # noqa: PTH208
