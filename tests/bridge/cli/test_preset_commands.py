"""The preset commands, as typed: what they print, write and refuse."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from mixbridge.bridge.cli.main import cli
from mixbridge.bridge.cli.preset import open_preset, run_validate
from mixbridge.presets import edit, factory, files
from mixbridge.presets.errors import OutputError, PresetError
from mixbridge.presets.preset import Preset, Track, json_schema


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.json"
    files.save(factory.load("bass"), path)
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"format": "mixbridge-preset", "version": 1, "master": {"output_gain_db": 1000}}')
    return path


def run(*arguments, exit_code=0):
    result = CliRunner().invoke(cli, ["preset", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result


class TestShow:
    def test_words_and_table(self, good):
        out = run("show", good).stdout
        assert "every note at one level" in out
        assert "cuts 2.5 dB of mud around 220 Hz" in out
        assert "4:1 > -22 dB" in out
        assert "master\n  left as it is" in out

    def test_json_is_the_preset(self):
        assert files.loads(run("show", "bass", "--json").stdout) == factory.load("bass")

    def test_notes_of_tracks_and_origin(self, tmp_path):
        path = tmp_path / "mix.json"
        noted = Preset(tracks=(Track(name="Kick", note="silent: left at neutral"),))
        files.save(edit.scaled(noted, 0.5), path)
        out = run("show", path).stdout
        assert "Kick\n  left as it is\n  silent: left at neutral" in out
        assert "note: amount 0.5 of an unnamed preset" in out

    def test_neither_file_nor_name(self):
        with pytest.raises(PresetError, match=r"no such file, nor such a factory preset .*lead-vocal"):
            run("show", "lead-vokal")
        with pytest.raises(PresetError, match="no such file, nor"):
            run("show", "x" * 5000)


def test_a_file_comes_before_a_factory_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.save(Preset(name="mine"), "bass")
    assert open_preset("bass").name == "mine"
    assert open_preset("lead-vocal") == factory.load("lead-vocal")


class TestDiff:
    def test_table(self, good, tmp_path):
        other = tmp_path / "half.json"
        files.save(edit.scaled(factory.load("bass"), 0.5), other)
        out = run("diff", good, other).stdout
        assert "tracks[Bass].eq.low_shelf.gain_db" in out
        assert "0.75 dB" in out

    def test_json(self, good, tmp_path):
        other = tmp_path / "renamed.json"
        files.save(Preset(tracks=(Track(name="Sub"),)), other)
        rows = json.loads(run("diff", good, other, "--json").stdout)
        assert rows == [
            {"path": "tracks[Bass]", "old": "present", "new": None, "unit": ""},
            {"path": "tracks[Sub]", "old": None, "new": "present", "unit": ""},
        ]

    def test_nothing(self, good):
        assert run("diff", good, "bass").stdout == "They sound the same.\n"
        assert json.loads(run("diff", good, "bass", "--json").stdout) == []


class TestWriting:
    def test_scale(self, tmp_path):
        out = tmp_path / "out.json"
        result = run("scale", "bass", 0.5, "-o", out)
        assert result.stdout == ""
        assert edit.diff(files.load(out), edit.scaled(factory.load("bass"), 0.5)) == ()

    def test_blend_to_standard_output(self, good):
        blended = files.loads(run("blend", good, "bass", 0.5, "-o", "-").stdout)
        assert edit.diff(blended, factory.load("bass")) == ()

    def test_desk_form(self, tmp_path):
        path = tmp_path / "in.json"
        files.save(Preset(tracks=(Track(name="Vox", strip=edit.move_gain(Track(name="x").strip, 12)),)), path)
        desk = files.loads(run("desk-form", path, "-o", "-").stdout)
        assert desk.tracks[0].strip == Track(name="x").strip

    def test_does_not_replace_a_file_unless_forced(self, good):
        before = good.read_bytes()
        with pytest.raises(OutputError, match="allow it to be replaced"):
            run("scale", good, 0.5, "-o", good)
        assert good.read_bytes() == before
        run("scale", good, 0.5, "-o", good, "--force")
        assert good.read_bytes() != before

    def test_needs_an_output(self):
        assert "--output" in run("scale", "bass", 0.5, exit_code=2).stderr

    def test_bad_amounts(self, tmp_path):
        with pytest.raises(PresetError, match="out of range"):
            run("scale", "bass", 2, "-o", tmp_path / "x.json")
        assert not list(tmp_path.iterdir())
        run("scale", "bass", "half", "-o", "-", exit_code=2)


class TestValidate:
    def test_all_are_checked_and_one_bad_is_enough(self, good, bad, tmp_path):
        missing = tmp_path / "missing.json"
        out = run("check", bad, missing, good, exit_code=1).stdout
        assert f"{bad}: master.output_gain_db is 1000, but must be -96 to 96 dB." in out
        assert f"{missing}: there is no such file" in out
        assert f"{good}: good" in out

    def test_good(self, good):
        run("check", good)

    def test_json(self, good, bad):
        rows = json.loads(run("check", good, bad, "--json", exit_code=1).stdout)
        assert [(row["file"], row["ok"]) for row in rows] == [(str(good), True), (str(bad), False)]
        assert rows[0]["error"] is None
        assert "output_gain_db" in rows[1]["error"]

    def test_needs_a_file(self):
        run("check", exit_code=2)

    def test_run_layer(self, good):
        assert [item.ok for item in run_validate([str(good), str(good.parent)])] == [True, False]


def test_schema_is_json():
    assert json.loads(run("schema").stdout) == json_schema()


def test_factory_lists_all():
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(factory.names())
    assert all(len(line.split()) > 5 for line in lines)


def test_help_loads_only_click():
    code = "import sys, mixbridge.bridge.cli.preset; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "click" in loaded
    assert not {"pydantic", "rich", "numpy", "torch", "onnxruntime"} & set(loaded)
