"""Lanes in words, for `show` and reports: which settings move, when, and from where to where."""

from __future__ import annotations

from collections.abc import Sequence

from ...presets.console import EQ_BANDS, Master, Strip, parameters
from ...presets.lanes.lane import Lane
from ...presets.lanes.words import course
from ...presets.sections import spoken

_BANDS = {name: name.replace("_", " ") if "shelf" in name else f"band {name[-1]}" for name in EQ_BANDS}


def describe_lanes(lanes: Sequence[Lane], part: type[Strip] | type[Master]) -> list[str]:
    """Say of each lane what moves and how: "fader moves: 4 points, 0:12.0 to 0:14.5, -6 to 0 dB"."""
    table = parameters(part)
    return [f"{setting_words(item.parameter, part)} moves: {course(item, table[item.parameter])}" for item in lanes]


def setting_words(path: str, part: type[Strip] | type[Master]) -> str:
    """Name a setting: "fader", "EQ band 1 gain", "compressor threshold"."""
    row = parameters(part)[path]
    stages = path.split(".")
    if len(stages) == 3:
        return f"EQ {_BANDS[stages[1]]} {row.label}"
    if len(stages) == 2:
        return f"{spoken(row.section)} {row.label}"
    return {"output gain": "fader", "input gain": "trim"}.get(row.label, row.label)
