"""The console's gate on REAPER's ReaGate, and back.

ReaGate closes at once and wholly; what its Dry lets through is the range, and Wet makes up for it, so that an open gate
passes the sound as it is. Its milliseconds are taken for time constants and its hysteresis for the distance between the
levels where it opens and closes: neither was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from ....presets.console import Gate, parameters
from ....presets.units import decibels, gain_factor
from ...desks.profile import TimeLaw
from ..abilities import Clamp
from ..compressor import desk_ms, preset_ms
from ..stages import TOLD_DB, gate_db

_LAW: Final[TimeLaw] = "tau"
# Where ReaGate's own controls end.
_HIGHEST: Final = {"threshold_db": decibels(2), "attack_ms": 500.0, "hold_ms": 1000.0, "release_ms": 5000.0}
# Of a gate that closes at once, by the console's table.
_HARD: Final = parameters(Gate)["ratio"].high


@dataclass(frozen=True)
class ReaGate:
    """ReaGate's own settings.

    Attributes:
        threshold_db: where it opens.
        attack_ms: its own milliseconds, as are the others.
        hold_ms: how long it stays open.
        release_ms: how long it takes to close.
        hysteresis_db: how far below the threshold it closes.
        dry_gain: what passes in any case, as a factor.
        wet_gain: what passes besides while it is open, as a factor.
    """

    threshold_db: float
    attack_ms: float
    hold_ms: float
    release_ms: float
    hysteresis_db: float
    dry_gain: float
    wet_gain: float


@dataclass(frozen=True)
class FittedReaGate:
    """A gate as ReaGate has it.

    Attributes:
        gate: its settings.
        clamped: what is beyond its controls.
        lost: what it does not do as the console's, in phrases.
    """

    gate: ReaGate
    clamped: tuple[Clamp, ...]
    lost: tuple[str, ...]


def fit_gate(gate: Gate) -> FittedReaGate:
    """Set ReaGate to a gate in the desk form (threshold of the raw track)."""
    wanted = {
        "threshold_db": gate.threshold_db,
        "attack_ms": desk_ms(gate.attack_ms, _LAW),
        "hold_ms": gate.hold_ms,
        "release_ms": desk_ms(gate.release_ms, _LAW),
    }
    given = {name: min(value, _HIGHEST[name]) for name, value in wanted.items()}
    clamped = [Clamp(f"gate.{name}", wanted[name], value) for name, value in given.items() if value < wanted[name]]
    dry_gain = gain_factor(-gate.range_db)
    fitted = ReaGate(**given, hysteresis_db=gate.hysteresis_db, dry_gain=dry_gain, wet_gain=1 - dry_gain)
    return FittedReaGate(fitted, tuple(clamped), tuple(_lost(gate)))


def gate_of(gate: ReaGate) -> Gate:
    """Read ReaGate as the console's gate."""
    opened = gate.dry_gain + gate.wet_gain
    range_db = -decibels(gate.dry_gain / opened) if gate.dry_gain > 0 and opened > 0 else math.inf
    table = parameters(Gate)
    values = {
        "threshold_db": gate.threshold_db,
        "range_db": range_db,
        "ratio": _HARD,
        "attack_ms": preset_ms(gate.attack_ms, _LAW),
        "hold_ms": gate.hold_ms,
        "release_ms": preset_ms(gate.release_ms, _LAW),
        "hysteresis_db": gate.hysteresis_db,
    }
    return Gate(**{name: table[name].clamp(value) for name, value in values.items()})


def _lost(gate: Gate) -> Iterator[str]:
    error_db = float(np.abs(gate_db(gate.range_db, _HARD) - gate_db(gate.range_db, gate.ratio)).mean())
    if error_db >= TOLD_DB:
        yield (
            f"gate's ratio of {gate.ratio:.4g}:1 becomes a hard gate: {error_db:.1f} dB beside it on average in the "
            "24 dB below the threshold"
        )
