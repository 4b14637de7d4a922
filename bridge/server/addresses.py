"""The addresses of a preset's settings, `/mixbridge/track/1/eq/2/gain_db`, as the console's table has them.

Tracks, EQ bands (1 is the low shelf, 6 the high shelf) and reverb bands are counted from 1. An address leads to a
:class:`Place`, which reads a preset or makes a changed one; what is sent to whom is in :mod:`.surface`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

from pydantic import BaseModel

from ...presets.console import (
    EQ_BANDS,
    Delay,
    FxBand,
    FxBus,
    Master,
    Parameter,
    Reverb,
    Strip,
    get,
    parameters,
    replace,
)
from ...presets.errors import PresetError
from ...presets.preset import GroupBus, Preset, Track, linked_with
from ...presets.units import allowed
from ..desks.keys import desk_key
from ..osc.packets import Argument, Message
from .switches import SWITCHES, SectionSwitch, bus_place, master_place

ROOT = "/mixbridge"
TRACK_COUNT = f"{ROOT}/track/count"
BUS_COUNT = f"{ROOT}/bus/count"

_NAME, _MUTE = "name", "mute"
_SHOWN = 80
# A limit sent as 32-bit float may lie this much beyond it.
_FLOAT32 = 1e-6


class Place(Protocol):
    """Something in a preset that has an address."""

    def read(self, preset: Preset) -> Argument:
        """Read what stands there."""

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Make a preset where another value stands there.

        Raises:
            PresetError: the value cannot stand there.
        """


PartName = Literal["track", "bus", "master", "fx_bus", "fx_band", "reverb", "delay"]
_PARTS: Mapping[PartName, type[BaseModel]] = {
    "track": Strip,
    "bus": Strip,
    "master": Master,
    "reverb": Reverb,
    "delay": Delay,
    "fx_bus": FxBus,
    "fx_band": FxBand,
}
# Parts that a preset has once, called as they are there.
_SINGLES: tuple[PartName, ...] = ("master", "reverb", "delay", "fx_bus")
_PREFIXES: Mapping[PartName, str] = {"track": "track/<n>", "bus": "bus/<n>", "fx_band": "fx_bus/bands/<n>"}


@dataclass(frozen=True)
class PresetSetting:
    """A row of the console's table, in one part of a preset."""

    part: PartName
    index: int
    path: str
    row: Parameter

    def read(self, preset: Preset) -> float:
        """Read the value in its unit."""
        return get(self._section(preset), self.path)

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Write another value; one out of range is refused, since a clamped one would not be what was asked for."""
        number = self._checked(value)
        match self.part:
            case "track":
                for index in linked_with(preset, self.index, self.path.partition(".")[0]):
                    track = preset.tracks[index]
                    strip = replace(track.strip, {self.path: number})
                    preset = _with_track(preset, index, track.model_copy(update={"strip": strip}))
                return preset
            case "bus":
                bus = preset.buses[self.index]
                strip = replace(bus.strip, {self.path: number})
                return _with_bus(preset, self.index, bus.model_copy(update={"strip": strip}))
            case "fx_band":
                bands = list(preset.fx_bus.bands)
                bands[self.index] = replace(bands[self.index], {self.path: number})
                return preset.model_copy(update={"fx_bus": preset.fx_bus.model_copy(update={"bands": tuple(bands)})})
            case single:
                return preset.model_copy(update={single: replace(getattr(preset, single), {self.path: number})})

    def _section(self, preset: Preset) -> BaseModel:
        match self.part:
            case "track":
                return preset.tracks[self.index].strip
            case "bus":
                return preset.buses[self.index].strip
            case "fx_band":
                return preset.fx_bus.bands[self.index]
            case single:
                section: BaseModel = getattr(preset, single)
                return section

    def _checked(self, value: Argument) -> float:
        number = _number(value)
        nearest = self.row.clamp(number)
        if not abs(nearest - number) <= _FLOAT32 * abs(nearest):
            raise PresetError(f"{number:g} is out of range: {allowed(self.row)}")
        return nearest


@dataclass(frozen=True)
class Mute:
    """Whether a track or group is muted: 1 or 0, as int, float or bool."""

    index: int
    part: Literal["track", "bus"] = "track"

    def read(self, preset: Preset) -> int:
        """Read 1 for muted."""
        return int((preset.tracks if self.part == "track" else preset.buses)[self.index].mute)

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Mute for 1, unmute for 0."""
        if value not in (0, 1):
            raise PresetError(f"{_shown(value)} is neither 1 (muted) nor 0")
        changed = {"mute": bool(value)}
        if self.part == "track":
            return _with_track(preset, self.index, preset.tracks[self.index].model_copy(update=changed))
        return _with_bus(preset, self.index, preset.buses[self.index].model_copy(update=changed))


@dataclass(frozen=True)
class Fixed:
    """What can be asked for and not be changed: the name of a track or group, or how many there are."""

    index: int | None
    part: Literal["tracks", "buses"] = "tracks"

    def read(self, preset: Preset) -> str | int:
        """Read the name, or how many there are."""
        named = preset.tracks if self.part == "tracks" else preset.buses
        return len(named) if self.index is None else sendable(named[self.index].name)

    def write(self, preset: Preset, value: Argument) -> Preset:
        """Refuse: it can be asked for alone."""
        raise PresetError("this can be asked for, and not be changed")


_COUNTS: Mapping[str, Place] = {TRACK_COUNT: Fixed(None), BUS_COUNT: Fixed(None, "buses")}


def find(preset: Preset, address: str) -> Place:
    """Find the place at an address.

    Raises:
        PresetError: nothing is there; a track may be missing.
    """
    if address in _COUNTS:
        return _COUNTS[address]
    head, _, rest = address.removeprefix(f"{ROOT}/").partition("/")
    if not address.startswith(f"{ROOT}/"):
        raise _unknown(address)
    if head == "track":
        number, _, suffix = rest.partition("/")
        return _track_place(_index(number, len(preset.tracks), "track"), suffix, address)
    if head == "master" and (place := master_place(rest)) is not None:
        return place
    if head == "bus":
        number, _, suffix = rest.partition("/")
        if suffix == _NAME or suffix in _SUFFIXES["bus"] or bus_place(suffix, 0) is not None:
            return _bus_place(_index(number, len(preset.buses), "group bus"), suffix)
    for single in _SINGLES:
        if head == single and rest in _SUFFIXES[single]:
            return setting_of(single, 0, _SUFFIXES[single][rest])
    if head == "fx_bus" and rest.startswith("bands/"):
        number, _, suffix = rest.removeprefix("bands/").partition("/")
        if suffix in _SUFFIXES["fx_band"]:
            index = _index(number, len(preset.fx_bus.bands), "band of the fx bus")
            return setting_of("fx_band", index, _SUFFIXES["fx_band"][suffix])
    raise _unknown(address)


def strip_values(preset: Preset, group: str) -> list[Message] | None:
    """All values of `/mixbridge/track/<n>`, `/mixbridge/bus/<n>`, `/mixbridge/master`, `/mixbridge/reverb` and so on.

    None for another address.

    Raises:
        PresetError: there is no such track or bus.
    """
    places: Iterable[tuple[str, Place]]
    single = next((part for part in _SINGLES if group == f"{ROOT}/{part}"), None)
    bus = group.removeprefix(f"{ROOT}/bus/")
    if single is not None:
        places = _single_places(single, preset)
    elif bus != group and "/" not in bus and group != BUS_COUNT:
        places = _bus_places(_index(bus, len(preset.buses), "group bus"))
    else:
        number = group.removeprefix(f"{ROOT}/track/")
        if number == group or "/" in number or group == TRACK_COUNT:
            return None
        places = _track_places(_index(number, len(preset.tracks), "track"))
    return [Message(address, (place.read(preset),)) for address, place in places]


def sendable(text: str) -> str:
    """Make a text that OSC can hold; a zero byte would end it, and half of a surrogate pair has no UTF-8."""
    return text.replace("\0", "?").encode(errors="replace").decode()


def differences(old: Preset, new: Preset) -> list[Message]:
    """List the places that differ between two presets, each with its new value."""
    messages = []
    if len(old.tracks) != len(new.tracks):
        messages.append(Message(TRACK_COUNT, (len(new.tracks),)))
    if len(old.buses) != len(new.buses):
        messages.append(Message(BUS_COUNT, (len(new.buses),)))
    for address, place in _possibly_changed(old, new):
        value = place.read(new)
        if _is_new_place(place, old) or place.read(old) != value:
            messages.append(Message(address, (value,)))
    return messages


def table() -> Iterator[tuple[str, Parameter]]:
    """The addresses of settings with their rows, `<n>` for numbers; for the documentation and controllers' layouts."""
    for part, section in _PARTS.items():
        rows = parameters(section)
        for suffix, path in _SUFFIXES[part].items():
            yield f"{ROOT}/{_PREFIXES.get(part, part)}/{suffix}", rows[path]


def _suffixes(section: type[BaseModel]) -> Mapping[str, str]:
    """Map the end of each setting's address to its path in the table."""
    paths = {}
    for path in parameters(section):
        # As desks call them, so that one layout of a controller serves the generic desk too.
        parts = desk_key(path).split(".")
        if parts[0] == "eq":
            parts[1] = str(EQ_BANDS.index(parts[1]) + 1)
        paths["/".join(parts)] = path
    return paths


_SUFFIXES: Mapping[PartName, Mapping[str, str]] = {part: _suffixes(section) for part, section in _PARTS.items()}


def setting_of(part: PartName, index: int, path: str) -> PresetSetting:
    """A setting by its path in the console's table, e.g. "eq.band0.gain_db"; KeyError if there is none."""
    return PresetSetting(part, index, path, parameters(_PARTS[part])[path])


def _track_place(index: int, suffix: str, address: str) -> Place:
    if suffix == _NAME:
        return Fixed(index)
    if suffix == _MUTE:
        return Mute(index)
    if suffix in SWITCHES:
        return SectionSwitch(SWITCHES[suffix], index)
    if suffix not in _SUFFIXES["track"]:
        raise _unknown(address)
    return setting_of("track", index, _SUFFIXES["track"][suffix])


def _bus_place(index: int, suffix: str) -> Place:
    if suffix == _NAME:
        return Fixed(index, "buses")
    return bus_place(suffix, index) or setting_of("bus", index, _SUFFIXES["bus"][suffix])


@cache
def _track_places(index: int) -> tuple[tuple[str, Place], ...]:
    addresses = ((f"{ROOT}/track/{index + 1}/{suffix}", suffix) for suffix in (_NAME, _MUTE, *_SUFFIXES["track"]))
    return tuple((address, _track_place(index, suffix, address)) for address, suffix in addresses)


def _bus_places(index: int) -> Iterator[tuple[str, Place]]:
    for suffix in (_NAME, *_SUFFIXES["bus"]):
        yield f"{ROOT}/bus/{index + 1}/{suffix}", _bus_place(index, suffix)


def _single_places(part: PartName, preset: Preset) -> Iterator[tuple[str, Place]]:
    for suffix, path in _SUFFIXES[part].items():
        yield f"{ROOT}/{part}/{suffix}", setting_of(part, 0, path)
    if part == "fx_bus":
        for index in range(len(preset.fx_bus.bands)):
            for suffix, path in _SUFFIXES["fx_band"].items():
                yield f"{ROOT}/fx_bus/bands/{index + 1}/{suffix}", setting_of("fx_band", index, path)


def _possibly_changed(old: Preset, new: Preset) -> Iterator[tuple[str, Place]]:
    """List the places of parts that two presets do not share; most of a big one is not looked at."""
    for index, track in enumerate(new.tracks):
        if index >= len(old.tracks) or old.tracks[index] is not track:
            yield from _track_places(index)
    for index, bus in enumerate(new.buses):
        if index >= len(old.buses) or old.buses[index] is not bus:
            yield from _bus_places(index)
    for part in _SINGLES:
        if getattr(old, part) is not getattr(new, part):
            yield from _single_places(part, new)


def _is_new_place(place: Place, old: Preset) -> bool:
    match place:
        case PresetSetting(part="bus", index=index) | Fixed(index=int(index), part="buses"):
            return index >= len(old.buses)
        case PresetSetting(part="track", index=index) | Mute(part="track", index=index) | Fixed(index=int(index)):
            return index >= len(old.tracks)
        case _:
            return False


def _with_track(preset: Preset, index: int, track: Track) -> Preset:
    tracks = (*preset.tracks[:index], track, *preset.tracks[index + 1 :])
    return preset.model_copy(update={"tracks": tracks})


def _with_bus(preset: Preset, index: int, bus: GroupBus) -> Preset:
    return preset.model_copy(update={"buses": (*preset.buses[:index], bus, *preset.buses[index + 1 :])})


def _index(number: str, count: int, what: str) -> int:
    # The length first: Python refuses to read a number of thousands of digits.
    if not (number.isascii() and number.isdecimal() and len(number) <= 6 and 1 <= int(number) <= count):
        raise PresetError(f"there is no {what} {_shown(number)}: they are numbered 1 to {count}")
    return int(number) - 1


def _number(value: Argument) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PresetError(f"{_shown(value)} is no number")
    if not math.isfinite(value):
        raise PresetError(f"{value} is no number that can be set")
    return float(value)


def _unknown(address: str) -> PresetError:
    return PresetError(f"there is no address {_shown(address)}")


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}.."
