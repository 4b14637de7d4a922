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
from torch.nn import functional

from ...presets.roles import ROLES
from ...runtime.model.layout import Layout
from .bands import BAND_COUNT, FEATURE_ROWS, BandPowers, BandPowerTransform, features, relative_rows
from .feedback import Feedback, Spectrum
from .unmix import FINDINGS, Templates, UnmixedTracks, unmix

STATISTICS = 5 * BAND_COUNT + 2
FRAMES_POOLED = 2  # before anything follows the passage over time: 93 ms tell who plays


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
        unmix_rounds: how long the reference is taken apart (:mod:`.unmix`).
        feedback_rounds: how often the settings are corrected (:mod:`.feedback`).
    """

    width: int = 160
    channels: int = 128
    layers: int = 4
    heads: int = 5
    feed_forward: int = 384
    reference_tokens: int = 4
    unmix_rounds: int = 24
    feedback_rounds: int = 3

    @property
    def style(self) -> slice:
        """Gives the slice of an embedding that is learned of the reference."""
        return slice(0, self.width * self.reference_tokens)

    @property
    def reference_statistics(self) -> slice:
        """Gives the slice of statistics in a reference embedding; behind them come left and right over time."""
        return slice(self.style.stop, self.style.stop + STATISTICS)


class Encoder(nn.Module):
    """A passage's features to an embedding: convolutions over time, pooled, beside plain statistics of the bands.

    The embedding ends with statistics as they are, for the controller to compare track and reference band by band:
    level, left-right imbalance, side against mid, how much the level moves, and level where sounds set in, 64 of each;
    then how far the loudest frame of left and right stands out.
    """

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
        pooled = 3 * channels + 3 * FEATURE_ROWS + BAND_COUNT + 2
        self.project = nn.Sequential(nn.Linear(pooled, 224), nn.GELU(), nn.Linear(224, width), nn.LayerNorm(width))

    def forward(self, relative: Tensor) -> Tensor:
        """Embed :func:`.bands.relative_rows`, shape (items, rows, frames), at least 30 frames.

        Returns:
            Shape (items, width + STATISTICS).
        """
        rows = features(relative)
        deep = self.convolutions(functional.avg_pool1d(rows, FRAMES_POOLED))
        power, deviation = relative.mean(-1), _deviation(rows)
        statistics = _statistics(relative, power, deviation)
        pooled = (deep.mean(-1), deep.amax(-1), _deviation(deep), rows.mean(-1), deviation, torch.log10(power + 1e-6))
        learned: Tensor = self.project(torch.cat((*pooled, statistics[..., 4 * BAND_COUNT :]), dim=-1))
        return torch.cat((learned, statistics), dim=-1)


class Comparison(nn.Module):
    """Track against reference, band by band: the start of every decision.

    Where a track dominates a band (its share of the sum of all tracks), the reference's imbalance in that band speaks
    of the track's pan, and the reference's level against the sum's of its fader and EQ.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inputs = 10 * BAND_COUNT + 6 + 4 + FINDINGS
        self.mlp = nn.Sequential(nn.Linear(inputs, 256), nn.GELU(), nn.Linear(256, width))

    def forward(self, tracks: Tensor, reference: Tensor, findings: Tensor, present: Tensor | None) -> Tensor:
        """Compare.

        Args:
            tracks: statistics, shape (batch, tracks, STATISTICS).
            reference: statistics, shape (batch, STATISTICS).
            findings: of the tracks in the reference, shape (batch, tracks, FINDINGS).
            present: shape (batch, tracks), False for padding.

        Returns:
            Shape (batch, tracks, width).
        """
        level, _, _, movement, onset, crest = _split(tracks)
        ref_level, ref_imbalance, ref_width, ref_movement, _, ref_crest = _split(reference[:, None].expand_as(tracks))
        power, ref_power = torch.pow(10.0, level), torch.pow(10.0, ref_level)
        if present is not None:
            power = torch.where(present[..., None], power, torch.zeros(()))
        total = power.sum(1, keepdim=True)
        share = power / (total + 1e-6)
        missing = (ref_level - torch.log10(total / total.sum(-1, keepdim=True) + 1e-6)).clamp(-2, 2)
        by_own = _weighted(share * power, (ref_imbalance, missing, ref_width))
        by_reference = _weighted(share * share * ref_power, (ref_imbalance, missing, ref_width))
        rows = (
            share,
            share * ref_imbalance,
            share * missing,
            share * ref_width,
            level / 3 + 1,
            ref_imbalance,
            missing,
            movement,
            ref_movement,
            onset - level,
            crest,
            ref_crest,
            findings,
        )
        found: Tensor = self.mlp(torch.cat((*rows, *by_own, *by_reference), dim=-1))
        return found


class CompactModel(nn.Module):
    """Both encoders and the controller.

    Args:
        config: sizes.
        layout: what it decides.
    """

    def __init__(self, config: CompactConfig, layout: Layout) -> None:
        super().__init__()
        self.config = config
        self.transform = BandPowerTransform()
        self.track_encoder = Encoder(config.channels, config.width)
        self.reference_encoder = Encoder(config.channels, config.width * config.reference_tokens)
        self.comparison = Comparison(config.width)
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
        self.track_head = _head(3 * config.width, config.width, len(layout.track))
        self.master_head = _head(config.width, config.width, len(layout.master))
        # What is told of a track's role begins as nothing, so that older weights go on as they were.
        self.roles = nn.Linear(len(ROLES), config.width, bias=False)
        nn.init.zeros_(self.roles.weight)
        self.feedback = Feedback(layout, config.feedback_rounds, len(ROLES))

    def forward(self, tracks: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """Predicts the settings of one session.

        Args:
            tracks: shape (tracks, 1 or 2, samples) at 44.1 kHz.
            reference: shape (1, 1 or 2, samples).

        Returns:
            Outputs in 0..1: (tracks, track outputs) and (master outputs,).
        """
        track_embeddings = self.encode_tracks(self.transform(tracks))
        reference_embedding = self.encode_reference(self.transform(reference))
        strips, master = self.control(track_embeddings[None], reference_embedding)
        return strips[0], master[0]

    def encode_tracks(self, powers: BandPowers) -> Tensor:
        """Encodes powers (items, bands, frames) to embeddings (items, width + STATISTICS)."""
        embedding: Tensor = self.track_encoder(relative_rows(powers))
        return embedding

    def encode_reference(self, powers: BandPowers) -> Tensor:
        """Encodes powers (items, bands, frames): tokens * width, STATISTICS, then left and right over time."""
        relative = relative_rows(powers)
        over_time = functional.avg_pool1d(relative[:, : 2 * BAND_COUNT], FRAMES_POOLED)
        return torch.cat((self.reference_encoder(relative), over_time.flatten(1)), dim=-1)

    def control(
        self,
        track_embeddings: Tensor,
        reference_embedding: Tensor,
        present: Tensor | None = None,
        roles: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Decide.

        Args:
            track_embeddings: shape (batch, tracks, width + STATISTICS).
            reference_embedding: of :meth:`encode_reference`.
            present: shape (batch, tracks), False for padding, which then changes nothing; None for all present.
            roles: weight of each role for each track, 0 at all where it is not known, shape (batch, tracks, roles);
                None where nothing is known.

        Returns:
            Outputs in 0..1: (batch, tracks, track outputs) and (batch, master outputs).
        """
        batch, width, count = track_embeddings.shape[0], self.config.width, self.config.reference_tokens
        learned, statistics = track_embeddings[..., :width], track_embeddings[..., width:]
        if roles is None:
            roles = learned.new_zeros(*learned.shape[:-1], len(ROLES))
        style = reference_embedding[:, self.config.style]
        ref_statistics = reference_embedding[:, self.config.reference_statistics]
        over_time = reference_embedding[:, self.config.reference_statistics.stop :]
        left, right = torch.unflatten(over_time, -1, (2, BAND_COUNT, -1)).unbind(1)
        there = torch.ones_like(statistics[..., 0]) if present is None else present.to(statistics.dtype)
        with torch.no_grad():
            findings = unmix(_templates(statistics, there), left, right, self.config.unmix_rounds)
        compared = self.comparison(statistics, ref_statistics, findings, present)
        reference = style.reshape(batch, count, width) + self.kind[1:]
        master = self.kind[:1].expand(batch, 1, width)
        tokens = torch.cat((master, reference, learned + compared + self.roles(roles)), dim=1)
        padding = None
        if present is not None:
            others = torch.zeros(batch, 1 + count, dtype=torch.bool)
            padding = torch.cat((others, ~present), dim=1)
        tokens = self.norm(self.transformer(tokens, src_key_padding_mask=padding))
        heard = torch.cat((tokens[:, 1 + count :], learned, compared), dim=-1)
        strips, bus = self.feedback(
            self.track_head(heard),
            self.master_head(tokens[:, 0]),
            _spectrum(statistics),
            _spectrum(ref_statistics),
            UnmixedTracks.of(findings),
            there,
            roles,
        )
        return torch.sigmoid(strips), torch.sigmoid(bus)


def _split(statistics: Tensor) -> tuple[Tensor, ...]:
    """Splits statistics: level, imbalance, width, movement and onset of the bands, and crest."""
    parts: tuple[Tensor, ...] = torch.split(statistics, [BAND_COUNT] * 5 + [2], dim=-1)
    return parts


def _spectrum(statistics: Tensor) -> Spectrum:
    return Spectrum(*_split(statistics)[:3])


def _templates(statistics: Tensor, there: Tensor) -> Templates:
    level, imbalance, _, _, onset, _ = _split(statistics)
    power = torch.pow(10.0, torch.stack((level, onset), dim=2)) * there[..., None, None]
    side = imbalance[:, :, None]
    return Templates(power * (1 - side) / 2, power * (1 + side) / 2)


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _deviation(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return torch.sqrt((centred * centred).mean(-1) + 1e-8)


def _statistics(relative: Tensor, power: Tensor, deviation: Tensor) -> Tensor:
    """Computes the statistics that end an embedding of :class:`Encoder`."""
    left, right, mid, side = power.chunk(4, dim=-1)
    both = left + right
    imbalance = (right - left) / (both + 1e-7)
    width = (side - mid) / (side + mid + 1e-7)
    movement = (deviation[..., :BAND_COUNT] + deviation[..., BAND_COUNT : 2 * BAND_COUNT]) / 2
    over_time = relative[:, :BAND_COUNT] + relative[:, BAND_COUNT : 2 * BAND_COUNT]
    onset = (over_time[..., 1:] - over_time[..., :-1]).clamp(min=0).mean(-1)
    frames = torch.unflatten(relative[:, : 2 * BAND_COUNT], 1, (2, BAND_COUNT)).sum(2)
    crest = torch.log10((frames.amax(-1) + 1e-6) / (frames.mean(-1) + 1e-6))
    return torch.cat((_log_share(both), imbalance, width, movement, _log_share(onset), crest), dim=-1)


def _log_share(power: Tensor) -> Tensor:
    return torch.log10(power / power.sum(-1, keepdim=True).clamp(min=1e-12) + 1e-6)


def _weighted(weight: Tensor, values: tuple[Tensor, ...]) -> list[Tensor]:
    """Computes means of values over bands, each of shape (..., 1)."""
    total = weight.sum(-1, keepdim=True) + 1e-9
    return [(weight * value).sum(-1, keepdim=True) / total for value in values]
