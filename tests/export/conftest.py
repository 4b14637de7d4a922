"""Weights for the reference model: drawn from their own names, as its golden numbers were."""

import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from mixbridge.export.reference.model import ReferenceConfig, ReferenceController, ReferenceModel

GOLDEN = Path(__file__).parents[1] / "golden"


class GoldenState(NamedTuple):
    """The small configuration, and its state dict's shapes by name (with the prefix "model.")."""

    config: ReferenceConfig
    shapes: dict[str, tuple[int, ...]]


def drawn_weight(name: str, shape: tuple[int, ...]) -> torch.Tensor | None:
    """What stands in the entry of this name; None where it is left as it is."""
    if name.endswith((".window", "num_batches_tracked")):
        return None
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    z = rng.standard_normal(math.prod(shape), dtype=np.float32).reshape(shape)
    if name.endswith("running_var"):
        return torch.from_numpy(1 + 0.1 * np.abs(z))
    if len(shape) >= 2:
        return torch.from_numpy(z / np.float32(math.sqrt(math.prod(shape[1:]))))
    return torch.from_numpy(0.1 * z + (1 if name.endswith("weight") else 0))


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def golden_state() -> GoldenState:
    data = json.loads((GOLDEN / "model_state.json").read_text())
    config = ReferenceConfig(data["embed_dim"], data["num_layers"], data["nhead"])
    return GoldenState(config, {name: tuple(shape) for name, shape, _ in data["state_dict"]})


@pytest.fixture(scope="session")
def golden_model(golden_state: GoldenState) -> ReferenceModel:
    """The small configuration with drawn weights, in evaluation mode; 150 million numbers are drawn."""
    with torch.device("meta"):
        model = ReferenceModel(golden_state.config)
    _fill(model, "model.", golden_state)
    return model.eval()


@pytest.fixture(scope="session")
def golden_controller(golden_state: GoldenState) -> ReferenceController:
    """Its controller alone, which is drawn in no time."""
    controller = ReferenceController(golden_state.config)
    _fill(controller, "model.controller.", golden_state)
    return controller.eval()


def _fill(module: torch.nn.Module, prefix: str, golden_state: GoldenState) -> None:
    fresh = {"window": torch.hann_window(2048), "num_batches_tracked": torch.tensor(0)}
    state = {}
    for name, shape in golden_state.shapes.items():
        if name.startswith(prefix):
            weight = drawn_weight(name, shape)
            state[name.removeprefix(prefix)] = fresh[name.rsplit(".", 1)[1]] if weight is None else weight
    module.load_state_dict(state, assign=True)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """More threads than free cores make torch ten times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
