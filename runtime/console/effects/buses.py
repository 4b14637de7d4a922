"""The effect buses side by side: what is sent to each, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from ....presets.console import SEND_OFF_DB, Delay, FxBus, Reverb
from ....presets.units import gain_factor
from ...audio.reading import Samples
from ..primitives import BUFFER_FRAMES
from .bands import ReverbProcessor, impulse_response
from .delay import DelayProcessor, delay_tail
from .room import RoomProcessor, room_response

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
        piece_frames: of the convolutions.

    Attributes:
        names: of the buses that are in use.
    """

    def __init__(
        self,
        fx_bus: FxBus,
        reverb: Reverb,
        delay: Delay,
        sends: Iterable[Sends],
        sample_rate_hz: int,
        piece_frames: int = BUFFER_FRAMES,
    ):
        self.names = used_buses(sends, delay)
        self._fx_bus = ReverbProcessor(fx_bus, sample_rate_hz, piece_frames) if FX_BUS in self.names else None
        self._reverb = RoomProcessor(reverb, sample_rate_hz, piece_frames) if REVERB in self.names else None
        self._delay = DelayProcessor(delay, sample_rate_hz) if DELAY in self.names else None
        self._echo_send = np.float32(gain_factor(delay.reverb_send_db) if _echoes_in_room(delay) else 0)

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


def tail_of(fx_bus: FxBus, reverb: Reverb, delay: Delay, names: Sequence[str], sample_rate_hz: int) -> int:
    """Count the samples for which these buses sound on after their input has ended. No bus is made for that."""
    band_tail = impulse_response(fx_bus, sample_rate_hz).shape[1] - 1 if FX_BUS in names else 0
    room_tail = room_response(reverb, sample_rate_hz).shape[1] - 1 if REVERB in names else 0
    echo_tail = delay_tail(delay, sample_rate_hz) if DELAY in names else 0
    return max(band_tail, room_tail, echo_tail + (room_tail if _echoes_in_room(delay) else 0))


def _echoes_in_room(delay: Delay) -> bool:
    return delay.reverb_send_db > SEND_OFF_DB
