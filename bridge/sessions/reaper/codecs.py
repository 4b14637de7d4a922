"""States of REAPER's ReaGate, ReaVerbate and ReaDelay: their settings as the bytes that they keep, and back.

Lengths, heads and new plug-ins' values are those of projects that REAPER 6 and 7 wrote. Which number means what comes
from public notes of people who set every control of REAPER 7's by a script and compared what it saved.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Final

from ....presets.units import decibels, gain_factor
from ...fitting.plugins.rea_effects import ReaDelay, ReaVerbate
from ...fitting.plugins.rea_gate import ReaGate

MAGIC: Final = bytes.fromhex("efbeadde0df0adde")

# A new ReaGate's parameters, in their order; threshold, dry and noise at -150 dB.
_OFF: Final = gain_factor(-150)
_GATE_NEW: Final = (*(_OFF, 0.006, 0.02, 0, 0, 1.0, 0, 0, 0, _OFF, 1.0, _OFF, 1.0, 0, 0, 0, 69 / 127, 0, 0, 0, 0),)
_GATE: Final = struct.Struct(f"<{len(_GATE_NEW)}f")
_THRESHOLD, _ATTACK, _RELEASE, _HOLD, _GATE_DRY, _GATE_WET, _HYSTERESIS = 0, 1, 2, 4, 9, 10, 12
_ATTACK_MS, _RELEASE_MS, _HOLD_MS = 500.0, 5000.0, 1000.0

# Wet, dry, room size, dampening, width, delay, low-pass, high-pass.
_VERB: Final = struct.Struct("<8f")
_VERB_DELAY_MS, _FILTER_HZ = 500.0, 20000.0

# Two numbers of its own, how many taps, bytes of a tap, and two more of its own; then wet and dry.
_DELAY_HEAD: Final = struct.Struct("<6i2f")
_DELAY_TAP: Final = struct.Struct("<11f")
_DELAY_OWN: Final = (0, 0, 1, 44, 2, 0)
_LENGTH_MS: Final = 10000.0
_TAP_ON, _LENGTH, _BEATS, _FEEDBACK, _LOWPASS, _HIPASS = 1, 2, 3, 4, 5, 6
# A tap that sounds, at 24 bits, as wide as what comes in, at full level, in the middle.
_TAP_NEW: Final = (0.0, 1.0, 0, 0, 0, 1.0, 0, 1.0, 1.0, 1.0, 0.5)


def gate_state(gate: ReaGate) -> bytes:
    """Write ReaGate's state."""
    numbers = list(_GATE_NEW)
    numbers[_THRESHOLD] = gain_factor(gate.threshold_db)
    numbers[_ATTACK] = gate.attack_ms / _ATTACK_MS
    numbers[_RELEASE] = gate.release_ms / _RELEASE_MS
    numbers[_HOLD] = gate.hold_ms / _HOLD_MS
    numbers[_GATE_DRY], numbers[_GATE_WET] = gate.dry_gain, gate.wet_gain
    numbers[_HYSTERESIS] = gain_factor(-gate.hysteresis_db)
    return MAGIC + _GATE.pack(*numbers)


def gate_in(state: bytes) -> ReaGate | None:
    """Read ReaGate's state; None if it is none."""
    numbers = _floats(state, _GATE)
    if numbers is None:
        return None
    return ReaGate(
        threshold_db=_decibel(numbers[_THRESHOLD]),
        attack_ms=numbers[_ATTACK] * _ATTACK_MS,
        hold_ms=numbers[_HOLD] * _HOLD_MS,
        release_ms=numbers[_RELEASE] * _RELEASE_MS,
        hysteresis_db=-_decibel(numbers[_HYSTERESIS]),
        dry_gain=numbers[_GATE_DRY],
        wet_gain=numbers[_GATE_WET],
    )


def reverb_state(reverb: ReaVerbate) -> bytes:
    """Write ReaVerbate's state; it lets nothing through that is dry."""
    return MAGIC + _VERB.pack(
        reverb.wet_gain,
        0.0,
        reverb.room,
        reverb.dampening,
        (reverb.width + 1) / 2,
        reverb.delay_ms / _VERB_DELAY_MS,
        reverb.lowpass_hz / _FILTER_HZ,
        reverb.hipass_hz / _FILTER_HZ,
    )


def reverb_in(state: bytes) -> ReaVerbate | None:
    """Read ReaVerbate's state; None if it is none."""
    numbers = _floats(state, _VERB)
    if numbers is None:
        return None
    wet_gain, _, room, dampening, width, delay, lowpass, hipass = numbers
    return ReaVerbate(
        wet_gain,
        min(1.0, max(0.0, room)),
        min(1.0, max(0.0, dampening)),
        2 * width - 1,
        delay * _VERB_DELAY_MS,
        lowpass * _FILTER_HZ,
        hipass * _FILTER_HZ,
    )


def delay_state(delay: ReaDelay) -> bytes:
    """Write the state of a ReaDelay with one tap; it lets nothing through that is dry."""
    tap = list(_TAP_NEW)
    tap[_LENGTH] = delay.length_ms / _LENGTH_MS
    tap[_FEEDBACK] = delay.feedback
    tap[_LOWPASS] = delay.lowpass_hz / _FILTER_HZ
    tap[_HIPASS] = delay.hipass_hz / _FILTER_HZ
    return _DELAY_HEAD.pack(*_DELAY_OWN, delay.wet_gain, 0.0) + _DELAY_TAP.pack(*tap)


def delay_in(state: bytes) -> ReaDelay | None:
    """Read the state of a ReaDelay with one tap that counts in time; None if it is none."""
    if len(state) != _DELAY_HEAD.size + _DELAY_TAP.size:
        return None
    *own, wet_gain, _ = _DELAY_HEAD.unpack_from(state)
    tap = _DELAY_TAP.unpack_from(state, _DELAY_HEAD.size)
    if own[2:4] != list(_DELAY_OWN[2:4]) or not all(map(math.isfinite, (wet_gain, *tap))) or tap[_BEATS]:
        return None
    return ReaDelay(
        wet_gain if tap[_TAP_ON] else 0.0,
        tap[_LENGTH] * _LENGTH_MS,
        tap[_FEEDBACK],
        tap[_LOWPASS] * _FILTER_HZ,
        tap[_HIPASS] * _FILTER_HZ,
    )


def _floats(state: bytes, layout: struct.Struct) -> Sequence[float] | None:
    if len(state) != len(MAGIC) + layout.size or not state.startswith(MAGIC):
        return None
    numbers = layout.unpack_from(state, len(MAGIC))
    return numbers if all(map(math.isfinite, numbers)) else None


def _decibel(gain: float) -> float:
    return decibels(max(gain, 1e-9))
