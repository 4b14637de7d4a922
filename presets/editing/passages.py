"""Presets with lanes at a time of the song, or from one on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..console import Master, Parameter, Strip, parameters
from ..lanes.lane import Lane, LanePoint
from ..lanes.values import bus_at, value_at
from ..preset import Preset


def preset_at(preset: Preset, time_s: float) -> Preset:
    """Compute a preset as its lanes have it at a time; the result has no lanes."""
    return _with_lanes_taken(preset, lambda bus, lanes: (bus_at(bus, lanes, time_s), ()))


def beginning_at(preset: Preset, start_s: float) -> Preset:
    """Let the lanes of a preset begin later in the song, for a passage that is played alone."""
    if start_s == 0 or not preset.has_lanes:
        return preset

    def later(bus: Any, lanes: Sequence[Lane]) -> tuple[Any, tuple[Lane, ...]]:
        kind: type[Strip] | type[Master] = type(bus)
        table = parameters(kind)
        return bus, tuple(_cut(item, table[item.parameter], start_s) for item in lanes)

    return _with_lanes_taken(preset, later)


def _cut(item: Lane, row: Parameter, start_s: float) -> Lane:
    later = [
        LanePoint(time_s=point.time_s - start_s, value=point.value)
        for point in item.points
        if point.time_s > start_s + 1e-3
    ]
    return item.model_copy(update={"points": (LanePoint(time_s=0.0, value=value_at(item, row, start_s)), *later)})


def _with_lanes_taken(preset: Preset, change: Callable[[Any, Sequence[Lane]], tuple[Any, tuple[Lane, ...]]]) -> Preset:
    """Change every strip or master that has lanes, together with them."""

    def changed(owner: Any) -> Any:
        strip, lanes = change(owner.strip, owner.lanes)
        return owner.model_copy(update={"strip": strip, "lanes": lanes})

    master, master_lanes = change(preset.master, preset.master_lanes)
    return preset.model_copy(
        update={
            "tracks": tuple(changed(track) if track.lanes else track for track in preset.tracks),
            "buses": tuple(changed(bus) if bus.lanes else bus for bus in preset.buses),
            "master": master,
            "master_lanes": master_lanes,
        }
    )
