"""Loads weights of Diff-MST into :class:`~mixbridge.export.reference.model.ReferenceModel`.

A checkpoint comes from somebody else. It is read as weights and nothing else, never as Python objects, its
size is bounded, and it must fit the model entry by entry; what does not fit is said by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...presets.errors import ModelError
from ..weights import read_weights
from .model import ReferenceConfig, ReferenceModel

# The published size is 0.8 GB, 2.3 GB with an optimizer's state.
MAX_BYTES = 4 * 2**30
# Far above any checkpoint there is; the sizes are read from the file and decide what is built.
_MAX_EMBED_DIM = 8192
_MAX_LAYERS = 256

_PREFIX = "model."
_LISTED = 10
_REMEDY = (
    "Use a checkpoint of the whole Diff-MST model, both encoders and the controller, as torch saves it; if need be, "
    "let its maker save the weights alone: torch.save(model.state_dict(), file)."
)


def load_reference_checkpoint(path: Path | str, config: ReferenceConfig | None = None) -> ReferenceModel:
    """Load a checkpoint of Diff-MST, in evaluation mode, float32, on the CPU.

    Args:
        path: a Lightning checkpoint, whose entries outside the prefix `model.` are ignored, or a plain state
            dict.
        config: sizes the checkpoint must have; None reads them from its shapes and assumes 8 attention heads,
            which shapes do not tell.

    Raises:
        ModelError: the file is not a checkpoint, holds more than weights, is larger than 4 GiB, or does not
        fit.
    """
    path = Path(path)
    weights = _model_entries(read_weights(path, MAX_BYTES, _REMEDY), path)
    config = config or _inferred_config(weights, path)
    _check_size(weights, path)
    model = _empty_model(config)
    _check_fit(model, weights, path)
    model.load_state_dict(weights, assign=True)
    return model.float().eval()


def _model_entries(content: object, path: Path) -> dict[str, Tensor]:
    """Gives the model's tensors by name, without prefix."""
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise ModelError(f"{path}: holds no state dict. {_REMEDY}")
    entries = {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, Tensor)}
    prefixed = {name.removeprefix(_PREFIX): value for name, value in entries.items() if name.startswith(_PREFIX)}
    return prefixed or entries


def _inferred_config(weights: Mapping[str, Tensor], path: Path) -> ReferenceConfig:
    """Infers sizes from shapes; what else is wrong with them comes out when all entries are compared."""
    projection = weights.get("track_encoder.model.fc.weight")
    if projection is None or projection.ndim != 2:
        raise ModelError(
            f"{path}: its width is unknown, because track_encoder.model.fc.weight is missing or no matrix; "
            f"it holds {_listing(sorted(weights)) or 'no tensors'}. {_REMEDY}"
        )
    embed_dim = projection.shape[0]
    layers_prefix = "controller.transformer_encoder.layers."
    num_layers = len({name.split(".")[3] for name in weights if name.startswith(layers_prefix)})
    if embed_dim > _MAX_EMBED_DIM or num_layers > _MAX_LAYERS:
        raise ModelError(f"{path}: a width of {embed_dim} with {num_layers} layers is not to be believed. {_REMEDY}")
    try:
        return ReferenceConfig(embed_dim, max(num_layers, 1))
    except ValueError as error:
        raise ModelError(f"{path}: {error}. Pass the ReferenceConfig that it was trained with.") from error


def _check_size(weights: Mapping[str, Tensor], path: Path) -> None:
    """Refuses views that unfold to far more numbers than the file holds for them."""
    size_bytes = 4 * sum(value.numel() for value in weights.values())
    if size_bytes > MAX_BYTES:
        raise ModelError(f"{path}: unfolds to {size_bytes / 2**30:.1f} GiB; more is not loaded than 4 GiB. {_REMEDY}")


def _empty_model(config: ReferenceConfig) -> ReferenceModel:
    """Makes a model whose weights are mere shapes, for the checkpoint's tensors to become its weights uncopied."""
    with torch.device("meta"):
        return ReferenceModel(config)


def _check_fit(model: ReferenceModel, weights: Mapping[str, Tensor], path: Path) -> None:
    expected = model.state_dict()
    unfit = [
        f"{name} is {_form(weights[name])} instead of {_form(tensor)}"
        for name, tensor in expected.items()
        if name in weights and _form(weights[name]) != _form(tensor)
    ]
    groups = {
        "missing": [name for name in expected if name not in weights],
        "unexpected": [name for name in weights if name not in expected],
        "of the wrong shape": unfit,
    }
    problems = [f"{len(names)} {what} ({_listing(names)})" for what, names in groups.items() if names]
    if problems:
        config = model.config
        raise ModelError(
            f"{path}: does not fit the reference model of width {config.embed_dim} with {config.num_layers} "
            f"layers. Entries {'; '.join(problems)}. {_REMEDY}"
        )


def _form(tensor: Tensor) -> str:
    """Words shape and kind of number; how precise a float is does not matter."""
    kind = "float" if tensor.is_floating_point() else str(tensor.dtype).removeprefix("torch.")
    return f"{kind} {tuple(tensor.shape)}"


def _listing(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
