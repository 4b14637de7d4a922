"""The frame of the command line: what it loads, and what failures look like."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from unittest.mock import patch

import click
import pytest
from mixbridge import __version__
from mixbridge.bridge.cli import main as cli
from mixbridge.presets.errors import AudioError

HEAVY = {"torch", "onnxruntime", "pedalboard", "numpy", "scipy", "pydantic", "rich", "soundfile", "jinja2"}


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_help_loads_nothing_heavy():
    code = """
import sys
from mixbridge.bridge.cli.main import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
print("loaded:", *sys.modules)
"""
    out, loaded = python(code).split("loaded:")
    assert "mix       Mix stems in the style" in out
    assert not HEAVY & {name.split(".")[0] for name in loaded.split()}


def test_import_loads_nothing_heavy():
    assert not HEAVY & set(python("import sys, mixbridge; print(*sys.modules)").split())


@pytest.mark.parametrize("name", [name for name, lazy in cli.COMMANDS.items() if lazy.module])
def test_every_command_loads_and_has_help(run, name):
    outcome = run(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: mixbridge {name}")


def test_version(run):
    assert run("--version").out == f"mixbridge, version {__version__}\n"


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["mxi"],
            ["mix"],
            ["mix", "x", "--reference"],
            ["mix", "x", "--loudness", "loud"],
            ["-v", "--quiet", "show", "x"],
        ],
    )
    def test_mistakes_are_refused_with_code_2(self, run, arguments):
        outcome = run(*arguments)
        assert outcome.code == 2
        assert "Error: " in outcome.err


@pytest.fixture
def failing(monkeypatch, run):
    """Runs a command that raises."""

    def failing(error, *options):
        @click.command()
        def broken():
            raise error

        monkeypatch.setattr(cli.LazyGroup, "get_command", lambda self, context, name: broken)
        return run(*options, "show")

    return failing


class TestFailures:
    def test_an_error_of_ours_is_one_line(self, failing):
        outcome = failing(AudioError("vox.wav is empty.\nExport it again."))
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == "mixbridge: vox.wav is empty. Export it again.\n"

    def test_where_it_came_from_is_shown_when_asked(self, failing):
        assert "Traceback" in failing(AudioError("vox.wav is empty"), "-v").err

    def test_an_unexpected_error_is_one_line_that_asks_for_a_report(self, failing):
        outcome = failing(RuntimeError("boom"))
        assert outcome.code == 1
        assert outcome.err.count("\n") == 1
        assert "RuntimeError: boom" in outcome.err
        assert "report" in outcome.err

    def test_an_unexpected_error_with_verbose_is_a_traceback(self, failing):
        outcome = failing(RuntimeError("boom"), "-v")
        assert outcome.code == 1
        assert "Traceback" in outcome.err

    def test_an_error_of_the_disk(self, failing):
        outcome = failing(OSError(5, "Input/output error", "/mnt/stick/mix"))
        assert (outcome.code, outcome.err) == (2, "mixbridge: /mnt/stick/mix: Input/output error\n")

    def test_ctrl_c(self, failing):
        outcome = failing(KeyboardInterrupt())
        assert outcome.code == 130
        assert outcome.err.strip().splitlines() == ["mixbridge: stopped; nothing was left behind"]

    def test_torch_is_missing(self, failing):
        outcome = failing(ModuleNotFoundError("No module named 'torch'", name="torch"))
        assert outcome.code == 2
        assert "pip install 'mixbridge[train]'" in outcome.err

    def test_something_else_is_missing(self, failing):
        assert failing(ModuleNotFoundError("No module named 'x'", name="x")).code == 1

    def test_nobody_reads_on(self):
        code = "from mixbridge.bridge.cli.main import main; main(['preset', 'schema'])"
        process = subprocess.run(
            ["bash", "-c", f'"{sys.executable}" -c "{code}" | head -c 1'], capture_output=True, text=True, check=True
        )
        assert process.stderr == ""


class TestTorchSide:
    def test_is_found_through_entry_points(self, run, monkeypatch):
        entry = EntryPoint("train", "json:dumps", "mixbridge.commands")
        done = click.Command("train", callback=lambda: click.echo("training"))
        monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [entry])
        with patch.object(EntryPoint, "load", lambda self: done):
            assert run("train").out == "training\n"

    def test_is_not_installed(self, run, monkeypatch):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
        outcome = run("train")
        assert outcome.code == 2
        assert "pip install 'mixbridge[train]'" in outcome.err
