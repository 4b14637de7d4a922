"""What commands print: no control character of a name reaches the terminal, through no way of printing."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from mixbridge.bridge import cli
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.cli.output import mix_results
from mixbridge.bridge.cli.output.escaping_console import EscapingConsole
from mixbridge.bridge.cli.output.saying import console, echo_json, say
from mixbridge.presets.files import dumps, loads, save
from mixbridge.presets.preset import Preset, Provenance, SourceFile, Track
from rich.table import Table
from rich.text import Text

NAME = "Vox\x1b]0;owned\x07\x9b2J\u202e"
# rich leaves out the bell itself.
PRINTED = r"Vox\x1b]0;owned\x9b2J\u202e"
SHOWN = r"Vox\x1b]0;owned\x07\x9b2J\u202e"


def test_lines_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"one\n  {NAME}")
    say(f"Note: {NAME}", err=True)
    captured = capsys.readouterr()
    assert captured.out == f"one\n  {SHOWN}\n"
    assert captured.err == f"Note: {SHOWN}\n"


def test_tables_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(NAME)
    table.add_row(Text(NAME))
    console().print(table)
    console(stderr=True).print(NAME, markup=False)
    captured = capsys.readouterr()
    for text in (captured.out, captured.err):
        assert r"Vox\x1b]0;own" in text
        assert not set(text) & set("\x1b\x07\x9b\u202e")


def test_colours_of_our_own_stay() -> None:
    file = io.StringIO()
    EscapingConsole(file=file, force_terminal=True, color_system="truecolor", width=80).print(Text(NAME, "bold red"))
    assert file.getvalue() == f"\x1b[1;31m{PRINTED}\x1b[0m\n"


def test_json_is_escaped_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"track": NAME})
    out = capsys.readouterr().out
    assert not set(out) & set("\x1b\x07\x9b\u202e")
    assert json.loads(out) == {"track": NAME}


def test_errors_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["preset", "show", f"{NAME}.json"])
    assert f"{SHOWN}.json: there is no such file" in capsys.readouterr().err


def test_arguments_too_many_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern of the shell gives names of files, more than one where one is expected."""
    for command in (["preset", "list", NAME], ["preset", "show", "a.json", NAME], ["doctor", NAME]):
        with pytest.raises(SystemExit) as stop:
            main(command)
        err = capsys.readouterr().err
        assert stop.value.code == 2
        assert SHOWN in err
        assert "Usage: mixbridge" in err
        assert not set(err) & set("\x1b\x07\x9b\u202e")


HOSTILE = Preset(
    name=NAME,
    description=NAME,
    tracks=(Track(name=NAME, note=NAME), Track(name="Bass")),
    provenance=Provenance(
        tool=NAME, created=NAME, model=NAME, note=NAME, reference=SourceFile(file=NAME, sha256="0" * 64)
    ),
)


@pytest.mark.parametrize(
    "command",
    [
        ["preset", "show", "a.json"],
        ["preset", "show", "a.json", "--json"],
        ["preset", "diff", "a.json", "b.json"],
        ["preset", "diff", "a.json", "b.json", "--json"],
        ["preset", "scale", "a.json", "0.5", "-o", "-"],
        ["preset", "blend", "a.json", "b.json", "0.5"],
        ["-v", "preset", "blend", "a.json", "none.json", "0.5"],
        ["preset", "check", "a.json", "b.json"],
        ["apply", "a.json", "none.wav", "-o", "out"],
    ],
)
def test_nothing_of_a_preset_reaches_the_terminal_as_a_command(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save(HOSTILE, "a.json")
    save(HOSTILE.model_copy(update={"tracks": HOSTILE.tracks[:1]}), "b.json")
    with contextlib.suppress(SystemExit):
        main(command)
    captured = capsys.readouterr()
    printed = captured.out + captured.err
    assert printed
    assert not set(printed) & set("\x1b\x07\x9b\u202e")


def test_a_preset_file_holds_no_control_character_and_means_the_same() -> None:
    text = dumps(HOSTILE)
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert loads(text) == HOSTILE


def test_every_command_speaks_through_the_two_ways_that_escape() -> None:
    """Printing another way would let names through."""
    folder = Path(cli.__file__).parent
    own = {"saying.py", "escaping_console.py", "main.py"}
    for file in sorted(folder.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if file.name not in own:
            assert not re.search(
                r"click\.echo\((?!files\.dumps\()|(?<![A-Za-z])Console\(|\bprint\((?!ed)", text.replace(".print(", "")
            ), file


def test_a_track_stays_in_its_line_whatever_its_name(capsys):
    preset = Preset(tracks=(Track(name="new\nline"), Track(name="Bass\r")))
    mix_results._say_tracks(preset)
    mix_results._say_settings(preset)
    lines = capsys.readouterr().out.splitlines()
    assert sum("new\\nline" in line for line in lines) == 2
    assert sum("Bass\\r" in line for line in lines) == 2
    assert not any(line.strip() == "line" for line in lines)
