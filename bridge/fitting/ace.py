"""A strip's gate and cuts on Ardour's own plug-ins: ACE Expander and ACE High/Low Pass Filter, and back.

Their laws were measured on the plug-ins of Ardour 7.3. The expander falls by ratio - 1 dB for each dB below the
threshold, without end; its gain in dB moves with one pole, whose time constants are its attack and release. It has no
range, hold or hysteresis. The filter's sections are the Audio EQ Cookbook's, all of the same Q.

Values go by the number of the plug-in's parameter, from 1, as over OSC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ...presets.console import HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, Gate, HighCut, LowCut, parameters
from ...presets.units import quantity

Values = Mapping[int, float]

# Parameters of the expander.
ATTACK, RELEASE, KNEE, RATIO, THRESHOLD, MAKEUP, SIDE_CHAIN, GATE_ON = 1, 2, 3, 4, 5, 6, 10, 11
# Parameters of the filter.
LOW_STEEPNESS, LOW_HZ, LOW_Q, HIGH_STEEPNESS, HIGH_HZ, HIGH_Q, CUTS_ON = range(1, 8)

# How far below the threshold the expander takes away what the gate does in all: bleed and hiss lie about there.
_DEPTH_DB: Final = 20.0
# Times until half of the dB of such a gate are done: in time constants of the gate's pole, which moves the amplitude...
_OPENS: Final = math.log(0.9 / (1 - 10**-0.5))
_CLOSES: Final = math.log(0.9 / (10**-0.5 - 0.1))
# ...and of the expander's, which moves the dB. A time constant of the gate is its milliseconds / 2 pi.
_HALF: Final = math.log(2)
_TURN: Final = 2 * math.pi
# Q of one section at 12 dB an octave, and of two that come within 0.6 dB of a Butterworth filter of 24.
_Q_12, _Q_24 = math.sqrt(0.5), 0.815
_STEEP_DB: Final = 18.0
_HIGHEST_HZ: Final = 20000.0


@dataclass(frozen=True)
class AceStage:
    """A stage as a plug-in of Ardour's has it.

    Attributes:
        values: by number of the parameter.
        lost: what of the stage the plug-in does not have, in phrases.
    """

    values: Values
    lost: tuple[str, ...] = ()


def fit_gate(gate: Gate) -> AceStage | None:
    """Set ACE Expander to a gate; None if the gate does nothing.

    The ratio takes away the gate's range at 20 dB below the threshold; the times are those until half of it is done.
    """
    if gate.range_db <= 0 or gate.ratio <= 1:
        return None
    ratio = min(gate.ratio, 1 + gate.range_db / _DEPTH_DB)
    attack = gate.attack_ms * _OPENS / _TURN / _HALF
    release = (gate.hold_ms + gate.release_ms * _CLOSES / _TURN) / _HALF
    values = {
        ATTACK: min(max(attack, 0.1), 100.0),
        RELEASE: min(max(release, 1.0), 2000.0),
        KNEE: 0.0,
        RATIO: ratio,
        THRESHOLD: min(max(gate.threshold_db, -60.0), 0.0),
        MAKEUP: 0.0,
        SIDE_CHAIN: 0.0,
        GATE_ON: 1.0,
    }
    return AceStage(values, (_gate_words(gate, values),))


def gate_of(values: Values) -> Gate:
    """Read ACE Expander as a gate: what it does down to 20 dB below its threshold."""
    if not values.get(GATE_ON, 1.0) or values[RATIO] <= 1:
        return Gate()
    table = parameters(Gate)
    return Gate(
        threshold_db=values[THRESHOLD],
        range_db=table["range_db"].clamp((values[RATIO] - 1) * _DEPTH_DB),
        ratio=values[RATIO],
        attack_ms=table["attack_ms"].clamp(values[ATTACK] * _HALF * _TURN / _OPENS),
        hold_ms=0.0,
        release_ms=table["release_ms"].clamp(values[RELEASE] * _HALF * _TURN / _CLOSES),
        hysteresis_db=0.0,
    )


def fit_cuts(low_hz: float, low_slope: float, high_hz: float, high_slope: float) -> AceStage | None:
    """Set ACE High/Low Pass Filter to a low cut and a high cut; None if both are off.

    Args:
        low_hz: corner of the low cut; at or below 16 Hz it is off.
        low_slope: 12 or 24 dB an octave.
        high_hz: corner of the high cut; at or above 22 kHz it is off.
        high_slope: 12 or 24 dB an octave.
    """
    has_low, has_high = low_hz > LOW_CUT_OFF_HZ, high_hz < HIGH_CUT_OFF_HZ
    if not (has_low or has_high):
        return None
    values = {
        LOW_STEEPNESS: _steepness(low_slope) if has_low else 0.0,
        LOW_HZ: low_hz if has_low else 100.0,
        LOW_Q: _q(low_slope),
        HIGH_STEEPNESS: _steepness(high_slope) if has_high else 0.0,
        HIGH_HZ: min(high_hz, _HIGHEST_HZ) if has_high else 18000.0,
        HIGH_Q: _q(high_slope),
        CUTS_ON: 1.0,
    }
    lost = []
    if has_high and high_hz > _HIGHEST_HZ:
        lost.append(f"its high cut at {quantity(high_hz, 'Hz')} becomes one at {quantity(_HIGHEST_HZ, 'Hz')}")
    for name, is_on, slope, hz in (("low", has_low, low_slope, low_hz), ("high", has_high, high_slope, high_hz)):
        if is_on and slope >= _STEEP_DB:
            lost.append(f"its {name} cut at {quantity(hz, 'Hz')} is up to 0.6 dB off around its corner")
    return AceStage(values, tuple(lost))


def strip_cuts(low_cut: LowCut, high_cut: HighCut) -> AceStage | None:
    """Set ACE High/Low Pass Filter to the cuts of a strip; None if both are off."""
    return fit_cuts(low_cut.freq_hz, low_cut.slope_db_per_octave, high_cut.freq_hz, high_cut.slope_db_per_octave)


def cuts_of(values: Values) -> tuple[LowCut, HighCut]:
    """Read ACE High/Low Pass Filter as a low cut and a high cut."""
    low_cut, high_cut = LowCut(), HighCut()
    is_on = values.get(CUTS_ON, 1.0) > 0
    if is_on and values[LOW_STEEPNESS] > 0:
        low_cut = LowCut(
            freq_hz=parameters(LowCut)["freq_hz"].clamp(values[LOW_HZ]),
            slope_db_per_octave=_slope(values, LOW_STEEPNESS),
        )
    if is_on and values[HIGH_STEEPNESS] > 0:
        high_cut = HighCut(
            freq_hz=parameters(HighCut)["freq_hz"].clamp(values[HIGH_HZ]),
            slope_db_per_octave=_slope(values, HIGH_STEEPNESS),
        )
    return low_cut, high_cut


def _gate_words(gate: Gate, values: Values) -> str:
    wanted = (
        f"range {quantity(gate.range_db, 'dB')}, ratio {quantity(gate.ratio, ':1')}, "
        f"threshold {quantity(gate.threshold_db, 'dB')}, attack {quantity(gate.attack_ms, 'ms')}, "
        f"hold {quantity(gate.hold_ms, 'ms')}, release {quantity(gate.release_ms, 'ms')}, "
        f"hysteresis {quantity(gate.hysteresis_db, 'dB')}"
    )
    near = (
        f"ratio {quantity(round(values[RATIO], 2), ':1')}, threshold {quantity(values[THRESHOLD], 'dB')}, "
        f"attack {quantity(round(values[ATTACK], 2), 'ms')}, release {quantity(round(values[RELEASE], 1), 'ms')}"
    )
    return (
        f"its gate ({wanted}) becomes an expander ({near}): {_DEPTH_DB:g} dB below the threshold they do the same, "
        "just below it the gate does more; ACE Expander has no range, hold or hysteresis"
    )


def _steepness(slope: float) -> float:
    return 2.0 if slope >= _STEEP_DB else 1.0


def _slope(values: Values, steepness: int) -> float:
    return 24.0 if round(values[steepness]) >= 2 else 12.0


def _q(slope: float) -> float:
    return _Q_24 if slope >= _STEEP_DB else _Q_12
