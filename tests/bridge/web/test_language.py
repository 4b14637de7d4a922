"""What the server says in French: all of the console's table, what strips do, and what pages are told."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

import numpy as np
import pytest
from mixbridge.bridge.report.text import describe_effects, describe_master, describe_strip
from mixbridge.bridge.sessions.dawproject import devices
from mixbridge.bridge.web import api, edits, jobs, material, state, studio, uploads, views
from mixbridge.bridge.web.doing import desk, making, plugging, sessions
from mixbridge.bridge.web.language import language_of, turned
from mixbridge.bridge.web.showing import hearing, reasons
from mixbridge.presets.console import Delay, Master, Reverb, Strip, parameters, replace
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.prediction import confidence
from mixbridge.runtime.prediction.guard_rails import rails

# The same word in both languages.
SHARED = {"Q", "gain", "fader", "saturation", "air"}
ROUNDS = 60
Bus = TypeVar("Bus", Strip, Master, Reverb, Delay)


def is_french(text: str) -> bool:
    return turned(text, "fr") != text


def test_the_consoles_table_is_known() -> None:
    rows = [row for part in (Strip, Master, Reverb, Delay) for row in parameters(part).values()]
    left = {text for row in rows for text in (row.label, row.help) if not is_french(text)}
    assert left <= SHARED
    assert turned("width of the soft corner", "fr") == "largeur du coude"
    assert turned("tone at 31.5 Hz", "fr") == "couleur à 31,5 Hz"


def drawn(bus: Bus, random: np.random.Generator) -> Bus:
    """Some settings anywhere in their range."""
    rows = parameters(type(bus))
    chosen = random.choice(list(rows), size=len(rows) // 2, replace=False)
    values = {
        path: rows[path].low + (rows[path].high - rows[path].low) * random.random()
        for path in chosen
        if "match" not in path
    }
    return replace(bus, values)


def test_what_strips_do_is_said_in_french_whatever_stands_there() -> None:
    random = np.random.default_rng(5)
    left = set()
    for _ in range(ROUNDS):
        preset = Preset(
            tracks=(Track(name="Vox", strip=drawn(Strip(), random)),),
            reverb=drawn(Reverb(), random),
            delay=drawn(Delay(), random),
            master=drawn(Master(), random),
        )
        words = [*describe_strip(preset.tracks[0]), *describe_master(preset.master), *describe_effects(preset)]
        left |= {text for text in words if not is_french(text)}
        turns = [turned(text, "fr") for text in words]
        assert not [text for text in turns if re.search(r"\b(the|of|by|above|below|and|around|after)\b", text)]
    assert left == set()


def templates(module: ModuleType, kind: str) -> Iterator[str]:
    """Sentences that a module makes, with x for what is filled in: those that are raised, or those that are given."""
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if kind == "raised" and isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            text = sentence(node.args[0]) if node.func.id.endswith("Error") else None
        elif kind == "given" and isinstance(node, ast.Yield | ast.Return) and node.value is not None:
            text = sentence(node.value)
        else:
            continue
        if text is not None and " " in text:
            yield text


def filled(part: ast.expr) -> str:
    is_quoted = isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
    return "'x'" if is_quoted else "x"


def sentence(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else filled(part) for part in node.values)
        return "".join(map(str, parts))
    return None


@pytest.mark.parametrize(
    "module",
    [api, desk, edits, hearing, jobs, making, material, plugging, sessions, state, studio, uploads, views],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
def test_what_pages_are_refused_is_said_in_french(module: ModuleType) -> None:
    said = [text for text in templates(module, "raised") if not text.startswith("x")] + [
        text for text in templates(module, "raised") if text.startswith("x ")
    ]
    assert [text for text in said if not is_french(text)] == []


def test_what_a_new_session_file_leaves_out_is_said_in_french() -> None:
    said = [text for text in templates(devices, "given") if len(text) > 20]
    assert len(said) >= 5
    said += [
        "Bass: its saturation (drive 4.4), which takes up to 12.8 dB of peaks, is left out: the format has none.",
        "Master: the project has none, so the preset's is left out.",
        "Reverb return (mixbridge): the reverb return, rendered, as a track at 0 dB; it does not follow the faders, so "
        "insert the mix again when you have changed it.",
    ]
    assert [text for text in said if not is_french(text)] == []
    assert turned("Vox: the compressor's knee of 6.5 dB is left out: the format has none; set it by hand.", "fr") == (
        "Vox : le coude de 6,5 dB du compresseur est laissé de côté : le format n'en a pas ; réglez-le à la main."
    )
    turns = [turned(text, "fr") for text in said]
    assert not [text for text in turns if re.search(r"\b(the|left out|has none)\b", text)]


@pytest.mark.parametrize("module", [confidence, rails, reasons], ids=lambda module: module.__name__.rpartition(".")[2])
def test_why_a_mix_is_as_it_is_is_said_in_french(module: ModuleType) -> None:
    said = [text for text in templates(module, "given") if len(text) > 20]
    rules = [row for row in vars(module).values() if isinstance(row, rails.Rule)]
    said += [re.sub(r"\{\w+(:[^}]*)?\}", "x", rule.message) for rule in rules]
    assert [text for text in said if not is_french(text)] == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("cuts 2.5 dB of mud around 250 Hz", "retire 2,5 dB vers 250 Hz (boue)"),
        ("x32 at 127.0.0.1:10023: 12 confirmed, 3 same", "x32, 127.0.0.1:10023 : 12 confirmés, 3 déjà en place"),
        ("Bass, Kick: lows cut below 40 Hz.", "Bass, Kick : graves coupés sous 40 Hz."),
        ("The reference is short. Some settings are extreme.",
         "La référence est courte. Certains réglages sont extrêmes."),
        ("nothing that anybody knows", "nothing that anybody knows"),
        ("the preset is for other tracks: a.b, 2.5 Vox. Give stems and tracks the same names.",
         "le preset est pour d'autres pistes : a.b, 2,5 Vox. Donnez les mêmes noms aux fichiers et aux pistes."),
    ],
)  # fmt: skip
def test_sentences_are_turned_and_names_and_addresses_stay(english: str, french: str) -> None:
    assert turned(english, "fr") == french
    assert turned(english, "en") == english


def test_the_first_language_that_is_known_is_taken() -> None:
    assert [language_of(text) for text in ("fr", "fr-FR,fr;q=0.9", "FR", "de, fr", "", "x")] == [
        *["fr"] * 3,
        *["en"] * 3,
    ]
