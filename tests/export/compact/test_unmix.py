"""What is found of tracks in a reference that is made of them."""

import torch
from mixbridge.export.compact.bands import BAND_COUNT
from mixbridge.export.compact.unmix import FINDINGS, Templates
from mixbridge.export.compact.unmix import unmix as unmix_in_rounds

FRAMES = 60
PLACES = torch.tensor([-0.7, 0.0, 0.8])
LEVELS = torch.tensor([1.0, 0.2, 3.0])


def unmix(templates: Templates, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return unmix_in_rounds(templates, left, right, rounds=24)


def _tracks() -> torch.Tensor:
    """Three tracks of different spectra that play at different times, shape (tracks, bands, frames)."""
    numbers = torch.Generator().manual_seed(0)
    bands = torch.arange(BAND_COUNT)
    spectra = torch.stack([torch.exp(-(((bands - centre) / 9.0) ** 2)) + 1e-4 for centre in (10, 28, 50)])
    activity = torch.rand(3, FRAMES, generator=numbers) ** 4 + 1e-3
    return spectra[:, :, None] * activity[:, None]


def _templates(tracks: torch.Tensor) -> Templates:
    mean = tracks.mean(-1)[None, :, None].expand(-1, -1, 2, -1)
    return Templates(mean / 2, mean / 2)


def _reference(tracks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    weighted = tracks * LEVELS[:, None, None]
    left, right = (weighted * (1 + sign * PLACES)[:, None, None] / 2 for sign in (-1, 1))
    return left.sum(0)[None], right.sum(0)[None]


def test_places_and_levels_are_found() -> None:
    tracks = _tracks()
    found = unmix(_templates(tracks), *_reference(tracks))[0]
    assert found.shape == (3, FINDINGS)
    assert torch.allclose(found[:, -1], PLACES, atol=0.05)
    power = tracks.sum((1, 2)) * LEVELS
    assert torch.allclose(found[:, -2], torch.log10(power / power.sum()), atol=0.05)


def test_a_colour_is_found() -> None:
    tracks = _tracks()
    tilt = torch.linspace(0.3, 3.0, BAND_COUNT)[:, None]
    coloured = torch.cat((tracks[:2], tracks[2:] * tilt))
    found = unmix(_templates(tracks), *_reference(coloured))[0]
    colour = found[2, 2 * BAND_COUNT : 3 * BAND_COUNT]
    heard = tracks[2].sum(-1) > 0.1 * tracks[2].sum(-1).max()
    expected = torch.log10(tilt[:, 0])[heard]
    assert torch.corrcoef(torch.stack((colour[heard], expected)))[0, 1] > 0.95


def test_mirrored_references_mirror_the_places() -> None:
    tracks = _tracks()
    left, right = _reference(tracks)
    straight, mirrored = (unmix(_templates(tracks), *pair)[0, :, -1] for pair in ((left, right), (right, left)))
    assert torch.allclose(straight, -mirrored, atol=1e-4)


def test_padding_changes_nothing_and_silence_gives_numbers() -> None:
    tracks = _tracks()
    templates = _templates(tracks)
    padded = Templates(*(torch.cat((item, torch.zeros_like(item)), 1) for item in (templates.left, templates.right)))
    left, right = _reference(tracks)
    assert torch.allclose(unmix(padded, left, right)[:, :3], unmix(templates, left, right), atol=1e-3)
    silent = unmix(templates, torch.zeros_like(left), torch.zeros_like(right))
    assert torch.isfinite(silent).all()
