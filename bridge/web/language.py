"""What the server says, in the language of the page: sentences stand in English all over the code, and are turned here.

`french.toml` has them as patterns: `{a}` stands for a name or number that stays (but for a decimal comma), `{A}` for
words that are turned, too, `{1}` for a count. What it has not stays English; tests say what it has to have.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from .jobs import PageJob

Turn = Callable[[str], str]

LANGUAGES: Final = ("en", "fr")
ASKED: Final[ContextVar[str]] = ContextVar("language", default="en")
_FILES: Final = {"fr": Path(__file__).with_name("french.toml")}
_GAP: Final = re.compile(r"\{(\w)\}")
_NUMBER: Final = re.compile(r"(?<![\w.])([-+]?\d+)\.(\d+)(?![.\d])")
_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[^\sa-z])")
_LISTED: Final = re.compile(r"(, | and )")
_KEPT: Final = 4096


def language_of(accepted: str) -> str:
    """Choose the language that a header `Accept-Language` asks for first; English for others."""
    wanted = accepted.strip()[:2].lower()
    return wanted if wanted in LANGUAGES else "en"


def said(text: str) -> str:
    """Say a text of the server in the language of the request that is answered."""
    return turned(text, ASKED.get())


def turned(text: str, language: str) -> str:
    """Say a text of the server in a language."""
    return text if language not in _FILES or not text else _turned(text, language)


def said_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Say labels and help of the console's table."""
    parts = {
        part: {path: {**row, "label": said(row["label"]), "help": said(row["help"])} for path, row in rows.items()}
        for part, rows in table["parts"].items()
    }
    return {**table, "parts": parts}


def said_job(job: PageJob) -> dict[str, Any]:
    """Say how a job stands, and what its result says."""
    result = dict(job.result) if job.result is not None else None
    if result is not None:
        for key in ("summary", "problems"):
            if key in result:
                result[key] = [said(words) for words in result[key]]
        if "rows" in result:
            result["rows"] = [[*row[:-2], *(said(value) for value in row[-2:])] for row in result["rows"]]
    return {**asdict(job), "text": said(job.text), "result": result}


@lru_cache(_KEPT)
def _turned(text: str, language: str) -> str:
    whole = _line(text, language)
    if whole is not None:
        return whole
    parts = _SENTENCE.split(text)
    return " ".join(_line(part, language) or _behind_name(part, language) or part for part in parts)


def _behind_name(text: str, language: str) -> str | None:
    """Turn "Lead Vox: it is silent.", and what is told about several things between semicolons."""
    for mark, joined in (("; ", " ; "), (": ", " : ")):
        parts = text.split(mark)
        for cut in range(1, len(parts)):
            first, rest = mark.join(parts[:cut]), mark.join(parts[cut:])
            turn = _line(rest, language)
            if turn is not None:
                return f"{_line(first, language) or first}{joined}{turn}"
    return None


def _line(text: str, language: str) -> str | None:
    """Turn one sentence; None where it is not known."""
    bare, end = (text[:-1], ".") if text.endswith(".") else (text, "")
    words, patterns = _known(language)
    if bare in words:
        return f"{words[bare]}{end}"
    for pattern, model, turns in patterns:
        found = pattern.fullmatch(bare)
        if found is not None:
            values = {name: turns[name](value) for name, value in found.groupdict().items()}
            return (
                "".join(values.get(f"_{part}", "") if at % 2 else part for at, part in enumerate(_GAP.split(model)))
                + end
            )
    return None


def _words(text: str, language: str) -> str:
    """Turn words within a sentence: a known one, a sentence, or a list of them."""
    whole = _line(text, language)
    if whole is not None:
        return whole
    if "; " in text:
        return " ; ".join(_words(part, language) for part in text.split("; "))
    parts = _LISTED.split(text)
    if len(parts) == 1:
        return _figures(text)
    joints = {" and ": " et ", ", ": ", "}
    return "".join(joints.get(part) or _line(part, language) or _figures(part) for part in parts)


def _figures(text: str) -> str:
    return _NUMBER.sub(r"\1,\2", text)


def _gap(name: str) -> str:
    return f"(?P<_{name}>{r'[-+]?[0-9.]+' if name.isdigit() else '.+?'})"


@cache
def _known(language: str) -> tuple[Mapping[str, str], Sequence[tuple[re.Pattern[str], str, Mapping[str, Turn]]]]:
    data = tomllib.loads(_FILES[language].read_text(encoding="utf-8"))
    words: dict[str, str] = {}
    patterns = []

    def turn_words(text: str) -> str:
        return _words(text, language)

    for english, turn in data["sentences"]:
        names = _GAP.findall(english)
        if not names:
            words[english] = turn
            continue
        parts = _GAP.split(english)
        # Split gives text and names in turn.
        source = "".join(_gap(part) if at % 2 else re.escape(part) for at, part in enumerate(parts))
        turns: dict[str, Turn] = {f"_{name}": turn_words if name.isupper() else _figures for name in names}
        patterns.append((re.compile(source, re.DOTALL), turn, turns))
    return words, patterns
