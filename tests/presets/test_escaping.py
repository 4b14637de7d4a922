"""Control characters of names: shown, never obeyed."""

from __future__ import annotations

import json

import pytest
from mixbridge.presets.errors import AudioError, MixbridgeError, OutputError
from mixbridge.presets.escaping import escaped, json_text

HOSTILE = {
    "\x1b[2J": r"\x1b[2J",
    "\x1b]0;owned\x07": r"\x1b]0;owned\x07",
    "a\nb\tc\rd": r"a\nb\tc\rd",
    "\x7f\x9b31m": r"\x7f\x9b31m",
    "\u202egnp.exe": r"\u202egnp.exe",
    "a\u2028b\u2066c\ufeff": r"a\u2028b\u2066c\ufeff",
    "Vox\udcff": "Vox?",
}
HARMLESS = ["Lead Vox (2)", "日本語 עברית العربية", "👩\u200d🎤", "می\u200cخواهم", "50 % \\ louder", "a\u00adb"]


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert escaped(text) == shown
    assert escaped(shown) == shown  # doing it twice changes nothing


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert escaped(text) == text
    assert json.loads(json_text([text])) == [text]


def test_line_breaks_stay_where_they_are_meant() -> None:
    assert escaped("one\n  two\r\x1b", keep="\n") == "one\n  two\\r\\x1b"


@pytest.mark.parametrize("text", HOSTILE)
def test_json_holds_the_same_text_without_a_control_character(text: str) -> None:
    written = json_text({"name": text, "of": [1, None]})
    assert escaped(written, keep="\n") == written
    assert json.loads(written) == {"name": text, "of": [1, None]}


def test_json_takes_no_infinity() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text([float("inf")])


@pytest.mark.parametrize("kind", [MixbridgeError, AudioError, OutputError])
def test_errors_are_shown_escaped(kind: type[MixbridgeError]) -> None:
    assert str(kind("2 mistakes in Vox\x1b[31m:\n  one")) == "2 mistakes in Vox\\x1b[31m:\n  one"
