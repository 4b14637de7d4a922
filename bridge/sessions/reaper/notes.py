"""What REAPER's plug-ins cannot be set to, of a strip or the master, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ....presets.console import SEND_OFF_DB, Strip
from ....presets.edit import Bus
from ...fitting.abilities import clamp_words
from ..writing import strip_left_out
from .states import PluginStates

_PLUGINS: Final = "ReaGate, ReaEQ and ReaComp"
# How far an EQ may be off before it is said.
_EQ_OFF_DB: Final = 0.1
# What a copy has besides the sections that all formats have.
_ALSO: Final = ("low_cut", "high_cut", "gate")


def fitting_notes(bus: Bus, states: PluginStates, sample_rate_hz: int, *, has_returns: bool = False) -> Iterator[str]:
    """Say what of a strip or master its plug-ins and sends in REAPER do not have.

    Args:
        bus: the strip or master.
        states: what became of it.
        sample_rate_hz: of the project.
        has_returns: whether what REAPER has no effect for comes as audio.
    """
    for clamp in states.clamped:
        yield f"its {clamp_words(clamp)}, ReaComp's limit."
    gate = states.fitted_gate
    if gate is not None:
        yield from (f"its {clamp_words(clamp)}, ReaGate's limit." for clamp in gate.clamped)
        yield from (f"its {text}." for text in gate.lost)
    if states.eq_error_db > _EQ_OFF_DB:
        yield f"its EQ is up to {states.eq_error_db:.1f} dB off: ReaEQ's bands are at most 4 octaves wide."
    if isinstance(bus, Strip):
        bus = bus.model_copy(update={"reverb_send_db": SEND_OFF_DB, "delay_send_db": SEND_OFF_DB})
    yield from strip_left_out(bus, _PLUGINS, sample_rate_hz, also=(*_ALSO, "send") if has_returns else _ALSO)
