"""Cuts, gate, de-esser and saturation of the console on a desk: values on its grid, and what it cannot follow, in dB.

Each of these is one function from the settings of the stage to a :class:`FittedStage`; back is :mod:`.unfit_stages`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...presets.console import Gate, HighCut, LowCut, Strip, get
from ...presets.sections import SectionName, described, is_active, rows_of, spoken
from ...presets.units import quantity
from ..desks.layout import SECTIONS
from ..desks.profile import Desk
from ..desks.scales import Scale
from .abilities import Clamp, clamp_of, grid_of, lowest, snapped
from .compressor import desk_ms
from .response import Floats

# Less is neither heard nor told.
TOLD_DB: Final = 0.5
# What a cut takes beyond this is gone, whatever its slope.
_GONE_DB: Final = -24.0
# Below a gate's threshold, the levels at which two gates are compared.
_BELOW_DB: Final = np.linspace(-24.0, 0.0, 97)
_RATIO_STEPS: Final = 200
# A gate without a range closes until here.
_SILENT_DB: Final = 80.0


@dataclass(frozen=True)
class FittedStage:
    """A stage as a desk has it.

    Attributes:
        values: by canonical key, each on the desk's grid.
        clamped: what is out of the desk's range.
        lost: what the desk cannot follow, in sentences.
    """

    values: Mapping[str, float | str]
    clamped: tuple[Clamp, ...] = ()
    lost: tuple[str, ...] = ()


def fit_stages(strip: Strip, desk: Desk, kind: str) -> Iterator[FittedStage]:
    """Fit all stages of a strip but EQ and compressor.

    Args:
        strip: settings of the console in the desk form (thresholds of the raw track).
        desk: where they are to stand.
        kind: of the desk's strip.
    """
    for section in SECTIONS:
        if section not in {"eq", "compressor"}:
            yield _fitted(strip, section, desk, kind)


def takes_db(strip: Strip, section: SectionName) -> str:
    """Say how much a stage takes from the sound, at most: "up to 40.0 dB"."""
    if section == "gate":
        return f"up to {strip.gate.range_db:.1f} dB of what is quiet"
    if section == "deesser":
        return f"up to {strip.deesser.range_db:.1f} dB of sibilance"
    if section == "saturation":
        drive = strip.saturation.drive
        bent_db = -20 * math.log10(math.tanh(drive) / drive) * strip.saturation.mix if drive else 0.0
        return f"up to {bent_db:.1f} dB of peaks at full scale"
    cut = strip.low_cut if section == "low_cut" else strip.high_cut
    octave_hz = cut.freq_hz / 2 if section == "low_cut" else cut.freq_hz * 2
    return f"{-_cut_db(section, cut.freq_hz, _order(cut.slope_db_per_octave), octave_hz):.1f} dB at {octave_hz:.0f} Hz"


def _fitted(strip: Strip, section: SectionName, desk: Desk, kind: str) -> FittedStage:
    has_it = any(item.section == section for item in desk.parameters(kind).values())
    if not has_it:
        if not is_active(strip, section):
            return FittedStage({})
        what = f"The {described(strip, section)}, which takes {takes_db(strip, section)}"
        return FittedStage({}, lost=(f"{what}: {desk.title} has none to be set.",))
    if not is_active(strip, section):
        return FittedStage(dict(_off(strip, section, desk, kind)))
    fitted = _FITS[section](strip, section, desk, kind)
    switch = desk.scale(kind, f"{section}.on")
    values = dict(fitted.values) if switch is None else {**fitted.values, f"{section}.on": 1.0}
    return FittedStage(values, fitted.clamped, fitted.lost)


def _off(strip: Strip, section: SectionName, desk: Desk, kind: str) -> Iterator[tuple[str, float]]:
    """What switches a stage off: its switch, or what is neutral."""
    if desk.scale(kind, f"{section}.on") is not None:
        yield f"{section}.on", 0.0
        return
    for path, row in rows_of(type(strip), section).items():
        scale = desk.scale(kind, path)
        if scale is not None and row.neutral is not None:
            yield path, snapped(scale, row.neutral)


def _cut(strip: Strip, section: SectionName, desk: Desk, kind: str) -> FittedStage:
    cut: LowCut | HighCut = strip.low_cut if section == "low_cut" else strip.high_cut
    ability = desk.cut(kind, section)
    freq, slope = (desk.scale(kind, f"{section}.{name}") for name in ("freq_hz", "slope_db_per_octave"))
    wanted_slope = 6.0 * _order(cut.slope_db_per_octave)
    given_slope = ability.slope if ability is not None and slope is None else wanted_slope
    values: dict[str, float | str] = {}
    clamped = []
    given_hz = cut.freq_hz
    if freq is not None:
        values[f"{section}.freq_hz"] = given_hz = snapped(freq, cut.freq_hz)
        clamped.append(clamp_of(f"{section}.freq_hz", freq, cut.freq_hz))
    if slope is not None:
        values[f"{section}.slope_db_per_octave"] = given_slope = snapped(slope, wanted_slope)
    error_db = _cut_error_db(section, (cut.freq_hz, wanted_slope), (given_hz, given_slope))
    lost = []
    if error_db >= TOLD_DB:
        what = f"The {spoken(section)} of {quantity(cut.freq_hz, 'Hz')} and {wanted_slope:.0f} dB/oct"
        lost.append(
            f"{what} becomes {given_hz:.4g} Hz and {given_slope:.0f} dB/oct: up to {error_db:.1f} dB beside it."
        )
    return FittedStage(values, tuple(item for item in clamped if item is not None), tuple(lost))


def _gate(strip: Strip, section: SectionName, desk: Desk, kind: str) -> FittedStage:
    gate, ability = strip.gate, desk.gate(kind)
    assert ability is not None
    scales = {path: desk.scale(kind, path) for path in rows_of(Strip, section)}
    wanted = {path: float(get(strip, path)) for path in scales}
    wanted["gate.attack_ms"] = desk_ms(gate.attack_ms, ability.attack_law)
    wanted["gate.release_ms"] = desk_ms(gate.release_ms, ability.release_law)
    if scales["gate.hold_ms"] is None and ability.release_law == "half_closed":
        wanted["gate.release_ms"] += gate.hold_ms / math.log(
            2
        )  # then half of it is done when the console's gate is there
    values: dict[str, float | str] = {}
    clamped = []
    for path, scale in scales.items():
        if scale is not None and path != "gate.ratio":
            values[path] = snapped(scale, wanted[path])
            # A hold below the shortest is as good as none.
            is_short = path == "gate.hold_ms" and wanted[path] < lowest(scale)
            clamped.append(None if is_short else clamp_of(path, scale, wanted[path]))
    range_db = float(values.get("gate.range_db", _SILENT_DB))
    wanted_db = gate_db(gate.range_db, gate.ratio)
    ratio_scale = scales["gate.ratio"]
    ratio = ability.fixed_ratio
    if ratio_scale is not None:
        choices = _ratios(ratio_scale, gate, has_range=scales["gate.range_db"] is not None)
        errors = [np.square(gate_db(range_db, choice) - wanted_db).mean() for choice in choices]
        values["gate.ratio"] = ratio = choices[int(np.argmin(errors))]
    error_db = float(np.abs(gate_db(range_db, ratio) - wanted_db).mean())
    lost = [] if error_db < TOLD_DB else [_gate_loss(gate, ratio, range_db, error_db)]
    if scales["gate.hysteresis_db"] is None and gate.hysteresis_db > 0:
        lost.append(
            f"The gate's hysteresis of {gate.hysteresis_db:.1f} dB: {desk.title} has none to be set, so that it may "
            "open and close around its threshold."
        )
    return FittedStage(values, tuple(item for item in clamped if item is not None), tuple(lost))


def _gate_loss(gate: Gate, ratio: float, range_db: float, error_db: float) -> str:
    becomes = f"a ratio of {ratio:.4g}:1 and a range of {range_db:.0f} dB"
    return (
        f"The gate's ratio of {gate.ratio:.4g}:1 and range of {gate.range_db:.0f} dB become {becomes}: "
        f"{error_db:.1f} dB beside it on average in the 24 dB below the threshold."
    )


def _ratios(scale: Scale, gate: Gate, *, has_range: bool) -> list[float]:
    """List the ratios to choose of: without an end to how far it closes, a lower one may be nearer."""
    grid = grid_of(scale)
    nearest = snapped(scale, gate.ratio)
    if grid is None and not has_range:
        return [nearest, *(snapped(scale, ratio) for ratio in np.geomspace(1.01, max(gate.ratio, 1.02), _RATIO_STEPS))]
    return [nearest] if grid is None else [float(ratio) for ratio in sorted(grid, key=lambda item: item != nearest)]


def _plain(strip: Strip, section: SectionName, desk: Desk, kind: str) -> FittedStage:
    """A stage whose controls are those of the console."""
    values: dict[str, float | str] = {}
    clamped, lacking = [], []
    usual = Strip()
    for path, row in rows_of(Strip, section).items():
        scale, value = desk.scale(kind, path), float(get(strip, path))
        if scale is not None:
            values[path] = snapped(scale, value)
            clamped.append(clamp_of(path, scale, value))
        elif value != get(usual, path):
            lacking.append(f"{row.label} {quantity(value, row.unit)}")
    lost = (f"Of the {spoken(section)}, {desk.title} has no {', '.join(lacking)}.",) if lacking else ()
    return FittedStage(values, tuple(item for item in clamped if item is not None), lost)


_FITS: Final[Mapping[SectionName, Callable[[Strip, SectionName, Desk, str], FittedStage]]] = {
    "low_cut": _cut,
    "high_cut": _cut,
    "gate": _gate,
    "deesser": _plain,
    "saturation": _plain,
}


def _order(slope_db_per_octave: float) -> int:
    """Order of the console's filter, which has two slopes: between them it takes the nearer one."""
    return 4 if slope_db_per_octave >= 18 else 2


def _cut_db(section: SectionName, corner_hz: float, order: float, freq_hz: float | Floats) -> Floats:
    """Gain of a Butterworth filter; an order need not be whole."""
    ratio = np.asarray(corner_hz / freq_hz if section == "low_cut" else freq_hz / corner_hz)
    return np.asarray(-10 * np.log10(1 + ratio ** (2 * order)))


def _cut_error_db(section: SectionName, wanted: tuple[float, float], given: tuple[float, float]) -> float:
    """Largest difference of two cuts (corner, slope), as long as one of them lets anything through."""
    freqs_hz = np.geomspace(10, 24000, 400)
    curves = [np.maximum(_cut_db(section, hz, slope / 6, freqs_hz), _GONE_DB) for hz, slope in (wanted, given)]
    return float(np.abs(curves[0] - curves[1]).max())


def gate_db(range_db: float, ratio: float) -> Floats:
    """Return the gain of a closed gate for levels in the 24 dB below the threshold."""
    return np.maximum((ratio - 1) * _BELOW_DB, -range_db)
