"""What a program may hand over as stems, and how much of the prediction it gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.mixing import PredictOptions, apply, mix, predict, stem_paths
from mixbridge.runtime.model.controller import Controller

RATE_HZ = 44100
pytestmark = pytest.mark.usefixtures("one_prediction_for_each_input")


@pytest.fixture
def stems(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("stems/Bass.wav", "stems/Band/Vox.wav", "song.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        sf.write(tmp_path / name, 0.1 * random.standard_normal((RATE_HZ, 2)) * [1, 0.5], RATE_HZ)
    return tmp_path / "stems"


def test_a_folder_a_file_and_several_are_stems(stems: Path) -> None:
    want = {"Vox": stems / "Band" / "Vox.wav", "Bass": stems / "Bass.wav"}
    assert stem_paths(stems) == stem_paths(str(stems)) == stem_paths([stems]) == want
    assert stem_paths([stems / "Bass.wav", str(stems / "Band")]) == want
    assert stem_paths(stems / "Bass.wav") == {"Bass": stems / "Bass.wav"}
    assert stem_paths({"Low": str(stems / "Bass.wav")}) == {"Low": stems / "Bass.wav"}
    with pytest.raises(AudioError, match="no stems"):
        stem_paths([])


def test_a_folder_is_mixed_by_an_amount(stems: Path, tmp_path: Path, controller: Controller) -> None:
    song = tmp_path / "song.wav"
    made = mix(stems, song, tmp_path / "out", model=controller, amount=0.7)
    told = predict(str(stems), song, model=controller, options=PredictOptions(amount=0.7))
    assert made.preset.tracks == told.tracks
    assert made.preset.tracks != predict([stems], song, model=controller).tracks
    again = apply(made.preset, stems, tmp_path / "again")
    assert sf.read(again.mix_path)[0].shape == sf.read(made.mix_path)[0].shape


def test_the_amount_is_that_of_the_call(stems: Path, tmp_path: Path, controller: Controller) -> None:
    song = tmp_path / "song.wav"
    half = predict(stems, song, model=controller, amount=0.5, options=PredictOptions(amount=1.2))
    assert half.tracks == predict(stems, song, model=controller, amount=0.5).tracks
