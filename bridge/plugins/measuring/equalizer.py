"""The equalizer of a plug-in: which parameter is the gain, frequency and Q of which band, and in which law.

A gain is what alone changes the response in one place, level or no level. With it turned up, whatever moves that place
is the frequency, whatever widens it the Q, whatever takes it away a switch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ..sections import BandKind, Design
from .bands import AUDIBLE_DB, DESIGNS, BandFit, best_fit, fit_band, kind_of_response, shape_of, slope_of
from .laws import FREQ, GAIN, QUALITY, law_of, shown_octaves
from .rig import FREQS_HZ, RATE_HZ, Floats, PluginKnob, Rig

Progress = Callable[[float, str], None]

_PLACES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_WANTED_DB: Final = 9.0
# A formula that comes no nearer than this is none.
_FORMULA_DB: Final = 0.25
# So much in ratio has a frequency or Q to move before a parameter is said to move it.
_MOVES: Final = 0.15
# Narrower bells are beyond what the analysis tells apart.
_HIGHEST_Q: Final = 80.0
_GRAPHIC_BANDS: Final = 5
_DENSE: Final = np.concatenate([[0.0], np.geomspace(0.01, 1.0, 32)])
_EVEN: Final = np.linspace(0.0, 1.0, 13)


@dataclass
class FoundBand:
    """A band that was found.

    Attributes:
        gain: its knob.
        kind: what it does.
        at: raw value of its gain that gives about 9 dB.
        gain_points: (raw, dB).
        roles: its other parameters by what they are: "freq", "q", "on".
        on_raw: raw value of its switch that lets it work.
        design: its formula.
        data: the tables of the profile.
    """

    gain: PluginKnob
    kind: BandKind
    at: float
    gain_points: list[tuple[float, float]]
    roles: dict[str, PluginKnob] = field(default_factory=dict)
    design: Design = "cookbook"
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundEq:
    """What was found.

    Attributes:
        eq: table `[eq]` of the profile.
        parameters: tables `[parameters.NAME]`.
        traps: what its users should know.
    """

    eq: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    traps: list[str]


def find_equalizer(rig: Rig, responses: Mapping[str, list[Floats]], progress: Progress) -> FoundEq | None:
    """Find the equalizer; None if no parameter is the gain of a band.

    Args:
        rig: with the plug-in.
        responses: by parameter: what the response is at the raw values 0, 1/4, 1/2, 3/4, 1, all others at default, of
            those that move it, whatever the level.
        progress: told what is being measured.
    """
    flat = rig.response_db({})
    bands = [band for name, curves in responses.items() if (band := _gain_of(rig.knob(name), curves, flat))]
    if not bands:
        return None
    output = next((rig.knob(name) for name, curves in responses.items() if _is_output(curves, flat)), None)
    taken = {band.gain.name for band in bands} | ({output.name} if output else set())
    free = [knob for knob in rig.knobs if knob.name not in taken]
    parameters: dict[str, dict[str, Any]] = {}
    for number, band in enumerate(bands):
        progress(number / len(bands), f"band {number + 1} of {len(bands)}: {band.gain.label}")
        _find_roles(rig, band, free, flat)
    _spread_roles(bands)
    for number, band in enumerate(bands):
        progress(number / len(bands), f"laws of band {number + 1} of {len(bands)}: {band.gain.label}")
        parameters |= _measure_band(rig, band, flat)
    measured = [band for band in bands if band.data]
    if not measured:
        return None
    if sum("freq" not in band.data for band in measured) >= _GRAPHIC_BANDS:
        for band in measured:
            band.data["kinds"] = ["graphic"] if "freq" not in band.data else band.data["kinds"]
    _name_slots(measured)
    eq: dict[str, Any] = {"bands": [band.data for band in measured]}
    if output is not None and (scale := _output_law(rig, output, flat)):
        eq["output"] = output.name
        parameters[output.name] = entry(output, scale)
    return FoundEq(eq, parameters, list(_traps(measured)))


def entry(knob: PluginKnob, scale: dict[str, Any]) -> dict[str, Any]:
    """The table of a parameter."""
    return {"label": knob.label, "unit": knob.unit, "scale": scale}


def _gain_of(knob: PluginKnob, curves: list[Floats], flat: Floats) -> FoundBand | None:
    """The band whose gain a parameter is; None if it is none."""
    moved = [curve - flat for curve in curves]
    if not all(np.isfinite(curve).all() for curve in moved):
        return None
    sizes = [float(curve[np.argmax(np.abs(curve))]) for curve in moved]
    # Of the usual size, where a shelf is no cut yet.
    usual = int(np.argmin(np.abs(np.abs(sizes) - _WANTED_DB)))
    kind = kind_of_response(moved[usual])
    if kind is None or kind in ("low_cut", "high_cut"):
        return None
    steps = np.diff(sizes)
    if not (np.all(steps > -0.05) or np.all(steps < 0.05)) or np.ptp(sizes) < 1.0:
        return None
    goal = min(_WANTED_DB, max(sizes)) if max(sizes) > 3 else max(-_WANTED_DB, min(sizes))
    order = np.argsort(sizes)
    at = float(np.interp(goal, np.array(sizes)[order], np.array(_PLACES)[order]))
    return FoundBand(knob, kind, at, [])


def _is_output(curves: list[Floats], flat: Floats) -> bool:
    moved = [curve - flat for curve in curves]
    return all(float(np.ptp(curve)) < 0.1 for curve in moved) and max(float(np.abs(curve).max()) for curve in moved) > 1


def _find_roles(rig: Rig, band: FoundBand, free: list[PluginKnob], flat: Floats) -> None:
    """What the other parameters do to a band that is turned up."""
    base = rig.response_db({band.gain.name: band.at}) - flat
    design: Design = "analogue" if band.kind == "bell" else "cookbook"
    before = fit_band(band.kind, design, base)
    for knob in free:
        # Two places tell whether it does anything at all to this band.
        tries = [rig.response_db({band.gain.name: band.at, knob.name: raw}, is_quick=True) for raw in (0.15, 0.6, 1.0)]
        if max(float(np.abs(curve - flat - base).max()) for curve in tries) < AUDIBLE_DB:
            continue
        alone = rig.response_db({knob.name: 0.6}, is_quick=True)
        if float(np.abs(alone - flat).max()) > AUDIBLE_DB:
            continue
        fits = [best_fit(band.kind, design, curve - flat, before) for curve in tries]
        role = _role(band.kind, before, fits)
        if role is not None:
            band.roles.setdefault(role, knob)


def _role(kind: BandKind, before: BandFit, fits: list[BandFit]) -> str | None:
    told = [fit for fit in fits if abs(fit.gain_db) > abs(before.gain_db) / 3]
    if not told:
        return "on"
    freq = max(abs(math.log(fit.freq_hz / before.freq_hz)) for fit in told)
    q = max(abs(math.log(fit.q / before.q)) for fit in told)
    if max(freq, q) < _MOVES:
        return None
    # The Q of a shelf cannot be told where the shelf is at the end of the range.
    return "freq" if freq > (q if kind == "bell" else _MOVES) else "q"


def _spread_roles(bands: list[FoundBand]) -> None:
    """A switch that works on several bands is that of the whole: left as it is."""
    for role in ("on",):
        names = [band.roles[role].name for band in bands if role in band.roles]
        for band in bands:
            if role in band.roles and names.count(band.roles[role].name) > 1:
                del band.roles[role]


def _measure_band(rig: Rig, band: FoundBand, flat: Floats) -> dict[str, dict[str, Any]]:
    """The laws of a band's parameters; its tables, and those of its parameters."""
    band.design, error_db = _design(rig, band, flat)
    gains = list(_sweep(rig, band, band.gain, _EVEN, flat))
    peak = _peak_points(rig, band, flat) if error_db > _FORMULA_DB else [(raw, fit.gain_db) for raw, fit in gains]
    gain_scale = law_of(band.gain, peak, GAIN)
    if gain_scale is None:
        return {}
    parameters = {band.gain.name: entry(band.gain, gain_scale)}
    data: dict[str, Any] = {"kinds": [band.kind], "design": band.design, "gain": band.gain.name}
    middle = fit_band(band.kind, band.design, rig.response_db({band.gain.name: band.at}) - flat)
    for role, places, tolerance in (("freq", _EVEN, FREQ), ("q", _DENSE, QUALITY)):
        knob = band.roles.get(role)
        if knob is None or error_db > _FORMULA_DB:
            continue
        swept = _sweep(rig, band, knob, places, flat, middle)
        # Where a band loses its gain, its other numbers mean nothing.
        fits = [(raw, fit) for raw, fit in swept if _is_good(fit) and abs(fit.gain_db - middle.gain_db) < 1.0]
        points = [(float(raw), fit.freq_hz if role == "freq" else fit.q) for raw, fit in fits]
        scale = (shown_octaves(knob, points) if role == "q" else None) or law_of(knob, points, tolerance)
        if scale is not None:
            parameters[knob.name] = entry(knob, scale)
            data[role] = knob.name
            error_db = max(error_db, float(np.median([fit.error_db for _, fit in fits])))
    if (switch := band.roles.get("on")) is not None:
        data["on"] = switch.name
        is_on = rig.defaults[switch.name] >= 0.5
        parameters[switch.name] = entry(switch, {"kind": "switch", "wire": (0, 1) if is_on else (1, 0), "type": "f"})
    if "freq" not in data:
        data["freq_hz"] = round(middle.freq_hz, 3)
    if "q" not in data:
        data |= _constant_q(rig, band, flat, middle)
    if error_db > _FORMULA_DB:
        error_db = _tabulate(rig, band, data, flat)
    band.data = {**data, "error_db": round(error_db, 3)}
    return parameters


def _design(rig: Rig, band: FoundBand, flat: Floats) -> tuple[Design, float]:
    """The formula that is nearest, high up where they differ, and its error."""
    values = {band.gain.name: band.at}
    candidates = [rig.response_db(values) - flat]
    freq = band.roles.get("freq")
    if freq is not None:
        high = [rig.response_db({**values, freq.name: raw}) - flat for raw in np.linspace(0.1, 1.0, 10)]
        tops = [abs(math.log(fit_band(band.kind, "analogue", curve).freq_hz / 9000.0)) for curve in high]
        candidates.append(high[int(np.argmin(tops))])
    errors = {
        design: max(fit_band(band.kind, design, curve).error_db for curve in candidates)
        for design in (DESIGNS if band.kind == "bell" else DESIGNS[:2])
    }
    best = min(errors, key=lambda design: errors[design])
    # Of two that are as good, the simpler one.
    near: Design = next(design for design in errors if errors[design] <= errors[best] + 0.002)
    return near, errors[near]


def _sweep(
    rig: Rig, band: FoundBand, knob: PluginKnob, places: Floats, flat: Floats, start: BandFit | None = None
) -> Iterator[tuple[float, BandFit]]:
    """The band at each raw value of a parameter; each fit begins where the last one ended."""
    for raw in places:
        curve = rig.response_db({band.gain.name: band.at, knob.name: float(raw)}) - flat
        if float(np.abs(curve).max()) < AUDIBLE_DB / 3:
            yield float(raw), BandFit(0.0, 1000.0, 1.0, 0.0)
            continue
        fit = best_fit(band.kind, band.design, curve, start)
        start = fit if _is_good(fit) else start
        yield float(raw), fit


def _is_good(fit: BandFit) -> bool:
    return (
        fit.error_db < _FORMULA_DB
        and abs(fit.gain_db) > 2.0
        and 22.0 < fit.freq_hz < 0.46 * RATE_HZ
        and fit.q < _HIGHEST_Q
    )


def _peak_points(rig: Rig, band: FoundBand, flat: Floats) -> list[tuple[float, float]]:
    """The gain in the band's middle, for a band that has no formula."""
    top = rig.response_db({band.gain.name: band.at}) - flat
    place = _middle(top)
    curves = [(float(raw), rig.response_db({band.gain.name: float(raw)}) - flat) for raw in _EVEN]
    return [(raw, float(curve[place])) for raw, curve in curves]


def _middle(curve: Floats) -> int:
    """Where the middle of what stands out of a response is."""
    inside = np.flatnonzero(np.abs(curve) > np.abs(curve).max() * 0.7)
    return round(float(inside.mean()))


def _constant_q(rig: Rig, band: FoundBand, flat: Floats, middle: BandFit) -> dict[str, Any]:
    """What stays of a band without a Q: its Q, or its slope if it is a shelf."""
    if band.kind == "bell":
        return {"fixed_q": round(middle.q, 4)}
    weak_at = rig.defaults[band.gain.name] + (band.at - rig.defaults[band.gain.name]) / 3
    weak = fit_band(band.kind, band.design, rig.response_db({band.gain.name: weak_at}) - flat)
    if abs(math.log(weak.q / middle.q)) < 0.004:
        return {"fixed_q": round(middle.q, 4)}
    slopes = slope_of(weak), slope_of(middle)
    if abs(slopes[0] - slopes[1]) < 0.02 * abs(slopes[1]) and 0 < slopes[1] <= 2:
        return {"slope": round(slopes[1], 4), "fixed_q": round(middle.q, 4)}
    return {"fixed_q": round(middle.q, 4)}


def _tabulate(rig: Rig, band: FoundBand, data: dict[str, Any], flat: Floats) -> float:
    """Gives a band without a formula its measured shapes; returns the error half-way between two of them."""
    samples = 1 << 18
    freqs_hz = np.asarray(np.fft.rfftfreq(samples, 1 / RATE_HZ), np.float64)
    kept = freqs_hz > 10.0
    start = rig.defaults[band.gain.name]
    zero = _fine_db(rig, {}, samples)
    size = _middle(rig.response_db({band.gain.name: band.at}) - flat)
    curves: dict[float, Floats] = {}
    for share in (0.2, 0.6, 1.0):
        raw = start + (band.at - start) * share
        curve = _fine_db(rig, {band.gain.name: raw}, samples) - zero
        curves[float(np.interp(FREQS_HZ[size], freqs_hz, curve))] = curve
    full = curves[max(curves, key=abs)]
    inside = freqs_hz[np.abs(full) > np.abs(full).max() / 2]
    data["freq_hz"] = round(float(np.sqrt(max(inside[0], 1.0) * inside[-1])), 2)
    small, half, large = sorted(curves, key=abs)
    shapes = [shape_of(gain, data["freq_hz"], curves[gain][kept], freqs_hz[kept]) for gain in (small, large)]
    data |= {"design": "table", "shapes": [shape.model_dump(mode="json", exclude_none=True) for shape in shapes]}
    between = curves[small] + (curves[large] - curves[small]) * (half - small) / (large - small)
    heard = (freqs_hz > 20) & (freqs_hz < 20000)
    return float(np.abs(between - curves[half])[heard].max())


def _fine_db(rig: Rig, values: Mapping[str, float], samples: int) -> Floats:
    rig.set(values)
    return np.asarray(20 * np.log10(np.maximum(np.abs(np.fft.rfft(rig.impulse(samples))), 1e-10)))


def _output_law(rig: Rig, knob: PluginKnob, flat: Floats) -> dict[str, Any] | None:
    points = [(float(raw), float(np.median(rig.response_db({knob.name: float(raw)}) - flat))) for raw in _EVEN]
    return law_of(knob, points, GAIN)


def _name_slots(bands: list[FoundBand]) -> None:
    """Slots: "low" and "high" for the only shelf of its side; the others are counted, by frequency if it is fixed."""
    for kind, slot in (("low_shelf", "low"), ("high_shelf", "high")):
        of_kind = [band for band in bands if band.kind == kind]
        for number, band in enumerate(of_kind, 1):
            band.data["slot"] = slot if len(of_kind) == 1 else f"{slot}{number}"
    for number, band in enumerate((band for band in bands if "slot" not in band.data), 1):
        band.data["slot"] = str(number) if "freq" in band.data else f"{band.data['freq_hz']:.0f}hz"
    seen: set[str] = set()
    for number, band in enumerate(bands, 1):
        if band.data["slot"] in seen:
            band.data["slot"] = f"{band.data['slot']}-{number}"
        seen.add(band.data["slot"])


def _traps(bands: list[FoundBand]) -> Iterator[str]:
    if any(band.data["design"] == "table" for band in bands):
        yield "Some of its bands follow no formula that is known: their measured shapes stand here."
    lost = [band.gain.label for band in bands if "freq" not in band.data and "freq" in band.roles]
    if lost:
        yield f"The frequency of {', '.join(lost)} could not be measured in a law: it stays where it was."
