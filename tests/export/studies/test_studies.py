"""The studies as functions and as commands: what they measure on a small corpus, and what they write where."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner, Result
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ
from mixbridge.export.evaluation.suites import SUITES
from mixbridge.export.studies import calibration, commands, deciding, guard_counts, refinement
from mixbridge.export.studies.refinement import RefinementRequest
from mixbridge.presets.errors import ModelError, OutputError
from session_folders import write_session


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of two tracks, and a song."""
    root = tmp_path_factory.mktemp("corpus")
    numbers, time = np.random.default_rng(0), np.arange(14 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pulse = np.exp(-((time * 2) % 1) * 6)
    noise = numbers.standard_normal(len(time))
    bass = 0.3 * pulse * np.sin(2 * np.pi * 90 * time)
    write_session(root / "test" / "tune_0", {"bass": bass, "hats": 0.1 * pulse * noise})
    (root / "songs" / "test").mkdir(parents=True)
    sf.write(root / "songs" / "test" / "song.wav", np.stack([0.2 * noise, 0.2 * pulse * noise], 1), SAMPLE_RATE_HZ)
    return root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def _call(command: object, *arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])  # type: ignore[arg-type]
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def test_the_suites_that_can_be_named_are_those_there_are() -> None:
    assert tuple(SUITES) == commands.SUITE_NAMES


def test_calibration_finds_the_constants_that_were_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.random.default_rng(0)
    rows = np.column_stack([np.ones(200), numbers.uniform(0, 6, 200), numbers.uniform(0, 4, 200)])
    offsets_db = rows @ [-5.0, 2.0, 0.7] + numbers.normal(0, 0.1, 200)
    monkeypatch.setattr(calibration, "measure", lambda *_: (rows, offsets_db))
    fit = calibration.run(Path("corpus"), 200)
    assert fit.constants_db == pytest.approx((-5.0, 2.0, 0.7), abs=0.05)
    assert fit.spread_after_db == pytest.approx(0.1, abs=0.03)
    assert fit.spread_before_db > 2


def test_calibration_measures_stems_and_prints_constants(corpus: Path, here: Path) -> None:
    output = _call(commands.calibration, corpus, "--stems", 3).output
    assert output.startswith("DETECTOR_OFFSET_DB = (")
    assert "dB after the fit" in output
    assert not list(here.iterdir())


def test_calibration_without_stems_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no stems found"):
        calibration.run(tmp_path, 3)


@pytest.mark.slow
def test_guard_rails_are_counted_in_a_table(corpus: Path, here: Path) -> None:
    cases = guard_counts.run(corpus, "default", "known", None, 2, 0)
    assert [case.tracks for case in cases] == [2, 2]
    output = _call(commands.guard_counts, corpus, "--cases", 2).output
    assert output.strip() == guard_counts.table(cases)
    assert "of 2 predictions | settings put right (of 4 tracks)" in output
    assert not list(here.iterdir())


@pytest.mark.slow
def test_a_case_is_explained(corpus: Path, here: Path) -> None:
    kind, _, text = _call(commands.explain, corpus, 0).output.partition(": ")
    assert kind
    assert "%" in text
    assert not list(here.iterdir())


@pytest.mark.parametrize("suite", ["voices", "recorded"])
def test_a_suite_that_the_corpus_has_nothing_for_is_said(suite: str, corpus: Path) -> None:
    with pytest.raises(ModelError, match=f"suite {suite}: no held-out session"):
        guard_counts.run(corpus, "default", suite, None, 1, 0)


@pytest.mark.slow
def test_refinement_is_measured_on_a_page(corpus: Path, here: Path) -> None:
    page = here / "pages" / "refinement.md"
    arguments = ["--cases", 1, "--seconds", 0.5, "--neutral-seconds", 0.5, "--jobs", 1]
    _call(commands.refinement, corpus, "-o", page, *arguments)
    text = page.read_text()
    assert "mixbridge model refinement CORPUS --model default --cases 1 --seconds 0.5" in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert [row.split(" | ")[1] for row in rows] == ["reference", "truth", "reference"]
    for row in rows:
        predicted, refined = (float(cell) for cell in row.split(" | ")[2:4])
        if row.split(" | ")[1] == "reference":
            assert refined <= predicted
    assert [path.name for path in here.iterdir()] == ["pages"]


def test_a_page_that_cannot_be_written_is_said_before_the_work(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    request = RefinementRequest(corpus, "default", 10_000, 30, 30, 1)
    for page, words in ((tmp_path, "is a folder"), (tmp_path / "file" / "page.md", "is a file, not a folder")):
        with pytest.raises(OutputError, match=words):
            refinement.run(request, page)


def test_refinement_without_songs_says_so(corpus: Path) -> None:
    with pytest.raises(ModelError, match="suite songs: no finished songs"):
        refinement.run(RefinementRequest(corpus / "test", "default", 1, 1, 1, 1))


@pytest.mark.slow
def test_ways_of_deciding_are_compared_on_the_same_cases(corpus: Path, here: Path) -> None:
    _call(commands.deciding, corpus, "--cases", 1, "-o", "page.md")
    page = Path("page.md").read_text(encoding="utf-8")
    for way in deciding.WAYS:
        assert page.count(f"| {way} |") == 2
    assert "| the whole | " in page
    assert page.count("| 1.00 | - |") == 2
    assert [file.name for file in here.iterdir()] == ["page.md"]
