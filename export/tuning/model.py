"""The model that is tuned: a controller that hears the raw tracks, a learned reference, and heads for all of a strip.

What it begins with gives logits for the settings that it knows; an offset and a small network of the tracks' embeddings
are added, and decide the settings that it lacks. Both begin as nothing, so that training begins with what is known.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ...presets.errors import ModelError
from ...runtime.model.bundle import open_bundle, shipped_models
from ...runtime.model.layout import Layout, reference_layout
from ..compact.band_console import TRACK_LEVEL_LUFS
from ..compact.bands import BAND_COUNT, SAMPLE_RATE_HZ, BandPowers
from ..compact.checkpoint import build_model, go_on_from
from ..compact.config import DEFAULT_CONFIG, load_config
from ..compact.layout import compact_layout
from ..compact.model import CompactModel
from ..reference.checkpoint import load_reference_checkpoint
from ..reference.model import ReferenceModel
from .settings import tuned_layout

NOTHING: Final = "nothing"
_REFERENCE_TRACK_LEVEL_LUFS = -48.0
_HIDDEN = 48
# Of the learned reference over time, which holds still: as few as the graphs take.
REFERENCE_FRAMES: Final = 16
# Outputs of what it begins with are held this far from 0 and 1, where a logit has no end.
LOGIT_EDGE: Final = 1e-3
OWN_LIMIT: Final = 4.0
_OLD_RATE = 0.1


@dataclass(frozen=True)
class Base:
    """What a training begins with.

    Attributes:
        model: its network.
        layout: of its outputs.
        track_level_lufs: that it hears tracks at.
        identity: SHA-256 that tells it from others; empty for nothing.
    """

    model: CompactModel | ReferenceModel
    layout: Layout
    track_level_lufs: float
    identity: str


def load_base(start: str, seed: int) -> Base:
    """Loads what a training begins with.

    Args:
        start: a bundle's folder, the name of a model that ships, a checkpoint of Diff-MST, or "nothing".
        seed: of fresh weights.

    Raises:
        ModelError: it is none of these.
    """
    if start == NOTHING:
        return Base(_fresh(seed), compact_layout(), TRACK_LEVEL_LUFS, "")
    path = Path(start).expanduser()
    if start not in shipped_models() and path.is_file():
        with path.open("rb") as stream:
            identity = hashlib.file_digest(stream, "sha256").hexdigest()
        layout = reference_layout(SAMPLE_RATE_HZ)
        return Base(load_reference_checkpoint(path), layout, _REFERENCE_TRACK_LEVEL_LUFS, identity)
    bundle = open_bundle(start if start in shipped_models() else path)
    if bundle.manifest.learned_reference is not None:
        raise ModelError(f"{bundle.folder}: was tuned on pairs already: begin with {bundle.manifest.name}'s own start.")
    model = _fresh(seed)
    go_on_from(model, bundle)
    return Base(model, compact_layout(), TRACK_LEVEL_LUFS, bundle.manifest_sha256)


def _fresh(seed: int) -> CompactModel:
    torch.manual_seed(seed)
    return build_model(load_config(DEFAULT_CONFIG).model)


class LowRank(nn.Module):
    """A matrix with a change of low rank, which begins as none."""

    def __init__(self, shape: torch.Size, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, shape[1]) / math.sqrt(shape[1]))
        self.up = nn.Parameter(torch.zeros(shape[0], rank))

    def forward(self, weight: Tensor) -> Tensor:
        """Adds the change."""
        return weight + self.up @ self.down


class TunedModel(nn.Module):
    """What is tuned.

    Args:
        base: what it begins with.

    Attributes:
        layout: of its outputs.
        learned: what is learned of the reference.
        rest: what of a reference's embedding is not learned, behind that.
    """

    middle: Tensor
    spread: Tensor
    rest: Tensor

    def __init__(self, base: Base) -> None:
        super().__init__()
        self.base = base.model
        self.layout = tuned_layout(base.layout)
        self.known = len(base.layout.track)
        outputs = len(self.layout.track)
        width, learned, rest = _sizes(base.model)
        self.learned = nn.Parameter(torch.zeros(learned))
        self.register_buffer("rest", torch.zeros(rest))
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.offset = nn.Parameter(torch.zeros(outputs))
        last = nn.Linear(_HIDDEN, outputs)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.own = nn.Sequential(nn.Linear(width, _HIDDEN), nn.GELU(), last)

    @property
    def reference(self) -> Tensor:
        """Gives the learned embedding of the style, shape (reference width,)."""
        learned: Tensor = self.learned
        if isinstance(self.base, CompactModel):
            # Side against mid: learned from mono mixes it would go below no side at all, which has no logarithm.
            begin = self.base.config.reference_statistics.start + 2 * BAND_COUNT
            inside = learned[begin : begin + BAND_COUNT].clamp(-1, 1)
            learned = torch.cat((learned[:begin], inside, learned[begin + BAND_COUNT :]))
        return torch.cat((learned, self.rest))

    def hear(self, powers: BandPowers, audio: Tensor | None = None) -> Tensor:
        """Embeds passages of tracks, shape (items, width).

        Args:
            powers: of shape (items, bands, frames).
            audio: mono, shape (items, samples), for models that hear waveforms.
        """
        if isinstance(self.base, CompactModel):
            return self.base.encode_tracks(powers)
        if audio is None:
            raise ModelError("a model of the published architecture hears waveforms, not band powers.")
        embedding: Tensor = self.base.track_encoder(audio)
        return embedding

    def begin_with(self, references: Tensor, embeddings: Tensor) -> None:
        """Sets the learned reference to the mean of mixed files, and the scale of embeddings to those of the pairs.

        Args:
            references: embeddings of mixed passages, shape (items, reference width).
            embeddings: of raw tracks, shape (items, width).
        """
        mean = references.mean(0)
        with torch.no_grad():
            self.learned.copy_(mean[: len(self.learned)])
            self.rest.copy_(mean[len(self.learned) :])
            self.middle.copy_(embeddings.mean(0))
            self.spread.copy_(embeddings.std(0, unbiased=False) + 0.05 * embeddings.std() + 1e-6)

    def decide(
        self, embeddings: Tensor, present: Tensor | None, roles: Tensor | None, reference: Tensor | None = None
    ) -> Tensor:
        """Decides the strips in 0..1, shape (batch, tracks, outputs).

        Args:
            embeddings: of :meth:`hear`, shape (batch, tracks, width).
            present: shape (batch, tracks), False for padding; None for all present.
            roles: weights of roles, shape (batch, tracks, roles); None where nothing is known.
            reference: embeddings of references, shape (batch, reference width); None takes the learned one.
        """
        if reference is None:
            reference = self.reference.expand(embeddings.shape[0], -1)
        known = torch.logit(self._known(embeddings, present, roles, reference), eps=LOGIT_EDGE)
        extra = known.new_zeros(*known.shape[:-1], len(self.layout.track) - self.known)
        own = self.own(((embeddings - self.middle) / self.spread).clamp(-OWN_LIMIT, OWN_LIMIT))
        return torch.sigmoid(torch.cat((known, extra), dim=-1) + self.offset + own)

    def _known(self, embeddings: Tensor, present: Tensor | None, roles: Tensor | None, reference: Tensor) -> Tensor:
        if isinstance(self.base, CompactModel):
            return self.base.control(embeddings, reference, present, roles)[0]
        sides = reference.reshape(len(reference), 2, -1)
        if present is None:
            strips: Tensor = self.base.controller(embeddings, sides).track_params
            return strips
        # Its transformer knows no padding: each session by itself.
        found = embeddings.new_zeros(*embeddings.shape[:2], self.known)
        for number, there in enumerate(present):
            outputs = self.base.controller(embeddings[number, there][None], sides[number : number + 1]).track_params[0]
            found = found.index_put((torch.tensor(number), there.nonzero()[:, 0]), outputs)
        return found

    def freeze(self, encoders: bool, layers: int, adapters: int) -> None:
        """Chooses what is trained.

        Args:
            encoders: whether they stay as they are.
            layers: of the transformer, from the first, that stay.
            adapters: rank of the changes that are trained in the place of the transformer's weights; 0 for none.

        Raises:
            ModelError: it has fewer layers, or encoders that cannot be trained here.
        """
        if not encoders and isinstance(self.base, ReferenceModel):
            raise ModelError(
                "the encoders of the published architecture have 153 million weights: train with `freeze: encoders`."
            )
        blocks = self._layers()
        if layers > len(blocks):
            raise ModelError(f"freeze: encoders+{layers} asks for more layers than the transformer's {len(blocks)}.")
        for name, parameter in self.base.named_parameters():
            parameter.requires_grad_(not (_is_encoder(name) and (encoders or name.startswith(_REFERENCE_PARTS))))
        for block in blocks[:layers]:
            block.requires_grad_(False)
        if isinstance(self.base, ReferenceModel):
            self.base.controller.fx_bus_projection.requires_grad_(False)
            self.base.controller.master_bus_projection.requires_grad_(False)
        else:
            self.base.master_head.requires_grad_(False)
        if adapters:
            for block in blocks:
                block.requires_grad_(False)
            for block in blocks[layers:]:
                _adapt(block, adapters)

    def without_adapters(self) -> None:
        """Puts the changes of adapters into the weights."""
        for module in list(self.base.modules()):
            if parametrize.is_parametrized(module):
                for name in [each for each, _ in module.get_submodule("parametrizations").named_children()]:
                    parametrize.remove_parametrizations(module, name, leave_parametrized=True)

    def rates(self, rate: float, decay: float) -> Iterator[tuple[float, list[nn.Parameter]]]:
        """Gives what is trained, by rate: what is new, then layer by layer down to the encoders.

        Args:
            rate: of what is new.
            decay: factor from a layer to the one below.
        """
        new = [self.learned, self.offset, *self.own.parameters()]
        yield rate, new
        blocks = self._layers()
        depth: dict[int, int] = {}
        for number, block in enumerate(blocks):
            depth |= {id(parameter): len(blocks) - number for parameter in block.parameters()}
        groups: dict[int, list[nn.Parameter]] = {}
        for name, parameter in self.base.named_parameters():
            if parameter.requires_grad:
                level = len(blocks) + 1 if _is_encoder(name) else depth.get(id(parameter), 0)
                groups.setdefault(level, []).append(parameter)
        for level, parameters in sorted(groups.items()):
            yield rate * _OLD_RATE * decay**level, parameters

    def _layers(self) -> list[nn.TransformerEncoderLayer]:
        if isinstance(self.base, CompactModel):
            return list(self.base.transformer.layers)
        return list(self.base.controller.transformer_encoder.layers)


_REFERENCE_PARTS = ("reference_encoder", "mix_encoder")


def _is_encoder(name: str) -> bool:
    return name.startswith(("track_encoder", *_REFERENCE_PARTS))


def _adapt(block: nn.TransformerEncoderLayer, rank: int) -> None:
    attention = block.self_attn
    for module, name in (
        (attention, "in_proj_weight"),
        (attention.out_proj, "weight"),
        (block.linear1, "weight"),
        (block.linear2, "weight"),
    ):
        parametrize.register_parametrization(module, name, LowRank(getattr(module, name).shape, rank), unsafe=True)


def _sizes(model: CompactModel | ReferenceModel) -> tuple[int, int, int]:
    """Gives the widths of an embedding of a track, and of what is learned and what is not of a reference's."""
    if isinstance(model, ReferenceModel):
        return model.config.embed_dim, 2 * model.config.embed_dim, 0
    config = model.config
    statistics = config.reference_statistics
    return config.width + statistics.stop - statistics.start, statistics.stop, 2 * BAND_COUNT * REFERENCE_FRAMES
