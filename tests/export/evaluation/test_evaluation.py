"""The evaluation on a small corpus: what is compared, that it goes on where it stopped, and the page it writes."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.export.compact.bands import SAMPLE_RATE_HZ
from mixbridge.export.evaluation import explain as explaining
from mixbridge.export.evaluation.cases import CaseResult, load, values_of
from mixbridge.export.evaluation.command import EvaluationRequest, judge
from mixbridge.export.evaluation.judging import TERMS
from mixbridge.export.evaluation.material import Material, find_material, two_spans
from mixbridge.export.evaluation.page.bars import bars_of
from mixbridge.export.evaluation.presets import mean_by_role, peoples_preset
from mixbridge.export.evaluation.runner import explain_worst, run_suite, worst_cases
from mixbridge.export.evaluation.statistics import estimate, mean, ratio, share
from mixbridge.export.evaluation.suites import (
    ALONE,
    BASELINES,
    BY_ROLE,
    MODEL,
    SPREAD,
    SUITES,
    TOLD,
    UNFINISHED,
    UNTOUCHED,
    make_scene,
)
from mixbridge.presets.errors import AudioError, ModelError
from mixbridge.presets.preset import Preset
from mixbridge.presets.roles import Role
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.controller import Controller
from session_folders import write_session

SECONDS = 13


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of three tracks, a voice, and a song."""
    root = tmp_path_factory.mktemp("corpus")
    numbers = np.random.default_rng(0)
    time = np.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    pulse = np.exp(-((time * 2) % 1) * 8)
    noise = numbers.standard_normal(len(time))
    for number in range(2):
        bass = 0.3 * pulse * np.sin(2 * np.pi * 80 * (number + 1) * time)
        pad = 0.05 * np.stack([noise, 0.2 * np.roll(noise, 9)], axis=1)
        write_session(root / "test" / f"tune_{number}", {"bass": bass, "hats": 0.1 * pulse * noise, "pad": pad})
    voice = 0.2 * pulse * np.sign(np.sin(2 * np.pi * 200 * time))
    write_session(root / "test" / "voice_0", {"voice": voice}, "voice")
    (root / "songs" / "test").mkdir(parents=True)
    sf.write(root / "songs" / "test" / "song.wav", np.stack([0.2 * noise, 0.2 * pulse * noise], 1), SAMPLE_RATE_HZ)
    return root


@pytest.fixture(scope="module")
def material(corpus: Path) -> Material:
    return find_material(corpus)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cases of `known` are kept."""
    return tmp_path_factory.mktemp("cases")


@pytest.fixture(scope="module")
def known(material: Material, kept: Path) -> list[CaseResult]:
    return run_suite("known", "default", material, cases=3, cache=kept)


def _case(index: int, session: str, model: float, others: float, tracks: int = 3) -> CaseResult:
    terms = {mix: dict.fromkeys(TERMS, model if mix == MODEL else others) for mix in (MODEL, *BASELINES)}
    return CaseResult("known", index, session, "tune", tracks, 0.0, "", terms, {"total": 1.0}, 1.0)


def test_passages_do_not_overlap() -> None:
    numbers = np.random.default_rng(0)
    for wanted_s, given_s in ((4, 4), (12, 12), (24, 14)):
        for _ in range(50):
            heard, reference = two_spans(20, 6, wanted_s, numbers)
            assert (heard.length_s, reference.length_s) == (6, given_s)
            first, second = sorted((heard, reference), key=lambda span: span.start_s)
            assert first.start_s >= 0
            assert first.start_s + first.length_s <= second.start_s + 1e-9
            assert second.start_s + second.length_s <= 20 + 1e-9
    with pytest.raises(AudioError, match="too short"):
        two_spans(11.9, 6, 6, numbers)


def test_material_is_the_held_out_part(corpus: Path, material: Material, tmp_path: Path) -> None:
    assert [(session.name, session.kind) for session in material.sessions] == [
        ("tune_0", "tune"), ("tune_1", "tune"), ("voice_0", "voice"),
    ]  # fmt: skip
    assert [path.name for path in material.songs] == ["song.wav"]
    write_session(tmp_path / "train" / "tune_9", {"x": np.zeros(SAMPLE_RATE_HZ)})
    write_session(tmp_path / "test" / "tune_8", {"x": np.zeros(SAMPLE_RATE_HZ)})
    assert [session.name for session in find_material(tmp_path).sessions] == ["tune_8"]


@pytest.mark.parametrize("meta", ["{", "[]", '{"kind": "tune"}', '{"stems": [{"file": "x.wav"}]}'])
def test_a_broken_description_is_named(meta: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(meta)
    with pytest.raises(ModelError, match=r"meta\.json.*build the corpus again"):
        find_material(tmp_path)


def test_no_sessions_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no sessions"):
        find_material(tmp_path)


def test_every_mix_is_judged_in_every_term(known: list[CaseResult]) -> None:
    assert [case.index for case in known] == [0, 1, 2]
    assert [case.session for case in known] == ["tune_0", "tune_1", "tune_0"]
    for case in known:
        assert set(case.distances) == {MODEL, UNFINISHED, ALONE, BY_ROLE, *BASELINES, TOLD}
        assert case.distances[TOLD]["total"] < 1e-9
        for mix, distances in case.distances.items():
            assert distances["total"] == pytest.approx(sum(distances[term] for term in TERMS if term != "total"))
            assert distances["total"] > 0 or mix == TOLD
    assert known[0].distances != known[2].distances


def test_true_settings_have_no_distance(material: Material) -> None:
    manifest = Controller("default", "cpu", threads=1).manifest
    scene = make_scene(SUITES["known"], material, manifest, 0, seed=0)
    assert scene.truth is not None
    mix = explaining.render(scene.passage.audio, scene.truth, manifest.sample_rate_hz)
    assert scene.target.distance(mix).total < 1e-9
    assert scene.reference.shape == (2, manifest.reference_length)


def test_cases_are_kept_and_added_to(material: Material, known: list[CaseResult], kept: Path, tmp_path: Path) -> None:
    (before,) = kept.iterdir()
    file = Path(shutil.copy(before, tmp_path))
    lines = file.read_text().splitlines(keepends=True)
    marked = lines[0].replace('"tune_0"', '"kept"')
    file.write_text(marked + lines[1][:40])  # interrupted while it wrote the second
    told: list[int] = []
    again = run_suite("known", "default", material, 3, cache=tmp_path, progress=told.append)
    assert [case.session for case in again] == ["kept", "tune_1", "tune_0"]
    assert [case.distances for case in again] == [case.distances for case in known]
    assert told == [1, 2, 3]
    assert len(load(file)) == 3
    run_suite("known", "default", material, 1, seed=1, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_processes_find_the_same(material: Material, known: list[CaseResult], tmp_path: Path) -> None:
    found = run_suite("known", "default", material, 2, jobs=2, cache=tmp_path)
    for alone, together in zip(known[:2], found, strict=True):
        assert set(alone.distances) == set(together.distances)
        for mix, terms in alone.distances.items():
            # The model hears tracks in other batches, so its sums differ in the last digits, and so do its settings.
            assert together.distances[mix] == pytest.approx(terms, rel=0.01, abs=1e-6)


@pytest.mark.slow
def test_the_other_suites(material: Material) -> None:
    (song,) = run_suite("songs", "default", material, 1)
    assert song.reference.startswith("song from")
    assert song.between == {}
    (voice,) = run_suite("voices", "default", material, 1)
    assert set(voice.distances) == {MODEL, UNTOUCHED, "random settings", "mean setting"}
    assert voice.distances[MODEL]["imbalance"] == 0
    tracks = run_suite("tracks", "default", material, 3)
    assert [case.tracks for case in tracks] == [1, 2, 4]
    assert tracks[0].distances["equal loudness, centred"] == tracks[0].distances[SPREAD]
    with pytest.raises(AudioError, match="put 8 tracks together"):
        run_suite("tracks", "default", material, 4)


def test_what_a_suite_lacks_is_said(material: Material) -> None:
    with pytest.raises(ModelError, match="suite recorded: no held-out session of kind recorded or lmms"):
        run_suite("recorded", "default", material, 1)
    with pytest.raises(ModelError, match="name their folder"):
        run_suite("songs", "default", replace(material, songs=()), 1)


def test_the_track_to_blame_is_found(
    material: Material, known: list[CaseResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is right but for one track, which it pans to the other side."""
    manifest = Controller("default", "cpu", threads=1).manifest
    scene = make_scene(SUITES["known"], material, manifest, 1, seed=0)
    assert scene.truth is not None
    wrong = max(scene.truth.tracks, key=lambda track: abs(track.strip.pan) * (track.name != "pad")).name

    def nearly_right(_controller: Controller, _passage: Passage, _reference: object) -> Preset:
        assert scene.truth is not None
        tracks = tuple(
            track.model_copy(update={"strip": track.strip.model_copy(update={"pan": -track.strip.pan})})
            if track.name == wrong
            else track
            for track in scene.truth.tracks
        )
        return scene.truth.model_copy(update={"tracks": tracks})

    monkeypatch.setattr(explaining, "predict_musically", nearly_right)
    causes = explain_worst([known[1]], "default", material)
    assert causes[1].kind == "one track"
    assert "with the true pans 0.000" in causes[1].text
    assert f"with {wrong} put right 0.000" in causes[1].text


def test_worst_first() -> None:
    cases = [_case(index, "a", float(index), 1.0) for index in range(40)]
    assert [case.index for case in worst_cases(cases)] == [39, 38]


def test_intervals_are_over_sessions() -> None:
    one = [_case(index, "a", 1.0, 2.0) for index in range(50)]
    two = [_case(index, "b", 3.0, 2.0) for index in range(50)]
    found = estimate(one + two, mean(values_of(one + two, MODEL)))
    assert (found.low, found.value, found.high) == (1, 2, 3)
    assert estimate(one, share([True] * 25 + [False] * 25)).value == 0.5
    assert estimate(one, ratio(values_of(one, MODEL), values_of(one, SPREAD))).text() == "0.50 (0.50..0.50)"


def test_bars() -> None:
    good = [_case(index, f"s{index}", 0.1, 1.0) for index in range(20)]
    middling = [replace(case, distances=_case(0, "", 0.5, 1.0).distances) for case in good]
    losing = [*good[:16], *(_case(index, f"s{index}", 2.0, 1.0) for index in range(16, 20))]
    for suite, totals, wins in (("known", 1, 1), ("odd", 2, len(BASELINES))):
        assert all(bar.is_met for bar in bars_of(suite, good))
        missed = [bar.what for bar in bars_of(suite, middling) if not bar.is_met]
        assert len(missed) == totals
        assert all(what.startswith("total") for what in missed)
        assert sum(not bar.is_met for bar in bars_of(suite, losing) if bar.percent) == wins


def test_settings_by_role_put_a_vocal_in_the_middle_and_the_mean_is_of_its_role() -> None:
    numbers = np.random.default_rng(1)
    audio = {name: np.ones((1, 8), np.float32) for name in ("lead", "guitar")}
    passage = Passage(0.0, 1.0, audio, dict.fromkeys(audio, -20.0))
    roles: dict[str, Role] = {"lead": "lead vocal", "guitar": "electric guitar"}
    drawn = [peoples_preset(passage, roles, numbers) for _ in range(40)]
    assert max(abs(preset.track("lead").strip.pan) for preset in drawn) < 0.1
    assert max(abs(preset.track("guitar").strip.pan) for preset in drawn) > 0.5
    mean = mean_by_role(passage, roles)
    ratios = [mean.track(name).strip.compressor.ratio for name in ("lead", "guitar")]
    assert ratios[0] > ratios[1] + 0.3


def test_a_cliff_is_seen() -> None:
    even = [_case(n, f"s{n}", 0.1, 1.0, tracks) for n, tracks in enumerate((8, 8, 16, 16, 24, 24))]
    assert [bar.is_met for bar in bars_of("tracks", even)] == [True, True]
    cliff = [*even[:4], *(replace(case, distances=_case(0, "", 0.3, 1.0).distances) for case in even[4:])]
    assert [bar.is_met for bar in bars_of("tracks", cliff)] == [True, False]


@pytest.mark.slow
def test_the_page_and_its_pictures(corpus: Path, known: list[CaseResult], kept: Path, tmp_path: Path) -> None:
    page = tmp_path / "docs" / "quality.md"
    shutil.copytree(kept, tmp_path / "cache")
    plan = EvaluationRequest(corpus, "default", "known,voices", None, 2, 0, 1, page, tmp_path / "cache")
    assert judge(plan) == [page, page.with_suffix(".png")]
    text = page.read_text()
    assert f"{values_of(known[:2], MODEL).mean():.3f}" in text
    assert all(
        name in text for name in (*BASELINES, UNTOUCHED, "The worst 5 %", "between passages", "--suite known,voices")
    )
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ModelError, match="no suite 'all of them'"):
        judge(replace(plan, suite="all of them"))


def test_lines_of_something_else_among_kept_cases_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"index": 0}\nno JSON\n[1]\n"index"\n{"number": 1}\n{"index": 2}\n')
    assert sorted(load(file)) == [0, 2]
