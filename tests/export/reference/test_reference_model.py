"""The reference architecture: names and shapes of its weights, and what it answers."""

import numpy as np
import pytest
import torch
from mixbridge.export.reference.model import (
    MIN_SAMPLES,
    Cnn14,
    ReferenceConfig,
    ReferenceModel,
    SpectrogramEncoder,
)
from mixbridge.presets.errors import AudioError
from torch import Tensor, nn


def _shapes_only(config: ReferenceConfig | None = None) -> ReferenceModel:
    with torch.device("meta"):
        return ReferenceModel(config)


class _Levels(nn.Module):
    """Stands in for an encoder: as many slices of the waveform as the embedding is wide."""

    def forward(self, audio: Tensor) -> Tensor:
        return audio[:, :32]


def test_weights_have_the_references_names_and_shapes(golden_state):
    state = _shapes_only(golden_state.config).state_dict()
    assert {f"model.{name}": tuple(tensor.shape) for name, tensor in state.items()} == golden_state.shapes


def test_the_published_size():
    model = _shapes_only()
    count = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert count == {"track_encoder": 76_526_400, "mix_encoder": 76_526_400, "controller": 37_871_182}
    assert round(sum(count.values()) / 1e6, 1) == 190.9


@pytest.mark.slow
def test_answers_are_the_references(golden_model, golden_dir):
    with np.load(golden_dir / "model.npz") as data:
        golden = dict(data)
    with torch.inference_mode():
        outputs = golden_model(torch.from_numpy(golden["tracks"]), torch.from_numpy(golden["reference"]))
    for name, values in outputs._asdict().items():
        np.testing.assert_allclose(values, golden[name], atol=1e-5, err_msg=name)


def test_convolutions_are_the_stft():
    with torch.device("meta"):
        encoder = SpectrogramEncoder(8)
    encoder.window = window = torch.hann_window(2048)
    audio = torch.randn(2, 20_000, generator=torch.Generator().manual_seed(1))
    expected = torch.stft(audio, 2048, 512, window=window, center=True, pad_mode="reflect", return_complex=True)
    torch.testing.assert_close(encoder._magnitude(audio), expected.abs(), rtol=1e-5, atol=1e-4)


def test_a_batch_is_its_mixes(golden_controller, golden_state):
    model = _shapes_only(golden_state.config)
    model.track_encoder, model.mix_encoder, model.controller = _Levels(), _Levels(), golden_controller
    generator = torch.Generator().manual_seed(2)
    tracks = torch.randn(2, 5, MIN_SAMPLES, generator=generator)
    references = torch.randn(2, 2, MIN_SAMPLES + 9, generator=generator)
    with torch.inference_mode():
        batched = model(tracks, references)
        single = [model(*pair) for pair in zip(tracks, references, strict=True)]
    assert [tuple(head.shape) for head in batched] == [(2, 5, 27), (2, 25), (2, 26)]
    for head, *mixes in zip(batched, *single, strict=True):
        torch.testing.assert_close(head, torch.stack(mixes), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(*batched.master_bus_params)


def test_the_order_of_tracks_does_not_matter_but_that_of_channels_does(golden_controller):
    generator = torch.Generator().manual_seed(3)
    tracks, reference = torch.randn(1, 4, 32, generator=generator), torch.randn(1, 2, 32, generator=generator)
    with torch.inference_mode():
        plain = golden_controller(tracks, reference)
        turned = golden_controller(tracks.flip(1), reference)
        swapped = golden_controller(tracks, reference.flip(1))
    torch.testing.assert_close(turned.track_params.flip(1), plain.track_params, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(turned.master_bus_params, plain.master_bus_params, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(swapped.track_params, plain.track_params, atol=1e-3)


@pytest.mark.parametrize(
    ("tracks", "reference", "complaint"),
    [
        ((3, 70_000), (1, 70_000), r"a reference \(2, samples\)"),
        ((70_000,), (2, 70_000), r"takes tracks \(tracks, samples\)"),
        ((1, 3, 70_000), (2, 70_000), r"takes tracks \(tracks, samples\)"),
        ((4, 3, 70_000), (2, 2, 70_000), "its own reference"),
        ((3, MIN_SAMPLES - 1), (2, 70_000), "at least 65024 samples"),
        ((3, 70_000), (2, MIN_SAMPLES - 1), "at least 65024 samples"),
    ],
)
def test_audio_that_does_not_fit_is_refused(golden_state, tracks, reference, complaint):
    model = _shapes_only(golden_state.config)
    with pytest.raises(AudioError, match=complaint):
        model(torch.zeros(tracks), torch.zeros(reference))


def test_the_shortest_audio_leaves_one_frame():
    with torch.device("meta"):
        encoder = SpectrogramEncoder(8).to("meta")
        assert encoder(torch.zeros(3, MIN_SAMPLES)).shape == (3, 8)
        with pytest.raises(RuntimeError, match="too small"):
            encoder(torch.zeros(3, MIN_SAMPLES - 1))


def test_bins_are_averaged_and_frames_also_searched_for_their_maximum():
    with torch.device("meta"):
        network = Cnn14(8)
    for name in [name for name, _ in network.named_children()]:
        setattr(network, name, nn.Identity())
    maps = torch.tensor([[[[1.0, 2.0, 6.0], [3.0, 4.0, 2.0]]]])  # one channel, two bins, three frames
    assert network(maps).tolist() == [[4 + 3]]


@pytest.mark.parametrize("sizes", [(30, 2, 4), (32, 0, 4), (0, 2, 4), (32, 2, 0), (32, 2, -4)])
def test_sizes_that_cannot_be_built_are_refused(sizes):
    with pytest.raises(ValueError, match="cannot be built"):
        ReferenceConfig(*sizes)
