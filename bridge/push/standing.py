"""What need not be set, since the desk stands so already, in its own way.

A preset cannot hold all that a desk has: filters of other kinds, settings of sections that are off, modes. So a section
of a preset that says just what the desk's section says to a preset is left alone, and what was pulled from a desk and
is pushed again changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...presets.console import Delay, Master, Reverb, Strip, get, parameters
from ...presets.errors import DeskError
from ...presets.preset import Preset
from ...presets.sections import SectionName
from ..desks.keys import is_plugged, section_of
from ..desks.layout import EFFECTS
from ..desks.profile import Desk, Setting
from ..desks.scales import WireValue
from ..fitting.effects import unfit_effect
from ..fitting.unfit import unfit
from .plan import Plan, StripPlan
from .scope import BUS, MASTER

# Where each of these depends on the others: makeup may be on the fader, thresholds go with the trim.
_LEVELS: frozenset[SectionName] = frozenset({"trim", "compressor", "fader"})
# What else goes with the trim.
_THRESHOLDS: frozenset[SectionName] = frozenset({"gate", "deesser", "saturation"})
_UNKNOWN = "unknown"
# A preset's file keeps six digits.
_SAME = 2e-5


def questions(plan: Plan) -> list[Setting]:
    """List what has to be read so that it can be told what stands already."""
    return [
        question for strip in plan.strips for question in plan.desk.questions(strip.placed.kind, strip.placed.number)
    ]


def keeping(plan: Plan, preset: Preset, answers: Mapping[Setting, WireValue | None], sample_rate_hz: int) -> Plan:
    """The plan without changes to sections that say the same already.

    Args:
        plan: what is to be set.
        preset: of which it was made.
        answers: what the desk has, for all of :func:`questions` that it can be asked.
        sample_rate_hz: of the desk.
    """
    values: dict[str, dict[str, float | str]] = {}
    for setting, wire in answers.items():
        if wire is not None:
            note(values.setdefault(setting.strip, {}), setting, wire)
    return replace(plan, strips=tuple(_kept(strip, preset, values, plan.desk, sample_rate_hz) for strip in plan.strips))


def note(values: dict[str, float | str], setting: Setting, wire: WireValue) -> None:
    """Add a value in its unit; an unknown filter or mode of a gate gets a name, other unknown values are left out."""
    try:
        values[setting.key] = setting.scale.decode(wire)
    except DeskError:
        if (setting.key.startswith("eq.") and setting.key.endswith(".type")) or setting.key.startswith("gate."):
            values[setting.key] = _UNKNOWN


def _kept(
    strip: StripPlan, preset: Preset, values: Mapping[str, dict[str, float | str]], desk: Desk, sample_rate_hz: int
) -> StripPlan:
    if not strip.rows:
        return strip
    told = values.get(strip.rows[0].setting.strip, {})
    there = {key: value for key, value in told.items() if not is_plugged(key)}
    kind = strip.placed.kind
    if kind in EFFECTS:
        sections = set(_equal_effect(preset, there, desk, kind))
    else:
        wanted = _wanted(strip, preset)
        sections = set(_equal_sections(wanted, unfit(there, desk, kind, sample_rate_hz).strip))
        if "trim" not in sections:
            sections -= _THRESHOLDS
        if not sections >= _LEVELS & _in_use(strip):
            sections -= _LEVELS
    if kind == MASTER:
        sections.add("pan")  # a preset has none for the master
    rows = (
        replace(row, keeps=section_of(row.setting.key) in sections and not is_plugged(row.setting.key))
        for row in strip.rows
    )
    return replace(strip, rows=tuple(rows))


def _wanted(strip: StripPlan, preset: Preset) -> Strip | Master:
    if strip.placed.kind == MASTER:
        return preset.master
    return preset.bus(strip.placed.track).strip if strip.placed.kind == BUS else preset.track(strip.placed.track).strip


def _equal_effect(preset: Preset, there: Mapping[str, float | str], desk: Desk, kind: str) -> Iterable[SectionName]:
    """The effect's section, if the desk's says the same already."""
    wanted: Reverb | Delay = preset.reverb if kind == "reverb" else preset.delay
    has = unfit_effect(there, desk, kind)
    type_key = f"{kind}.type"
    is_right = type_key not in there or there[type_key] == desk.effects[kind].model
    if is_right and all(_is_same(get(wanted, path), get(has, path)) for path in parameters(type(wanted))):
        yield kind


def _in_use(strip: StripPlan) -> frozenset[SectionName]:
    """The sections whose levels the push would set; thresholds count on the trim even if it is not touched."""
    return frozenset({section_of(row.setting.key) for row in strip.rows}) | {"trim"}


def _equal_sections(a: Strip | Master, b: Strip | Master) -> Iterable[SectionName]:
    table = parameters(type(a))
    equal: dict[SectionName, bool] = {}
    for path, row in table.items():
        same = _is_same(get(a, path), get(b, path))
        equal[row.section] = equal.get(row.section, True) and same
    return (section for section, is_equal in equal.items() if is_equal)


def _is_same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_SAME, abs_tol=_SAME)
