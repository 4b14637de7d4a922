"""Results at an address: whole where their record stands, brought once, and nothing on the way is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256

import fsspec
import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.batch import work
from mixbridge.bridge.batch.outputs import output_at
from mixbridge.bridge.batch.page import PAGE
from mixbridge.bridge.batch.stores import JOURNAL, Store
from mixbridge.bridge.batch.work import do_item
from mixbridge.bridge.cli.main import main
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.batch.items import BatchItem, BatchPlace
from mixbridge.runtime.batch.ledger import LEDGER
from mixbridge.runtime.batch.records import RECORD

RATE_HZ = 22050
COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()", "batch"]
FILES = ["batch.json", "mix.wav", "preset.json", "stems/Bass.wav", "stems/Vox.wav"]


@pytest.fixture
def songs(tmp_path):
    """Short sessions of two stems."""
    for number in range(3):
        for seed, name in enumerate(("Bass", "Vox")):
            path = tmp_path / "songs" / f"Song {number}" / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            audio = 0.1 * np.random.default_rng(10 * number + seed).standard_normal(RATE_HZ // 2)
            sf.write(path, audio, RATE_HZ, "PCM_16")
    return tmp_path / "songs"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store in memory, and a cache of its own for what is on its way."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    yield system
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


def do(song, force=False, report=False):
    place = BatchPlace("", force=force, address="memory://bucket/mixes")
    return do_item(BatchItem(song.name, str(song), preset="bass"), place, lambda _seconds: None)


def there(system):
    return {path.removeprefix("/bucket/mixes/"): system.cat_file(path) for path in system.find("/bucket/mixes")}


def on_its_way(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_results_at_an_address_are_those_on_a_disk(store, songs, tmp_path):
    song = songs / "Song 0"
    assert do(song).state == "rendered"
    place = BatchPlace(str(tmp_path / "disk"))
    (tmp_path / "disk").mkdir()
    assert do_item(BatchItem("Song 0", str(song), preset="bass"), place, lambda _seconds: None).state == "rendered"
    on_disk = {name: (tmp_path / "disk/Song 0" / name).read_bytes() for name in FILES}
    assert there(store) == {f"Song 0/{name}": content for name, content in on_disk.items()}
    assert not on_its_way(tmp_path)
    assert do(song).state == "kept"
    (song / "Vox.wav").rename(song / "Voice.wav")
    store.pipe_file("/bucket/mixes/Song 0/notes.txt", b"louder")
    assert do(song).state == "rendered"
    voiced = [f"Song 0/{name.replace('Vox', 'Voice')}" for name in FILES]
    assert sorted(there(store)) == sorted([*voiced, "Song 0/notes.txt"])
    store.rm_file("/bucket/mixes/Song 0/mix.wav")
    assert do(song).state == "rendered"
    assert "Song 0/mix.wav" in there(store)


def test_what_cannot_be_brought_is_not_there_and_is_not_rendered_again(store, songs, tmp_path, monkeypatch):
    song = songs / "Song 0"
    do(song)
    (song / "Vox.wav").rename(song / "Voice.wav")
    real, calls = type(store).put_file, []

    def put_file(self, local, path, **kwargs):
        calls.append(path)
        if len(calls) == 3:
            raise PermissionError("the token has expired")
        return real(self, local, path, **kwargs)

    monkeypatch.setattr(type(store), "put_file", put_file)
    with pytest.raises(OutputError, match=r"memory://bucket/mixes/Song 0 cannot be written: the token has expired"):
        do(song)
    assert there(store) == {}
    assert on_its_way(tmp_path)
    monkeypatch.setattr(work, "_made", None)  # would be called to render
    assert do(song).state == "rendered"
    assert sorted(there(store)) == sorted(f"Song 0/{name.replace('Vox', 'Voice')}" for name in FILES)
    assert not on_its_way(tmp_path)


def test_what_a_killed_delivery_left_goes_and_what_is_the_users_stays(store):
    put = {
        "Cut/mix.wav": b"x",
        "Cut/notes.txt": b"mine",
        f"Cut/{JOURNAL}": json.dumps(["mix.wav", "stems/Vox.wav", "../Whole/mix.wav", 3]).encode(),
        "Whole/mix.wav": b"xy",
        f"Whole/{RECORD}": json.dumps(
            {"format": "mixbridge-batch-item", "key": "k", "files": ["mix.wav"], "sizes": [2], "figures": {"a": 1}}
        ).encode(),
        f"Whole/{JOURNAL}": b'["mix.wav"]',
    }
    for name, content in put.items():
        store.pipe_file(f"/bucket/mixes/{name}", content)
    mixes = Store("memory://bucket/mixes/")
    mixes.sweep()
    assert sorted(there(store)) == ["Cut/notes.txt", "Whole/batch.json", "Whole/mix.wav"]
    assert mixes.figures("Whole", "k") == {"a": 1}
    assert mixes.figures("Whole", "other") is None
    store.pipe_file("/bucket/mixes/Whole/mix.wav", b"xyz")
    assert mixes.figures("Whole", "k") is None


def test_files_that_are_of_no_batch_are_not_replaced(store, songs):
    store.pipe_file("/bucket/mixes/Song 0/mix.wav", b"mine")
    with pytest.raises(OutputError, match=r"memory://bucket/mixes/Song 0/mix.wav exists already"):
        do(songs / "Song 0")
    assert there(store) == {"Song 0/mix.wav": b"mine"}
    assert do(songs / "Song 0", force=True).state == "rendered"


def test_a_killed_batch_at_an_address_ends_as_an_undisturbed_one(songs, tmp_path, monkeypatch, run):
    """fsspec's `local` is an address to us, and a disk that all processes see."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    numbers, address = random.Random(5), f"local://{tmp_path}/bucket/mixes"
    arguments = [str(songs), "-o", address, "--preset", "bass", "--workers", "1", "--json"]
    for _ in range(2):
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(list((tmp_path / "bucket").glob("mixes/*/*")))
        while process.poll() is None and len(list((tmp_path / "bucket").glob("mixes/*/*"))) == before:
            time.sleep(0.005)
        time.sleep(numbers.uniform(0, 0.05))
        process.kill()
        process.wait()
    last = subprocess.run([*COMMAND, *arguments], check=True, capture_output=True, text=True)
    data = json.loads(last.stdout)
    assert (data["output"], data["page"]) == (address, f"{address}/{PAGE}")
    assert data["rendered"] + data["kept"] == 3
    assert not on_its_way(tmp_path)
    undisturbed = run("batch", songs, f"--output=file://{tmp_path}/plain", "--preset", "bass", "--workers", "1")
    assert undisturbed.code == 0
    assert _contents(tmp_path / "bucket/mixes") == _contents(tmp_path / "plain")
    said = run("batch", "--status", address, "--json")
    assert (said.data["ended"], said.data["total"], said.data["running"]) == ("done", 3, False)
    assert all(item["state"] in ("rendered", "kept") for item in said.data["items"])
    planned = run("batch", songs, "-o", address, "--preset", "bass", "--dry-run", "--json")
    assert {item["plan"] for item in planned.data["items"]} == {"skipped"}


def _contents(folder):
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (LEDGER, PAGE)
    }


def test_the_ledger_joins_what_two_machines_wrote(store, tmp_path):
    def line(second, **said):
        return json.dumps({"time": f"2026-11-29T10:00:0{second}.000+00:00", **said}).encode() + b"\n"

    first, second, third = line(1, event="run", items=2), line(2, event="begun", item="A"), line(3, event="done")
    store.pipe_file("/bucket/mixes/" + LEDGER, first + third)
    output = output_at("memory://bucket/mixes")
    output.home.mkdir(parents=True)
    (output.home / LEDGER).write_bytes(first + second)
    with output.at_work():
        assert store.cat_file("/bucket/mixes/" + LEDGER) == first + second + third
        with pytest.raises(OutputError, match="in use by another batch"), output_at(str(output)).at_work():
            pass
    assert b"index" not in store.cat_file("/bucket/mixes/" + LEDGER)
    assert store.exists("/bucket/mixes/" + PAGE)
    assert not on_its_way(tmp_path)


def test_an_address_that_cannot_be_written_to_is_told_before_any_work(songs, capsys):
    for address in ("gopher://x/y", "local:///proc/nowhere/y", "https://127.0.0.1:9/y"):
        with pytest.raises(SystemExit, match=r"^2$"):
            main(["batch", str(songs), "-o", address, "--preset", "bass"])
        assert f"mixbridge: {address}" in capsys.readouterr().err
    assert os.listdir(songs.parent) == ["songs"]  # noqa: PTH208


def test_a_batch_that_is_stopped_leaves_its_ledger_at_the_address(songs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    address = f"local://{tmp_path}/bucket/mixes"
    command = [*COMMAND, str(songs), "-o", address, "--preset", "bass", "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list((tmp_path / "bucket").glob("mixes/*/*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert f"What was done stays in {address}" in said
    assert (tmp_path / "bucket/mixes" / LEDGER).read_text().rstrip().endswith('"event": "stopped"}')
    assert {path.name for path in on_its_way(tmp_path)}.isdisjoint({LEDGER, PAGE})
