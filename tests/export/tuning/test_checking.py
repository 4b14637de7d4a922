"""Every way in which a pair can be broken has its line, and only what can be learned from is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs the `train` extra")

from mixbridge.export.pairs.pairing import match_by_name
from mixbridge.export.tuning import command
from mixbridge.export.tuning.command import train
from mixbridge.export.tuning.material import checking
from mixbridge.export.tuning.material.checking import check_pairs
from mixbridge.export.tuning.material.findings import CheckResult
from mixbridge.export.tuning.material.prints import SoundPrint, clipped_places
from scipy.signal import fftconvolve, lfilter
from voice_pairs import RATE_HZ, sung

SECONDS = 3.0
# What is not left out: the copy of "late" that is no pair is, though its name comes first.
WHOLE = {"broken_off", "clipped", "good", "late", "longer", "moved", "rate", "turned_down", "upside"}


def mixed_of(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brighter, and bent a little: what a strip does, at a hundredth of the time."""
    bright = lfilter([1.0, -0.6], [1.0], raw[0])
    return np.repeat(0.8 * np.tanh(2 * bright)[None], 2, axis=0).astype(np.float32)


def put(folder: Path, name: str, raw: NDArray[np.float32], mixed: NDArray[np.float32], rate_hz: int = RATE_HZ) -> None:
    for side, audio, rate in (("raw", raw, RATE_HZ), ("mixed", mixed, rate_hz)):
        (folder / side).mkdir(parents=True, exist_ok=True)
        sf.write(folder / side / f"{name}.wav", audio.T, rate, subtype="FLOAT")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pair of each kind."""
    import soxr

    folder = tmp_path_factory.mktemp("check") / "set"
    for number, name in enumerate(
        (
            "good",
            "late",
            "upside",
            "rate",
            "longer",
            "clipped",
            "silent_raw",
            "silent_mixed",
            "other",
            "same",
            "tiny",
            "twice",
            "turned_down",
            "broken_off",
            "band",
            "moved",
            "a copy of a whole one",
        )
    ):
        raw = sung(number, SECONDS)
        mixed = mixed_of(raw)
        rate_hz = RATE_HZ
        if name == "late":
            mixed = np.pad(mixed, ((0, 0), (441, 0)))[:, : mixed.shape[1]]
        elif name == "upside":
            mixed = -mixed
        elif name == "rate":
            rate_hz = 32000
            mixed = soxr.resample(mixed.T, RATE_HZ, rate_hz).T.astype(np.float32)
        elif name == "longer":
            mixed = np.pad(mixed, ((0, 0), (0, RATE_HZ)))
        elif name == "clipped":
            raw = np.clip(raw * (3 / np.abs(raw).max()), -1, 1)
            mixed = mixed_of(raw)
        elif name == "silent_raw":
            raw = np.zeros_like(raw)
        elif name == "silent_mixed":
            mixed = np.zeros_like(mixed)
        elif name == "other":
            mixed = mixed_of(sung(99, SECONDS))
        elif name == "same":
            mixed = np.repeat(0.5 * raw, 2, axis=0)
        elif name == "tiny":
            raw, mixed = raw[:, : RATE_HZ // 3], mixed[:, : RATE_HZ // 3]
        elif name == "twice":
            raw = sung(0, SECONDS)
            mixed = mixed_of(0.7 * raw)
            raw = 0.5 * raw
        elif name == "turned_down":
            mixed = 0.3 * np.clip(mixed * (4 / np.abs(mixed).max()), -1, 1)
        elif name == "broken_off":
            mixed[:, mixed.shape[1] // 2 :] = 0
        elif name == "band":
            raw[:, RATE_HZ:] = 0
            mixed = mixed_of(raw) + 0.5 * sum(mixed_of(sung(seed, SECONDS)) for seed in range(60, 66))
        elif name == "moved":
            raw = np.concatenate([raw, sung(70, 9)], axis=1)
            mixed = np.insert(mixed_of(raw), 4 * RATE_HZ, np.zeros((3000, 1)), axis=1)
        elif name == "a copy of a whole one":
            raw = sung(1, SECONDS)
            mixed = mixed_of(sung(98, SECONDS))
        put(folder, name, raw, mixed, rate_hz)
    (folder / "raw" / "lonely.wav").write_bytes((folder / "raw" / "good.wav").read_bytes())
    put(folder, "cut", sung(40, SECONDS), mixed_of(sung(40, SECONDS)))
    data = (folder / "mixed" / "cut.wav").read_bytes()
    (folder / "mixed" / "cut.wav").write_bytes(data[: len(data) // 2])
    put(folder, "nan", sung(41, SECONDS), np.full((2, RATE_HZ * 3), np.nan, np.float32))
    return folder


@pytest.fixture(scope="module")
def result(broken: Path, tmp_path_factory: pytest.TempPathFactory) -> CheckResult:
    matched = match_by_name([broken / "raw"], [broken / "mixed"])
    return check_pairs(matched, tmp_path_factory.mktemp("cache"), 1, lambda name, number, total: None)


@pytest.mark.parametrize(
    ("pair", "kind", "grade", "words"),
    [
        ("late", "offset", "mended", r"20\.0 ms \(44[01] samples\) later"),
        ("upside", "polarity", "mended", "upside down"),
        ("rate", "rate", "mended", "22050 Hz, the mixed one 32000 Hz"),
        ("longer", "length", "mended", r"3\.00 s long, the mixed one 4\.00 s"),
        ("clipped", "clipping", "note", r"clipped\.wav is clipped in \d+ places"),
        ("silent_raw", "silence", "left out", "the raw file is silent"),
        ("silent_mixed", "silence", "left out", "the mixed file is silent"),
        ("other", "no pair", "left out", "this is no pair"),
        ("same", "unprocessed", "left out", "the mixed file is the raw one"),
        ("tiny", "length", "left out", r"has 0\.33 s"),
        ("twice", "duplicate", "left out", "same recording as that of good"),
        ("turned_down", "clipping", "note", r"turned_down\.wav is clipped in \d+ places"),
        ("broken_off", "silence", "note", r"the mixed file is silent for \d\.\d s in which the raw one sounds"),
        ("band", "no pair", "left out", "no pair"),
        ("moved", "editing", "note", "was cut or moved against the raw one"),
        ("a copy of a whole one", "duplicate", "left out", "same recording as that of late"),
        ("lonely.wav", "unmatched", "left out", "has no partner of its name"),
        ("cut", "unreadable", "left out", r"cut\.wav"),
        ("nan", "unreadable", "left out", r"nan\.wav"),
    ],
)
def test_each_broken_pair_has_its_line(result: CheckResult, pair: str, kind: str, grade: str, words: str) -> None:
    import re

    found = [finding for finding in result.findings if (finding.pair, finding.kind) == (pair, kind)]
    assert found, [finding.line for finding in result.findings if finding.pair == pair]
    assert found[0].grade == grade
    assert re.search(words, found[0].message)


def test_what_is_whole_stays(result: CheckResult) -> None:
    assert set(result.usable) == WHOLE
    assert {finding.kind for finding in result.findings if finding.pair == "good"} <= {"short"}
    assert not result.is_clean


def test_the_command_tells_prints_and_remembers(broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "cache_folder", lambda name: tmp_path / "cache")
    page = tmp_path / "check.html"
    first = CliRunner().invoke(train, ["--check", str(broken), "-o", str(page), "--jobs", "1", "--json"])
    assert first.exit_code == 1
    told = json.loads(first.stdout)
    assert told["usable"] == sorted(WHOLE)
    assert {"offset", "polarity", "no pair", "duplicate"} <= {finding["kind"] for finding in told["findings"]}
    text = page.read_text()
    assert "Left out" in text
    assert "20.0 ms (44" in text
    assert "<script" not in text

    def not_again(pair: object) -> None:
        raise AssertionError(f"{pair} is checked again")

    monkeypatch.setattr(checking, "check_pair", not_again)
    (broken / "raw" / "lonely.wav").unlink()
    again = CliRunner().invoke(train, ["--check", str(broken), "-o", str(page), "--jobs", "1"])
    assert again.exit_code == 1
    # Files that cannot be read are told each time without being read as sound.
    assert "late: mended: offset" in again.stdout
    assert "9 of 19 pairs can be trained on" in again.stdout


def test_folders_that_are_swapped_are_told_once_and_left_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    loud = [1.0, 0.1, 0.0, 1.0, 0.3, 0.0, 0.2, 1.0, 0.0, 0.5] * 2
    tail = np.exp(-np.arange(RATE_HZ) / 3000) * 0.02
    for number in range(3):
        rng = np.random.default_rng(number)
        words = np.repeat(rng.permutation(loud), round(0.25 * RATE_HZ))
        raw = (0.2 * words * rng.standard_normal(words.size))[None].astype(np.float32)
        squeezed = np.tanh(8 * raw[0]) / 4
        mixed = squeezed + fftconvolve(squeezed, tail * rng.standard_normal(tail.size))[: squeezed.size]
        put(folder, f"voice{number}", raw, np.repeat(mixed[None], 2, axis=0).astype(np.float32))
    for sides, swapped in ((("raw", "mixed"), False), (("mixed", "raw"), True)):
        matched = match_by_name(*([folder / side] for side in sides))
        result = check_pairs(matched, tmp_path / sides[0], 1, lambda name, number, total: None)
        told = [finding for finding in result.findings if finding.kind == "swapped"]
        assert bool(told) == swapped
        assert len(result.usable) == 3
        if swapped:
            (finding,) = told
            assert (finding.pair, finding.grade) == ("all pairs", "note")
            assert "In 3 of 3 pairs" in finding.message
            assert "track_root_dirs" in finding.message


def test_a_page_of_somebody_else_is_kept(broken: Path, tmp_path: Path) -> None:
    page = tmp_path / "mine.html"
    page.write_text("<html>mine</html>")
    told = CliRunner().invoke(train, ["--check", str(broken), "-o", str(page)])
    assert told.exit_code != 0
    assert page.read_text() == "<html>mine</html>"


def test_noise_is_known_by_nothing() -> None:
    """Two different noises have the same levels, and are not the same recording."""
    rng = np.random.default_rng(0)
    one, other = (SoundPrint.of(0.1 * rng.standard_normal((1, 60_000)).astype(np.float32), RATE_HZ) for _ in range(2))
    assert not one.levels_db
    assert not other.levels_db


def test_a_low_tone_is_not_clipped() -> None:
    tone = np.sin(np.arange(RATE_HZ) * 2 * np.pi * 50 / RATE_HZ).astype(np.float32)
    assert clipped_places(0.5 * tone[None]) == 0
    assert clipped_places(0.5 * np.clip(1.2 * tone[None], -1, 1)) > 50
