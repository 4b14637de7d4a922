"""Plug-ins of which nothing moves at first: switches and kinds of bands are turned until something does.

Bands of many equalizers are unused as they are loaded, or of a kind called "Off". Parameters that come in rows ("Band 1
Used", "Band 2 Used") are turned together, one row after the other; a row is kept turned if others then do something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import numpy as np

from .rig import Floats, PluginKnob, Rig

# Values of a list that are tried, and parameters that are turned to see whether a row wakes them.
_MOST_VALUES: Final = 4
_MOST_TRIES: Final = 12
_MOST_ROWS: Final = 24
_LEVELS_DB: Final = (-40.0, -3.0)
_STEP_S: Final = 0.2
_MOVES_DB: Final = 0.5
_PLACES: Final = np.linspace(0.0, 1.0, 25).tolist()
_MOST_TEXTS: Final = 16
# These silence or bypass, or are for listening alone.
_NEVER: Final = re.compile(r"bypass|mute|solo|listen|audition|midi|meter|display|gui|window", re.IGNORECASE)


def waking(rig: Rig) -> dict[str, float]:
    """Find the raw values of switches and lists that let other parameters do something; empty if none does."""
    texts = {knob.name: _values(rig.plugin.parameters[knob.name]) for knob in rig.knobs}
    switches = [
        knob for knob in rig.knobs if 2 <= len(texts[knob.name]) <= _MOST_TEXTS and not _NEVER.search(knob.label)
    ]
    others = [knob for knob in rig.knobs if len(texts[knob.name]) > _MOST_TEXTS]
    for row in list(_rows(switches))[:_MOST_ROWS]:
        first = row[0]
        now = _shown(rig.plugin.parameters[first.name], first.default)
        tried = [raw for text, raw in texts[first.name].items() if text != now]
        for raw in tried[:_MOST_VALUES]:
            turned = {knob.name: raw for knob in row}
            if _wakes(rig, turned, _near(first, others)):
                return turned
    return {}


def _wakes(rig: Rig, turned: Mapping[str, float], others: list[PluginKnob]) -> bool:
    """Tell whether some parameter does something once these are turned; a row that alone is loud about it does not."""
    still = _heard(rig, turned)
    return any(
        float(np.abs(_heard(rig, {**turned, knob.name: raw}) - still).max()) > _MOVES_DB
        for knob in others[:_MOST_TRIES]
        for raw in (0.0, 1.0)
    )


def _heard(rig: Rig, values: Mapping[str, float]) -> Floats:
    """The response and the gain at two levels, in one row of numbers."""
    response = np.maximum(rig.response_db(values, is_quick=True), -90.0)
    return np.concatenate([response, rig.level_gains_db(values, _LEVELS_DB, _STEP_S)])


def _rows(knobs: list[PluginKnob]) -> Iterator[list[PluginKnob]]:
    """Parameters whose labels differ in their numbers alone; the longest rows first."""

    def template(knob: PluginKnob) -> str:
        return re.sub(r"\d+", "#", knob.label)

    rows = [list(row) for _, row in groupby(sorted(knobs, key=template), template)]
    yield from sorted(rows, key=len, reverse=True)


def _near(first: PluginKnob, others: list[PluginKnob]) -> list[PluginKnob]:
    """Those first that have the number of this one, since a switch works on its own band."""
    numbers = re.findall(r"\d+", first.label)
    return sorted(others, key=lambda knob: not numbers or re.findall(r"\d+", knob.label)[:1] != numbers[:1])


def _values(parameter: Any) -> dict[str, float]:
    """What a parameter shows on its way, each text with a raw value that shows it: an end, or the middle of it."""
    kept = float(parameter.raw_value)
    shown = [(raw, _shown(parameter, raw)) for raw in _PLACES]
    parameter.raw_value = kept
    places: dict[str, list[float]] = {}
    for raw, text in shown:
        places.setdefault(text, []).append(raw)
    return {
        text: next((end for end in (1.0, 0.0) if end in raws), raws[len(raws) // 2]) for text, raws in places.items()
    }


def _shown(parameter: Any, raw: float) -> str:
    ask = getattr(parameter, "get_text_for_raw_value", None)
    if ask is not None:
        return str(ask(raw))
    parameter.raw_value = raw
    return str(parameter.string_value)
