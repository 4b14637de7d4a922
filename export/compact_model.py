"""The compact controller: our own small network that hears raw tracks and a reference and sets the console.

Three parts, exported as three graphs so that embeddings can be cached: a track encoder, a reference encoder, and a
controller, a transformer over one token per track, some tokens of the reference and one for the master. There are no
positions, so the order of tracks means nothing; each waveform is judged relative to its own level, so recording level
means nothing; left and right are separate inputs, so panning can be heard.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .bands import FEATURE_ROWS, BandPowers, BandPowerTransform, features


@dataclass(frozen=True)
class CompactConfig:
    """Sizes of the network.

    Attributes:
        width: of tokens and embeddings.
        channels: of the convolutions.
        layers: of the transformer.
        heads: of its attention.
        feed_forward: width between its linear layers.
        reference_tokens: how many tokens the reference becomes.
    """

    width: int = 160
    channels: int = 128
    layers: int = 4
    heads: int = 5
    feed_forward: int = 448
    reference_tokens: int = 4


class Encoder(nn.Module):
    """A passage's features to an embedding: convolutions over time, pooled, beside plain statistics of the bands."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(FEATURE_ROWS, channels, 3, stride=2),
            nn.GELU(),
            nn.Conv1d(channels, channels, 3, stride=2),
            nn.GELU(),
            nn.Conv1d(channels, channels, 3, stride=2),
            nn.GELU(),
        )
        pooled = 3 * channels + 3 * FEATURE_ROWS
        self.project = nn.Sequential(nn.Linear(pooled, 224), nn.GELU(), nn.Linear(224, width), nn.LayerNorm(width))

    def forward(self, rows: Tensor) -> Tensor:
        """Embed features of shape (items, rows, frames), at least 15 frames; returns (items, width)."""
        deep = self.convolutions(rows)
        # The mean of amplitudes is what the ear and the feature loss go by; the mean of logs misses what is sparse.
        amplitude = torch.log10(torch.pow(10.0, 1.25 * rows - 1.75).mean(-1) + 1e-6)
        pooled = (deep.mean(-1), deep.amax(-1), _deviation(deep), rows.mean(-1), _deviation(rows), amplitude)
        embedding: Tensor = self.project(torch.cat(pooled, dim=-1))
        return embedding


class CompactModel(nn.Module):
    """Both encoders and the controller.

    Args:
        config: sizes.
        track_outputs: outputs per track, as in the layout.
        master_outputs: outputs of the master.
    """

    def __init__(self, config: CompactConfig, track_outputs: int, master_outputs: int) -> None:
        super().__init__()
        self.config = config
        self.transform = BandPowerTransform()
        self.track_encoder = Encoder(config.channels, config.width)
        self.reference_encoder = Encoder(config.channels, config.width * config.reference_tokens)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            config.feed_forward,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.width)
        self.kind = nn.Parameter(0.02 * torch.randn(1 + config.reference_tokens, config.width))
        self.track_head = _head(2 * config.width, config.width, track_outputs)
        self.master_head = _head(config.width, config.width, master_outputs)

    def forward(self, tracks: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Hear one session.

        Args:
            tracks: shape (tracks, 2, samples) at 44.1 kHz; a mono track on both channels.
            reference: shape (1, 2, samples).

        Returns:
            Outputs in 0..1: (tracks, track outputs) and (master outputs,).
        """
        track_embeddings = self.encode_tracks(self.transform(tracks))
        reference_embedding = self.encode_reference(self.transform(reference))
        strips, master = self.control(track_embeddings[None], reference_embedding)
        return strips[0], master[0]

    def encode_tracks(self, powers: BandPowers) -> Tensor:
        """Embeddings (items, width) of powers (items, bands, frames)."""
        embedding: Tensor = self.track_encoder(features(powers))
        return embedding

    def encode_reference(self, powers: BandPowers) -> Tensor:
        """Embeddings (items, tokens * width) of powers (items, bands, frames)."""
        embedding: Tensor = self.reference_encoder(features(powers))
        return embedding

    def control(
        self, track_embeddings: Tensor, reference_embedding: Tensor, present: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Decide.

        Args:
            track_embeddings: shape (batch, tracks, width).
            reference_embedding: shape (batch, tokens * width).
            present: shape (batch, tracks), False for padding, which then changes nothing; None for all present.

        Returns:
            Outputs in 0..1: (batch, tracks, track outputs) and (batch, master outputs).
        """
        batch, width = track_embeddings.shape[0], self.config.width
        reference = reference_embedding.reshape(batch, self.config.reference_tokens, width) + self.kind[1:]
        master = self.kind[:1].expand(batch, 1, width)
        tokens = torch.cat((master, reference, track_embeddings), dim=1)
        padding = None
        if present is not None:
            others = torch.zeros(batch, 1 + self.config.reference_tokens, dtype=torch.bool)
            padding = torch.cat((others, ~present), dim=1)
        tokens = self.norm(self.transformer(tokens, src_key_padding_mask=padding))
        heard = torch.cat((tokens[:, 1 + self.config.reference_tokens :], track_embeddings), dim=-1)
        return torch.sigmoid(self.track_head(heard)), torch.sigmoid(self.master_head(tokens[:, 0]))


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _deviation(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return torch.sqrt((centred * centred).mean(-1) + 1e-8)
