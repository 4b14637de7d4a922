"""The other way: a desk's values as a strip of the console, for making a preset of what stands on a desk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...presets.console import EQ_BANDS, SEND_OFF_DB, EqBand, Equalizer, Master, Parameter, Strip, parameters, replace
from ...presets.sections import rows_of, spoken
from ...presets.units import allowed, quantity
from ..desks.keys import desk_key
from ..desks.profile import Desk
from .bands import FilterBands, SlotLimits, audible_freqs_hz, closest
from .compressor import preset_ms
from .equalizer import CONSOLE_KINDS, console_bands, desk_row, kind_name
from .response import FREQ, GAIN, KINDS, Floats, Q
from .unfit_stages import unfit_stages

# A response that is nearer is not told of.
_TOLD_DB = 0.05
_CURVE_POINTS = 480
# Constants of a profile that say what a section is; and what sections are called.
_MODES = ("mode", "model")
_WORDS = {"eq": "EQ"}


@dataclass(frozen=True)
class Unfitted:
    """What stands on a desk, as the console has it.

    Attributes:
        strip: a strip, or the master where that was asked for.
        lost: what the console cannot hold, in sentences.
    """

    strip: Strip | Master
    lost: tuple[str, ...]


def unfit(values: Mapping[str, float | str], desk: Desk, kind: str, sample_rate_hz: int = 48000) -> Unfitted:
    """Convert a desk's values to a strip of the console; what the desk did not tell stays neutral.

    An equalizer whose shelves and bells have a place in the console's keeps its numbers, else its response is fitted.
    What is switched off comes out neutral: gains 0, ratio 1.

    Args:
        values: by canonical key, in the key's unit; `name` and `mute` belong to a track and are not looked at.
        desk: where they stand.
        kind: "track", "bus" or "master".
        sample_rate_hz: of the desk.
    """
    values, lost = _without_other_modes(values, desk, kind)
    eq, lost_of_eq = _equalizer(values, desk, kind, sample_rate_hz)
    lost += [*lost_of_eq, *_off(values, desk, kind)]
    settings = {**_levels(values, kind), **_compressor(values, desk, kind)}
    section = _console_part(kind)
    if section is Strip:
        stages, lost_of_stages = unfit_stages(values, desk, kind)
        settings.update(stages)
        lost += lost_of_stages
    table = parameters(section)
    for path, value in settings.items():
        row = table[path]
        nearest = row.clamp(value)
        if not math.isclose(nearest, value, rel_tol=1e-6, abs_tol=1e-6) and not _is_as_good_as_lowest(path, row, value):
            wanted, got = (quantity(number, row.unit) for number in (value, nearest))
            lost.append(f"{path} would be {wanted}: a preset holds {allowed(row)}, so that it is {got}.")
        settings[path] = nearest
    return Unfitted(replace(section(eq=eq), settings), tuple(lost))


def _without_other_modes(
    values: Mapping[str, float | str], desk: Desk, kind: str
) -> tuple[dict[str, float | str], list[str]]:
    """The values without sections that are something else now (an expander, a vintage EQ), and what that loses."""
    kept, lost = dict(values), []
    for key, parameter in desk.parameters(kind).items():
        section, _, name = key.rpartition(".")
        words = _WORDS.get(section, spoken(section))
        if parameter.constant is None or key not in values or values[key] == parameter.constant:
            continue
        if not values.get(f"{section}.on", 1.0):
            continue
        value = f"{values[key]}".replace("_", " ") if isinstance(values[key], str) else f"{float(values[key]):g}"
        if name in _MODES:
            kept = {other: value for other, value in kept.items() if not other.startswith(f"{section}.")}
            lost.append(f"The {words} is set to {value}, which a preset cannot hold: it comes out neutral.")
        elif isinstance(parameter.constant, str) or not parameter.scale.same(
            parameter.scale.encode(values[key]), parameter.scale.encode(parameter.constant)
        ):
            lost.append(f"The {name.replace('_', ' ')} of the {words}, {value}: a preset has none.")
    return kept, lost


def _off(values: Mapping[str, float | str], desk: Desk, kind: str) -> list[str]:
    """Sections that are off and have settings, which a preset cannot keep."""
    lost = []
    gains = (value for key, value in values.items() if key.startswith("eq.") and key.endswith(".gain_db"))
    if desk.eq(kind) is not None and not values.get("eq.on", 1.0) and any(abs(float(gain)) > 0.01 for gain in gains):
        lost.append("The EQ is off: what is set on it is not in the preset.")
    if desk.compressor(kind) is not None and not values.get("compressor.on", 1.0):
        lost.append("The compressor is off: what is set on it is not in the preset.")
    return lost


def _levels(values: Mapping[str, float | str], kind: str) -> dict[str, float]:
    """List trim, fader, pan and send by path in the console: what is part of no stage."""
    paths = (path for path in parameters(_console_part(kind)) if "." not in path)
    levels = {path: float(values[desk_key(path)]) for path in paths if desk_key(path) in values}
    switched_off = [path for path in levels if not values.get(f"send.{path.removesuffix('_send_db')}_on", 1.0)]
    return {**levels, **dict.fromkeys(switched_off, SEND_OFF_DB)}


def _console_part(kind: str) -> type[Strip | Master]:
    return Master if kind == "master" else Strip


def _is_as_good_as_lowest(path: str, row: Parameter, value: float) -> bool:
    """Tell whether a value sounds like the console's lowest: a level that is off, an attack that is immediate."""
    is_level = row.section in {"fader", "send"} and value < 0
    return is_level or (path in {"compressor.attack_ms", "gate.attack_ms"} and value < 1)


def _compressor(values: Mapping[str, float | str], desk: Desk, kind: str) -> dict[str, float]:
    """List settings of the compressor by path; empty if the desk has none."""
    ability = desk.compressor(kind)
    if ability is None:
        return {}
    rows = rows_of(_console_part(kind), "compressor")
    settings = {path: float(values[path]) for path in rows if path in values}
    for path, law in (("compressor.attack_ms", ability.attack_law), ("compressor.release_ms", ability.release_law)):
        if path in settings:
            settings[path] = preset_ms(settings[path], law)
    if ability.knee is None:
        settings["compressor.knee_db"] = 0.0
    if not values.get("compressor.on", 1.0):
        settings.update({path: row.neutral for path, row in rows.items() if row.neutral is not None})
    return settings


def _equalizer(
    values: Mapping[str, float | str], desk: Desk, kind: str, sample_rate_hz: int
) -> tuple[Equalizer, list[str]]:
    ability = desk.eq(kind)
    lost: list[str] = []
    rows, kinds = [], []
    for slot in ability.slots if ability else ():
        if not {f"eq.{slot.name}.gain_db", f"eq.{slot.name}.freq_hz"} <= values.keys():
            continue
        is_heard = bool(values.get("eq.on", 1.0)) and bool(values.get(f"eq.{slot.name}.on", 1.0))
        name = kind_name(values, slot)
        if name in KINDS:
            gain_db, log_freq, log_q = desk_row(values, slot, sample_rate_hz)
            kinds.append(KINDS.index(name))
            rows.append([gain_db if is_heard else 0.0, log_freq, log_q])
        elif is_heard:
            lost.append(f"Band {slot.name} of the EQ: a preset has no filter of the kind {name.replace('_', ' ')}.")
    if not rows:
        return Equalizer(), lost
    wanted = FilterBands(np.array(kinds), np.array(rows))
    in_use_first = sorted(range(len(rows)), key=lambda index: rows[index][GAIN] == 0)
    nearest_bands = closest(wanted, console_limits(), in_use_first, sample_rate_hz)
    freqs_hz = audible_freqs_hz(_CURVE_POINTS, sample_rate_hz)
    errors_db = nearest_bands.response_db(freqs_hz, sample_rate_hz) - wanted.response_db(freqs_hz, sample_rate_hz)
    if np.abs(errors_db).max() > _TOLD_DB:
        lost.append(f"The EQ as it is: the preset's is up to {np.abs(errors_db).max():.1f} dB beside it.")
    bands = {name: console_band(row) for name, row in zip(EQ_BANDS, nearest_bands.values, strict=True)}
    return Equalizer(**bands), lost


def console_band(row: Floats) -> EqBand:
    """Make a band of the console of gain in dB, log frequency and log Q."""
    numbers = {"gain_db": row[GAIN], "freq_hz": math.exp(row[FREQ]), "q": math.exp(row[Q])}
    # Nine figures: a logarithm there and back leaves dust in the last ones.
    return EqBand(**{name: _ROWS[name].clamp(float(f"{value:.9g}")) for name, value in numbers.items()})


@cache
def console_limits() -> tuple[SlotLimits, ...]:
    """Describe the console's bands as slots to be set."""
    rows = [_ROWS[name] for name in ("gain_db", "freq_hz", "q")]
    low = np.array([rows[GAIN].low, math.log(rows[FREQ].low), math.log(rows[Q].low)])
    high = np.array([rows[GAIN].high, math.log(rows[FREQ].high), math.log(rows[Q].high)])
    idle = console_bands(Equalizer()).values
    return tuple(
        SlotLimits((kind,), low, high, (None, None, None), row) for kind, row in zip(CONSOLE_KINDS, idle, strict=True)
    )


_ROWS: Mapping[str, Parameter] = parameters(EqBand)
