"""The frame of the command line: what it loads, and what failures look like."""

import ast
import pickle
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from unittest.mock import patch

import click
import pytest
from mixbridge import __version__
from mixbridge.bridge.cli import commands
from mixbridge.bridge.cli import main as cli_main
from mixbridge.bridge.cli.commands import COMMANDS, Family, Lazy, LazyGroup
from mixbridge.presets.errors import AudioError, Hint, OutputError

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
    assert re.search(r"^  mix +Mix stems in the style", out, re.MULTILINE)
    assert not HEAVY & {name.split(".")[0] for name in loaded.split()}


def test_import_loads_nothing_heavy():
    assert not HEAVY & set(python("import sys, mixbridge; print(*sys.modules)").split())


def paths(table=COMMANDS, before=()):
    """Every command as it is typed, groups too."""
    for name, entry in table.items():
        yield (*before, name), entry
        if isinstance(entry, Family):
            yield from paths(entry.commands, (*before, name))


@pytest.mark.parametrize("path", [path for path, entry in paths() if isinstance(entry, Family) or entry.module])
def test_every_command_loads_and_has_help(run, path):
    outcome = run(*path, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: mixbridge {' '.join(path)} ")
    assert outcome.err == ""


def test_commands_of_the_torch_side_are_those_that_pyproject_names():
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    entries = tomllib.loads(pyproject.read_text())["project"]["entry-points"]["mixbridge.commands"]
    # Two commands are called "train"; one of them has an entry point of another name.
    lazy = [(path[-1], entry) for path, entry in paths() if isinstance(entry, Lazy) and entry.module is None]
    wanted = {entry.attribute or name for name, entry in lazy}
    assert set(entries) == wanted
    for name, target in entries.items():
        module, attribute = target.split(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        assert command.name == name


def test_training_handles_sigterm_itself_and_recover_cleans_up_as_all_others_do(monkeypatch):
    handed_back = []
    monkeypatch.setattr(commands, "end_at_once", lambda: handed_back.append(True))
    for table, name in ((COMMANDS["model"].commands, "train"), (COMMANDS, "recover")):
        group = LazyGroup(table=table)
        assert group.get_command(click.Context(group), name) is not None
        assert handed_back == [True], name


@pytest.mark.parametrize("option", ["-v", "--verbose", "--quiet"])
def test_an_option_of_the_program_behind_a_command_is_told_its_place(run, option):
    outcome = run("preset", "show", "bass", option)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == f"It goes before the command: mixbridge {option} preset show ..."


@pytest.mark.parametrize("family", ["session", "desk", "preset", "model"])
def test_help_of_a_group_lists_its_commands(run, family):
    out = run(family, "--help").out
    for name, entry in COMMANDS[family].commands.items():
        assert f"  {name} " in out
        assert entry.help.split()[0] in out


class TestOldSpellings:
    """What version 0.1 called otherwise works, and says what it is called now."""

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (["show", "bass"], ["preset", "show", "bass"]),
            (["preset", "factory"], ["preset", "list"]),
            (["preset", "validate", "nonesuch.json"], ["preset", "check", "nonesuch.json"]),
            (["inspect", "nonesuch.RPP"], ["session", "inspect", "nonesuch.RPP"]),
            (["stems", "nonesuch.RPP", "-o", "x"], ["session", "stems", "nonesuch.RPP", "-o", "x"]),
            (["insert", "bass", "nonesuch.RPP"], ["session", "insert", "bass", "nonesuch.RPP"]),
            (["pull", "--from", "nonesuch://x", "-o", "-"], ["desk", "pull", "--from", "nonesuch://x", "-o", "-"]),
            (["scene", "nonesuch.scn", "-o", "-"], ["desk", "scene", "nonesuch.scn", "-o", "-"]),
        ],
    )
    def test_commands(self, run, old, new):
        former, present = run(*old), run(*new)
        assert (former.code, former.out) == (present.code, present.out)
        hint, *rest = former.err.splitlines()
        assert hint.startswith("Hint: mixbridge ")
        assert " is now mixbridge " in hint
        assert rest == present.err.splitlines()

    @pytest.mark.parametrize(
        ("new", "old", "value", "command"),
        [
            ("-o", "--out", "x.json", ["preset", "scale", "bass", "0.5"]),
            ("-o", "--out", "x.json", ["preset", "blend", "bass", "bass", "0.5"]),
            ("-o", "--out", "x.json", ["preset", "desk-form", "bass"]),
            ("-o", "--out", "x.scn", ["desk", "scene", "bass"]),
        ],
    )
    def test_output(self, run, tmp_path, new, old, value, command):
        present, former = tmp_path / f"new-{value}", tmp_path / f"old-{value}"
        assert run(*command, new, present).code == 0
        outcome = run(*command, old, former)
        assert outcome.code == 0
        assert "Hint: option --out is now --output" in outcome.err
        assert former.read_bytes() == present.read_bytes()
        assert "--out " not in run(*command[:2], "--help").out

    def test_hints_are_not_for_the_quiet(self, run):
        assert run("--quiet", "show", "bass", "--json").err == ""

    def test_a_name_that_never_was(self, run):
        assert "No such command 'validate'" in run("validate").err

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            (["mx"], "'mx'. Did you mean `mixbridge mix`?"),
            (["blend", "a", "b", "1"], "'blend'. Did you mean `mixbridge preset blend`?"),
            (["diff"], "'diff'. Did you mean `mixbridge desk diff` or `mixbridge preset diff`?"),
            (["preset", "shw"], "'shw'. Did you mean `mixbridge preset show`?"),
        ],
    )
    def test_a_wrong_name_is_answered_with_the_right_one(self, run, typed, meant):
        outcome = run(*typed)
        assert outcome.code == 2
        assert f"No such command {meant}" in outcome.err


def test_shared_options_mean_the_same_everywhere():
    """One name for one thing: an option's type and, but for its default, its use are the same in every command."""
    kinds = {}
    for path, entry in paths():
        if isinstance(entry, Family) or entry.module is None:
            continue
        command = getattr(import_module(entry.module, "mixbridge.bridge.cli"), entry.attribute)
        for option in command.params:
            if not option.hidden if isinstance(option, click.Option) else False:
                for name in option.opts:
                    kinds.setdefault(name, {}).setdefault(type(option.type).__name__, []).append(path)
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}
    assert [path for uses in kinds["--from"].values() for path in uses] == [("desk", "pull"), ("desk", "snapshot")]
    assert set(kinds["-o"]["StringParamType"]) == set(kinds["--output"]["StringParamType"])
    assert "--out" not in kinds
    assert "--rate" not in kinds


def test_version(run):
    assert run("--version").out == f"mixbridge, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["mix", "https://example.com/a.wav", "--reference", "x.wav", "-o", "out"],
        ["mix", "a.wav", "--reference=HTTP://example.com/song.wav", "-o", "out"],
        ["apply", "bass", "Vox=https://example.com/a.wav", "-o", "out"],
        ["apply", "bass", "a.wav", "-o", "https://example.com/mix"],
        ["session", "inspect", "ftp://example.com/song.RPP"],
        ["preset", "show", "file:///home/me/preset.json"],
        ["batch", "s3://bucket/list.csv", "-o", "mixes"],
        ["batch", "list.csv", "-o", "mixes", "--preset", "s3://bucket/preset.json"],
    ],
)
def test_web_addresses_are_refused_as_they_were_typed(refused, arguments):
    address = next(item for item in arguments if "://" in item)
    refused(*arguments, words=[address, "is a web address"])


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["mxi"],
            ["mix"],
            ["mix", "x", "--reference"],
            ["mix", "x", "--loudness", "loud"],
            ["-v", "--quiet", "preset", "show", "x"],
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

        monkeypatch.setattr(LazyGroup, "get_command", lambda self, context, name: broken)
        return run(*options, "doctor")

    return failing


class TestFailures:
    def test_an_error_of_ours_is_one_line(self, failing):
        outcome = failing(AudioError("vox.wav is empty.\nExport it again."))
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err == "mixbridge: vox.wav is empty. Export it again.\n"

    def test_where_it_came_from_is_shown_when_asked(self, failing):
        assert "Traceback" in failing(AudioError("vox.wav is empty"), "-v").err

    def test_hints_are_worded_as_the_options_of_the_command(self, run, tmp_path):
        path = tmp_path / "x.json"
        path.write_text("old")
        outcome = run("preset", "scale", "bass", "0.5", "-o", path)
        assert outcome.code == 2
        assert outcome.err.endswith("choose another name, or allow it to be replaced. (--force)\n")
        # `push` cannot replace a snapshot, so it names no option for it.
        error = OutputError("x is there already.", hints=(Hint("overwrite"), Hint("snapshot", "FILE")))
        push = LazyGroup("x", table=COMMANDS).get_command(click.Context(click.Command("x")), "push")
        assert cli_main._options(error.hints, push) == " (--snapshot FILE)"
        assert cli_main._options(error.hints, None) == ""

    def test_errors_keep_their_hints_where_they_are_copied(self):
        for kind in (OutputError, AudioError):
            error = pickle.loads(pickle.dumps(kind("x", hints=(Hint("overwrite"),))))
            assert (str(error), error.hints) == ("x", (Hint("overwrite"),))

    def test_no_error_of_the_library_speaks_of_options(self):
        root = Path(__file__).parents[3]
        sources = [
            path
            for room in ("presets", "runtime", "bridge")
            for path in (root / room).rglob("*.py")
            if root / "bridge" / "cli" not in path.parents
        ]
        assert len(sources) > 100
        spoken = []
        for path in sources:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error"):
                    texts = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant)]
                    spoken += [(path.name, text) for text in texts if re.search(r"(^|\W)--[a-z]", str(text))]
        assert spoken == []

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
        assert "pip install '.[train]' in a clone" in outcome.err

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
            assert run("model", "train").out == "training\n"

    def test_is_not_installed(self, run, monkeypatch):
        monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
        outcome = run("model", "train")
        assert outcome.code == 2
        assert "pip install '.[train]' in a clone" in outcome.err
