"""What a training run is told: sizes, schedule and data, read from YAML."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...presets.errors import ModelError
from ...presets.inputs import read_text
from .model import CompactConfig

DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "default.yaml"

# A configuration has 600 bytes; aliases of YAML let a small file unfold to a huge one, which a limit keeps small.
_MOST_BYTES = 64 * 1024
# Far above any use; sizes from a file decide what is allocated.
_MOST_SIZE = 4096
_MOST_ROUNDS = 1000
_LONGEST_MESSAGE = 1000


class TrainConfig(BaseModel):
    """A training run, as in `export/configs/default.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seed: int = Field(ge=0, lt=2**32)
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

    @model_validator(mode="after")
    def _check_sizes(self) -> TrainConfig:
        sizes = vars(self.model)
        for name, size in sizes.items():
            low, high = (0, _MOST_ROUNDS) if name.endswith("rounds") else (1, _MOST_SIZE)
            if not low <= size <= high:
                raise ValueError(f"model.{name} is {size}; it must be from {low} to {high}")
        if self.model.width % self.model.heads:
            raise ValueError(f"model.width {self.model.width} must be a multiple of model.heads {self.model.heads}")
        return self


def load_config(path: Path) -> TrainConfig:
    """Reads a YAML configuration.

    Raises:
        ModelError: the file is no such configuration; the message names the keys.
    """
    try:
        return TrainConfig.model_validate(yaml.safe_load(read_text(path, _MOST_BYTES)))
    except ValidationError as error:
        raise ModelError(f"{path}: {complaints(error)}") from error
    except RecursionError as error:
        raise ModelError(f"{path}: is nested too deeply to be a configuration") from error
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: a date or number that cannot be
        raise ModelError(f"{path}: cannot be read as YAML: {str(error)[:_LONGEST_MESSAGE]}") from error


def complaints(error: ValidationError) -> str:
    """Lists what is wrong with a configuration, by key."""
    items = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ") for item in error.errors())
    return "; ".join(items)[:_LONGEST_MESSAGE]
