"""Refinement as part of the main verbs: what the preset, the result and the progress say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import PresetError
from mixbridge.presets.files import load
from mixbridge.presets.preset import Preset
from mixbridge.runtime.audio.reading import Samples
from mixbridge.runtime.mixing import PredictOptions, mix, predict
from mixbridge.runtime.model.analysis import Passage
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.refinement import refined
from mixbridge.runtime.refinement.refine import Refinement, refine

RATE_HZ = 44100


@pytest.fixture
def stems(tmp_path: Path) -> dict[str, Path]:
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(1).standard_normal(len(time_s))
    sounds = {"Bass": 0.2 * np.sin(2 * np.pi * 55 * time_s), "Drums": 0.3 * noise * np.exp(-8 * (2 * time_s % 1))}
    for name, sound in sounds.items():
        sf.write(tmp_path / f"{name}.wav", sound, RATE_HZ)
    return {name: tmp_path / f"{name}.wav" for name in sounds}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    noise = 0.1 * np.random.default_rng(2).standard_normal((3 * RATE_HZ, 2)) * [1.0, 0.6]
    sf.write(tmp_path / "song.wav", np.cumsum(noise, axis=0) / 20 + noise, RATE_HZ)
    return tmp_path / "song.wav"


@pytest.fixture(autouse=True)
def few_renders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Preset, Passage, Samples]]:
    """A search ends after four renders, however slow the machine is; gives what each was started with."""
    started: list[tuple[Preset, Passage, Samples]] = []

    def short(preset: Preset, passage: Passage, reference: Samples, *, progress: object, **given: object) -> Refinement:
        started.append((preset, passage, reference))

        def step(now: object) -> bool:
            told = progress(now) if callable(progress) else True
            return bool(told) and now.renders < 4  # type: ignore[attr-defined]

        return refine(preset, passage, reference, progress=step, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(refined, "refine", short)
    return started


def test_the_result_and_the_preset_say_what_was_done(
    tmp_path: Path, stems: dict[str, Path], reference: Path, controller: Controller
) -> None:
    told: list[tuple[float, str]] = []
    result = mix(
        stems,
        reference,
        tmp_path / "out",
        model=controller,
        options=PredictOptions(refine_s=600),
        progress=lambda *step: told.append(step),
    )
    found = result.refinement
    assert found is not None
    assert (found.renders, found.start) == (4, "model")
    assert found.after < found.before
    note = load(result.preset_path).provenance.note
    assert note is not None
    assert f"{found.before:.3g} -> {found.after:.3g}" in note
    assert "refined from the prediction" in note
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    lines = [text for _, text in told if text.startswith("refining")]
    assert len(lines) == 4
    assert f"{found.before:.3g} -> " in lines[-1]
    assert "s left" in lines[-1]


def test_from_neutral_nothing_of_the_model_is_left(
    stems: dict[str, Path],
    reference: Path,
    controller: Controller,
    few_renders: list[tuple[Preset, Passage, Samples]],
) -> None:
    options = PredictOptions(refine_s=600, start="neutral")
    preset = predict(stems, reference, model=controller, options=options)
    assert preset.provenance.model is None
    assert preset.provenance.reference is not None
    assert [track.source is not None for track in preset.tracks] == [True, True]
    start, passage, _ = few_renders[0]
    for track in start.tracks:
        level = passage.loudness_lufs[track.name] + track.strip.input_gain_db
        assert level == pytest.approx(controller.manifest.track_level_lufs)
        assert (track.strip.fader_db, track.strip.pan, track.strip.compressor.ratio) == (0, 0, 1)
        assert track.strip.eq.band0.freq_hz == 250  # the console's own, not the model's


def test_the_search_hears_what_the_model_heard(
    stems: dict[str, Path], reference: Path, controller: Controller, few_renders: list[tuple[Preset, Passage, Samples]]
) -> None:
    options = PredictOptions(refine_s=600, reference_window_s=0.5, window_s=0.25)
    preset = predict(stems, reference, model=controller, options=options)
    _, passage, song = few_renders[0]
    assert passage.start_s == 0.25
    assert preset.provenance.reference_window is not None
    assert preset.provenance.reference_window.start_s == 0.5
    assert song.shape[1] == controller.manifest.reference_length
    whole = sf.read(reference, dtype="float32")[0].T
    np.testing.assert_allclose(song[:, :1000], whole[:, RATE_HZ // 2 :][:, :1000], atol=1e-4)


def test_the_amount_is_of_what_was_found(stems: dict[str, Path], reference: Path, controller: Controller) -> None:
    whole, half = (
        predict(stems, reference, model=controller, options=PredictOptions(amount, refine_s=600)) for amount in (1, 0.5)
    )
    for track in whole.tracks:
        assert half.track(track.name).strip.pan == pytest.approx(track.strip.pan / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"refine_s": -1}, "give a number, 0 to"),
        ({"refine_s": float("nan")}, "give a number, 0 to"),
        ({"refine_s": float("inf")}, "give a number, 0 to"),
        ({"start": "neutral"}, "needs time"),
    ],
)
def test_options_that_make_no_sense(given: dict[str, object], words: str) -> None:
    with pytest.raises(PresetError, match=words):
        PredictOptions(**given)  # type: ignore[arg-type]
