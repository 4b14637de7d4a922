"""The effect buses side by side: what is sent to each, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from ....presets.console import SEND_OFF_DB, Delay, FxBus, Reverb
from ....presets.units import gain_factor
from ...audio.reading import Samples
from .bands import ReverbProcessor
from .delay import DelayProcessor
from .room import RoomProcessor

FX_BUS: Final = "fx return"
REVERB: Final = "reverb return"
DELAY: Final = "delay return"
# In the order of a strip's sends.
BUSES: Final = (FX_BUS, REVERB, DELAY)
Sends = Sequence[float]


class EffectBuses:
    """Fx bus, reverb and delay; those that nothing is sent to are not made.

    Args:
        fx_bus: settings of the reverb in twelve bands.
        reverb: settings of the room.
        delay: settings of the echoes, which may go to the room as well.
        sends: levels of every source that will send, as factors, in the order of `BUSES`.
        sample_rate_hz: of the audio.

    Attributes:
        names: of the buses that are in use.
        tail_samples: how long they sound on after their input has ended.
    """

    def __init__(self, fx_bus: FxBus, reverb: Reverb, delay: Delay, sends: Iterable[Sends], sample_rate_hz: int):
        self.names = used_buses(sends, delay)
        self._fx_bus = ReverbProcessor(fx_bus, sample_rate_hz) if FX_BUS in self.names else None
        self._reverb = RoomProcessor(reverb, sample_rate_hz) if REVERB in self.names else None
        self._delay = DelayProcessor(delay, sample_rate_hz) if DELAY in self.names else None
        self._echo_send = np.float32(gain_factor(delay.reverb_send_db) if _echoes_in_room(delay) else 0)
        tails = [bus.tail_samples if bus else 0 for bus in (self._fx_bus, self._reverb, self._delay)]
        self.tail_samples = max(tails[0], tails[1], tails[2] + (tails[1] if _echoes_in_room(delay) else 0))

    def process(self, sent: Mapping[str, Samples]) -> Mapping[str, Samples]:
        """What comes back of what is sent, by bus, shapes (2, n); the buses in use, all of them."""
        returns: dict[str, Samples] = {}
        if self._fx_bus:
            returns[FX_BUS] = self._fx_bus.process(sent[FX_BUS])
        if self._delay:
            returns[DELAY] = self._delay.process(sent[DELAY])
        if self._reverb:
            echoes = returns[DELAY] * self._echo_send if self._echo_send and self._delay else np.float32(0)
            returns[REVERB] = self._reverb.process(sent[REVERB] + echoes)
        return {name: returns[name] for name in self.names}


def used_buses(sends: Iterable[Sends], delay: Delay) -> tuple[str, ...]:
    """The names of the effect buses that anything is sent to.

    Args:
        sends: levels of every source, as factors, in the order of `BUSES`.
        delay: whose echoes may go to the reverb.
    """
    used = {name for levels in sends for name, level in zip(BUSES, levels, strict=True) if level > 0}
    if DELAY in used and _echoes_in_room(delay):
        used.add(REVERB)
    return tuple(name for name in BUSES if name in used)


def _echoes_in_room(delay: Delay) -> bool:
    return delay.reverb_send_db > SEND_OFF_DB
