"""No command replaces what it reads, or what mixbridge did not write; what cannot be written is said before work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mixbridge.presets.console import Strip
from mixbridge.presets.errors import OutputError
from mixbridge.presets.files import save
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.output import OutputFolder, output_file
from mixbridge.runtime.audio.writing import FORMATS

from ..conftest import sound, write


@pytest.fixture
def preset(tmp_path):
    path = tmp_path / "settings.json"
    save(Preset(tracks=tuple(Track(name=name, strip=Strip()) for name in ("Bass", "Keys", "Vox"))), path)
    return path


@pytest.fixture
def unchanged(tmp_path):
    """Checks at the end that every file and link is as it was at the beginning of the checked commands."""

    def contents():
        return {
            path: path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
            for path in tmp_path.rglob("*")
        }

    before = {}
    yield lambda: before.update(contents())
    assert before
    assert contents() == before


def commands(session, preset, out):
    """Every command that makes a folder of results of these stems."""
    stems = session / "stems"
    return {
        "mix": ["mix", stems, "--reference", session / "reference.wav", "-o", out, "--no-report"],
        "apply": ["apply", preset, stems, "-o", out, "--no-report"],
        "stems": ["session", "stems", stems, "-o", out],
    }


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("command", ["mix", "apply", "stems"])
class TestFolders:
    def test_that_holds_the_stems(self, session, preset, refused, unchanged, command, force):
        unchanged()
        refused(*commands(session, preset, session)[command], *force, words=["stems", "which is read"])

    def test_that_is_the_stems_folder(self, session, preset, refused, unchanged, command, force):
        unchanged()
        refused(*commands(session, preset, session / "stems")[command], *force, words=["which is read"])

    def test_that_is_a_stem(self, session, preset, refused, unchanged, command, force):
        unchanged()
        words = ["Vox.wav is a file that is read", "name one that does not exist yet"]
        refused(*commands(session, preset, session / "stems" / "Vox.wav")[command], *force, words=words)

    def test_that_is_a_link_to_the_stems_folder(self, session, preset, refused, unchanged, command, force):
        (session / "out").symlink_to(session / "stems")
        unchanged()
        refused(*commands(session, preset, session / "out")[command], *force, words=["which is read"])


class TestLinks:
    @pytest.mark.parametrize("command", ["mix", "apply"])
    def test_a_folder_of_stems_that_is_a_link_to_the_recordings(self, session, preset, refused, unchanged, command):
        (session / "out").mkdir()
        (session / "out" / "stems").symlink_to(session / "stems")
        unchanged()
        words = [session / "out" / "stems", "is a link"]
        refused(*commands(session, preset, session / "out")[command], "--force", words=words)

    @pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
    @pytest.mark.parametrize("command", ["mix", "apply"])
    def test_a_result_that_is_a_link_to_a_recording(self, session, preset, refused, unchanged, command, make):
        (session / "out" / "stems").mkdir(parents=True)
        make(session / "out" / "stems" / "Vox.wav", session / "stems" / "Vox.wav")
        unchanged()
        refused(*commands(session, preset, session / "out")[command], "--force", words=["Vox.wav"])

    def test_a_link_to_a_stem_of_a_session(self, session, preset, refused, unchanged):
        (session / "out").mkdir()
        (session / "out" / "Vox.wav").hardlink_to(session / "stems" / "Vox.wav")
        unchanged()
        refused(*commands(session, preset, session / "out")["stems"], "--force", words=["Vox.wav", "is a file that is"])

    def test_a_reference_in_the_folder_of_results(self, session, preset, refused, unchanged):
        (session / "out").mkdir()
        shutil.move(session / "reference.wav", session / "out" / "mix.wav")
        unchanged()
        command = ["mix", session / "stems", "--reference", session / "out" / "mix.wav", "-o", session / "out"]
        refused(*command, "--force", words=["mix.wav, which is read"])


class TestWhatIsNotOurs:
    def test_a_folder_called_like_the_mix(self, session, preset, refused, unchanged):
        write(session / "out" / "mix.wav" / "take 1.wav", sound(0.1))
        unchanged()
        refused(*commands(session, preset, session / "out")["apply"], "--force", words=["mix.wav is a folder"])

    @pytest.mark.parametrize("command", ["mix", "apply"])
    def test_recordings_in_the_folder_of_results(self, session, preset, refused, unchanged, command):
        """Other takes of the same names, in a folder that mixbridge never wrote to."""
        write(session / "song" / "stems" / "Vox.wav", sound(1, 77))
        unchanged()
        words = [session / "song" / "stems" / "Vox.wav", "and no result of mixbridge"]
        refused(*commands(session, preset, session / "song")[command], "--force", words=words)

    def test_a_result_is_replaced_and_what_lies_beside_it_stays(self, session, preset, run):
        command = [*commands(session, preset, session / "out")["apply"], "--force"]
        assert run(*command).code == 0
        (session / "out" / "notes.txt").write_text("mine")
        write(session / "out" / "stems" / "Old.wav", sound(0.1))
        first = (session / "out" / "mix.wav").read_bytes()
        assert run(*command, "--loudness", "-30").code == 0
        assert (session / "out" / "mix.wav").read_bytes() != first
        assert (session / "out" / "notes.txt").read_text() == "mine"
        assert (session / "out" / "stems" / "Old.wav").is_file()

    def test_recordings_in_the_folder_of_stems_of_a_session(self, session, preset, refused, unchanged):
        write(session / "song" / "Vox.wav", sound(1, 77))
        unchanged()
        words = [session / "song" / "Vox.wav", "never replaced"]
        refused(*commands(session, preset, session / "song")["stems"], "--force", words=words)

    @pytest.mark.parametrize("audio_format", FORMATS)
    def test_stems_of_a_session_are_replaced(self, session, preset, run, audio_format):
        command = [*commands(session, preset, session / "song")["stems"], "--format", audio_format, "--force"]
        assert run(*command).code == 0
        (first,) = (session / "song").glob("Vox.*")
        before = first.read_bytes()
        assert run(*command, "--sample-rate", "16000").code == 0
        assert first.read_bytes() != before

    def test_a_recording_is_no_preset(self, session, preset, refused, unchanged):
        unchanged()
        target = session / "stems" / "Vox.wav"
        refused("preset", "scale", preset, "0.5", "-o", target, "--force", words=[target, "not a text file"])

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
    def test_a_preset_replaces_no_pipe(self, tmp_path, preset, refused):
        os.mkfifo(tmp_path / "pipe")
        refused("preset", "scale", preset, "0.5", "-o", tmp_path / "pipe", "--force", words=["device or pipe"])
        assert (tmp_path / "pipe").is_fifo()

    @pytest.mark.skipif(not hasattr(os, "mknod") or os.getuid() != 0, reason="needs to be root to make a device")
    def test_a_preset_replaces_no_device(self, tmp_path, preset, refused):
        os.mknod(tmp_path / "null", 0o600 | 0o020000, os.makedev(1, 3))
        refused("preset", "scale", preset, "0.5", "-o", tmp_path / "null", "--force", words=["device or pipe"])
        assert (tmp_path / "null").is_char_device()

    def test_a_copy_of_a_session_replaces_none_of_its_audio(self, session, preset, refused, unchanged):
        unchanged()
        target = session / "stems" / "Vox.wav"
        with pytest.raises(OutputError, match="which is read"), output_file(target, overwrite=True, inputs=[target]):
            pytest.fail("it was opened")


class TestSaidBeforeTheWork:
    @pytest.mark.parametrize("command", ["mix", "apply"])
    def test_stems_that_are_there(self, session, preset, refused, monkeypatch, command):
        from mixbridge.runtime import mixing, predicting

        write(session / "out" / "stems" / "Vox.wav", sound(0.1))
        for room, work in ((predicting, "predict_files"), (mixing, "render_files")):
            monkeypatch.setattr(room, work, lambda *_, **__: pytest.fail("it began to work"))
        refused(*commands(session, preset, session / "out")[command], words=["Vox.wav exists already"])

    @pytest.mark.parametrize("option", [["-o", ""], ["-o", " "], ["--output="]])
    def test_an_empty_name(self, session, preset, run, unchanged, monkeypatch, option):
        monkeypatch.chdir(session)
        unchanged()
        for command in commands(session, preset, "x").values():
            place = command.index("-o")
            outcome = run(*command[:place], *option, *command[place + 2 :])
            assert (outcome.code, outcome.out) == (2, "")
            assert "needs the name of a file or folder" in outcome.err

    def test_the_folder_of_results_is_a_file(self, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "stems").write_text("no folder")
        with pytest.raises(OutputError, match="stems is a file"):
            OutputFolder(tmp_path / "out", True, ["mix.wav", "stems/a.wav"])


def test_raw_stems_with_a_preset_beside_them_are_no_result(session, preset, refused, unchanged, tmp_path):
    """Somebody saved a preset into the song; other takes of it are mixed."""
    song = tmp_path / "song"
    shutil.copytree(session / "stems", song / "stems")
    shutil.copy(preset, song / "preset.json")
    unchanged()
    command = ["apply", preset, session / "stems", "-o", song, "--no-report", "--force"]
    refused(*command, words=["Bass.wav", "is a recording, and no result of mixbridge"])


def test_the_same_mix_is_the_same_files(session, preset, run):
    """Float files, too: libsndfile would put the time of day into them."""
    results = []
    for name in ("one", "two"):
        command = commands(session, preset, session / name)["apply"]
        assert run(*command, "--format", "wav32f").code == 0
        results.append({path.name: path.read_bytes() for path in (session / name).rglob("*.wav")})
        # The next second is another time stamp.
        path = next((session / name).rglob("*.wav"))
        assert b"PEAK" in path.read_bytes()[:200]
    assert results[0] == results[1]
    peak = results[0]["mix.wav"].index(b"PEAK")
    assert results[0]["mix.wav"][peak + 12 : peak + 16] == bytes(4)


class TestStandardOutput:
    """A process of its own: pytest replaces the streams of this one."""

    CODE = "from mixbridge.bridge.command import main; main()"

    def shell(self, redirect, *arguments):
        words = " ".join(arguments)
        return subprocess.run(
            ["sh", "-c", f'"{sys.executable}" -c "{self.CODE}" {words} {redirect}'],
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.parametrize("arguments", [["preset", "list"], ["--help"], ["preset", "schema"]])
    def test_closed(self, arguments):
        done = self.shell(">&-", *arguments)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize("arguments", [["preset", "list"], ["--help"], ["preset", "schema"]])
    def test_full(self, arguments):
        done = self.shell("> /dev/full", *arguments)
        assert done.returncode == 1
        assert "standard output cannot be written" in done.stderr
        assert "fault of mixbridge" not in done.stderr
        assert done.stderr.count("\n") == 1

    def test_nothing_is_written_into_a_result_when_it_is_closed(self, session, preset):
        """A file that is opened while stream 1 is closed would get its number."""
        done = self.shell(">&- 2>&-", "apply", str(preset), str(session / "stems"), "-o", str(session / "out"))
        assert done.returncode == 0
        assert (session / "out" / "mix.wav").read_bytes()[:4] == b"RIFF"
