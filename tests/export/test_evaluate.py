"""The evaluation on a small corpus: what it compares, and the page that it writes."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.bands import SAMPLE_RATE_HZ
from mixbridge.export.evaluate import BASELINES, MODEL, TERMS, Case, evaluate, values_of
from mixbridge.export.quality_report import interval, write_report
from mixbridge.presets.errors import ModelError
from mixbridge.runtime.controller import Controller


@pytest.fixture(scope="module")
def controller() -> Controller:
    return Controller("default", "cpu", threads=1)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, controller: Controller) -> list[Case]:
    folder = tmp_path_factory.mktemp("corpus") / "own_1"
    folder.mkdir()
    (folder / "meta.json").write_text("{}")
    numbers = np.random.default_rng(0)
    time = np.arange(13 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pulse = np.exp(-((time * 2) % 1) * 8)
    sf.write(folder / "bass.wav", 0.3 * pulse * np.sin(2 * np.pi * 80 * time), SAMPLE_RATE_HZ)
    sf.write(folder / "hats.wav", 0.1 * pulse * numbers.standard_normal(len(time)), SAMPLE_RATE_HZ)
    return evaluate(controller, folder.parent, cases=2)


def test_every_mix_is_judged_in_every_term(cases: list[Case]) -> None:
    assert len(cases) == 2
    for case in cases:
        assert case.tracks == 2
        assert set(case.distances) == {MODEL, *BASELINES}
        for distances in case.distances.values():
            assert distances["total"] == pytest.approx(sum(distances[term] for term in TERMS if term != "total"))
            assert distances["total"] > 0


def test_cases_repeat_by_seed(cases: list[Case]) -> None:
    assert cases[0].distances != cases[1].distances


def test_the_page_and_its_picture(cases: list[Case], controller: Controller, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "quality.md"
    write_report(cases, controller.bundle, "mixbridge evaluate CORPUS", page)
    text = page.read_text()
    assert f"{values_of(cases, MODEL).mean():.3f}" in text
    assert controller.bundle.manifest_sha256[:12] in text
    assert all(name in text for name in BASELINES)
    assert page.with_name("quality.png").read_bytes().startswith(b"\x89PNG")


def test_the_interval_covers_the_mean(cases: list[Case]) -> None:
    values = np.random.default_rng(0).normal(3, 1, 2)
    low, high = interval(cases, lambda index: float(values[index].mean()))
    assert low <= values.mean() <= high


def test_no_sessions_is_said(controller: Controller, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no sessions"):
        evaluate(controller, tmp_path, cases=1)
