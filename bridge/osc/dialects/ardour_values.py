"""Values in Ardour's answers: switches of plug-ins, sends, faders, and the types that settings have."""

from __future__ import annotations

import math
from typing import Final

from ...desks.profile import Setting
from ...desks.scales import WireValue
from ..packets import Argument
from .ardour_strips import SEND_LENGTH

# Ardour's own value for silence; its fader law ends at 2^-32.
_SILENCE_DB: Final = -193.0


def switch_of(args: tuple[Argument, ...], plugin: int | str) -> Argument:
    """Whether a plug-in is heard, of a list that has number, name and this for each, behind the strip."""
    return dict(zip(args[1::3], args[3::3], strict=False)).get(plugin)


def send_position(args: tuple[Argument, ...], send: int | str) -> Argument:
    """The fader position of a send; 0 for one that is off."""
    rows = [args[at : at + SEND_LENGTH] for at in range(1, len(args), SEND_LENGTH)]
    found = next((row for row in rows if len(row) == SEND_LENGTH and row[2] == send), None)
    if found is None:
        return None
    return found[3] if found[4] else 0.0


def as_sent(setting: Setting, value: Argument) -> WireValue | None:
    """The value in the type that the setting has; None where it cannot be."""
    if setting.type == "s":
        return value if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if setting.type == "f" else round(value)


def decibels(position: float) -> float:
    """The level at a fader's position 0..1, exact to 1e-4 dB for a 32-bit position.

    Ardour's law: position = ((192 + 6 log2 gain) / 198) ^ 8.
    """
    if position <= 0:
        return _SILENCE_DB
    return (198 * math.pow(position, 0.125) - 192) / 6 * 20 * math.log10(2)
