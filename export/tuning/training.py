"""The loop of tuning, on Lightning: its step, its looks at held-out pairs, its checkpoint, resumable at any moment.

A run that was stopped at any moment and goes on ends with the weights of one that was not, bit for bit, as long as the
threads are the same: batches depend on their numbers alone, and one file, written in one step, has all that counts.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from ...presets.errors import ModelError
from ..compact.checkpoint import WholeFiles
from ..interrupts import restored_interrupt
from ..weights import read_weights
from .batches import PairBatch, PairBatches, batch_of
from .config import TuningConfig
from .console import mix_tracks, to_console
from .data import PairPassages
from .losses import SOUND_TERMS, setting_terms, sound_terms
from .model import TunedModel

Say = Callable[[str], None]

LAST: Final = Path("checkpoints", "last.ckpt")
MOST_CHECKPOINT_BYTES: Final = 2**32
_REMEDY = "Remove it to train from the beginning, or choose another output."
_LONGEST_GRADIENT = 1.0
_WARM_STEPS = 40
_AVERAGE_DECAY = 0.98
# A look is better if it is lower by this share.
_BETTER = 0.001
# Where the sound of a held-out pair is far; networks that have learned nothing are at 0.6 on average, others at 0.06.
_FAR, _FAR_SHARE = 1.0, 0.1


@dataclass(frozen=True)
class TuningData:
    """What a run trains on and looks at.

    Attributes:
        train: pairs.
        held_out: likewise.
        heard: embeddings of the training pairs' passages, where encoders are not trained.
        held_out_heard: likewise.
    """

    train: Sequence[PairPassages]
    held_out: Sequence[PairPassages]
    heard: Sequence[Tensor] | None
    held_out_heard: Sequence[Tensor] | None


class TuningModule(lightning.LightningModule):
    """The step of the training, and the running average of the weights.

    Attributes:
        tuned: the model.
        average: running average of what is trained, by name.
        best: what the average was at the best look, by name.
    """

    def __init__(self, tuned: TunedModel, config: TuningConfig) -> None:
        super().__init__()
        self.tuned, self.settings = tuned, config
        self.strict_loading = False  # a checkpoint has what is trained and no more
        self.trained = {name: each for name, each in tuned.named_parameters() if each.requires_grad}
        self.average = {name: each.detach().clone() for name, each in self.trained.items()}
        self.best = {name: value.clone() for name, value in self.average.items()}

    def training_step(self, batch: PairBatch, index: int) -> Tensor:
        """Computes the loss of a batch."""
        terms = loss_terms(self.tuned, batch, self.settings.audio_weight)
        loss = torch.stack(list(terms.values())).sum()
        self._check_number(loss)
        self.log_dict({f"train_{name}": value.detach() for name, value in terms.items()}, batch_size=1)
        self.log("train_loss", loss.detach(), batch_size=1)
        return loss

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Shortens the gradient; one that is no number would make every weight none."""
        self._check_number(torch.nn.utils.clip_grad_norm_(self.trained.values(), _LONGEST_GRADIENT))

    def _check_number(self, value: Tensor) -> None:
        if not torch.isfinite(value):
            raise ModelError(
                f"step {self.global_step + 1}: the loss is not a number any more; the last checkpoint is from before. "
                "Go on with a lower learning_rate in another output."
            )

    def optimizer_step(self, *positional: Any, **named: Any) -> None:
        """Changes the weights, then moves the average towards them."""
        super().optimizer_step(*positional, **named)
        steps = self.global_step + 1
        decay = min(_AVERAGE_DECAY, (1 + steps) / (10 + steps))
        with torch.no_grad():
            for name, value in self.trained.items():
                self.average[name].lerp_(value, 1 - decay)

    def configure_optimizers(self) -> Any:
        """Sets up AdamW with a rate for each layer, a warm-up and a cosine to zero."""
        config = self.settings
        groups = [
            {"params": parameters, "lr": rate}
            for rate, parameters in self.tuned.rates(config.learning_rate, config.layer_decay)
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay, betas=(0.9, 0.98))

        def rate(step: int) -> float:
            done = max(0, step - _WARM_STEPS) / max(1, config.max_steps - _WARM_STEPS)
            return min(1.0, (step + 1) / _WARM_STEPS) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def transfer_batch_to_device(self, batch: PairBatch, device: torch.device, dataloader_idx: int) -> PairBatch:
        """Leaves a batch where it was made, which is where the training runs."""
        return batch

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps what is trained, its average and the best of it; the rest stands in what the training began with."""
        kept = {name: value.detach() for name, value in self.trained.items()}
        buffers = {f"tuned.{name}": value for name, value in self.tuned.named_buffers(recurse=False)}
        checkpoint["state_dict"] = {f"tuned.{name}": value for name, value in kept.items()} | buffers
        checkpoint["average"], checkpoint["best"] = dict(self.average), dict(self.best)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the averages back."""
        for own, other in ((self.average, checkpoint["average"]), (self.best, checkpoint["best"])):
            for name, value in own.items():
                value.copy_(other[name])

    @contextmanager
    def with_weights(self, weights: Mapping[str, Tensor]) -> Iterator[TunedModel]:
        """Lends the model with other weights."""
        now = {name: value.detach().clone() for name, value in self.trained.items()}
        _put(self.trained, weights)
        self.tuned.eval()
        try:
            with torch.no_grad():
                yield self.tuned
        finally:
            _put(self.trained, now)
            self.tuned.train()


def loss_terms(model: TunedModel, batch: PairBatch, audio_weight: float) -> dict[str, Tensor]:
    """Computes the weighted terms of the loss of a batch."""
    session = batch.session
    heard = batch.heard
    if heard is None:
        found = model.hear(session.powers)
        heard = found.new_zeros(*session.present.shape, found.shape[-1]).masked_scatter(
            session.present[..., None], found
        )
    strips = to_console(model.layout, model.decide(heard, session.present, session.roles))
    terms = setting_terms(session, strips, batch.targets)
    mixed = mix_tracks(session, strips, batch.room)
    return terms | {name: audio_weight * value for name, value in sound_terms(mixed, batch.wanted).items()}


def held_out_terms(model: TunedModel, data: TuningData, audio_weight: float) -> list[dict[str, float]]:
    """Measures each held-out pair as it is used: a track is heard in all its passages, and set once for all of them."""
    found: list[dict[str, float]] = []
    for number, pair in enumerate(data.held_out):
        heard = None if data.held_out_heard is None else data.held_out_heard[number]
        if heard is None:
            heard = embeddings_of(model, pair)
        weight = pair.present[..., None].float()
        pooled = (heard * weight).sum(0) / weight.sum(0).clamp(min=1)
        batch = batch_of([(pair, passage) for passage in range(pair.passages)], [pooled] * pair.passages)
        found.append({name: float(value) for name, value in loss_terms(model, batch, audio_weight).items()})
    return found


def _judged(pairs: Sequence[Mapping[str, float]], audio_weight: float) -> float:
    """Judges by sound, as ways are compared: settings that hardly sound make the whole loss stand still long before.

    Beyond a limit a pair counts little: one that is no pair would decide alone which look was the best.
    """
    if not audio_weight:
        return sum(sum(terms.values()) for terms in pairs) / len(pairs)
    far = _FAR * audio_weight
    sounds = (sum(terms[name] for name in SOUND_TERMS) for terms in pairs)
    return sum(min(sound, far) + _FAR_SHARE * far * math.log(max(sound / far, 1.0)) for sound in sounds) / len(pairs)


def embeddings_of(model: TunedModel, pair: PairPassages, audio: Tensor | None = None) -> Tensor:
    """Embeds all passages of a pair, shape (passages, tracks, width); audio as for :meth:`.TunedModel.hear`."""
    passages, tracks = pair.present.shape
    with torch.no_grad():
        found = model.hear(pair.raw.map(lambda item: item.flatten(0, 1)), audio)
    return found.reshape(passages, tracks, -1)


def _put(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(other[name])


class HeldOutLooks(Callback):
    """Looks at held-out pairs every so many steps, keeps the best, ends when nothing improves, writes the checkpoint.

    Args:
        data: with the held-out pairs.
        path: of the checkpoint.
        say: told how it goes.
    """

    def __init__(self, data: TuningData, path: Path, say: Say) -> None:
        self.data, self.path, self.say = data, path, say
        self.best, self.best_step, self.without = math.inf, 0, 0
        self.history: list[tuple[int, float]] = []
        self.began_s, self.began_step = time.monotonic(), 0

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Looks before the first step, so that a run that is stopped at once can be used."""
        self.began_s, self.began_step = time.monotonic(), trainer.global_step
        if trainer.global_step == 0 and not self.history:
            self._look(trainer, module)
        elif self.without >= module.settings.patience:
            trainer.should_stop = True

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Looks if it is time."""
        steps = trainer.global_step
        if steps % module.settings.check_every == 0 or steps == trainer.max_steps:
            self._look(trainer, module)

    def _look(self, trainer: Any, module: TuningModule) -> None:
        steps = trainer.global_step
        with module.with_weights(module.average) as model:
            pairs = held_out_terms(model, self.data, module.settings.audio_weight)
        terms = {name: sum(pair[name] for pair in pairs) / len(pairs) for name in pairs[0]}
        loss = sum(terms.values())
        judged = _judged(pairs, module.settings.audio_weight)
        for logger in trainer.loggers:
            logger.log_metrics(
                {f"held_out_{name}": value for name, value in terms.items()} | {"held_out_loss": loss}, steps
            )
            logger.save()
        self.history.append((steps, loss))
        if judged < self.best * (1 - _BETTER):
            self.best, self.best_step, self.without = judged, steps, 0
            module.best = {name: value.clone() for name, value in module.average.items()}
        else:
            self.without += 1
        self.say(self._told(steps, loss, judged, module.settings))
        trainer.save_checkpoint(self.path, weights_only=False)
        if self.without >= module.settings.patience:
            trainer.should_stop = True

    def _told(self, steps: int, loss: float, judged: float, config: TuningConfig) -> str:
        took_s = time.monotonic() - self.began_s
        done = steps - self.began_step
        told = f"step {steps} of {config.max_steps}: held-out loss {loss:.4f}, of it sound {judged:.4f}"
        told = f"{told}, best {self.best:.4f} at {self.best_step}"
        if done <= 0:
            return told
        left_s = took_s / done * (config.max_steps - steps)
        return f"{told}; at most {_minutes(left_s)} left"

    def state_dict(self) -> dict[str, Any]:
        """Gives what a resumed run needs."""
        return {"best": self.best, "best_step": self.best_step, "without": self.without, "history": self.history}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes it back."""
        self.best, self.best_step, self.without = (state_dict[name] for name in ("best", "best_step", "without"))
        self.history = [tuple(item) for item in state_dict["history"]]


def fit(tuned: TunedModel, config: TuningConfig, data: TuningData, run: Path, say: Say) -> bool:
    """Runs the loop to its end, from the checkpoint if there is one.

    Returns:
        Whether it came to its end; False where Ctrl-C or SIGTERM stopped it, and the checkpoint is of the last look.

    Raises:
        ModelError: the checkpoint is of another run or damaged, or the loss is no number.
    """
    last = run / LAST
    steps = steps_in(last) if last.exists() else 0
    module = TuningModule(tuned, config)
    lightning.seed_everything(config.seed, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    batches = PairBatches(data.train, data.heard, config.batch_size, config.seed, first=steps)
    looks = HeldOutLooks(data, last, say)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=config.max_steps,
        logger=[CSVLogger(run, name="csv"), TensorBoardLogger(run, name="tensorboard", version="")],
        callbacks=[looks],
        plugins=[WholeFiles()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=_LONGEST_GRADIENT,
        log_every_n_steps=10,
        num_sanity_val_steps=0,
    )
    with restored_interrupt(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's on its own use of torch
        try:
            trainer.fit(
                module,
                DataLoader(batches, batch_size=None),
                ckpt_path=str(last) if last.exists() else None,
                weights_only=True,
            )
        except SystemExit:
            return False
    return trainer.global_step >= config.max_steps or looks.without >= config.patience


def steps_in(checkpoint: Path) -> int:
    """Reads after how many steps a checkpoint was written.

    Raises:
        ModelError: it is none.
    """
    steps = read_tuned(checkpoint).get("global_step")
    if not isinstance(steps, int):
        raise ModelError(f"{checkpoint}: is no checkpoint of `mixbridge train`. {_REMEDY}")
    return steps


def read_tuned(checkpoint: Path) -> Mapping[str, Any]:
    """Reads a checkpoint of a run, as tensors and plain values.

    Raises:
        ModelError: it is none, or damaged.
    """
    data = read_weights(checkpoint, MOST_CHECKPOINT_BYTES, _REMEDY)
    if not isinstance(data, Mapping) or not all(isinstance(data.get(key), Mapping) for key in ("best", "state_dict")):
        raise ModelError(f"{checkpoint}: is no checkpoint of `mixbridge train`. {_REMEDY}")
    return data


def put_best(tuned: TunedModel, checkpoint: Path) -> None:
    """Gives a model the best weights of a run.

    Raises:
        ModelError: the checkpoint does not fit.
    """
    data = read_tuned(checkpoint)
    own = {name: each for name, each in tuned.named_parameters() if each.requires_grad}
    buffers = dict(tuned.named_buffers(recurse=False))
    stored = dict(data["best"]) | {name: data["state_dict"].get(f"tuned.{name}") for name in buffers}
    unfit = [
        name
        for name, value in (own | buffers).items()
        if not isinstance(stored.get(name), Tensor) or stored[name].shape != value.shape
    ]
    if unfit:
        raise ModelError(f"{checkpoint}: does not fit its run's configuration ({', '.join(unfit[:3])}). {_REMEDY}")
    if not all(torch.isfinite(stored[name]).all() for name in own | buffers):
        raise ModelError(f"{checkpoint}: has weights that are not numbers. {_REMEDY}")
    _put(own | buffers, stored)
    tuned.eval()


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
