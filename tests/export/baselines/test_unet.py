"""The black box that styles are compared with: it learns what has no settings, and answers as long as it is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the `train` extra")

import torch
from mixbridge.export.baselines import trained
from mixbridge.export.baselines.learning import UNetTraining, train_unet
from mixbridge.export.baselines.trained import UNET, trained_ways
from mixbridge.export.baselines.unet import UNetSizes, WaveformUNet
from mixbridge.export.styles.curve import PairWithSettings
from mixbridge.export.styles.curve_page import KNOWN, CurvePoint, CurveStudy, page_text
from mixbridge.presets.errors import AudioError, ModelError
from mixbridge.presets.preset import Preset, Track
from mixbridge.runtime.audio.loudness import integrated_loudness
from style_examples import RATE_HZ, sung

SMALL = UNetSizes(width=6, levels=3)


def pairs(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Raw voices at one level, and the same with a quarter of it on the right."""
    raws = [sung(seed, 1.0) for seed in range(count)]
    raws = [raw * np.float32(10 ** ((-23 - integrated_loudness(raw, RATE_HZ)) / 20)) for raw in raws]
    return [(raw, np.concatenate([raw, 0.25 * raw])) for raw in raws]


@pytest.mark.parametrize("frames", [1000, 4096, 5001])
def test_what_comes_out_is_as_long_as_what_goes_in(frames: int) -> None:
    network = WaveformUNet(SMALL)
    with torch.no_grad():
        assert network(torch.zeros(2, 1, frames)).shape == (2, 2, frames)


def test_a_gain_of_each_side_is_learned_and_repeated() -> None:
    how = UNetTraining(SMALL, crop_s=0.5, batch_size=2, learning_rate=0.05, most_steps=12, check_every=4)
    known = pairs(4)
    said: list[str] = []
    found = train_unet(known, RATE_HZ, how, said.append)
    assert found.steps == 12
    assert not found.is_out_of_time
    losses = [float(line.rsplit(" ", 1)[1]) for line in said]
    assert losses[-1] < losses[0]
    made = found.render(known[0][0], RATE_HZ)
    assert made.shape == known[0][1].shape
    assert np.isfinite(made).all()
    assert np.square(made[0]).sum() > 1.5 * np.square(made[1]).sum()
    again = train_unet(known, RATE_HZ, how, lambda line: None)
    np.testing.assert_array_equal(again.render(known[0][0], RATE_HZ), made)


def test_time_ends_it_and_that_is_told() -> None:
    how = UNetTraining(SMALL, crop_s=0.5, batch_size=1, most_s=0.0)
    found = train_unet(pairs(2), RATE_HZ, how, lambda line: None)
    assert found.is_out_of_time
    assert found.steps == 1
    with pytest.raises(AudioError, match="2 pairs"):
        train_unet(pairs(1), RATE_HZ, how, lambda line: None)


def test_the_curve_trains_it_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "UNetTraining", lambda most_s: UNetTraining(SMALL, crop_s=0.5, most_s=most_s))
    way = trained_ways([UNET], 0.0)[UNET]
    made = [
        PairWithSettings(f"{at}", raw, mixed, Preset(tracks=(Track(name="Vox"),)))
        for at, (raw, mixed) in enumerate(pairs(2))
    ]
    said: list[str] = []
    found = way.learn(made, tmp_path, said.append)
    assert not way.uses_settings
    assert "its time was over" in said[-1]
    assert found.size_bytes == 4 * sum(each.numel() for each in WaveformUNet(SMALL).parameters())
    assert found.render(made[0].raw, RATE_HZ).shape == made[0].mixed.shape
    with pytest.raises(ModelError, match="resnet: is nothing that is trained"):
        trained_ways(["resnet"], 1.0)


def test_the_page_has_what_training_costs() -> None:
    point = CurvePoint(0, KNOWN, 25, UNET, 0.9, 0.3, 0.1, 12, learn_s=301.2, size_bytes=2_800_000)
    text = page_text([point], CurveStudy(Path("corpus"), engineers=1))
    assert "| unet | 25 | 301 s | 2.8 MB |" in text
    assert "processor time" not in page_text([], CurveStudy(Path("corpus"), engineers=1))


def test_what_is_tuned_gets_pairs_as_a_person_has_them(tmp_path: Path) -> None:
    from mixbridge.export.pairs.pairing import match_by_name
    from mixbridge.export.tuning.material.recovering import recover_pairs

    raw, mixed = pairs(1)[0]
    trained._write_pairs([PairWithSettings("vox", raw, mixed, Preset(tracks=(Track(name="Lead"),)))], tmp_path)
    found = match_by_name([tmp_path / "raw"], [tmp_path / "mixed"])
    # They are known to be of these files: nothing is recovered again.
    known = recover_pairs(found.pairs, tmp_path / "none", tmp_path / "presets", 1, lambda *_: None)
    assert list(known.presets) == ["vox"]
    assert not (tmp_path / "none").exists()
