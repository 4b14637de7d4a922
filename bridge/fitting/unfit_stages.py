"""The other way for cuts, gate, de-esser and saturation: a desk's values as stages of the console.

What is switched off comes out neutral.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...presets.console import Strip
from ...presets.sections import rows_of, spoken
from ..desks.layout import SECTIONS
from ..desks.profile import Desk
from .compressor import preset_ms


def unfit_stages(values: Mapping[str, float | str], desk: Desk, kind: str) -> tuple[dict[str, float], list[str]]:
    """Settings of the stages by path in the console, and what the console cannot hold, in sentences.

    Args:
        values: by canonical key, in the key's unit.
        desk: where they stand.
        kind: of strip.
    """
    settings: dict[str, float] = {}
    lost: list[str] = []
    for section in SECTIONS:
        held = {key: value for key, value in values.items() if key.startswith(f"{section}.")}
        if section in {"eq", "compressor"} or not held:
            continue
        unknown = [key for key, value in held.items() if isinstance(value, str) and key in rows_of(Strip, section)]
        if not values.get(f"{section}.on", 1.0) or not values.get(f"{section}.slope_db_per_octave", 1.0):
            continue
        if unknown:
            lost.append(f"The {spoken(section)} is set to something that a preset cannot hold: it comes out neutral.")
            continue
        settings.update(_stage(held, section, desk, kind))
        lost += _odd_slope(settings, section)
    return settings, lost


def _stage(held: Mapping[str, float | str], section: str, desk: Desk, kind: str) -> Iterator[tuple[str, float]]:
    rows = rows_of(Strip, section)
    yield from ((path, float(value)) for path, value in held.items() if path in rows)
    if section == "gate" and (ability := desk.gate(kind)) is not None:
        for name, law in (("attack_ms", ability.attack_law), ("release_ms", ability.release_law)):
            if f"gate.{name}" in held:
                yield f"gate.{name}", preset_ms(float(held[f"gate.{name}"]), law)
        if ability.range_db is None:
            yield "gate.range_db", rows["gate.range_db"].high
        if ability.ratio is None:
            yield "gate.ratio", rows["gate.ratio"].clamp(ability.fixed_ratio)
        if ability.hysteresis_db is None:
            yield "gate.hysteresis_db", 0.0
        if ability.hold_ms is None:
            yield "gate.hold_ms", 0.0
    cut = desk.cut(kind, section) if section.endswith("_cut") else None
    if cut is not None and cut.slope_db_per_octave is None:
        yield f"{section}.slope_db_per_octave", cut.slope


def _odd_slope(settings: dict[str, float], section: str) -> Iterator[str]:
    """Tell of a slope that the console does not have, and give it the nearer of its two."""
    path = f"{section}.slope_db_per_octave"
    slope = settings.get(path)
    if slope is not None and slope not in (12.0, 24.0):
        settings[path] = nearer = 24.0 if slope >= 18 else 12.0
        yield f"The {spoken(section)}'s slope of {slope:g} dB/oct: a preset has 12 and 24, so that it is {nearer:g}."
