"""Reverb and delay of a preset on an effect of a desk, and back.

Keys are the paths in the preset behind the effect's name ("reverb.decay_mid_s"); "right" in them is the second of two
sides, and the decays of lows and highs may be parts of that of the middle. How loud a desk's reverb is beside the
preset's is not known: the return's level is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ...presets.console import SEND_OFF_DB, Delay, Reverb, get, parameters, replace
from ...presets.units import quantity
from ..desks.profile import Desk
from .abilities import clamp_of, lowest, snapped
from .stages import FittedStage

EffectPart = Reverb | Delay
_PARTS: Final[Mapping[str, type[EffectPart]]] = {"reverb": Reverb, "delay": Delay}
_RATIOS: Final[Mapping[str, str]] = {"bass_ratio": "decay_low_s", "treble_ratio": "decay_high_s"}
_MIDDLE: Final = "decay_mid_s"


def fit_effect(effect: EffectPart, desk: Desk, kind: str) -> FittedStage:
    """Fit an effect to the slot that was chosen for it.

    Args:
        effect: of the preset.
        desk: with the slot (`Desk.with_effects`).
        kind: "reverb" or "delay".
    """
    values: dict[str, float | str] = {}
    clamped = []
    covered = set()
    for key, parameter in desk.parameters(kind).items():
        if parameter.constant is not None:
            values[key] = parameter.constant
            continue
        path = _path(key)
        covered.add(_RATIOS.get(path, path))
        wanted = _wanted(effect, path)
        is_off = path.endswith("_db") and wanted <= SEND_OFF_DB and not path.startswith("ducking")
        values[key] = lowest(parameter.scale) if is_off else snapped(parameter.scale, wanted)
        clamped.append(None if is_off else clamp_of(key, parameter.scale, wanted))
    return FittedStage(
        values, tuple(item for item in clamped if item is not None), tuple(_lacking(effect, desk, kind, covered))
    )


def unfit_effect(values: Mapping[str, float | str], desk: Desk, kind: str) -> EffectPart:
    """Convert the settings of an effect to one of a preset; what the desk did not tell, or lacks, is as usual.

    Args:
        values: by canonical key, in the key's unit.
        desk: with the slot.
        kind: "reverb" or "delay".
    """
    part = _PARTS[kind]()
    table = parameters(type(part))
    settings: dict[str, float] = {}
    for key, parameter in desk.parameters(kind).items():
        path = _path(key)
        if parameter.constant is None and key in values and ".right." not in key and path in table:
            settings[path] = float(values[key])
    middle_s = settings.get(_MIDDLE, get(part, _MIDDLE) if kind == "reverb" else 0.0)
    for ratio, path in _RATIOS.items():
        if f"{kind}.{ratio}" in values:
            settings[path] = middle_s * float(values[f"{kind}.{ratio}"])
        elif kind == "reverb" and path not in settings and _MIDDLE in settings:
            settings[path] = middle_s
    return replace(part, {path: table[path].clamp(value) for path, value in settings.items()})


def _path(key: str) -> str:
    """The path in the preset's effect: of both "delay.feedback" and "delay.right.feedback", "feedback"."""
    return key.partition(".")[2].removeprefix("right.")


def _wanted(effect: EffectPart, path: str) -> float:
    if path in _RATIOS:
        return get(effect, _RATIOS[path]) / get(effect, _MIDDLE)
    if path == "time_ms" and isinstance(effect, Delay):
        return effect.echo_ms
    return get(effect, path)


def _lacking(effect: EffectPart, desk: Desk, kind: str, covered: set[str]) -> Iterator[str]:
    """Say which settings of the effect have no counterpart."""
    missing = []
    for path, row in parameters(type(effect)).items():
        value = get(effect, path)
        is_idle = path.startswith("ducking.") and effect.ducking.range_db == 0
        is_off = row.scale == "level" and value <= row.low
        if path not in covered and not is_idle and not is_off:
            missing.append(f"{_words(path)} {quantity(float(f'{value:.4g}'), row.unit)}")
    if missing:
        yield f"Of the {kind}, {desk.title} has no {', '.join(missing)}."


def _words(path: str) -> str:
    stem = path
    for ending in ("_db", "_hz", "_ms", "_s"):
        stem = stem.removesuffix(ending)
    return stem.replace(".", " ").replace("_", " ")
