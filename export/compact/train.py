"""Trains the compact model: a configuration in, checkpoints and a loss curve out, resumable at any moment.

Lightning runs the loop (resume, progress bar, validation); what is ours is the step and the checkpoint. A run
folder holds `config.yaml`, `checkpoints/`, `metrics.csv` and `loss.png`.
"""

from __future__ import annotations

import copy
import ctypes
import logging
import math
import signal
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import Callback, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor
from torch.utils.data import DataLoader

from ...presets.errors import ModelError, OutputError
from ...runtime.audio.output import check_output_file
from ...runtime.model.bundle import Bundle, open_bundle
from ..interrupts import restored_interrupt
from ..whole_files import check_apart, check_folder, write_picture, write_text
from .band_cache import CachedSession, load_corpus, load_songs
from .band_console import SessionBatch, mix
from .bands import BandPowers
from .checkpoint import LastCheckpoint, WholeFiles, build_model, go_on_from, steps_of, steps_to_resume
from .config import TrainConfig, load_config
from .dataset import Batch, MixExamples, usable
from .human_draw import practice_term
from .layout import compact_layout, to_units
from .losses import MixFeatures, feature_terms, setting_terms
from .model import CompactModel

_CONFIG, _CURVE = "config.yaml", "loss.png"
_LAST = Path("checkpoints", "last.ckpt")
_LONGEST_GRADIENT = 1.0
_VALIDATION_SHARE = 20  # one session in twenty
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


class TrainingStoppedError(ModelError):
    """A run was stopped by a signal before its last step.

    Attributes:
        signal_number: of the signal.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number


def train(
    config: TrainConfig,
    corpus: Path,
    run: Path,
    cache: Path,
    songs: Path | None = None,
    start: str | Path | None = None,
) -> Path:
    """Trains, or resumes where a run in this folder stopped.

    A run that was stopped at any moment and resumed gives the same weights, bit for bit, as one that was not, as long
    as the threads are the same.

    Args:
        config: sizes and schedule.
        corpus: folder of sessions (`meta.json` and raw stems each).
        run: folder for checkpoints and curves.
        cache: folder for the analysed sessions.
        songs: folder of finished songs, for references that no session has.
        start: a bundle whose weights the training begins with; None begins from nothing.

    Returns:
        The last checkpoint; its averaged weights are what :func:`.checkpoint.load_checkpoint` gives.

    Raises:
        AudioError: a file of the corpus cannot be used.
        ModelError: the corpus holds nothing to train on, the run's checkpoint is of another run, or the loss is no
            longer a number.
        OutputError: the run's folder cannot be written, holds the corpus, or files that are not of a run.
        TrainingStoppedError: by Ctrl-C or SIGTERM; the same call goes on.
    """
    _check_run(run, [corpus, *([songs] if songs else [])])
    last = run / _LAST
    steps = steps_to_resume(last, config) if last.exists() else 0
    _keep_freed_memory()
    lightning.seed_everything(config.seed, verbose=False)
    torch.set_num_threads(config.threads)
    sessions = usable(load_corpus(corpus, cache))
    held_out, kept = _split(sessions)
    examples = MixExamples(
        kept or sessions,
        config.batch_size,
        config.max_tracks,
        config.seed,
        load_songs(songs, cache) if songs else (),
        first=steps,
    )
    validation = _fixed_batches(
        MixExamples(held_out or sessions, config.batch_size, config.max_tracks, seed=0, augment=False),
        config.validation_batches,
    )
    _write_config(run / _CONFIG, config)
    _fit(TrainingModule(config, open_bundle(start) if start else None), run, last, examples, validation)
    return last


def _check_run(run: Path, inputs: Sequence[Path]) -> None:
    """Checks, before the work, that nothing in a run's folder is replaced but what an earlier run wrote there."""
    check_folder(run)
    check_apart(run, inputs)
    config, curve = run / _CONFIG, run / _CURVE
    for file in (config, curve, run / _LAST):
        check_output_file(file, overwrite=True)
    try:
        if config.exists():
            load_config(config)
        elif curve.exists():
            raise OutputError("is there already, and not of a training: choose another output.", curve)
    except ModelError as error:
        raise OutputError("is there already, and not of a training: choose another output.", config) from error


def _write_config(file: Path, config: TrainConfig) -> None:
    """Writes down the configuration, unless it stands there as the user wrote it."""
    if not file.exists() or load_config(file) != config:
        write_text(file, yaml.safe_dump(config.model_dump(mode="json")))


def _fit(module: TrainingModule, run: Path, last: Path, examples: MixExamples, validation: list[Batch]) -> None:
    """Runs the loop to its last step, or raises."""
    config = module.settings
    # What Lightning tells of processors and of services of its maker is no news to the user.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=config.max_steps,
        logger=CSVLogger(run, name="metrics"),
        # The checkpoint comes last: it holds what the other callbacks know.
        callbacks=[TQDMProgressBar(refresh_rate=20), _LossCurve(run), LastCheckpoint(last, config.checkpoint_every)],
        plugins=[WholeFiles()],
        enable_checkpointing=False,
        gradient_clip_val=_LONGEST_GRADIENT,
        val_check_interval=config.checkpoint_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_model_summary=False,
    )
    loader = DataLoader(
        examples, batch_size=None, num_workers=config.workers, prefetch_factor=4 if config.workers else None
    )
    with restored_interrupt():
        try:
            trainer.fit(
                module,
                loader,
                DataLoader(validation, batch_size=None),  # type: ignore[arg-type]
                ckpt_path=str(last) if last.exists() else None,
                weights_only=True,
            )
        except SystemExit as stop:
            # Lightning ends the process itself, after SIGTERM with exit code 0, as if the training were done.
            number = signal.SIGTERM if isinstance(stop, SIGTERMException) else signal.SIGINT
            raise TrainingStoppedError(_stopped(trainer.global_step, config, last), number) from stop
    if trainer.global_step < config.max_steps:
        raise TrainingStoppedError(_stopped(trainer.global_step, config, last), signal.SIGTERM)


def _stopped(steps: int, config: TrainConfig, last: Path) -> str:
    saved = steps_of(last) if last.exists() else 0
    return f"stopped at step {steps} of {config.max_steps}; the same command goes on from step {saved}"


def _split(sessions: Sequence[CachedSession]) -> tuple[list[CachedSession], list[CachedSession]]:
    """Holds one session in twenty out for validation; by name: a corpus may grow between two resumptions."""
    parts: tuple[list[CachedSession], list[CachedSession]] = ([], [])
    for session in sessions:
        parts[zlib.crc32(session.name.encode()) % _VALIDATION_SHARE > 0].append(session)
    return parts


class TrainingModule(lightning.LightningModule):
    """The training step, and the running average of the weights."""

    def __init__(self, config: TrainConfig, start: Bundle | None = None) -> None:
        super().__init__()
        self.save_hyperparameters(config.model_dump(mode="json"))
        self.settings = config
        self.model = build_model(config.model)
        if start is not None:
            go_on_from(self.model, start)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.layout = compact_layout()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Computes the loss of a batch under the model being trained."""
        terms = loss_terms(self.model, batch)
        loss: Tensor = torch.stack(list(terms.values())).sum()
        self._check_number(loss)
        self.log_dict({f"train_{name}": value.detach() for name, value in terms.items()}, batch_size=1)
        self.log("train_loss", loss.detach(), prog_bar=True, batch_size=1)
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        """Computes the loss of a held-out batch under the averaged model."""
        terms = loss_terms(self.average, batch)
        self.log_dict({f"val_{name}": value for name, value in terms.items()}, batch_size=1)
        self.log("val_loss", torch.stack(list(terms.values())).sum(), prog_bar=True, batch_size=1)

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Shortens the gradient; one that is no number would make every weight none."""
        length = torch.nn.utils.clip_grad_norm_(self.model.parameters(), gradient_clip_val or _LONGEST_GRADIENT)
        self._check_number(length)

    def _check_number(self, value: Tensor) -> None:
        if not torch.isfinite(value):
            raise ModelError(
                f"step {self.global_step + 1}: the loss is not a number any more; the last checkpoint is from before. "
                "Go on with a lower learning_rate in another output, or leave out the newest sessions."
            )

    def optimizer_step(self, *positional: Any, **named: Any) -> None:
        """Changes the weights, then moves the average towards them, faster in the beginning.

        Both belong to the step: a checkpoint that is written behind it holds both.
        """
        super().optimizer_step(*positional, **named)
        steps = self.global_step + 1
        decay = min(self.settings.average_decay, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)

    def configure_optimizers(self) -> Any:
        """Sets up AdamW with a linear warm-up and a cosine to zero."""
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
        """Leaves a batch where it was made, which is where the training runs."""
        return batch


def loss_terms(model: CompactModel, batch: Batch) -> dict[str, Tensor]:
    """Computes the terms of the loss of a batch, weighted."""
    strips, master = predict_settings(model, batch.session, batch.reference)
    terms = feature_terms(MixFeatures.of(mix(batch.session, strips, master)), batch.aim)
    terms |= setting_terms(batch.session, strips, master, batch.strips, batch.master, batch.paired)
    return terms | {"practice": practice_term(batch.session, strips, batch.roles, ~batch.paired)}


def predict_settings(
    model: CompactModel, session: SessionBatch, reference: BandPowers
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Predicts settings in units for a batch of sessions on band powers."""
    layout = compact_layout()
    present = session.present
    heard = model.encode_tracks(session.powers)
    embeddings = heard.new_zeros(*present.shape, heard.shape[-1]).masked_scatter(present[..., None], heard)
    strips, master = model.control(embeddings, model.encode_reference(reference), present, session.roles)
    return to_units(layout.track, strips), to_units(layout.master, master)


def _keep_freed_memory() -> None:
    """Lets glibc keep large blocks that are freed: to fetch them anew is a third of the time of a step."""
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
        draw_curve(self.train, self.validation, self.run / _CURVE)

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
    write_picture(path, figure, 110)
