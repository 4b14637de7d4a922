"""A desk's scales as the numbers that a fit works with: ranges, grids, and what was out of range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from ...presets.units import quantity
from ..desks.keys import label_of, row_of
from ..desks.profile import EqAbility, Slot
from ..desks.scales import Bandwidth, Log, Scale
from .bands import SlotLimits
from .response import BELL, HIGH_SHELF, KINDS, LOW_SHELF, Floats

# More steps than this are no grid that a fit has to know.
_FINEST_GRID = 2000
# Half a step of the finest grids: less is no clamping, only rounding.
_ROUNDING = 1e-6
_IDLE_HZ: Final = {LOW_SHELF: 100.0, BELL: 1000.0, HIGH_SHELF: 10000.0}
_IDLE_Q: Final = 0.71


@dataclass(frozen=True)
class Clamp:
    """A value that the desk's range cannot hold.

    Attributes:
        key: of the setting, e.g. "compressor.attack_ms".
        wanted: what the preset asks for, in the key's unit.
        given: the nearest that the desk has.
    """

    key: str
    wanted: float
    given: float


def clamp_words(clamp: Clamp) -> str:
    """Say what becomes of a value: "attack of 0.1 ms becomes 1 ms"."""
    row = row_of(clamp.key)
    wanted, given = (quantity(value, "" if row is None else row.unit) for value in (clamp.wanted, clamp.given))
    return f"{label_of(clamp.key)} of {wanted} becomes {given}"


def snapped(scale: Scale, value: float) -> float:
    """Round to the number that the desk will have when it is sent this one."""
    return float(scale.snap(value))


def lowest(scale: Scale) -> float:
    """Find the smallest number on a scale; minus infinity for names."""
    return -math.inf if scale.low is None else float(scale.low)


def highest(scale: Scale) -> float:
    """Find the largest number on a scale; infinity for names."""
    return math.inf if scale.high is None else float(scale.high)


def clamp_of(key: str, scale: Scale, wanted: float) -> Clamp | None:
    """Tell what becomes of a value that is out of range; None for one that is not."""
    slack = _ROUNDING * max(1.0, abs(wanted))
    if lowest(scale) - slack <= wanted <= highest(scale) + slack:
        return None
    return Clamp(key, wanted, snapped(scale, wanted))


@cache
def grid_of(scale: Scale) -> Floats | None:
    """List all numbers that a scale can have, rising; None if they are too many."""
    if scale.values is not None:
        return np.unique([float(value) for value in scale.values])
    steps = getattr(scale, "steps", None)
    if steps is None or steps > _FINEST_GRID:
        return None
    space = np.geomspace if isinstance(scale, Log | Bandwidth) else np.linspace
    return np.unique([snapped(scale, value) for value in space(lowest(scale), highest(scale), steps + 1)])


def slot_limits(ability: EqAbility) -> tuple[SlotLimits, ...]:
    """Find what each slot of a desk's equalizer can be set to."""
    return tuple(_limits(slot) for slot in ability.slots)


def _limits(slot: Slot) -> SlotLimits:
    # What nothing asks for is a bell, if it can be one.
    kinds = tuple(sorted((KINDS.index(name) for name in slot.types), key=lambda kind: kind != BELL))
    q = (slot.shelf_q, slot.shelf_q) if slot.q is None else (lowest(slot.q), highest(slot.q))
    low = np.array([lowest(slot.gain), math.log(lowest(slot.freq)), math.log(q[0])])
    high = np.array([highest(slot.gain), math.log(highest(slot.freq)), math.log(q[1])])
    idle = np.clip([0.0, math.log(_IDLE_HZ[kinds[0]]), math.log(_IDLE_Q)], low, high)
    # Poles lie on a grid, the middle that goes with them depends on the gain: only the last step of a fit sees it.
    freq_grid = None if slot.shelf_law == "poles" else _log_grid(slot.freq)
    grids = (grid_of(slot.gain), freq_grid, None if slot.q is None else _log_grid(slot.q))
    return SlotLimits(kinds, low, high, grids, idle)


def _log_grid(scale: Scale) -> Floats | None:
    grid = grid_of(scale)
    return None if grid is None else np.log(grid)
