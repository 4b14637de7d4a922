"""Where a setting stands on a control, and the other way round: the range and law of its row in the console's table.

A table's range is what a preset may hold (a fader's goes to +60 dB), which is no use on 127 steps and unsafe under a
hand: levels get the law of a mixer's fader, trims and thresholds the range that people use, each widened to hold what
the preset has. A map may say another scale, in the words of desks' profiles.
"""

from __future__ import annotations

from typing import Final

from ...presets.console import Parameter
from ..desks.ranges import Fader, Linear, Log

Law = Linear | Log | Fader

_TOP_DB: Final = 10.0
# dB against the way: as on most mixers 0 dB is at three quarters.
_FADER: Final = ((-60.0, 0.0625), (-30.0, 0.25), (-10.0, 0.5), (_TOP_DB, 1.0))
_TRIM_DB: Final = 24.0
_THRESHOLD_DB: Final = (-60.0, 0.0)


def usual_law(row: Parameter, name: str, value: float) -> Law:
    """Choose the law of a setting.

    Args:
        row: of the table.
        name: of the setting, the end of its address: "fader_db".
        value: what stands there now, which the control has to reach.
    """
    if row.scale == "log":
        return Log(kind="log", low=row.low, high=row.high, wire=(0, 1))
    if name == "threshold_db":
        low, high = _THRESHOLD_DB
        return _linear(min(low, value), max(high, value))
    if name in ("trim_db", "input_gain_db"):
        return _linear(min(-_TRIM_DB, value), max(_TRIM_DB, value))
    if row.is_level and row.high >= _TOP_DB and row.low < _FADER[0][0]:
        return _fader(row.low, max(_TOP_DB, value))
    return _linear(row.low, row.high)


def place_of(law: Law, value: float) -> float:
    """Tell where a value is on the way of a control, 0..1; -1 or 2 where the control cannot reach it."""
    slack = 1e-6 * (law.high - law.low)
    if value < law.low - slack or value > law.high + slack:
        return -1.0 if value < law.low else 2.0
    return float(law.encode(value))


def value_at(law: Law, place: float) -> float:
    """Tell which value a place on the way of a control is, 0..1."""
    return law.decode(place)


def _linear(low: float, high: float) -> Linear:
    return Linear(kind="linear", low=low, high=high, wire=(0, 1))


def _fader(low_db: float, top_db: float) -> Fader:
    return Fader(kind="fader", points=((low_db, 0.0), *_FADER[:-1], (top_db, 1.0)))
