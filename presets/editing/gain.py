"""Gain moved past the stages of a strip or master: the settings move along, and the sound stays the same.

Whatever compares or mixes settings does so in the desk form (input gain 0), because only there a threshold means the
same in both presets: a level of the raw track.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from ..console import Master, Parameter, Strip, get, parameters, replace
from ..errors import PresetError
from ..parts.table import unchecked
from ..units import allowed, gain_factor, quantity

# Adding and taking away the same gain leaves a value this near to where it was.
_ROUNDING = 1e-9

Bus = TypeVar("Bus", Strip, Master)
Values = dict[str, float]


def move_gain(strip: Strip, gain_db: float) -> Strip:
    """Move `gain_db` from behind the compressor to before it, with the same sound.

    Exact: the threshold goes along, and saturation is tanh(drive x)/drive, whose drive gives back what the
    gain adds.

    Raises:
        PresetError: a setting would pass its limit.
    """
    return moved_gain(strip, gain_db)


def without_input_gain(bus: Bus) -> Bus:
    """Bring a strip or master into desk form, its settings free to pass the table's limits, as it is rendered."""
    rendered: Bus = _without_input_gain(bus)
    return rendered


@lru_cache(maxsize=256)  # one strip is rendered again and again where settings are tried
def _without_input_gain(bus: Any) -> Any:
    values = {**desk_values(bus), "input_gain_db": 0.0}
    return unchecked(bus, {path: value for path, value in values.items() if value != get(bus, path)})


def moved_gain(bus: Bus, gain_db: float) -> Bus:
    """Do as :func:`move_gain`, for a strip or the master."""
    values = shifted(bus, _values(bus), gain_db)
    for path, row in parameters(type(bus)).items():
        nearest = row.clamp(values[path])
        if not abs(nearest - values[path]) <= _ROUNDING * max(1.0, abs(nearest)):  # so that NaN is refused too
            raise PresetError(
                f"{quantity(gain_db, 'dB')} cannot be moved before the stages: {path} would be "
                f"{quantity(values[path], row.unit)} and must be {allowed(row)}."
            )
        values[path] = nearest
    return replace(bus, values)


def _values(bus: Strip | Master) -> Values:
    return {path: get(bus, path) for path in parameters(type(bus))}


def shifted(bus: Strip | Master, values: Values, gain_db: float) -> Values:
    """Move gain to before the stages, without a look at the limits."""
    return {path: moved(row, values[path], gain_db) for path, row in parameters(type(bus)).items()}


def moved(row: Parameter, value: float, gain_db: float) -> float:
    """Compute what becomes of a value where gain is moved to before the stages."""
    match row.with_gain:
        case "adds":
            return value + gain_db
        case "subtracts":
            return value - gain_db
        case "divides":
            return value / gain_factor(gain_db)
        case "stays":
            return value


def desk_values(bus: Strip | Master) -> Values:
    """Compute all values in the desk form; a step on the way, so the limits do not bind."""
    return shifted(bus, _values(bus), -bus.input_gain_db)


def from_desk(bus: Bus, desk: Values, input_gain_db: float) -> Bus:
    """Give a bus these values of the desk form at an input gain, inside the limits."""
    table = parameters(type(bus))
    values = shifted(bus, desk, input_gain_db)
    return replace(bus, {path: table[path].clamp(value) for path, value in values.items()})
