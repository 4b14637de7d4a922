"""Whatever is wrong with what goes in: a line that says what and where, or a sensible result; never half a result."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.runtime.rendering import render

from ..conftest import RATE_HZ, sound, write


def missing(_path):
    pass


def empty(path):
    path.touch()


def truncated(path):
    write(path, sound(1))
    path.write_bytes(path.read_bytes()[:20000])


def text(path):
    path.write_text("this is no audio\n" * 50)


def not_numbers(path):
    audio = sound(1)
    audio[0, 5000] = np.nan
    write(path, audio)


def no_samples(path):
    write(path, np.zeros((1, 0), np.float32))


def five_channels(path):
    write(path, sound(0.5, channels=5))


def folder(path):
    path.mkdir()


BROKEN = [missing, empty, truncated, text, not_numbers, no_samples, five_channels]


@pytest.mark.parametrize("break_it", [*BROKEN, folder])
class TestBroken:
    def test_stem_of_mix(self, session, refused, break_it):
        bad = session / "bad.wav"
        break_it(bad)
        refused(
            "mix", session / "stems", bad, "--reference", session / "reference.wav", "-o", session / "mix", words=[bad]
        )

    def test_reference(self, session, refused, break_it):
        bad = session / "bad.wav"
        break_it(bad)
        refused("mix", session / "stems", "--reference", bad, "-o", session / "mix", words=[bad])

    def test_stem_of_apply(self, session, refused, break_it):
        bad = session / "bad.wav"
        break_it(bad)
        refused("apply", "bass", bad, "-o", session / "mix", words=[bad])


@pytest.fixture
def mixed(session, run):
    """Mixes with the model that ships; the result is complete, and nothing else lies about."""

    def mixed(*stems, reference=None, extra=()):
        out = session / "mix"
        before = set(session.iterdir())
        song = reference or session / "reference.wav"
        outcome = run("mix", *stems, "--reference", song, "-o", out, "--json", *extra)
        assert outcome.code == 0, outcome.err
        assert set(session.iterdir()) - before <= {out}
        assert {"mix.wav", "preset.json", "report.html", "stems"} == {path.name for path in out.iterdir()}
        for path in [out / "mix.wav", *(out / "stems").iterdir()]:
            assert np.isfinite(sf.read(path)[0]).all()
        return outcome.data

    return mixed


def test_truncated_after_the_header_is_noticed_while_mixing(session, refused):
    """A FLAC file that lost its end opens well: the error comes from the middle of the work."""
    path = session / "cut.flac"
    write(path, sound(4), subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:30000])
    refused("mix", path, "--reference", session / "reference.wav", "-o", session / "mix", words=[path, "cut off"])


def test_unreadable(session, refused, monkeypatch):
    locked, plain_open = session / "stems" / "Vox.wav", os.open

    def guarded_open(path, *arguments, **options):
        if path == locked:
            raise PermissionError(13, "Permission denied")
        return plain_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", guarded_open)
    refused(
        "mix",
        session / "stems",
        "--reference",
        session / "reference.wav",
        "-o",
        session / "mix",
        words=[locked, "permissions"],
    )


def test_a_silent_track_is_left_alone(session, mixed):
    write(session / "stems" / "Silence.wav", np.zeros((1, RATE_HZ), np.float32))
    data = mixed(session / "stems")
    assert data["tracks"]["Silence"] == ["left as it is"]
    assert data["stems"]["Silence"]["peak_dbfs"] is None
    assert any("Silence" in warning for warning in data["warnings"])


def test_all_silent(session, mixed):
    data = mixed(write(session / "Silence.wav", np.zeros((1, RATE_HZ), np.float32)))
    assert data["loudness_lufs"] is None
    assert "the mix is silent" in data["warnings"][0]


def test_one_sample(session, mixed):
    tick = write(session / "Tick.wav", np.full((1, 1), 0.5, np.float32))
    data = mixed(session / "stems" / "Bass.wav", tick, extra=["--dry"])  # no tail of a reverb behind the second
    assert set(data["stems"]) == {"Bass", "Tick"}
    assert data["frames"] == RATE_HZ


def test_only_one_sample(session, mixed):
    assert mixed(write(session / "Click.wav", np.full((1, 1), 0.5, np.float32)))["frames"] == 1


def test_reference_shorter_than_the_window(session, mixed):
    data = mixed(session / "stems", reference=write(session / "short.wav", sound(0.8, 3)))
    assert len(data["stems"]) == 3


def test_reference_too_short(session, refused):
    song = write(session / "short.wav", sound(0.2))
    refused("mix", session / "stems", "--reference", song, "-o", session / "mix", words=[song, "too short"])


def test_silent_reference(session, refused):
    song = write(session / "silent.wav", np.zeros((2, 8 * RATE_HZ), np.float32))
    refused("mix", session / "stems", "--reference", song, "-o", session / "mix", words=[song, "silent"])


def test_no_stems(session, refused):
    (session / "none").mkdir()
    (session / "none" / "notes.txt").write_text("nothing to hear")
    refused(
        "mix", session / "none", "--reference", session / "reference.wav", "-o", session / "mix", words=["none", ".wav"]
    )


@pytest.mark.slow
def test_200_stems(session, run):
    """Most of them silent, as in a template of a studio: the model need not hear those."""
    for number in range(200):
        audio = sound(0.05, number) if number < 4 else np.zeros((1, 1000), np.float32)
        write(session / "many" / f"{number:03}.wav", audio)
    song = session / "reference.wav"
    data = run("mix", session / "many", "--reference", song, "-o", session / "mix", "--json").data
    files = [path.stem for path in (session / "mix" / "stems").iterdir()]
    assert len(data["stems"]) == 200
    assert sorted(files) == sorted([*data["stems"], *data["buses"]])


def test_names_of_all_kinds(session, mixed):
    names = ["Lead Vox", 'it\'s "quoted"', "ドラム & bass", "<b>bold</b>", "$(rm -rf)", "-o", "a=b", "100%"]
    safe = [name.replace("/", "\N{DIVISION SLASH}") for name in names]
    for seed, name in enumerate(safe):
        write(session / "odd" / f"{name}.wav", sound(0.5, seed))
    data = mixed(session / "odd")
    assert set(data["stems"]) == set(safe)
    report = (session / "mix" / "report.html").read_text(encoding="utf-8")
    assert "<b>bold" not in report
    assert "&lt;b&gt;bold" in report


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_name_that_is_no_text(session, refused):
    path = Path(os.fsdecode(os.fsencode(session / "stems") + b"/caf\xe9.wav"))
    path.write_bytes((session / "stems" / "Bass.wav").read_bytes())
    song = session / "reference.wav"
    refused("mix", session / "stems", "--reference", song, "-o", session / "mix", words=["caf?.wav", "Rename"])
    refused("mix", session / "stems" / "Bass.wav", "--reference", path, "-o", session / "mix", words=["caf?.wav"])
    refused("apply", "bass", song, "-o", os.fsdecode(b"m\xe9"), words=["m?", "Choose another"])


class TestExistingFolder:
    def test_with_results_is_refused_and_left(self, session, run, refused):
        out = session / "mix"
        out.mkdir()
        (out / "report.html").write_text("mine")
        refused(
            "mix",
            session / "stems",
            "--reference",
            session / "reference.wav",
            "-o",
            out,
            words=["report.html", "exists"],
        )
        assert (out / "report.html").read_text() == "mine"

    def test_forced(self, session, run):
        out = session / "mix"
        out.mkdir()
        (out / "report.html").write_text("mine")
        (out / "notes.txt").write_text("kept")
        command = ["mix", session / "stems", "--reference", session / "reference.wav", "-o", out, "--force"]
        assert run(*command).code == 0
        assert (out / "notes.txt").read_text() == "kept"
        assert "Bass" in (out / "report.html").read_text(encoding="utf-8")

    def test_a_file_in_its_place(self, session, refused):
        (session / "mix").write_text("a file")
        refused(
            "mix",
            session / "stems",
            "--reference",
            session / "reference.wav",
            "-o",
            session / "mix",
            words=["is a file"],
        )


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 KiB, less than any mix takes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False, capture_output=True)
    if mount.returncode:
        pytest.skip("may not mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


class TestFullDisk:
    def test_seen_beforehand(self, session, refused, small_disk):
        refused("apply", "bass", session / "stems", "-o", small_disk / "mix", words=[small_disk / "mix", "disk"])

    def test_met_while_writing(self, session, refused, small_disk, monkeypatch):
        monkeypatch.setattr(render, "check_room", lambda folder, size: None)
        refused("apply", "bass", session / "stems", "-o", small_disk / "mix", words=[small_disk / "mix", "disk full"])

    def test_met_by_the_preset(self, session, refused, small_disk, monkeypatch):
        """All audio fits; what comes after does not."""
        from mixbridge.runtime import mixing

        plain = mixing.render_files

        def fill(stems, preset, folder, *rest):
            result = plain(stems, preset, folder, *rest)
            with (folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"0" * 4096)
            return result

        monkeypatch.setattr(mixing, "render_files", fill)
        short = write(session / "short.wav", sound(0.2))
        refused(
            "apply", "bass", short, "-o", small_disk / "mix", "--no-stems", words=[small_disk / "mix", "preset.json"]
        )


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (["apply", "bass", "", "-o", "mix"], "the argument after 'bass' is empty"),
        (["mix", "stems", "--reference", "", "-o", "mix"], "the argument after '--reference' is empty"),
        (["preset", "show", ""], "the argument after 'show' is empty"),
        ([""], "the first argument is empty"),
    ],
)
def test_an_empty_argument_is_told_by_its_place(run, command, place):
    outcome = run(*command)
    assert (outcome.code, outcome.out) == (2, "")
    assert place in outcome.err


JOINED = """
import sys
import soundfile as sf, numpy as np
from mixbridge.bridge.cli.main import main
tone = 0.3 * np.sin(np.arange(48000) / 20)
sf.write("one.mp3", tone, 48000, format="MP3")
one = open("one.mp3", "rb").read()
open("two.mp3", "wb").write(one + one)
main(["apply", "bass", "two.mp3", "-o", "out", "--no-report"])
"""


def test_what_a_library_prints_stays_with_it(tmp_path):
    """In a process of its own: what libmpg123 prints goes past Python."""
    process = subprocess.run([sys.executable, "-c", JOINED], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert "all are used" in process.stderr  # our own words come through
    assert "Xing stream size" not in process.stderr


def test_too_few_open_files_are_told(session):
    """Down to 12, where hardly two files can be open beside the program's own, it works or says what to do."""
    command = ["mix", "stems", "--reference", "reference.wav", "-o", "out", "--no-report", "--force"]
    for limit in (12, 40):
        code = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n{ENTER}"
        process = subprocess.run(
            [sys.executable, "-c", code, *command], cwd=session, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in process.stderr
        assert "fault of mixbridge" not in process.stderr
        if process.returncode:
            assert process.returncode == 2
            assert "too few files may be open" in process.stderr


ENTER = "import sys; from mixbridge.bridge.cli.main import main; main(sys.argv[1:])"
