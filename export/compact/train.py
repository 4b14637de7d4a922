"""Trains the compact model: YAML in, checkpoints and a loss curve out, resumable.

Lightning runs the loop (checkpoints, resume, progress bar, gradient clipping); what is ours is the step. A run
folder holds `config.yaml`, `checkpoints/`, `metrics.csv` and `loss.png`.
"""

from __future__ import annotations

import copy
import ctypes
import math
import pickle
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor
from torch.utils.data import DataLoader

from ...presets.errors import ModelError
from ...presets.inputs import read_text
from .band_cache import CachedSession, load_corpus, load_songs
from .band_console import SessionBatch, mix
from .bands import BandPowers
from .dataset import Batch, MixExamples
from .layout import compact_layout, to_units
from .losses import MixFeatures, feature_terms, setting_terms
from .model import CompactConfig, CompactModel

_MAX_CONFIG_BYTES = 2**20
_VALIDATION_SHARE = 20  # one session in twenty
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


class TrainConfig(BaseModel):
    """A training run, as in `export/configs/default.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    max_steps: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    max_tracks: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    average_decay: float = Field(ge=0, lt=1)
    checkpoint_every: int = Field(gt=0)
    validation_batches: int = Field(gt=0)
    threads: int = Field(gt=0)
    workers: int = Field(ge=0)
    model: CompactConfig


def load_config(path: Path) -> TrainConfig:
    """Read a YAML configuration.

    Raises:
        ModelError: the file is no such configuration; the message names the keys.
    """
    try:
        return TrainConfig.model_validate(yaml.safe_load(read_text(path, _MAX_CONFIG_BYTES)))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ModelError(f"{path}: {wrong}") from error
    except RecursionError as error:
        raise ModelError(f"{path}: is nested too deeply to be a configuration") from error
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: a date or number that cannot be
        raise ModelError(f"{path}: cannot be read as YAML: {error}") from error


def train(config: TrainConfig, corpus: Path, run: Path, cache: Path, songs: Path | None = None) -> Path:
    """Train, or resume where a run in this folder stopped.

    Args:
        config: sizes and schedule.
        corpus: folder of sessions (`meta.json` and raw stems each).
        run: folder for checkpoints and curves.
        cache: folder for the analysed sessions.
        songs: folder of finished songs, for references that no session has.

    Returns:
        The last checkpoint; its averaged weights are what :func:`load_checkpoint` gives.

    Raises:
        ModelError: the corpus holds no sessions.
    """
    _keep_freed_memory()
    lightning.seed_everything(config.seed, verbose=False)
    torch.set_num_threads(config.threads)
    sessions = load_corpus(corpus, cache)
    held_out, kept = _split(sessions)
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
    last = run / "checkpoints" / "last.ckpt"
    module = TrainingModule(config)
    resumed_steps = 0
    if last.exists():
        resumed_steps = int(torch.load(last, weights_only=True, map_location="cpu")["global_step"])
    # A resumed run draws other examples than the ones it has seen.
    examples = MixExamples(
        kept or sessions,
        config.batch_size,
        config.max_tracks,
        config.seed + resumed_steps,
        load_songs(songs, cache) if songs else (),
    )
    validation = _fixed_batches(
        MixExamples(held_out or sessions, config.batch_size, config.max_tracks, seed=0, augment=False),
        config.validation_batches,
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=config.max_steps,
        logger=CSVLogger(run, name="metrics"),
        callbacks=[
            TQDMProgressBar(refresh_rate=20),
            ModelCheckpoint(
                run / "checkpoints",
                every_n_train_steps=config.checkpoint_every,
                save_last=True,
                enable_version_counter=False,
            ),
            _LossCurve(run),
        ],
        gradient_clip_val=1.0,
        val_check_interval=config.checkpoint_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_model_summary=False,
    )
    trainer.fit(
        module,
        DataLoader(
            examples, batch_size=None, num_workers=config.workers, prefetch_factor=4 if config.workers else None
        ),
        DataLoader(validation, batch_size=None),  # type: ignore[arg-type]
        ckpt_path=str(last) if last.exists() else None,
        weights_only=True,
    )
    return last


def _split(sessions: Sequence[CachedSession]) -> tuple[list[CachedSession], list[CachedSession]]:
    """One session in twenty for validation, and the rest; by name: a corpus may grow between two resumptions."""
    parts: tuple[list[CachedSession], list[CachedSession]] = ([], [])
    for session in sessions:
        parts[zlib.crc32(session.name.encode()) % _VALIDATION_SHARE > 0].append(session)
    return parts


def load_checkpoint(path: Path) -> tuple[CompactModel, TrainConfig]:
    """The averaged model of a checkpoint, in evaluation mode.

    Raises:
        ModelError: the file is not such a checkpoint.
    """
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
        config = TrainConfig.model_validate(data["hyper_parameters"])
        prefix = "average."
        state = {key[len(prefix) :]: value for key, value in data["state_dict"].items() if key.startswith(prefix)}
        model = build_model(config.model)
        model.load_state_dict(state)
    except (OSError, KeyError, RuntimeError, ValidationError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: not a checkpoint of `mixbridge model train`: {error}") from error
    return model.eval(), config


def build_model(config: CompactConfig) -> CompactModel:
    """A fresh model with the heads that the compact layout asks for."""
    return CompactModel(config, compact_layout())


class TrainingModule(lightning.LightningModule):
    """The training step, and the running average of the weights."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.save_hyperparameters(config.model_dump(mode="json"))
        self.settings = config
        self.model = build_model(config.model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.layout = compact_layout()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of a batch under the model being trained."""
        terms = loss_terms(self.model, batch)
        loss: Tensor = torch.stack(list(terms.values())).sum()
        self.log_dict({f"train_{name}": value.detach() for name, value in terms.items()}, batch_size=1)
        self.log("train_loss", loss.detach(), prog_bar=True, batch_size=1)
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Loss of a held-out batch under the averaged model."""
        terms = loss_terms(self.average, batch)
        self.log_dict({f"val_{name}": value for name, value in terms.items()}, batch_size=1)
        self.log("val_loss", torch.stack(list(terms.values())).sum(), prog_bar=True, batch_size=1)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Move the average towards the weights, faster in the beginning."""
        decay = min(self.settings.average_decay, (1 + self.global_step) / (10 + self.global_step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)

    def configure_optimizers(self) -> Any:
        """AdamW with a linear warm-up and a cosine to zero."""
        config = self.settings
        optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
        )

        def rate(step: int) -> float:
            if step < config.warmup_steps:
                return (step + 1) / config.warmup_steps
            done = (step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps)
            return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Batches are made where the training runs."""
        return batch


def loss_terms(model: CompactModel, batch: Batch) -> dict[str, Tensor]:
    """The terms of the loss of a batch, weighted."""
    strips, master = predict_settings(model, batch.session, batch.reference)
    terms = feature_terms(MixFeatures.of(mix(batch.session, strips, master)), batch.aim)
    return terms | setting_terms(batch.session, strips, master, batch.strips, batch.master, batch.paired)


def predict_settings(
    model: CompactModel, session: SessionBatch, reference: BandPowers
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Settings in units of a batch of sessions on band powers."""
    layout = compact_layout()
    present = session.present
    heard = model.encode_tracks(session.powers)
    embeddings = heard.new_zeros(*present.shape, heard.shape[-1]).masked_scatter(present[..., None], heard)
    strips, master = model.control(embeddings, model.encode_reference(reference), present)
    return to_units(layout.track, strips), to_units(layout.master, master)


def _keep_freed_memory() -> None:
    """Glibc gives large blocks back at once and fetches them anew, page by page: a third of a step's time."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            libc.mallopt(option, 2**31 - 1)


def _fixed_batches(examples: MixExamples, count: int) -> list[Batch]:
    iterator = iter(examples)
    return [next(iterator) for _ in range(count)]


class _LossCurve(Callback):
    """Draws the loss curve after every validation."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.train: list[tuple[int, float]] = []
        self.validation: list[tuple[int, float]] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.train.append((trainer.global_step, float(outputs["loss"])))

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        self.validation.append((trainer.global_step, float(trainer.callback_metrics["val_loss"])))
        draw_curve(self.train, self.validation, self.run / "loss.png")

    def state_dict(self) -> dict[str, Any]:
        return {"train": self.train, "validation": self.validation}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.train, self.validation = list(state_dict["train"]), list(state_dict["validation"])


def draw_curve(train: list[tuple[int, float]], validation: list[tuple[int, float]], path: Path) -> None:
    """Draws training loss (thin: each step, thick: mean of 100) and validation loss over steps, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    steps, losses = [step for step, _ in train], [loss for _, loss in train]
    axes.plot(steps, losses, color="C0", alpha=0.15, linewidth=0.5)
    means = [
        sum(losses[max(0, i - 99) : i + 1]) / len(losses[max(0, i - 99) : i + 1]) for i in range(0, len(losses), 20)
    ]
    axes.plot(steps[::20], means, color="C0", label="training, mean of 100 steps")
    axes.plot(
        *zip(*validation, strict=True),
        color="C1",
        marker="o",
        markersize=3,
        label="held-out sessions, averaged weights",
    )
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
