"""The command `batch`: what is done is kept, what changed is done again, what fails is set aside; kills do no harm."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.bridge.batch.page import PAGE
from mixbridge.bridge.batch.work import do_item
from mixbridge.bridge.cli.main import main
from mixbridge.presets import files
from mixbridge.runtime.batch.items import BatchItem, BatchPlace, ItemOutcome
from mixbridge.runtime.batch.ledger import LEDGER, read_status
from mixbridge.runtime.batch.manifest import Defaults, list_items

RATE_HZ = 22050
SESSIONS = 6
COMMAND = [sys.executable, "-c", "from mixbridge.bridge.command import main; main()"]


def write(path, seed, seconds=0.5, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * RATE_HZ), channels))
    sf.write(path, audio, RATE_HZ, subtype="PCM_16")
    return path


@pytest.fixture
def songs(tmp_path):
    """Short sessions of two stems each."""
    for number in range(SESSIONS):
        for seed, name in enumerate(("Bass", "Vox")):
            write(tmp_path / "songs" / f"Song {number}" / f"{name}.wav", 10 * number + seed)
    return tmp_path / "songs"


def contents(folder):
    """Hashes of all results, by path; not of the ledger and the page, which tell of runs."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (LEDGER, PAGE)
    }


def done_here(songs, output, preset="bass"):
    """What an undisturbed run makes, without processes of its own."""
    place = BatchPlace(str(output))
    output.mkdir()
    return [do_item(item, place, lambda _seconds: None) for item in list_items(songs, Defaults(preset=preset)).items]


def states(outcome):
    return {item["item"]: item["state"] for item in outcome.data["items"]}


def test_kills_at_random_moments_change_nothing(tmp_path, songs):
    """Of the command and of one of its processes; then a run that is left alone."""
    outcomes = done_here(songs, tmp_path / "undisturbed")
    shuffled, out = random.Random(3), tmp_path / "out"
    command = [*COMMAND, "batch", songs, "-o", out, "--preset", "bass", "--workers", "1", "--json"]
    for number, victim in ((signal.SIGKILL, "parent"), (signal.SIGKILL, "worker"), (signal.SIGTERM, "parent")):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        before = sum(entry.renders for entry in _entries(out).values())
        while process.poll() is None and sum(entry.renders for entry in _entries(out).values()) <= before:
            time.sleep(0.01)
        time.sleep(shuffled.uniform(0, 0.05))
        if process.poll() is None:
            os.kill(process.pid if victim == "parent" else _child(process.pid) or process.pid, number)
        _, said = process.communicate()
        if number == signal.SIGTERM and process.returncode:
            assert process.returncode == 128 + signal.SIGTERM
            assert "the same command goes on from there" in said
        assert "Traceback" not in said
    last = subprocess.run(command, check=True, capture_output=True, text=True)
    assert {item["state"] for item in json.loads(last.stdout)["items"]} <= {"rendered", "kept"}
    assert contents(out) == contents(tmp_path / "undisturbed")
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*(f"Song {number}" for number in range(SESSIONS)), LEDGER, PAGE]
    )
    entries = read_status(out).entries
    assert {entry.figures["loudness_lufs"] for entry in entries.values()} == {
        outcome.figures["loudness_lufs"] for outcome in outcomes
    }
    assert all(entry.renders <= 1 for entry in entries.values())


def _entries(out):
    return read_status(out).entries if (out / LEDGER).exists() else {}


def _child(parent):
    """A process that another one started."""
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return None
    return int(found[0]) if found else None


def test_failures_are_set_aside_and_what_changed_is_done_again(run, tmp_path, songs):
    for number in range(2, SESSIONS):
        shutil.rmtree(songs / f"Song {number}")
    (songs / "Broken").mkdir()
    (songs / "Broken/Vox.wav").write_bytes(b"no sound")
    arguments = ["batch", songs, "-o", tmp_path / "out", "--preset", "bass", "--workers", "1", "--json"]
    planned = run(*arguments, "--dry-run")
    assert planned.code == 0
    assert {item["item"]: item["plan"] for item in planned.data["items"]} == {
        "Broken": "set aside",
        "Song 0": "mixed",
        "Song 1": "mixed",
    }
    assert not (tmp_path / "out").exists()

    first = run(*arguments)
    assert first.code == 3
    assert states(first) == {"Broken": "failed", "Song 0": "rendered", "Song 1": "rendered"}
    (broken,) = (item for item in first.data["items"] if item["item"] == "Broken")
    assert str(songs / "Broken/Vox.wav") in broken["error"]
    assert Path(first.data["items"][-1]["mix"]).is_file()
    page = (tmp_path / "out" / PAGE).read_text()
    assert page.count("<audio ") == 2
    assert 'src="Song%200/mix.wav"' in page
    assert "Broken" in page
    assert not list((tmp_path / "out").glob(".*"))

    # A track more, one less, and what the user keeps there.
    (songs / "Song 0/Vox.wav").rename(songs / "Song 0/Voice.wav")
    (tmp_path / "out/Song 0/notes.txt").write_text("louder vocals")
    stamp = (tmp_path / "out/Song 1/mix.wav").stat().st_ino
    (songs / "Broken/Vox.wav").unlink()
    write(songs / "Broken/Vox.wav", 99)
    second = run(*arguments)
    assert second.code == 0
    assert states(second) == {"Broken": "rendered", "Song 0": "rendered", "Song 1": "kept"}
    assert (tmp_path / "out/Song 1/mix.wav").stat().st_ino == stamp
    assert sorted(path.name for path in (tmp_path / "out/Song 0/stems").iterdir()) == ["Bass.wav", "Voice.wav"]
    assert (tmp_path / "out/Song 0/notes.txt").read_text() == "louder vocals"

    asked = run("batch", "--status", tmp_path / "out", "--json")
    assert asked.data["ended"] == "done"
    assert states(asked) == {"Broken": "rendered", "Song 0": "rendered", "Song 1": "kept"}
    assert "3 of 3: 2 mixed, 1 done already" in run("batch", "--status", tmp_path / "out").out


def test_a_manifest_predicts_and_reads_sessions_of_daws(run, tmp_path):
    from reaper_project import item, project, track

    write(tmp_path / "daw/Media/bass.wav", 1)
    text = project([track("Bass", item("Media/bass.wav"), number=1)], rate=RATE_HZ)
    (tmp_path / "daw/song.RPP").write_text(text)
    for seed, name in enumerate(("Bass", "Vox")):
        write(tmp_path / "stems" / f"{name}.wav", seed, seconds=1)
    write(tmp_path / "ref.wav", 9, seconds=8, channels=2)
    (tmp_path / "m.csv").write_text("session,reference,stems\nstems,ref.wav,no\ndaw/song.RPP,ref.wav,yes\n")
    outcome = run("batch", tmp_path / "m.csv", "-o", tmp_path / "out", "--workers", "1", "--json")
    assert outcome.code == 0, outcome
    assert states(outcome) == {"song": "rendered", "stems": "rendered"}
    preset = files.load(tmp_path / "out/stems/preset.json")
    assert preset.provenance.model
    assert preset.provenance.created is None
    assert not (tmp_path / "out/stems/stems").exists()
    assert (tmp_path / "out/song/stems/Bass.wav").is_file()
    # The same again, here: bit for bit what another process made.
    (first, *_) = list_items(tmp_path / "m.csv", Defaults()).items
    (tmp_path / "again").mkdir()
    assert do_item(first, BatchPlace(str(tmp_path / "again")), lambda _seconds: None).state == "rendered"
    assert contents(tmp_path / "again/stems") == contents(tmp_path / "out/stems")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"session": "nowhere"}, "nowhere is not there"),
        ({"preset": None}, "neither a reference nor a preset"),
        ({"preset": "no-such"}, "no such file, nor such a factory preset"),
    ],
)
def test_an_item_says_what_is_wrong_with_it(tmp_path, songs, changed, words):
    item = BatchItem(**{"name": "Song", "session": str(songs / "Song 0"), "preset": "bass", **changed})
    with pytest.raises(Exception, match=words):
        do_item(item, BatchPlace(str(tmp_path)), lambda _seconds: None)
    assert [path.name for path in tmp_path.iterdir()] == ["songs"]


def test_results_that_are_not_of_a_batch_are_not_replaced(tmp_path, songs):
    item = BatchItem("Song", str(songs / "Song 0"), preset="bass")
    write(tmp_path / "out/Song/mix.wav", 1)
    for force, words in ((False, "exists already"), (True, "never replaced")):
        with pytest.raises(OSError, match=words):
            do_item(item, BatchPlace(str(tmp_path / "out"), force=force), lambda _seconds: None)
    shutil.rmtree(tmp_path / "out/Song")
    assert isinstance(do_item(item, BatchPlace(str(tmp_path / "out")), lambda _seconds: None), ItemOutcome)
    assert do_item(item, BatchPlace(str(tmp_path / "out")), lambda _seconds: None).state == "kept"
    assert do_item(item, BatchPlace(str(tmp_path / "out"), force=True), lambda _seconds: None).state == "rendered"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["batch"], "name a manifest or a folder"),
        (["batch", "songs", "-o", "out", "--reference", "a.wav", "--preset", "bass"], "choose one of"),
        (["batch", "songs", "--status", "out"], "needs no manifest"),
        (["batch", "--status", "nowhere"], "has no ledger"),
        (["batch", "nowhere.csv", "-o", "out"], "nowhere.csv cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(run, arguments, words):
    outcome = run(*arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_paths_mean_the_same_in_a_process_that_stands_elsewhere(tmp_path, monkeypatch):
    from mixbridge.bridge.cli.batch.command import _absolute_file, _absolute_song

    monkeypatch.chdir(tmp_path)
    for name in ("song.wav", "a=b.wav"):
        (tmp_path / name).write_text("")
    assert _absolute_song("song.wav") == str(tmp_path / "song.wav")
    assert _absolute_song("song.wav=0.7") == f"{tmp_path / 'song.wav'}=0.7"
    assert _absolute_song("a=b.wav") == str(tmp_path / "a=b.wav")
    assert _absolute_song("nowhere.wav=0.7") == "nowhere.wav=0.7"
    assert _absolute_file("lead-vocal") == "lead-vocal"


@pytest.mark.parametrize("song", ["nowhere.wav", "nowhere.wav=0.7"])
def test_a_reference_that_is_not_there_is_told_before_the_first_session(songs, tmp_path, capsys, song):
    output = tmp_path / "out"
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["batch", str(songs), "-o", str(output), "--reference", song])
    assert "nowhere.wav: there is no such file" in capsys.readouterr().err
    assert not output.exists()
