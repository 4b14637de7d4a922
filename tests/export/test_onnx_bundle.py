"""Exported bundles answer as torch does, for any number of tracks and any length."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mixbridge.export.compact.layout import compact_layout
from mixbridge.export.compact.model import CompactConfig, CompactModel
from mixbridge.export.onnx_bundle import Description, example_audio, export_bundle
from mixbridge.export.reference import model as reference
from mixbridge.export.reference.model import ReferenceConfig, ReferenceModel
from mixbridge.presets.errors import OutputError
from mixbridge.runtime.model.controller import Controller
from mixbridge.runtime.model.layout import reference_layout

DESCRIPTION = Description("small", "for tests", "Apache-2.0")


@pytest.fixture(scope="module")
def model() -> CompactModel:
    torch.manual_seed(0)
    layout = compact_layout()
    config = CompactConfig(width=40, channels=16, layers=2, heads=2, feed_forward=32, unmix_rounds=2, feedback_rounds=1)
    return CompactModel(config, layout).eval()


@pytest.fixture(scope="module")
def bundle(model: CompactModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    export_bundle(model, DESCRIPTION, folder)
    return folder


@pytest.fixture(scope="module")
def exported(bundle: Path) -> Controller:
    return Controller(bundle, "cpu", threads=1, trusted=True)


@pytest.mark.slow
@pytest.mark.parametrize(("tracks", "samples"), [(1, 262144), (2, 66000), (5, 70001), (64, 66560)])
def test_onnxruntime_answers_as_torch_does(
    model: CompactModel, exported: Controller, tracks: int, samples: int
) -> None:
    generator = torch.Generator().manual_seed(tracks)
    audio = 0.1 * torch.randn(tracks, 2, samples, generator=generator)
    reference = 0.1 * torch.randn(1, 2, samples + 5000, generator=generator)
    with torch.no_grad():
        strips, master = model(audio, reference)
    outputs = exported.predict(list(audio.numpy()), reference[0].numpy())
    assert np.abs(outputs.tracks - strips.numpy()).max() < 1e-4
    assert np.abs(outputs.master - master.numpy()).max() < 1e-4


@pytest.mark.slow
def test_it_passes_as_a_stranger_its_snapshot_holds_and_nothing_is_left_beside(bundle: Path) -> None:
    assert Controller(bundle, "cpu", threads=1).check_snapshot() < 1e-4
    assert [path.name for path in bundle.parent.iterdir()] == ["small"]


@pytest.mark.slow
def test_an_existing_folder_is_not_touched(model: CompactModel, bundle: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        export_bundle(model, DESCRIPTION, bundle)


@pytest.mark.slow
def test_the_reference_architecture_becomes_a_bundle_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Thinner encoders export the same graph; the published widths are 150 million weights.
    monkeypatch.setattr(reference, "_CHANNELS", (8, 8, 16, 16, 32, 32))
    torch.manual_seed(0)
    model = ReferenceModel(ReferenceConfig(embed_dim=16, num_layers=1, nhead=2)).eval()
    manifest = export_bundle(model, DESCRIPTION, tmp_path / "reference")
    assert manifest.layout == reference_layout()
    assert manifest.track_level_lufs == -48
    audio, song = (item[..., :70000] for item in example_audio(4))
    with torch.no_grad():
        expected = model(audio.mean(1), song[0])
    bundle = Controller(tmp_path / "reference", "cpu", threads=1, trusted=True)
    outputs = bundle.predict(list(audio.numpy()), song[0].numpy())
    assert np.abs(outputs.tracks - expected.track_params.numpy()).max() < 1e-4
    assert np.abs(outputs.master - expected.master_bus_params.numpy()).max() < 1e-4
