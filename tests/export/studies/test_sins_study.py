"""The count of sins: roles of the corpus in the console's words, cases and their table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.evaluation.material import find_material
from mixbridge.export.studies.sins import BY_ROLE, KINDS, MIX, MODEL, SinCase, corpus_roles, run, table
from mixbridge.presets.errors import ModelError

RATE_HZ = 44100
STEMS = {
    "kick": ("kick", "standard kit", 55),
    "voice": ("vocal", "singer", 700),
    "strum": ("guitar", "nylon guitar", 400),
    "lead_guitar": ("guitar", "distortion guitar", 900),
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus" / "test" / "one"
    songs = tmp_path / "corpus" / "songs" / "test"
    folder.mkdir(parents=True)
    songs.mkdir(parents=True)
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    for name, (_, _, freq_hz) in STEMS.items():
        tone = np.sin(2 * np.pi * freq_hz * time_s) * (0.3 + 0.2 * np.sin(2 * np.pi * 2 * time_s))
        sf.write(folder / f"{name}.flac", 0.5 * tone, RATE_HZ)
    stems = [{"file": f"{name}.flac", "role": role, "instrument": kind} for name, (role, kind, _) in STEMS.items()]
    (folder / "meta.json").write_text(json.dumps({"kind": "composition", "stems": stems}), encoding="utf-8")
    noise = np.random.default_rng(0).standard_normal((12 * RATE_HZ, 2))
    sf.write(songs / "song.flac", 0.1 * noise, RATE_HZ)
    return tmp_path / "corpus"


def test_roles_of_the_corpus_are_those_of_the_console(corpus: Path) -> None:
    (session,) = find_material(corpus).sessions
    assert corpus_roles(session) == {
        "kick": "kick", "voice": "lead vocal", "strum": "acoustic guitar", "lead_guitar": "electric guitar",
    }  # fmt: skip


def test_all_kinds_of_mixes_are_judged(corpus: Path) -> None:
    cases = run(corpus, "default", None, 3, 2)
    assert [case.kind for case in cases] == list(KINDS)
    made = next(case for case in cases if case.kind == MIX)
    assert not made.sins["kick off the middle"]
    assert not made.sins["lead vocal off the middle"]
    assert not made.sins["lead vocal buried"]
    assert all(np.isfinite(case.distance) for case in cases)


def test_a_corpus_without_songs_is_refused(corpus: Path) -> None:
    (corpus / "songs" / "test" / "song.flac").unlink()
    with pytest.raises(ModelError, match="on songs"):
        run(corpus, "default", None, 3, 2)


def test_the_table_counts_what_could_be_committed() -> None:
    cases = [
        SinCase("a", "x", MODEL, {"leaning": True, "lead vocal buried": True}, 0.2),
        SinCase("a", "x", BY_ROLE, {"leaning": False, "lead vocal buried": True}, 0.1),
        SinCase("a", "x", MIX, {"leaning": False, "lead vocal buried": False}, 0.05),
        SinCase("b", "x", MODEL, {"leaning": False}, 0.4),
        SinCase("b", "x", BY_ROLE, {"leaning": False}, 0.3),
        SinCase("b", "x", MIX, {"leaning": False}, 0.15),
    ]
    lines = table(cases).splitlines()
    assert lines[2] == "| leaning | 50 % of 2 | 0 % of 2 | 0 % of 2 |"
    assert lines[3] == "| lead vocal buried | 100 % of 1 | 100 % of 1 | 0 % of 1 |"
    assert lines[4] == "| **a mix** | **1.00** | **0.50** | **0.00** |"
    assert lines[5] == "| distance, median | 0.300 | 0.200 | 0.100 |"
