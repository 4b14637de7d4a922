from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.styles import curve
from mixbridge.export.styles.compare import compare_pairs
from mixbridge.export.styles.curve import run
from mixbridge.export.styles.curve_page import KNOWN, CurvePoint, CurveStudy, page_text
from mixbridge.export.styles.engineer import HiddenEngineer, measures
from mixbridge.export.styles.ways import WAYS, rendered
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.audio.loudness import integrated_loudness
from style_examples import RATE_HZ, sung


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for kind, seeds in (("train", (1, 2, 3)), ("test", (4, 5))):
        for seed in seeds:
            folder = tmp_path / "corpus" / kind / f"session{seed}"
            folder.mkdir(parents=True)
            sf.write(folder / "vocal.flac", sung(seed, 3.0).T, RATE_HZ)
    return tmp_path / "corpus"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default model is measured elsewhere; the engineer is used to four voices."""
    monkeypatch.setattr(curve, "_by_default_model", lambda known: lambda raw, rate_hz: np.repeat(raw, 2, axis=0))
    monkeypatch.setattr(curve, "_USED_TO", 4)


def test_the_study_goes_on_where_it_was_stopped(corpus: Path, small: None, tmp_path: Path) -> None:
    study = CurveStudy(corpus, (3,), engineers=1, held_out=2, recovered=0, seconds=2.0)
    record, page = tmp_path / "curve.jsonl", tmp_path / "page.md"
    said: list[str] = []
    ways = {name: WAYS[name] for name in ("mean", "neighbour")}
    run(study, page, record, said.append, ways)
    assert len(said) == 3  # the default model, two ways
    whole = record.read_text()
    lines = whole.splitlines()
    record.write_text("\n".join([*lines[:2], lines[2][:20]]))
    again: list[str] = []
    run(study, page, record, again.append, ways)
    assert again == said[2:]
    points = [CurvePoint(**json.loads(line)) for line in (*lines[:2], record.read_text().splitlines()[-1])]
    assert points[2] == CurvePoint(**json.loads(lines[2]))
    text = page.read_text()
    assert f"| 3 | known | {points[1].share:.2f} | {points[2].share:.2f} | - |" in text


def test_the_page_says_how_house_style_stands_to_the_mean() -> None:
    points = [
        CurvePoint(engineer, KNOWN, 10, way, share, 0.5, 0.1, 4)
        for engineer, shares in enumerate([(0.8, 0.6), (0.6, 0.4)])
        for way, share in zip(("mean", "house"), shares, strict=True)
    ]
    text = page_text(points, CurveStudy(Path("corpus"), engineers=2))
    assert "| 10 | known | 0.70 (0.60 to 0.80) | 0.50 (0.40 to 0.60) | 0.71 |" in text


def test_a_corpus_without_voices_is_refused(small: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    study = CurveStudy(tmp_path / "empty", (3,), engineers=1, held_out=2)
    with pytest.raises(AudioError, match=r"vocal\.flac"):
        run(study, tmp_path / "page.md", tmp_path / "record", lambda text: None)


def test_an_engineer_looks_at_the_voice() -> None:
    tilts_db = np.linspace(-6, 6, 6)
    known = np.array([measures(sung(1, 2.0, tilt_db), RATE_HZ) for tilt_db in tilts_db])
    engineer = HiddenEngineer.drawn(0, known)
    gains = []
    for tilt_db in (-6.0, 6.0):
        mixes = [engineer.mix(sung(1, 2.0, tilt_db), RATE_HZ, np.random.default_rng(seed)) for seed in range(3)]
        gains.append(np.mean([preset.tracks[0].strip.eq.band1.gain_db for preset, _ in mixes]))
    assert gains[0] - gains[1] > 4  # a dull voice gets more presence
    preset, mixed = mixes[0]
    again = rendered(preset, sung(1, 2.0, 6.0), RATE_HZ)
    assert np.abs(again - mixed).max() < 1e-4
    assert integrated_loudness(mixed, RATE_HZ) == pytest.approx(engineer.out_lufs, abs=3)


def test_ways_are_compared_by_what_is_heard() -> None:
    raw = sung(8, 2.0)
    mixed = np.repeat(raw, 2, axis=0) * np.float32(0.5)
    ways = {
        "mean": lambda audio, rate_hz: np.repeat(audio, 2, axis=0) * np.float32(0.25),
        "house": lambda audio, rate_hz: np.repeat(audio, 2, axis=0) * np.float32(0.5),
    }
    compared = compare_pairs(ways, [("a", raw, mixed), ("b", raw[:, :60_000], mixed[:, :60_000])])
    assert compared.best == "house"
    assert compared.ways["house"].distances == pytest.approx(0, abs=1e-4)
    assert compared.better("house", "mean") == 1
    note = compared.note("house", 12)
    assert (note.way, note.pairs, note.held_out) == ("house", 12, 2)
    assert "The house style came nearest to 2 mixed tracks" in note.why
