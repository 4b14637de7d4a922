"""Lanes of a preset as the courses of a desk's own settings: each a value on the desk's terms at any time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ....presets.console import Master, Strip
from ....presets.lanes.lane import Lane
from ....presets.lanes.values import settled
from ....presets.preset import Preset
from ...desks.keys import row_of
from ...desks.profile import Desk, Setting
from ...desks.scales import WireValue
from ...fitting.over_time import FitsOverTime, fits_over_time, sections_of
from ..plan import StripPlan
from ..scope import BUS, MASTER


@dataclass(frozen=True)
class Moving:
    """A strip of a plan whose preset moves.

    Attributes:
        plan: of the strip, as it stands at the beginning.
        strip: settings of the preset.
        lanes: of these, that move.
    """

    plan: StripPlan
    strip: Strip | Master
    lanes: tuple[Lane, ...]

    @property
    def sections(self) -> frozenset[str]:
        """The sections that its lanes belong to."""
        return sections_of(self.strip, self.lanes)

    def fits(self, desk: Desk, sample_rate_hz: int) -> FitsOverTime:
        """Fit it to the desk at all times where that matters."""
        kind, trim_db = self.plan.placed.kind, float(self.plan.fitted.values.get("trim_db", 0.0))
        bus: Any = self.strip  # one of the two that it is made for
        return fits_over_time(bus, self.lanes, desk, kind, sample_rate_hz, trim_db)


@dataclass(frozen=True)
class DeskCourse:
    """How one setting of a desk moves.

    Attributes:
        setting: with the value that it has at the beginning.
        strip: what people call the strip.
        times: in seconds, rising.
        values: in the setting's unit, at these times; texts are held.
        is_log: whether it runs in ratios between them.
    """

    setting: Setting
    strip: str
    times: tuple[float, ...]
    values: tuple[float | str, ...]
    is_log: bool

    def at(self, time_s: float) -> float | str:
        """Compute its value at a time: before and behind its points, that of the first and the last one."""
        after = bisect_right(self.times, time_s)
        before, following = self.values[max(after - 1, 0)], self.values[min(after, len(self.values) - 1)]
        if after in (0, len(self.times)) or before == following:
            return before
        if isinstance(before, str) or isinstance(following, str):
            return before
        share = (time_s - self.times[after - 1]) / (self.times[after] - self.times[after - 1])
        if self.is_log and before > 0 and following > 0:
            return math.exp((1 - share) * math.log(before) + share * math.log(following))
        return (1 - share) * before + share * following

    def wire(self, value: float | str) -> WireValue:
        """Encode a value."""
        return self.setting.scale.encode(value)

    @property
    def is_level(self) -> bool:
        """Whether it is in dB, so that a step of it is heard as one."""
        row = row_of(self.setting.key)
        return row is not None and row.unit == "dB"

    @property
    def end_s(self) -> float:
        """When it has moved for the last time."""
        return self.times[-1]


def moving_strips(preset: Preset, strips: Iterable[StripPlan]) -> list[Moving]:
    """Find the strips of a plan that have lanes of their own."""
    found = []
    for plan in strips:
        placed = plan.placed
        if placed.how == "linked":  # the desk moves it with its other one
            continue
        if placed.kind == MASTER:
            bus, lanes = settled(preset.master, preset.master_lanes)
            found.append(Moving(plan, bus, lanes))
        elif placed.kind == BUS:
            group = preset.bus(placed.track)
            strip, lanes = settled(group.strip, group.lanes)
            found.append(Moving(plan, strip, lanes))
        elif any(track.name == placed.track for track in preset.tracks):
            track = preset.track(placed.track)
            strip, lanes = settled(track.strip, track.lanes)
            found.append(Moving(plan, strip, lanes))
    return [item for item in found if item.lanes]


def course(setting: Setting, strip: str, fits: FitsOverTime) -> DeskCourse | None:
    """Make the course of a setting; None where it does not move.

    Args:
        setting: of the desk.
        strip: what people call its strip.
        fits: of the strip; a setting that has no value at a time keeps the last one.
    """
    known = next((fit[setting.key] for fit in fits.values if setting.key in fit), None)
    if known is None:
        return None
    values = []
    for fit in fits.values:
        known = fit.get(setting.key, known)
        values.append(known)
    if len({setting.scale.encode(value) for value in values}) < 2:
        return None
    row = row_of(setting.key)
    is_log = row is not None and row.scale == "log"
    first = replace(setting, value=setting.scale.encode(values[0]))
    return DeskCourse(first, strip, fits.times, tuple(values), is_log)
