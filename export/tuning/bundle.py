"""A run as a bundle that needs no reference: the graphs with what was learned, and the effects of the style."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...presets.errors import ModelError
from ...runtime.model.bundle import LEARNED_REFERENCE, Manifest, Training
from ..bundle_parts import BundleParts, parts_of
from ..compact.model import CompactModel
from ..onnx_bundle import Description, write_bundle
from .graphs import tuned_graphs
from .model import TunedModel, load_base
from .records import TuningRun, open_run
from .settings import MASTER
from .training import LAST, put_best, read_tuned


def load_tuned(run: TuningRun) -> TunedModel:
    """Loads the best model of a run, in evaluation mode.

    Raises:
        ModelError: the run has no checkpoint, or what it began with is not what it was.
    """
    checkpoint = run.folder / LAST
    if not checkpoint.exists():
        raise ModelError(f"{run.folder}: has trained nothing yet: train it first.")
    base = load_base(run.config.start, run.config.seed)
    if base.identity != run.base_identity:
        raise ModelError(f"{run.config.start}: is not what {run.folder} began with; put the model back.")
    tuned = TunedModel(base)
    tuned.freeze(run.config.are_encoders_frozen, run.config.frozen_layers, run.config.adapters)
    put_best(tuned, checkpoint)
    tuned.without_adapters()
    return tuned.eval()


def export_run(folder: Path, bundle: Path, described: Description) -> Manifest:
    """Writes the best model of a run as a bundle; the folder appears whole or not at all.

    Args:
        folder: of the run.
        bundle: must not exist yet.
        described: for the manifest.

    Raises:
        ModelError: the run has trained nothing yet, or a graph does not answer as the model does.
        OutputError: the folder exists or cannot be written.
    """
    run = open_run(folder)
    tuned = load_tuned(run)
    fields = {"learned_reference": LEARNED_REFERENCE, "effects": run.effects, "role": run.config.role}
    files = {LEARNED_REFERENCE: _as_npy(tuned.reference)}
    graphs = tuned_graphs(tuned) if isinstance(tuned.base, CompactModel) else None
    return write_bundle(tuned_parts(tuned), described, bundle, graphs, files, fields)


def tuned_parts(tuned: TunedModel) -> BundleParts:
    """Gives the parts of a tuned model: the encoders of what it began with, and its own controller."""
    base = parts_of(tuned.base)
    controller = TunedController(tuned) if base.roles else TunedSoundController(tuned)
    count = sum(parameter.numel() for parameter in tuned.parameters())
    return replace(base, controller=controller, layout=tuned.layout, parameters=count)


class TunedController(nn.Module):
    """Embeddings and weights of roles to the outputs of strips, and of a master that does nothing."""

    def __init__(self, tuned: TunedModel) -> None:
        super().__init__()
        self.model = tuned

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor, roles: Tensor) -> tuple[Tensor, Tensor]:
        """Decides for one session."""
        strips = self.model.decide(track_embeddings[None], None, roles[None], reference_embedding)
        return strips[0], _idle_master(track_embeddings)


class TunedSoundController(nn.Module):
    """Likewise, for models that know sounds only."""

    def __init__(self, tuned: TunedModel) -> None:
        super().__init__()
        self.model = tuned

    def forward(self, track_embeddings: Tensor, reference_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Decides for one session."""
        strips = self.model.decide(track_embeddings[None], None, None, reference_embedding)
        return strips[0], _idle_master(track_embeddings)


def _idle_master(embeddings: Tensor) -> Tensor:
    """Gives the middle of each output of the master: 0 dB; an output must depend on an input."""
    return torch.zeros_like(embeddings[0, : len(MASTER)]) + 0.5


def _as_npy(values: Tensor) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values.detach().numpy().astype(np.float32))
    return buffer.getvalue()


def described_run(folder: Path, name: str, text: str, licence: str) -> Description:
    """Describes a run's model for a manifest: on what it was trained, and how.

    Raises:
        ModelError: the folder is no run.
    """
    run = open_run(folder)
    start = run.config.start
    training = Training(
        data=(f"{len(run.train)} pairs of your own, {len(run.held_out)} held out; begun with {start}",),
        hours=0.0,
        steps=int(read_tuned(folder / LAST)["global_step"]) if (folder / LAST).exists() else 0,
        seed=run.config.seed,
        command=f"mixbridge train -o {folder.name}",
    )
    return Description(name, text or f"Trained on {len(run.train)} pairs; needs no reference.", licence, training)
