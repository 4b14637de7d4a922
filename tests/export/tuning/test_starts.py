"""What a training begins with, and what of it is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mixbridge.export.compact.model import CompactModel
from mixbridge.export.onnx_bundle import example_audio
from mixbridge.export.reference import model as reference_model
from mixbridge.export.reference.model import ReferenceConfig, ReferenceModel
from mixbridge.export.tuning.bundle import TunedSoundController, load_tuned, tuned_parts
from mixbridge.export.tuning.console import to_console
from mixbridge.export.tuning.model import NOTHING, TunedModel, load_base
from mixbridge.export.tuning.records import open_run
from mixbridge.export.tuning.run import train_pairs
from mixbridge.export.tuning.settings import targets_of, unit_values
from mixbridge.presets.console import Strip, replace
from mixbridge.presets.errors import ModelError

from .conftest import SmallSet


def trained_parts(tuned: TunedModel) -> set[str]:
    names = [name for name, each in tuned.named_parameters() if each.requires_grad]
    return {".".join(name.split(".")[:4]) if "layers" in name else ".".join(name.split(".")[:2]) for name in names}


def test_what_is_frozen_is_not_trained() -> None:
    tuned = TunedModel(load_base("default", 1))
    tuned.freeze(encoders=True, layers=2, adapters=0)
    parts = trained_parts(tuned)
    assert "base.transformer.layers.2" in parts
    assert not parts & {"base.transformer.layers.0", "base.transformer.layers.1", "base.track_encoder"}
    assert {"learned", "offset", "own.0", "base.track_head"} <= parts
    rates = [rate for rate, _ in tuned.rates(1e-3, 0.5)]
    assert rates[0] == 1e-3
    assert rates[1:] == sorted(rates[1:], reverse=True)
    tuned.freeze(encoders=False, layers=0, adapters=0)
    assert "base.track_encoder" in trained_parts(tuned)
    with pytest.raises(ModelError, match="more layers than the transformer's 4"):
        tuned.freeze(encoders=True, layers=9, adapters=0)


def test_adapters_begin_as_nothing_and_are_put_into_the_weights() -> None:
    tuned = TunedModel(load_base("default", 1)).eval()
    audio, reference = example_audio(2)
    assert isinstance(tuned.base, CompactModel)
    with torch.no_grad():
        embeddings = tuned.hear(tuned.base.transform(audio))[None]
        heard = tuned.base.encode_reference(tuned.base.transform(reference))
        tuned.begin_with(heard[:, : len(tuned.reference)], embeddings[0])
        before = tuned.decide(embeddings, None, None)
        tuned.freeze(encoders=True, layers=0, adapters=4)
        names = {name for name, each in tuned.named_parameters() if each.requires_grad}
        assert not any(name.endswith("linear1.weight") for name in names)
        torch.testing.assert_close(tuned.decide(embeddings, None, None), before, atol=1e-5, rtol=0)
        for name, each in tuned.named_parameters():
            if name.endswith(".up"):
                each.fill_(0.02)
        changed = tuned.decide(embeddings, None, None)
        assert (changed - before).abs().max() > 1e-4
        tuned.without_adapters()
        torch.testing.assert_close(tuned.decide(embeddings, None, None), changed, atol=1e-5, rtol=0)
    assert not any("parametrizations" in name for name, _ in tuned.named_parameters())


def test_nothing_is_the_same_nothing_for_a_seed() -> None:
    first, again, other = (load_base(NOTHING, seed).model.state_dict()["kind"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_start_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model"):
        load_base("no-such-model", 1)
    (tmp_path / "weights.ckpt").write_bytes(b"none")
    with pytest.raises(ModelError, match=r"weights\.ckpt"):
        load_base(str(tmp_path / "weights.ckpt"), 1)


def test_targets_are_those_of_the_raw_file() -> None:
    """A strip on a track of -30 LUFS, heard at -24: thresholds are 6 dB higher there, the fader 6 dB lower."""
    strip = replace(
        Strip(),
        {"compressor.threshold_db": -40.0, "compressor.makeup_db": 2.0, "fader_db": 1.0, "saturation.drive": 4.0},
    )
    values = targets_of(strip, 6.0)
    assert values["compressor.threshold_db"] == pytest.approx(-34.0)
    assert values["fader_db"] == pytest.approx(-3.0)
    assert values["saturation.drive"] == pytest.approx(4 / 10**0.3)
    layout = TunedModel(load_base(NOTHING, 1)).layout
    units = unit_values(layout.track, values)
    back = to_console(layout, units)
    assert float(back["compressor.threshold_db"]) == pytest.approx(-34.0, abs=1e-3)
    assert float(back["fader_db"]) == pytest.approx(-3.0, abs=1e-3)


def test_a_checkpoint_of_the_published_layout(small: SmallSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of narrow encoders, for its own have 153 million weights."""
    monkeypatch.setattr(reference_model, "_CHANNELS", (2, 2, 2, 2, 2, 4))
    torch.manual_seed(3)
    checkpoint = tmp_path / "diff-mst.ckpt"
    state = ReferenceModel(ReferenceConfig(32, 2, 8)).state_dict()
    torch.save({"state_dict": {f"model.{name}": value for name, value in state.items()}}, checkpoint)
    run = tmp_path / "run"
    said: list[str] = []
    assert train_pairs(small.config(start=str(checkpoint), freeze="encoders+1", max_steps=4), run, said.append)
    tuned = load_tuned(open_run(run))
    assert tuned.layout.law == "reference"
    assert tuned.layout.track[0].path == "input_gain_db"
    parts = tuned_parts(tuned)
    assert isinstance(parts.controller, TunedSoundController)
    with torch.no_grad():
        strips, master = parts.controller(torch.zeros(3, 32), tuned.reference[None])
    assert strips.shape == (3, len(tuned.layout.track))
    assert master.shape == (1,)
    with pytest.raises(ModelError, match="153 million weights"):
        tuned.freeze(encoders=False, layers=0, adapters=0)
