"""The compressor or gate of a plug-in: which parameter is its threshold, ratio, range, attack and so on, in which law.

The threshold is what alone moves the level at which the gain begins to change. With it in the middle, every other
parameter is told by what it moves: the slope above, the corner, all levels alike, or the time that a step of the level
takes. Levels are those of a square wave, whose peak is its level; time constants are those after which 63 % of the way
is done (of a compressor's gain in dB), or, of a gate, of an exponential that is half-way at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from .equalizer import entry
from .laws import GAIN, LEVEL, RATIO, TIME, law_of
from .rig import RATE_HZ, Floats, PluginKnob, Rig

Progress = Callable[[float, str], None]
DynamicStage = Literal["compressor", "gate"]

LEVELS_DB: Final = np.arange(-69.0, 0.1, 3.0)
_PLACES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_EVEN: Final = np.linspace(0.0, 1.0, 9)
_MIDDLE_DB: Final = -30.0
_MOVES_DB: Final = 0.3
_MOVES_SLOPE: Final = 0.08
_MOVES_TIME: Final = 1.4
# A curve that is farther from a compressor's than this is none.
_CURVE_DB: Final = 0.6
_CLOSED_DB: Final = -100.0
_NOTHING_DB: Final = 0.02
# So long takes each level; a gate may take half a second to open.
_STEP_S: Final[dict[DynamicStage, float]] = {"compressor": 0.4, "gate": 0.7}
_LAWS: Final = {"tau": 1.0, "ninety": math.log(9), "pedalboard": 2 * math.pi}
_STEPS: Final = ((_MIDDLE_DB - 15, 1.0), (_MIDDLE_DB + 18, 1.5), (_MIDDLE_DB - 15, 2.5))


@dataclass(frozen=True)
class Dynamics:
    """What was found.

    Attributes:
        stage: which stage it serves.
        section: the table of that stage.
        parameters: tables `[parameters.NAME]`.
        fixed: raw values of what has an effect and no place in the stage.
        traps: what its users should know.
    """

    stage: DynamicStage
    section: dict[str, Any]
    parameters: dict[str, dict[str, Any]]
    fixed: dict[str, float]
    traps: list[str]


@dataclass(frozen=True)
class StaticFit:
    """A static curve as numbers: threshold, slope 1 - 1/ratio, knee, and the largest distance from the curve."""

    threshold_db: float
    slope: float
    knee_db: float
    error_db: float


@dataclass
class Effects:
    """What each parameter moves, at `_PLACES`, the threshold being in the middle.

    Attributes:
        curves: static gains.
        times_s: attack and release.
    """

    curves: dict[str, list[Floats]] = field(default_factory=dict)
    times_s: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def find_dynamics(rig: Rig, dynamic: Mapping[str, list[Floats]], progress: Progress) -> Dynamics | None:
    """Find the compressor or gate; None if no parameter is the threshold of one.

    Args:
        rig: with the plug-in.
        dynamic: parameters that change the gain of some levels and not of others.
        progress: told what is being measured.
    """
    finders: tuple[tuple[DynamicStage, Callable[[Floats], float | None]], ...] = (
        ("compressor", _compressor_threshold),
        ("gate", _gate_threshold),
    )
    for stage, threshold_of in finders:
        for name in dynamic:
            points = [(float(raw), threshold_of(rig.level_gains_db({name: float(raw)}, LEVELS_DB))) for raw in _EVEN]
            known = [(raw, value) for raw, value in points if value is not None]
            if len(known) >= 3 and abs(known[-1][1] - known[0][1]) > 12:
                return _found(rig, stage, rig.knob(name), known, progress)
    return None


def fit_static(gains_db: Floats) -> StaticFit:
    """The compressor whose curve is nearest to the gains at `LEVELS_DB`; makeup is taken off."""
    from scipy.optimize import least_squares

    change = gains_db - gains_db[0]
    if float(np.abs(change).max()) < _NOTHING_DB:
        return StaticFit(0.0, 0.0, 0.0, 0.0)
    over = np.flatnonzero(change < -0.5)
    start_db = float(LEVELS_DB[over[0]]) - 1 if len(over) else 0.0
    slope = float(np.clip(-(change[-1] - change[-2]) / (LEVELS_DB[-1] - LEVELS_DB[-2]), 0.05, 1.0))

    def distance(x: Floats) -> Floats:
        return np.asarray(curve_db(x[0], x[1], x[2]) - change)

    bounds = ([-100.0, -0.2, 0.0], [20.0, 1.05, 40.0])
    fits = [least_squares(distance, [start_db, slope, knee], bounds=bounds) for knee in (0.1, 8.0)]
    best = min(fits, key=lambda fit: float(fit.cost))
    return StaticFit(float(best.x[0]), float(best.x[1]), float(best.x[2]), float(np.abs(best.fun).max()))


def curve_db(threshold_db: float, slope: float, knee_db: float) -> Floats:
    """The gain of a compressor at `LEVELS_DB`."""
    above = np.maximum(LEVELS_DB - (threshold_db - knee_db / 2), 0)
    inside = np.minimum(above, knee_db)
    return np.asarray(-slope * (above - inside + (inside**2 / (2 * knee_db) if knee_db > 0 else 0)))


def _compressor_threshold(gains_db: Floats) -> float | None:
    change = gains_db - gains_db[0]
    if change.max() > _CURVE_DB or change.min() > -2.0:
        return None
    fit = fit_static(gains_db)
    inside = LEVELS_DB[1] < fit.threshold_db < LEVELS_DB[-3]
    return fit.threshold_db if inside and fit.error_db < _CURVE_DB and fit.slope > 0.05 else None


def _gate_threshold(gains_db: Floats) -> float | None:
    open_db = gains_db[-1]
    closed = np.flatnonzero(gains_db < open_db - 3.0)
    if len(closed) == 0 or len(closed) != closed[-1] + 1:
        return None
    return float(LEVELS_DB[closed[-1]] + LEVELS_DB[closed[-1] + 1]) / 2


def _found(
    rig: Rig, stage: DynamicStage, threshold: PluginKnob, points: list[tuple[float, float]], progress: Progress
) -> Dynamics:
    ordered = sorted(points, key=lambda point: point[1])
    at = float(np.interp(_MIDDLE_DB, [value for _, value in ordered], [raw for raw, _ in ordered]))
    base = {threshold.name: at}
    effects = Effects()
    others = [knob for knob in rig.knobs if knob.name != threshold.name]
    for number, knob in enumerate(others):
        progress(0.5 * number / len(others), f"what {knob.label} does")
        values = [{**base, knob.name: raw} for raw in _PLACES]
        effects.curves[knob.name] = [rig.level_gains_db(value, LEVELS_DB, _STEP_S[stage]) for value in values]
        effects.times_s[knob.name] = [times_s(rig.gains_over_time_db(value, _STEPS), stage) for value in values]
    plain = rig.level_gains_db(base, LEVELS_DB, _STEP_S[stage])
    plain_times = times_s(rig.gains_over_time_db(base, _STEPS), stage)
    progress(0.6, "threshold")
    if stage == "gate":
        points = [(raw, _exact_gate(rig, threshold, raw, value)) for raw, value in points]
    parameters = {threshold.name: entry(threshold, _need(law_of(threshold, points, LEVEL)))}
    roles = _roles(stage, others, effects, plain, plain_times)
    section: dict[str, Any] = {"threshold": threshold.name}
    traps: list[str] = []
    for role, knob in roles.items():
        progress(0.7, role)
        measured = _law_of_role(rig, stage, role, knob, base, traps)
        if measured is not None:
            section |= measured[1]
            section[role] = knob.name
            parameters[knob.name] = entry(knob, measured[0])
    fixed = dict(_fixed(stage, others, section, effects, plain, plain_times, traps))
    if stage == "compressor":
        section |= _constants(rig, base, plain, section)
    return Dynamics(stage, section, parameters, fixed, traps)


def _need(scale: dict[str, Any] | None) -> dict[str, Any]:
    # The points of a threshold rise or fall by more than 12 dB: there is a table at least.
    return scale or {"kind": "linear", "low": -60, "high": 0, "wire": (0, 1)}


def times_s(gains_db: Floats, stage: DynamicStage) -> tuple[float, float]:
    """Time constants of the first and the second step of `_STEPS`; nan where nothing moves."""
    edges = np.cumsum([int(seconds * RATE_HZ) for _, seconds in _STEPS])
    rising, falling = gains_db[edges[0] : edges[1]], gains_db[edges[1] :]
    before, during = float(np.median(gains_db[edges[0] - 4800 : edges[0]])), float(np.median(rising[-4800:]))
    if stage == "compressor":
        return _way(rising, before, during, 0.632), _way(falling, during, before, 0.632)
    opening, closing = 10 ** (rising / 20), 10 ** (falling / 20)
    shut, wide = 10 ** (before / 20), 10 ** (during / 20)
    first = np.argmax(closing < wide * 0.995) / RATE_HZ  # after its hold
    return _way(opening, shut, wide, 0.5) / math.log(2), (_way(closing, wide, shut, 0.5) - first) / math.log(2)


def _way(values: Floats, start: float, end: float, share: float) -> float:
    """When values have done a share of the way from one to the other, in s; nan if they do not."""
    if abs(end - start) < 1e-3:
        return math.nan
    done = (values - start) / (end - start) >= share
    return float(np.argmax(done)) / RATE_HZ if done.any() else math.nan


def _roles(
    stage: DynamicStage, knobs: list[PluginKnob], effects: Effects, plain: Floats, plain_times: tuple[float, float]
) -> dict[str, PluginKnob]:
    """The parameter of each role: the one that moves most of what the role is, and nothing else."""
    scores: dict[str, list[tuple[float, PluginKnob]]] = {}
    for knob in knobs:
        moved = _moved(stage, effects.curves[knob.name], effects.times_s[knob.name], plain, plain_times)
        if moved is not None:
            scores.setdefault(moved[0], []).append((moved[1], knob))
    return {role: max(found, key=lambda item: item[0])[1] for role, found in scores.items()}


def _moved(
    stage: DynamicStage,
    curves: list[Floats],
    times: list[tuple[float, float]],
    plain: Floats,
    plain_times: tuple[float, float],
) -> tuple[str, float] | None:
    """What a parameter moves, and how much; None if that is nothing or no single thing."""
    heard = plain > _CLOSED_DB
    changes = [(curve - plain)[heard] for curve in curves]
    alike = max(float(np.ptp(change)) for change in changes)
    if alike < _MOVES_DB and max(float(np.abs(change).max()) for change in changes) > 1.0:
        return "makeup", 1.0
    if stage == "gate" and (span := _range_span(curves, plain)) is not None:
        return "range", span
    if alike < _MOVES_DB or stage == "gate":
        return _moved_time(times, plain_times) if alike < _MOVES_DB else None
    fits = [fit_static(curve) for curve in curves]
    slope, knee = (float(np.ptp([getattr(fit, name) for fit in fits])) for name in ("slope", "knee_db"))
    if max(fit.error_db for fit in fits) > _CURVE_DB or (slope <= _MOVES_SLOPE and knee <= 1.0):
        return None
    return ("ratio", slope) if slope > _MOVES_SLOPE else ("knee", knee)


def _moved_time(times: list[tuple[float, float]], plain: tuple[float, float]) -> tuple[str, float] | None:
    """Whether it is the attack or the release that moves."""
    moves = []
    for index in range(2):
        values = [time[index] for time in times if math.isfinite(time[index]) and time[index] > 0]
        moves.append(max(values) / min(values) if len(values) > 2 and math.isfinite(plain[index]) else 1.0)
    best = int(np.argmax(moves))
    return (("attack", "release")[best], math.log(moves[best])) if moves[best] > _MOVES_TIME else None


def _range_span(curves: list[Floats], plain: Floats) -> float | None:
    """By how much a gate's closed gain moves, if the open one stays."""
    is_open = np.abs(plain - plain[-1]) < 1.0
    if is_open.all() or any(float(np.abs(curve[is_open] - plain[is_open]).max()) > 1.0 for curve in curves):
        return None
    closed = [float(np.median(curve[~is_open][:-1])) for curve in curves]
    return float(np.ptp(closed)) if np.ptp(closed) > 6.0 else None


def _law_of_role(
    rig: Rig, stage: DynamicStage, role: str, knob: PluginKnob, base: Mapping[str, float], traps: list[str]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The scale of a role's parameter, and what its section says beside."""
    if role in ("attack", "release"):
        return _time_law(rig, stage, role, knob, base)
    curves = [(float(raw), rig.level_gains_db({**base, knob.name: float(raw)}, LEVELS_DB)) for raw in _EVEN]
    if role == "makeup":
        index = -1 if stage == "gate" else 0
        scale = law_of(knob, [(raw, float(curve[index])) for raw, curve in curves], GAIN)
    elif role == "range":
        points = [(raw, -_closed_db(curve)) for raw, curve in curves]
        finite = [(raw, value) for raw, value in points if value < -_CLOSED_DB]
        if len(finite) < len(points):
            traps.append(f"{knob.label} closes wholly at the end of its range.")
        turned = None if knob.low is None or knob.high is None else (-knob.low, -knob.high)
        shown = knob if turned is None else PluginKnob(knob.name, knob.label, knob.unit, *turned, knob.default)
        scale = law_of(shown, finite, LEVEL)
    elif role == "ratio":
        fits = [(raw, fit_static(curve)) for raw, curve in curves]
        scale = law_of(knob, [(raw, 1 / max(1 - fit.slope, 0.01)) for raw, fit in fits], RATIO)
    else:
        scale = law_of(knob, [(raw, fit_static(curve).knee_db) for raw, curve in curves], LEVEL)
    return None if scale is None else (scale, {})


def _closed_db(curve: Floats) -> float:
    return float(np.median(curve[LEVELS_DB < _MIDDLE_DB - 6] - curve[-1]))


def _time_law(
    rig: Rig, stage: DynamicStage, role: str, knob: PluginKnob, base: Mapping[str, float]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    index = ("attack", "release").index(role)
    measured = [
        (float(raw), 1000 * times_s(rig.gains_over_time_db({**base, knob.name: float(raw)}, _STEPS), stage)[index])
        for raw in _EVEN
    ]
    # Two samples, or none at all: shorter than can be told.
    points = [(raw, tau_ms) for raw, tau_ms in measured if math.isfinite(tau_ms) and tau_ms > 2000 / RATE_HZ]
    for law, factor in _LAWS.items():
        scale = law_of(knob, points, TIME, factor)
        if scale is not None and (scale.get("low"), scale.get("high")) == (knob.low, knob.high):
            return scale, {f"{role}_law": law}
    scale = law_of(knob, points, TIME)
    return None if scale is None else (scale, {f"{role}_law": "tau"})


def _exact_gate(rig: Rig, threshold: PluginKnob, raw: float, near_db: float) -> float:
    """The level at which a gate opens, within 0.1 dB."""
    levels = np.arange(near_db - 2.0, near_db + 2.1, 0.2)
    gains = rig.level_gains_db({threshold.name: raw}, levels, 0.3)
    closed = np.flatnonzero(gains < gains[-1] - 3.0)
    return float(levels[closed[-1]]) + 0.1 if len(closed) else near_db


def _fixed(
    stage: DynamicStage,
    knobs: list[PluginKnob],
    section: Mapping[str, Any],
    effects: Effects,
    plain: Floats,
    plain_times: tuple[float, float],
    traps: list[str],
) -> Iterator[tuple[str, float]]:
    """What has an effect and no role: it stays where it was, or where the curve is a compressor's."""
    roles = set(section.values())
    for knob in knobs:
        if knob.name in roles:
            continue
        change = max(float(np.abs(curve - plain).max()) for curve in effects.curves[knob.name])
        if change > _MOVES_DB:
            yield knob.name, knob.default
            if stage == "compressor" and (rise := _rise_db(effects.curves[knob.name])) > 1.0:
                traps.append(
                    f"{knob.label} turns up what is below the threshold, by {rise:.1f} dB at most: "
                    "it stays where it was."
                )
        elif _moved_time(effects.times_s[knob.name], plain_times) is not None:
            yield knob.name, knob.default


def _rise_db(curves: list[Floats]) -> float:
    return max(float((curve - curve[0]).max()) for curve in curves)


def _constants(rig: Rig, base: Mapping[str, float], plain: Floats, section: Mapping[str, Any]) -> dict[str, Any]:
    """What a compressor takes a sine for, and what it has without a control."""
    fit = fit_static(plain)
    tone = rig.tone_gains_db(base, LEVELS_DB)
    above = (fit.threshold_db + 10 < LEVELS_DB) & (tone - tone[0] < -1)
    offset = (
        float(np.median((LEVELS_DB - fit.threshold_db + (tone - tone[0]) / fit.slope)[above])) if above.any() else 0
    )
    constants: dict[str, Any] = {
        "level_offset_db": round(offset, 2),
        "detector": "rms" if abs(offset - 10 * math.log10(2)) < 0.3 else "peak",
        "error_db": round(fit.error_db, 3),
    }
    if "ratio" not in section:
        constants["fixed_ratio"] = round(min(max(1 / max(1 - fit.slope, 0.001), 1.0), 1000.0), 3)
    if "knee" not in section:
        constants["fixed_knee_db"] = round(fit.knee_db, 2) if fit.knee_db > 0.5 else 0.0
    return constants
