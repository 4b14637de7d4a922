"""A model as a bundle wants it: encoders and controller as modules of their own, and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ..presets.roles import ROLES
from ..runtime.model.layout import Layout, reference_layout
from .compact.band_console import TRACK_LEVEL_LUFS
from .compact.bands import BAND_COUNT, REFERENCE_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES
from .compact.layout import compact_layout
from .compact.model import CompactModel
from .reference.model import ReferenceModel

_REFERENCE_TRACK_LEVEL_LUFS: Final = -48.0
_FRAMES = torch.export.Dim("frames", min=16, max=2**17)


@dataclass(frozen=True)
class BundleParts:
    """A model as a bundle wants it.

    Attributes:
        track_encoder: audio to embeddings.
        reference_encoder: likewise, of the reference.
        controller: embeddings, and weights of roles where there are any, to outputs of tracks and master in 0..1.
        layout: what they mean.
        architecture: its name.
        track_level_lufs: that tracks are heard at.
        stereo_tracks: whether the track encoder tells left from right.
        mono_passages: whether encoders take one channel or two.
        reference_samples: length of a reference's passage.
        reference_size: of its embedding where that depends on the passage.
        roles: that the controller is told of.
        parameters: how many it has.
    """

    track_encoder: nn.Module
    reference_encoder: nn.Module
    controller: nn.Module
    layout: Layout
    architecture: str
    track_level_lufs: float
    stereo_tracks: bool
    mono_passages: bool
    reference_samples: int
    reference_size: torch.export.Dim | None
    roles: tuple[str, ...]
    parameters: int


def parts_of(model: CompactModel | ReferenceModel) -> BundleParts:
    """Gives the parts of a model in evaluation mode."""
    if isinstance(model, CompactModel):
        return BundleParts(
            _CompactEncoder(model, "track"),
            _CompactEncoder(model, "reference"),
            _CompactController(model),
            compact_layout(),
            "mixbridge-compact",
            TRACK_LEVEL_LUFS,
            stereo_tracks=True,
            mono_passages=True,
            reference_samples=REFERENCE_SAMPLES,
            # Left and right over time stand behind what has a fixed length.
            reference_size=2 * BAND_COUNT * _FRAMES + model.config.reference_statistics.stop,
            roles=ROLES,
            parameters=_count(model),
        )
    return BundleParts(
        _ReferenceTrackEncoder(model),
        _ReferenceMixEncoder(model),
        _ReferenceController(model),
        reference_layout(SAMPLE_RATE_HZ),
        "diff-mst",
        _REFERENCE_TRACK_LEVEL_LUFS,
        stereo_tracks=False,
        mono_passages=False,
        reference_samples=WINDOW_SAMPLES,
        reference_size=None,
        roles=(),
        parameters=_count(model),
    )


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


class _CompactEncoder(nn.Module):
    def __init__(self, model: CompactModel, kind: str) -> None:
        super().__init__()
        self.model = model
        self.encode = model.encode_tracks if kind == "track" else model.encode_reference

    def forward(self, audio: Tensor) -> Tensor:
        return self.encode(self.model.transform(audio))


class _CompactController(nn.Module):
    def __init__(self, model: CompactModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor, roles: Tensor) -> tuple[Tensor, Tensor]:
        strips, master = self.model.control(track_embeddings[None], reference_embedding, roles=roles[None])
        return strips[0], master[0]


class _ReferenceTrackEncoder(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.encoder = model.track_encoder

    def forward(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.encoder(audio.mean(1))
        return embedding


class _ReferenceMixEncoder(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.encoder = model.mix_encoder

    def forward(self, audio: Tensor) -> Tensor:
        """Encodes left and right separately; gives them side by side."""
        embedding: Tensor = self.encoder(audio[0]).flatten()[None]
        return embedding


class _ReferenceController(nn.Module):
    def __init__(self, model: ReferenceModel) -> None:
        super().__init__()
        self.controller = model.controller
        self.width = model.config.embed_dim

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.controller(track_embeddings[None], reference_embedding.reshape(1, 2, self.width))
        return outputs.track_params[0], outputs.master_bus_params[0]
