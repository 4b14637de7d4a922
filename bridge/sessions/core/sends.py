"""What a strip sends to the effects of a mix, and which effects that uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from ....presets.console import SEND_OFF_DB, Delay, Strip
from ....presets.units import gain_factor
from ....runtime.console.effects.buses import BUSES, DELAY, FX_BUS, REVERB, used_buses

SENDS: Final = {FX_BUS: "fx_send_db", REVERB: "reverb_send_db", DELAY: "delay_send_db"}
"""Rows of the table, by effect, of `runtime.console.effects.buses.BUSES`."""


def send_levels_db(strip: Strip, effects: Collection[str] = BUSES) -> dict[str, float]:
    """Return the levels of a strip's sends that are on, by effect."""
    levels = {effect: float(getattr(strip, row)) for effect, row in SENDS.items() if effect in effects}
    return {effect: level_db for effect, level_db in levels.items() if level_db > SEND_OFF_DB}


def used_effects(levels_db: Iterable[Mapping[str, float]], delay: Delay) -> tuple[str, ...]:
    """Return the effects that anything is sent to, in the order of `BUSES`.

    Args:
        levels_db: of each source's sends that are on, by effect.
        delay: whose echoes may go to the reverb.
    """
    factors = (tuple(gain_factor(levels[name]) if name in levels else 0.0 for name in BUSES) for levels in levels_db)
    return used_buses(factors, delay)
