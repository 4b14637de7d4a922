"""What commands print: no control character of a name reaches the terminal, through no way of printing."""

from __future__ import annotations

import io
import json

import pytest
from mixbridge.bridge.cli.main import main
from mixbridge.bridge.cli.output.escaping_console import EscapingConsole
from mixbridge.bridge.cli.output.saying import console, echo_json, say
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
