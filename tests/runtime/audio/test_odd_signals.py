"""Signals that no microphone makes: used where they can be, refused by name where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from mixbridge.presets.errors import AudioError
from mixbridge.runtime.mixing import mix, predict
from mixbridge.runtime.model.controller import Controller

RATE_HZ = 44100
TONE = 0.2 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE_HZ) / RATE_HZ)


@pytest.mark.parametrize("level", [3e38, 1e20, 2e10])
@pytest.mark.parametrize("odd", ["stem", "song"])
def test_samples_that_are_no_audio_are_refused_by_name(
    tmp_path: Path, controller: Controller, level: float, odd: str
) -> None:
    for name in ("stem", "song"):
        audio = TONE / 0.2 * level if name == odd else TONE
        sf.write(tmp_path / f"{name}.wav", audio, RATE_HZ, "FLOAT")
    with pytest.raises(AudioError, match=rf"{odd}\.wav: near 0\.000 s a sample is \de\+\d+ times full scale"):
        mix({"Vox": tmp_path / "stem.wav"}, tmp_path / "song.wav", tmp_path / "out", model=controller)
    assert not (tmp_path / "out").exists()


def test_loud_floats_are_used(tmp_path: Path, controller: Controller) -> None:
    for name, level in (("stem", 32768.0), ("song", 1e9)):
        sf.write(tmp_path / f"{name}.wav", TONE * level, RATE_HZ, "FLOAT")
    made = mix({"Vox": tmp_path / "stem.wav"}, tmp_path / "song.wav", tmp_path / "out", model=controller)
    assert np.isfinite(sf.read(made.mix_path)[0]).all()


@pytest.mark.parametrize(("offset", "told"), [(0.5, True), (0.02, False), (0.0, False)])
def test_a_constant_in_a_track_is_told(
    tmp_path: Path, controller: Controller, caplog: pytest.LogCaptureFixture, offset: float, told: bool
) -> None:
    sf.write(tmp_path / "stem.wav", np.stack([TONE * 2 + offset, np.full_like(TONE, offset)], 1), RATE_HZ, "FLOAT")
    sf.write(tmp_path / "song.wav", TONE, RATE_HZ, "FLOAT")
    predict({"Vox": tmp_path / "stem.wav"}, tmp_path / "song.wav", model=controller)
    said = [record.getMessage() for record in caplog.records if "DC offset" in record.getMessage()]
    assert len(said) == told
    assert all("track Vox has a DC offset of 50 %" in line for line in said)


def test_a_click_is_no_constant(tmp_path: Path, controller: Controller, caplog: pytest.LogCaptureFixture) -> None:
    """Its mean over the few samples that are not zero is its height."""
    for name, length in (("click", 1), ("burst", RATE_HZ // 10)):
        audio = np.zeros_like(TONE)
        audio[1000 : 1000 + length] = 0.9
        sf.write(tmp_path / f"{name}.wav", audio, RATE_HZ, "FLOAT")
    sf.write(tmp_path / "song.wav", TONE, RATE_HZ, "FLOAT")
    predict([tmp_path / "click.wav", tmp_path / "burst.wav"], tmp_path / "song.wav", model=controller)
    assert "DC offset" not in caplog.text
