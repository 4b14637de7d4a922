"""Checkpoints of a training run: written whole, read with distrust, and compared with the run that they go on with."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback
from onnx.numpy_helper import to_array
from pydantic import ValidationError
from torch import Tensor

from ...presets.errors import ModelError
from ...runtime.model.bundle import GRAPHS, Bundle
from ..weights import read_weights
from ..whole_files import write_bytes
from .config import TrainConfig, complaints
from .layout import compact_layout
from .model import CompactConfig, CompactModel

# The default model's has 40 MB with its optimiser.
MAX_BYTES = 2**30
_REMEDY = "Use a checkpoint of `mixbridge model train`, such as RUN/checkpoints/last.ckpt."
_AVERAGE = "average."
_ARCHITECTURE = "mixbridge-compact"
# What the graphs put before the names of weights.
_GRAPH_PREFIX = "model."
# What models of earlier versions do not have.
_SINCE = {"roles.weight"}
# A run may go on with other values of these; all else would make it another run.
_FREE = {"max_steps", "checkpoint_every", "validation_batches", "threads", "workers"}


def build_model(config: CompactConfig) -> CompactModel:
    """Builds a fresh model with the heads that the compact layout asks for."""
    return CompactModel(config, compact_layout())


def load_checkpoint(path: Path) -> tuple[CompactModel, TrainConfig, int]:
    """Loads the averaged model of a checkpoint, in evaluation mode, with its configuration and its steps.

    Raises:
        ModelError: the file is not such a checkpoint.
    """
    data = _read(path)
    config = _config_of(data, path)
    weights = {
        name.removeprefix(_AVERAGE): value
        for name, value in data["state_dict"].items()
        if isinstance(name, str) and name.startswith(_AVERAGE) and isinstance(value, Tensor)
    }
    broken = [name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise ModelError(f"{path}: weights that are not numbers: {', '.join(broken[:3])}; train the model again")
    model = build_model(config.model)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"{path}: not a checkpoint of `mixbridge model train`: {str(error)[:1000]}") from error
    return model.eval(), config, _steps(data, path)


def go_on_from(model: CompactModel, bundle: Bundle) -> None:
    """Gives a fresh model the weights of a bundle of the compact architecture; what the bundle lacks stays as it is.

    Raises:
        ModelError: the bundle is of another architecture, or of other sizes.
    """
    weights: dict[str, Tensor] = {}
    for name in GRAPHS:
        for tensor in onnx.load_from_string(bundle.read(name)).graph.initializer:
            weights[tensor.name.removeprefix(_GRAPH_PREFIX)] = torch.from_numpy(to_array(tensor).copy())
    own = model.state_dict()
    lacking = [name for name in own if name not in weights and name not in _SINCE]
    if bundle.manifest.architecture != _ARCHITECTURE or lacking:
        raise ModelError(
            f"{bundle.folder}: is no bundle of the compact architecture that a training could go on from"
            + (f" (without {', '.join(lacking[:3])})" if lacking else "")
            + "; leave out --from to begin from nothing."
        )
    for name, value in own.items():
        if name in weights:
            _copy(value, weights[name], f"{bundle.folder}: {name}")


def _copy(own: Tensor, other: Tensor, what: str) -> None:
    """Copies weights; inputs that the other does not have begin as nothing."""
    if own.shape != other.shape and (own.shape[:-1] != other.shape[:-1] or own.shape[-1] < other.shape[-1]):
        raise ModelError(
            f"{what} has the shape {tuple(other.shape)} where the configuration asks for {tuple(own.shape)}; use the "
            "model's own sizes."
        )
    with torch.no_grad():
        own.zero_()
        own[..., : other.shape[-1]] = other


def steps_of(path: Path) -> int:
    """Reads after how many steps a checkpoint was written.

    Raises:
        ModelError: the file is not such a checkpoint.
    """
    return _steps(_read(path), path)


def steps_to_resume(path: Path, config: TrainConfig) -> int:
    """Checks that a run can go on from a checkpoint, and gives the steps that it has done.

    Raises:
        ModelError: the checkpoint is damaged, or of a run with other settings.
    """
    try:
        data = _read(path)
        earlier, steps = _config_of(data, path), _steps(data, path)
    except ModelError as error:
        raise ModelError(f"{error} To train from the beginning, remove {path} or choose another output.") from error
    changed = [
        f"{name} ({old} before, {new} now)"
        for name, old in earlier.model_dump().items()
        if name not in _FREE and old != (new := config.model_dump()[name])
    ]
    if changed:
        raise ModelError(
            f"{path}: the run was begun with other settings: {', '.join(changed)}. Go on with {_config_file(path)}, or "
            "choose another output."
        )
    return steps


class LastCheckpoint(Callback):
    """Writes a checkpoint every so many steps and after the last one, always to the same file.

    Args:
        path: the file.
        every: steps between two checkpoints.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Writes the checkpoint if it is time."""
        if trainer.global_step % self.every == 0 or trainer.global_step == trainer.max_steps:
            trainer.save_checkpoint(self.path, weights_only=False)


class WholeFiles(TorchCheckpointIO):
    """Writes checkpoints in one step: a run that is killed meanwhile keeps the checkpoint before.

    Lightning's own way writes to the system's folder for temporary files and moves the file from there, which is no
    single step where that is another disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Writes a checkpoint.

        Raises:
            OutputError: it cannot be written; the one before is still there.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(Path(path), buffer.getvalue())


def _read(path: Path) -> Mapping[str, Any]:
    data = read_weights(path, MAX_BYTES, _REMEDY)
    keys = {"hyper_parameters": Mapping, "state_dict": Mapping}
    if not isinstance(data, Mapping) or any(not isinstance(data.get(key), kind) for key, kind in keys.items()):
        raise ModelError(f"{path}: not a checkpoint of `mixbridge model train`. {_REMEDY}")
    return data


def _config_of(data: Mapping[str, Any], path: Path) -> TrainConfig:
    try:
        return TrainConfig.model_validate(data["hyper_parameters"])
    except ValidationError as error:
        raise ModelError(f"{path}: not a checkpoint of `mixbridge model train`: {complaints(error)}") from error


def _steps(data: Mapping[str, Any], path: Path) -> int:
    steps = data.get("global_step")
    if not isinstance(steps, int):
        raise ModelError(f"{path}: does not say after how many steps it was written. {_REMEDY}")
    return steps


def _config_file(path: Path) -> Path:
    return path.parent.parent / "config.yaml"
