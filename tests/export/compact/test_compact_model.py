"""What the compact controller promises whatever its weights are."""

import pytest
import torch
from mixbridge.export.compact.bands import BandPowers
from mixbridge.export.compact.layout import compact_layout
from mixbridge.export.compact.model import CompactConfig, CompactModel

SAMPLES = 70_000


@pytest.fixture(scope="module")
def model() -> CompactModel:
    torch.manual_seed(0)
    layout = compact_layout()
    return CompactModel(CompactConfig(width=40, channels=24, layers=2), layout).eval()


def _audio(items: int, seed: int) -> torch.Tensor:
    noise = torch.randn(items, 2, SAMPLES, generator=torch.Generator().manual_seed(seed))
    return 0.1 * torch.cumsum(noise, -1) / 30 + 0.02 * noise


@torch.no_grad()
def test_permuting_tracks_permutes_settings(model: CompactModel) -> None:
    tracks, reference = _audio(5, 1), _audio(1, 2)
    order = torch.tensor([3, 0, 4, 1, 2])
    strips, master = model(tracks, reference)
    permuted, same_master = model(tracks[order], reference)
    assert torch.allclose(permuted, strips[order], atol=1e-5)
    assert torch.allclose(same_master, master, atol=1e-5)


@torch.no_grad()
def test_padded_tracks_change_nothing(model: CompactModel) -> None:
    heard, reference = model.encode_tracks(model.transform(_audio(3, 1)))[None], _style(model)
    strips, master = model.control(heard, reference)
    padding = torch.cat((heard, torch.randn(1, 4, heard.shape[-1])), dim=1)
    present = torch.tensor([[True] * 3 + [False] * 4])
    padded, same_master = model.control(padding, reference, present)
    assert torch.allclose(padded[:, :3], strips, atol=1e-5)
    assert torch.allclose(same_master, master, atol=1e-5)


@torch.no_grad()
def test_level_means_nothing(model: CompactModel) -> None:
    tracks, reference = _audio(3, 1), _audio(1, 2)
    strips, master = model(tracks, reference)
    quiet, same_master = model(tracks * torch.tensor([0.1, 1, 3])[:, None, None], reference * 0.2)
    assert torch.allclose(quiet, strips, atol=1e-4)
    assert torch.allclose(same_master, master, atol=1e-4)


@torch.no_grad()
def test_left_and_right_are_told_apart(model: CompactModel) -> None:
    tracks, reference = _audio(2, 1), _audio(1, 2)
    reference[:, 0] *= 0.3
    strips, _ = model(tracks, reference)
    mirrored, _ = model(tracks, reference.flip(1))
    assert float((strips - mirrored).abs().max()) > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("tracks", [1, 2, 24])
def test_any_number_of_tracks(model: CompactModel, tracks: int) -> None:
    strips, master = model(_audio(tracks, 1), _audio(1, 2))
    layout = compact_layout()
    assert strips.shape == (tracks, len(layout.track))
    assert master.shape == (len(layout.master),)
    assert torch.isfinite(strips).all()
    assert float(strips.min()) >= 0
    assert float(strips.max()) <= 1


@torch.no_grad()
def test_silence_gives_numbers(model: CompactModel) -> None:
    strips, master = model(torch.zeros(2, 2, SAMPLES), torch.zeros(1, 2, SAMPLES))
    assert torch.isfinite(strips).all()
    assert torch.isfinite(master).all()


def _style(model: CompactModel) -> torch.Tensor:
    powers: BandPowers = model.transform(_audio(1, 2))
    return model.encode_reference(powers)


@torch.no_grad()
def test_a_reference_that_is_learned_from_mono_mixes_may_have_less_than_no_side(model: CompactModel) -> None:
    middle = _audio(1, 2).mean(1, keepdim=True)
    heard, reference = (encode(model.transform(middle)) for encode in (model.encode_tracks, model.encode_reference))
    learned = reference.clone()
    learned[:, : model.config.reference_statistics.stop] -= 3e-3
    strips, master = model.control(heard[None], learned)
    assert torch.isfinite(strips).all()
    assert torch.isfinite(master).all()
    assert torch.allclose(strips, model.control(heard[None], reference)[0], atol=0.05)
