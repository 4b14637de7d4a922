"""The cuts of a strip on Ardour's own ACE High/Low Pass Filter, and back.

Its sections are the Audio EQ Cookbook's, all of the same Q; measured on the plug-in of Ardour 7.3. Values go by the
number of the parameter, from 1, as over OSC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ....presets.console import HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, HighCut, LowCut, parameters
from ....presets.units import quantity

Values = Mapping[int, float]

# Parameters of the filter.
LOW_STEEPNESS, LOW_HZ, LOW_Q, HIGH_STEEPNESS, HIGH_HZ, HIGH_Q, CUTS_ON = range(1, 8)

# Q of one section at 12 dB an octave, and of two that come within 0.6 dB of a Butterworth filter of 24.
_Q_12, _Q_24 = math.sqrt(0.5), 0.815
_STEEP_DB: Final = 18.0
_HIGHEST_HZ: Final = 20000.0


@dataclass(frozen=True)
class AceStage:
    """Cuts as a plug-in of Ardour's has them.

    Attributes:
        values: by number of the parameter.
        lost: what of them the plug-in does not have, in phrases.
    """

    values: Values
    lost: tuple[str, ...] = ()


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


def _steepness(slope: float) -> float:
    return 2.0 if slope >= _STEEP_DB else 1.0


def _slope(values: Values, steepness: int) -> float:
    return 24.0 if round(values[steepness]) >= 2 else 12.0


def _q(slope: float) -> float:
    return _Q_24 if slope >= _STEEP_DB else _Q_12
