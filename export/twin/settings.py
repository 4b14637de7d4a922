"""Settings of the console as tensors: one value for each member of a batch, by the dotted paths of the console's table.

A stage whose settings are all left out is off, and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import torch
from pydantic import BaseModel
from torch import Tensor

from ...presets.console import SEND_OFF_DB, Delay, FxBus, Master, Strip, get, parameters

TwinSettings = Mapping[str, Tensor]
"""Values in units by dotted path, each of shape (batch,), float64 best; of the fx bus also of shape (batch, bands)."""

NEPER_PER_DB: Final = math.log(10) / 20
STAGES: Final = ("gate", "low_cut", "high_cut", "eq", "compressor", "deesser", "saturation")


def tensors(parts: Iterable[BaseModel]) -> dict[str, Tensor]:
    """Turns parts of presets (strips, masters, reverbs, delays) into settings, one member of the batch each."""
    batch = list(parts)
    return {
        path: torch.tensor([_value(part, path) for part in batch], dtype=torch.float64)
        for path in parameters(type(batch[0]))
    }


def fx_tensors(buses: Iterable[FxBus]) -> dict[str, Tensor]:
    """Turns fx buses into settings; gains and decays of the bands have shape (batch, bands)."""
    batch = list(buses)
    bands = {
        f"bands.{name}": torch.tensor([[get(band, name) for band in bus.bands] for bus in batch], dtype=torch.float64)
        for name in ("gain_db", "decay_s")
    }
    return {**tensors(batch), **bands}


def without(settings: TwinSettings, stages: Iterable[str]) -> dict[str, Tensor]:
    """Leaves stages out of the settings of a strip or master."""
    prefixes = tuple(f"{stage}." for stage in stages)
    return {path: value for path, value in settings.items() if not path.startswith(prefixes)}


def stage_of(settings: TwinSettings, stage: str) -> dict[str, Tensor] | None:
    """Takes the settings of one stage, without its name in the paths; None where they are left out."""
    prefix = f"{stage}."
    chosen = {path.removeprefix(prefix): value for path, value in settings.items() if path.startswith(prefix)}
    return chosen or None


def in_desk_form(settings: TwinSettings, part: type[Strip | Master]) -> dict[str, Tensor]:
    """Moves the input gain behind the stages, as the runtime does; the table says what becomes of the settings."""
    gain_db = settings.get("input_gain_db")
    if gain_db is None:
        return dict(settings)
    rows = parameters(part)
    moves = {
        "adds": lambda v: v - gain_db,
        "subtracts": lambda v: v + gain_db,
        "divides": lambda v: v * factor(gain_db),
    }
    moved = {path: moves.get(rows[path].with_gain, lambda v: v)(value) for path, value in settings.items()}
    del moved["input_gain_db"]
    # A fader that was left out is at 0 dB.
    last = "fader_db" if part is Strip else "output_gain_db"
    return {last: gain_db, **moved}


def factor(level_db: Tensor) -> Tensor:
    """Converts dB to a factor."""
    return torch.exp(level_db * NEPER_PER_DB)


def send_factor(level_db: Tensor) -> Tensor:
    """Converts the level of a send to a factor; its lowest is off."""
    return torch.where(level_db > SEND_OFF_DB, factor(level_db), torch.zeros_like(level_db))


def _value(part: BaseModel, path: str) -> float:
    return part.echo_ms if isinstance(part, Delay) and path == "time_ms" else get(part, path)
