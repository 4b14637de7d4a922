"""The console's equalizer on a desk's: which bands, at which values, and how far off the response is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...presets.console import EQ_BANDS, EqBand, Equalizer
from ...runtime.console.eq import INAUDIBLE_DB
from ..desks.filters import middle_hz, pole_hz
from ..desks.profile import EqAbility, Slot
from .abilities import slot_limits, snapped
from .bands import FilterBands, audible_freqs_hz, closest
from .response import BELL, FREQ, GAIN, HIGH_SHELF, KINDS, LOW_SHELF, Floats, Q

CONSOLE_KINDS = (LOW_SHELF, BELL, BELL, BELL, BELL, HIGH_SHELF)
"""Kinds of the console's bands, in the order of `EQ_BANDS`."""
_CURVE_POINTS = 480


@dataclass(frozen=True)
class FittedEq:
    """An equalizer as a desk has it.

    Attributes:
        values: by canonical key, each on the desk's grid; kinds of filter as words.
        freqs_hz: where the curves are given, evenly in octaves from 20 Hz to 20 kHz, shape (n,).
        wanted_db: the response of the preset, shape (n,).
        given_db: the response of the desk, shape (n,).
        mean_db: mean of the absolute error.
        max_db: largest absolute error.
    """

    values: Mapping[str, float | str]
    freqs_hz: Floats
    wanted_db: Floats
    given_db: Floats
    mean_db: float
    max_db: float


def fit_eq(eq: Equalizer, ability: EqAbility, sample_rate_hz: int = 48000) -> FittedEq:
    """Fit an equalizer into a desk's bands, types, ranges and grid.

    Bands that fit a slot as they are keep their numbers; else the response is fitted. The desk's filters are taken
    for those of the Audio EQ Cookbook, shelves with their Q where the desk has a control for it.

    Args:
        eq: settings of the console.
        ability: what the desk's equalizer can do.
        sample_rate_hz: of the desk.
    """
    wanted = console_bands(eq)
    fitted = closest(wanted, slot_limits(ability), _preferred(eq), sample_rate_hz)
    values = _values(fitted, ability, sample_rate_hz)
    on_desk = FilterBands(fitted.kinds, np.array([desk_row(values, slot, sample_rate_hz) for slot in ability.slots]))
    freqs_hz = audible_freqs_hz(_CURVE_POINTS, sample_rate_hz)
    wanted_db = wanted.response_db(freqs_hz, sample_rate_hz)
    on_desk_db = on_desk.response_db(freqs_hz, sample_rate_hz)
    errors_db = np.abs(on_desk_db - wanted_db)
    return FittedEq(values, freqs_hz, wanted_db, on_desk_db, float(errors_db.mean()), float(errors_db.max()))


def console_bands(eq: Equalizer) -> FilterBands:
    """Convert the console's six bands to numbers; what is not heard has gain 0."""
    rows = [_row(getattr(eq, name)) for name in EQ_BANDS]
    return FilterBands(np.array(CONSOLE_KINDS), np.array(rows))


def desk_row(values: Mapping[str, float | str], slot: Slot, sample_rate_hz: int) -> list[float]:
    """Convert a slot of a desk to numbers of the console: gain in dB, log frequency, log Q."""
    prefix = f"eq.{slot.name}"
    gain_db = float(values[f"{prefix}.gain_db"])
    freq_hz = float(values[f"{prefix}.freq_hz"])
    if slot.shelf_law == "poles":
        freq_hz = middle_hz(freq_hz, gain_db, kind_name(values, slot), sample_rate_hz)
    return [gain_db, math.log(freq_hz), math.log(float(values.get(f"{prefix}.q", slot.shelf_q)))]


def kind_name(values: Mapping[str, float | str], slot: Slot) -> str:
    """Tell what filter a slot is: as set, or as it is built."""
    return str(values.get(f"eq.{slot.name}.type", slot.types[0]))


def _row(band: EqBand) -> list[float]:
    gain_db = band.gain_db if abs(band.gain_db) >= INAUDIBLE_DB else 0.0
    return [gain_db, math.log(band.freq_hz), math.log(band.q)]


def _preferred(eq: Equalizer) -> list[int]:
    """Order bands: those in use, then those to show in slots that are left: what somebody has set, shelves first."""
    neutral = Equalizer()

    def rank(index: int) -> tuple[bool, bool, bool]:
        band = getattr(eq, EQ_BANDS[index])
        untouched = band == getattr(neutral, EQ_BANDS[index])
        return abs(band.gain_db) < INAUDIBLE_DB, untouched, CONSOLE_KINDS[index] == BELL

    return sorted(range(len(EQ_BANDS)), key=rank)


def _values(on_desk: FilterBands, ability: EqAbility, sample_rate_hz: int) -> dict[str, float | str]:
    values: dict[str, float | str] = {}
    for slot, kind, row in zip(ability.slots, on_desk.kinds, on_desk.values, strict=True):
        prefix = f"eq.{slot.name}"
        gain_db, freq_hz = snapped(slot.gain, row[GAIN]), math.exp(row[FREQ])
        if slot.type is not None:
            values[f"{prefix}.type"] = KINDS[kind]
        if slot.shelf_law == "poles":
            freq_hz = pole_hz(freq_hz, gain_db, KINDS[kind], sample_rate_hz)
        values[f"{prefix}.gain_db"] = gain_db
        values[f"{prefix}.freq_hz"] = snapped(slot.freq, freq_hz)
        if slot.q is not None:
            values[f"{prefix}.q"] = snapped(slot.q, math.exp(row[Q]))
        if slot.switch is not None:
            values[f"{prefix}.on"] = 1.0
    if ability.switch is not None:
        values["eq.on"] = 1.0
    return values
