"""Linked tracks: what is one recording, or one part played twice, is treated alike.

A preset refuses linked tracks that differ in the stages of :data:`..preset.LINKED`. Whoever changes settings track by
track brings them together again with :func:`made_alike`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..console import Strip, get, parameters, replace
from ..lanes.lane import Lane
from ..preset import LINKED, Preset, Track, linked_lanes
from ..scaling import blended_value


def made_alike(preset: Preset) -> Preset:
    """Give linked tracks the same stages, the middle of what each has; their faders keep how loud each is."""
    groups: dict[str, list[Track]] = {}
    for track in preset.tracks:
        if track.link is not None:
            groups.setdefault(track.link, []).append(track)
    strips: dict[str, Strip] = {}
    lanes: dict[str, tuple[Lane, ...]] = {}
    for group in groups.values():
        if len({tuple(getattr(track.strip, name) for name in LINKED) for track in group}) > 1:
            strips.update(_together({track.name: track.strip for track in group}))
        lanes.update(_lanes_together(group))
    if not strips and not lanes:
        return preset
    tracks = (
        track.model_copy(
            update={"strip": strips.get(track.name, track.strip), "lanes": lanes.get(track.name, track.lanes)}
        )
        for track in preset.tracks
    )
    return preset.model_copy(update={"tracks": tuple(tracks)})


def _lanes_together(group: Sequence[Track]) -> dict[str, tuple[Lane, ...]]:
    """Give linked tracks the shared lanes of the first that has any; nothing where they are alike."""
    shared = next((lanes for lanes in map(linked_lanes, group) if lanes), {})
    if all(linked_lanes(track) == shared for track in group):
        return {}
    return {
        track.name: (*shared.values(), *(item for item in track.lanes if item.parameter not in linked_lanes(track)))
        for track in group
    }


def _together(strips: Mapping[str, Strip]) -> dict[str, Strip]:
    table = parameters(Strip)
    shared = [path for path in table if path.partition(".")[0] in LINKED]
    values = {path: _middle(path, strips.values()) for path in shared}
    parts = {name: getattr(next(iter(strips.values())), name) for name in LINKED}
    alike = {}
    for name, strip in strips.items():
        fader_db = strip.fader_db + strip.input_gain_db - values["input_gain_db"]
        levelled = {**values, "fader_db": table["fader_db"].clamp(fader_db)}
        alike[name] = replace(strip.model_copy(update=parts), levelled)
    return alike


def _middle(path: str, strips: Iterable[Strip]) -> float:
    row = parameters(Strip)[path]
    middle = 0.0
    for count, strip in enumerate(strips):
        value = get(strip, path)
        middle = value if count == 0 else blended_value(row, middle, value, 1 / (count + 1))
    return row.clamp(middle)
