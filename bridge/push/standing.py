"""What need not be set, since the desk stands so already, in its own way.

A preset cannot hold all that a desk has: filters of other kinds, settings of sections that are off, modes. So a section
of a preset that says just what the desk's section says to a preset is left alone, and what was pulled from a desk and
is pushed again changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...presets.console import Master, Strip, get, parameters
from ...presets.errors import DeskError
from ...presets.preset import Preset
from ...presets.sections import SectionName
from ..desks.keys import section_of
from ..desks.profile import Desk, Setting
from ..desks.scales import WireValue
from ..fitting.unfit import unfit
from .plan import Plan, StripPlan
from .scope import MASTER

# Where each of these depends on the others: makeup may be on the fader, thresholds go with the trim.
_LEVELS: frozenset[SectionName] = frozenset({"trim", "compressor", "fader"})
_UNKNOWN = "unknown filter"
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
    """Add a value in its unit; an unknown filter gets a name, other unknown values are left out."""
    try:
        values[setting.key] = setting.scale.decode(wire)
    except DeskError:
        if setting.key.startswith("eq.") and setting.key.endswith(".type"):
            values[setting.key] = _UNKNOWN


def _kept(
    strip: StripPlan, preset: Preset, values: Mapping[str, dict[str, float | str]], desk: Desk, sample_rate_hz: int
) -> StripPlan:
    if not strip.rows:
        return strip
    is_master = strip.placed.kind == MASTER
    wanted: Strip | Master = preset.master if is_master else preset.track(strip.placed.track).strip
    there = unfit(values.get(strip.rows[0].setting.strip, {}), desk, strip.placed.kind, sample_rate_hz).strip
    sections = set(_equal_sections(wanted, there))
    if not sections >= _LEVELS & _in_use(strip):
        sections -= _LEVELS
    if is_master:
        sections.add("pan")  # a preset has none for the master
    rows = (replace(row, keeps=section_of(row.setting.key) in sections) for row in strip.rows)
    return replace(strip, rows=tuple(rows))


def _in_use(strip: StripPlan) -> frozenset[SectionName]:
    """The sections whose levels the push would set; thresholds count on the trim even if it is not touched."""
    return frozenset({section_of(row.setting.key) for row in strip.rows}) | {"trim"}


def _equal_sections(a: Strip | Master, b: Strip | Master) -> Iterable[SectionName]:
    table = parameters(type(a))
    equal: dict[SectionName, bool] = {}
    for path, row in table.items():
        same = math.isclose(float(get(a, path)), float(get(b, path)), rel_tol=_SAME, abs_tol=_SAME)
        equal[row.section] = equal.get(row.section, True) and same
    return (section for section, is_equal in equal.items() if is_equal)
