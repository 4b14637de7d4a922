"""What is moved in a preset by hand: settings and lanes; and what presets have for tracks.

A lane takes the place of its setting's value. Who moves the setting moves the whole lane along, as far as all of its
points keep in their limits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from ...presets.console import Master, Strip
from ...presets.console import replace as replace_settings
from ...presets.errors import PresetError
from ...presets.lanes.lane import MOST_POINTS, Lane, Shape, check_lanes, lane, lane_of
from ...presets.lanes.values import from_straight, straight
from ...presets.preset import Preset, Track, linked_with
from ..server.addresses import Mute, PartName, setting_of

PARTS: Final[frozenset[PartName]] = frozenset({"track", "bus", "master", "reverb", "delay"})
_MUTE: Final = "mute"


@dataclass(frozen=True)
class SettingEdit:
    """A setting that is to be moved.

    Attributes:
        part: of the preset.
        index: which track or group; 0 for the others.
        path: in the console's table, or "mute" of a track or group.
        value: in its unit; 1 or 0 for a mute.
    """

    part: PartName
    index: int
    path: str
    value: float

    def applied(self, preset: Preset) -> Preset:
        """Make a preset with the setting moved, on linked tracks, too.

        Raises:
            PresetError: there is no such setting, or the value is out of range.
        """
        place = self._place(preset)
        item = None if self.path == _MUTE else lane_of(lanes_of(preset, self.part, self.index), self.path)
        if item is None:
            made: Preset = place.write(preset, self.value)
            return made
        checked = place.write(preset, self.value)
        row, old = place.row, place.read(preset)
        places = [straight(row, old), *(straight(row, point.value) for point in item.points)]
        low, high = straight(row, row.low) - min(places), straight(row, row.high) - max(places)
        by = min(max(straight(row, place.read(checked)) - places[0], low), high)
        points = [(point.time_s, from_straight(row, straight(row, point.value) + by)) for point in item.points]
        moved: Preset = place.write(preset, from_straight(row, places[0] + by))
        return LaneEdit(self.part, self.index, self.path, points, item.shape).applied(moved)

    def with_linked(self, preset: Preset) -> Sequence[SettingEdit]:
        """List what was moved, as a preset has it now: this, and the same of tracks that are linked with it."""
        value = float(self._place(preset).read(preset))
        return [replace(self, index=index, value=value) for index in _linked(preset, self.part, self.index, self.path)]

    def owner_name(self, preset: Preset) -> str:
        """Name the strip: a track or a group by its name, another part by its kind."""
        return _owner_name(preset, self.part, self.index)

    def _place(self, preset: Preset) -> Any:
        sizes: dict[PartName, int] = {"track": len(preset.tracks), "bus": len(preset.buses)}
        if self.part not in PARTS or not 0 <= self.index < sizes.get(self.part, 1):
            raise PresetError(f"there is no {self.part!r} {self.index + 1}.")
        match self.part:
            case "track" | "bus" as part if self.path == _MUTE:
                return Mute(self.index, part)
        try:
            return setting_of(self.part, self.index, self.path)
        except KeyError:
            raise PresetError(f"a {self.part} has no setting {self.path!r}.") from None


@dataclass(frozen=True)
class LaneEdit:
    """A lane that is to be drawn anew.

    Attributes:
        part: "track", "bus" or "master".
        index: which track or group; 0 for the master.
        path: of the setting, in the console's table.
        points: times in seconds and values, in the order of time; none takes the lane away.
        shape: "linear" or "hold".
    """

    part: PartName
    index: int
    path: str
    points: Sequence[tuple[float, float]]
    shape: Shape = "linear"

    def owner_name(self, preset: Preset) -> str:
        """Name the strip, as :meth:`SettingEdit.owner_name` does."""
        return _owner_name(preset, self.part, self.index)

    def applied(self, preset: Preset) -> Preset:
        """Make a preset with the lane, on linked tracks, too.

        Raises:
            PresetError: there is no such setting, it cannot move, or a point cannot be.
        """
        sizes = {"track": len(preset.tracks), "bus": len(preset.buses), "master": 1}
        if not 0 <= self.index < sizes.get(self.part, 0):
            raise PresetError(f"there is no {self.part!r} {self.index + 1} that has lanes.")
        try:
            new = [lane(self.path, self.points, self.shape)] if self.points else []
            for index in _linked(preset, self.part, self.index, self.path):
                kept = [item for item in lanes_of(preset, self.part, index) if item.parameter != self.path]
                lanes = (*kept, *new)
                check_lanes(lanes, Master if self.part == "master" else Strip)
                preset = _with_lanes(preset, self.part, index, lanes)
        except ValidationError as error:
            said = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
            raise PresetError(f"the lane of {self.path} cannot be: {said.removeprefix('Value error, ')}.") from None
        except ValueError as error:
            raise PresetError(f"{error}.") from None
        if sum(len(item.points) for _, item in preset.all_lanes()) > MOST_POINTS:
            raise PresetError(f"all lanes together may have {MOST_POINTS} points at most.")
        return preset


def _owner_name(preset: Preset, part: PartName, index: int) -> str:
    names = {"track": [track.name for track in preset.tracks], "bus": [bus.name for bus in preset.buses]}
    return dict(enumerate(names[part])).get(index, "") if part in names else part


def lanes_of(preset: Preset, part: PartName, index: int) -> tuple[Lane, ...]:
    """List the lanes of a part; effects have none."""
    match part:
        case "track":
            return preset.tracks[index].lanes
        case "bus":
            return preset.buses[index].lanes
        case "master":
            return preset.master_lanes
        case _:
            return ()


def _with_lanes(preset: Preset, part: PartName, index: int, lanes: tuple[Lane, ...]) -> Preset:
    if part == "master":
        return preset.model_copy(update={"master_lanes": lanes})
    field = "tracks" if part == "track" else "buses"
    owners = list(getattr(preset, field))
    owners[index] = owners[index].model_copy(update={"lanes": lanes})
    return preset.model_copy(update={field: tuple(owners)})


def _linked(preset: Preset, part: PartName, index: int, path: str) -> Sequence[int]:
    return linked_with(preset, index, path.partition(".")[0]) if part == "track" else [index]


def with_lanes_of(preset: Preset, drawn: Preset, before: Preset) -> Preset:
    """Draw the lanes of another preset into this one.

    Args:
        preset: keeps its settings; tracks of other names keep their lanes, too.
        drawn: has the lanes.
        before: what was predicted when the preset was edited: faders go along as far as they were moved since.
    """
    for index, track in enumerate(preset.tracks):
        source = next((other for other in drawn.tracks if other.name == track.name), None)
        known = next((other for other in before.tracks if other.name == track.name), None)
        if source is None:
            continue
        preset = _with_lanes(preset, "track", index, source.lanes)
        if known is not None and source.lanes:
            # The setting is put where it was predicted, and moved from there: its lane goes along.
            wanted = track.strip.fader_db
            strip = replace_settings(track.strip, {"fader_db": known.strip.fader_db})
            owners = [*preset.tracks[:index], preset.tracks[index].model_copy(update={"strip": strip})]
            preset = preset.model_copy(update={"tracks": (*owners, *preset.tracks[index + 1 :])})
            preset = SettingEdit("track", index, "fader_db", wanted).applied(preset)
    return preset


def with_tracks(preset: Preset, names: Collection[str]) -> Preset:
    """Make a preset whose tracks are these, in this order; those that it did not know have nothing set.

    Without names it stays as it is.
    """
    if not names:
        return preset
    known = {track.name: track for track in preset.tracks}
    return preset.model_copy(update={"tracks": tuple(known.get(name, Track(name=name)) for name in names)})
