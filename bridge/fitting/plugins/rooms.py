"""How loud the console's reverb is, for rooms that stand in for it, and words that effects share."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np

from ....presets.console import Delay, Reverb
from ....presets.units import quantity
from ....runtime.console.effects.room import room_response

# The octaves in which rooms are compared.
OCTAVES_HZ: Final = (250.0, 500.0, 1000.0, 2000.0, 4000.0)
# The console's room gives what comes from the middle, as voices do, to both sides of each: so much more on a side.
_MIDDLE_DB: Final = 20 * math.log10(math.cos(math.pi / 8) + math.sin(math.pi / 8))
_RATE_HZ: Final = 48000


def console_level_db(reverb: Reverb) -> float:
    """Measure the console's room for sound in the middle, without its cuts, size, pre-delay and return.

    Returns:
        The mean level of its response on a side, in :data:`OCTAVES_HZ`, against a click's.
    """
    names = ("decay_low_s", "decay_mid_s", "decay_high_s", "damping_hz", "seed")
    return _measured_level_db(Reverb(**{name: getattr(reverb, name) for name in names}, **_OPEN)) + _MIDDLE_DB


_OPEN: Final = {"pre_delay_ms": 0.0, "low_cut_hz": 20.0, "high_cut_hz": 22000.0}


@cache
def _measured_level_db(reverb: Reverb) -> float:
    response = room_response(reverb, _RATE_HZ)
    powers = (np.abs(np.fft.rfft(response, axis=1)) ** 2).mean(axis=0)
    freqs_hz = np.fft.rfftfreq(response.shape[1], 1 / _RATE_HZ)
    edges = [(freqs_hz >= centre / math.sqrt(2)) & (freqs_hz < centre * math.sqrt(2)) for centre in OCTAVES_HZ]
    return float(np.mean([10 * math.log10(powers[edge].mean()) for edge in edges]))


def room_words(reverb: Reverb) -> str:
    """Say a reverb of the console in numbers, with its ducking."""
    return (
        f"pre-delay {quantity(reverb.pre_delay_ms, 'ms')}; decay {quantity(reverb.decay_low_s, 's')} in the lows, "
        f"{quantity(reverb.decay_mid_s, 's')} at 1 kHz, {quantity(reverb.decay_high_s, 's')} above "
        f"{quantity(reverb.damping_hz, 'Hz')}; size {reverb.size:g}; width {reverb.width:g}{_ducking_words(reverb)}"
    )


def echo_words(delay: Delay) -> str:
    """Say what most DAWs' delays have otherwise: the cuts, ping-pong and ducking of one of the console."""
    crosses = f", ping-pong {delay.ping_pong:g}" if delay.ping_pong else ""
    return (
        f"low cut {quantity(delay.low_cut_hz, 'Hz')}, high cut {quantity(delay.high_cut_hz, 'Hz')}{crosses}"
        f"{_ducking_words(delay)}"
    )


def _ducking_words(effect: Reverb | Delay) -> str:
    ducking = effect.ducking
    if ducking.range_db <= 0:
        return ""
    return f", ducking of {quantity(ducking.range_db, 'dB')} above {quantity(ducking.threshold_db, 'dB')}"
