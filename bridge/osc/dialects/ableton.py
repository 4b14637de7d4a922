"""How Ableton Live is asked through the AbletonOSC remote script.

Devices and their parameters have numbers there, which move with every change of a set: they are found by the class of
the device and the name of the parameter. What a parameter's numbers mean Live does not tell; so one is set only where
the ends of its range are those that the profile has for it. Written after AbletonOSC's source, never run with Live.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ....presets.errors import DeskError
from ...desks.hosted.plugged import Plugged, is_same_parameter, is_same_plugin
from ...desks.profile import Desk, Setting
from ...desks.scales import Choice, Switch, Text
from ..asking import ask, ask_each
from ..link import Link
from ..packets import Argument, Message
from .ableton_song import TICK_MS, LiveSongs
from .base import Answer, DeskInfo, Missing, answer_of

_COUNT: Final = "/live/song/get/num_tracks"
_NAMES: Final = "/live/song/get/track_names"
_CLASSES: Final = "/live/track/get/devices/class_name"
_DEVICES: Final = "/live/track/get/devices/name"
# Of a VST or Audio Unit; Live's own devices have a class each.
_HOSTED: Final = "PluginDevice"
_PARAMETERS: Final = "/live/device/get/parameters/{}"
_PLUGIN: Final = re.compile(r"\{plugin\.([a-z0-9_]+)\}")
# How far an end of a range may lie from the profile's, as a part of the range.
_SAME_END: Final = 1e-3


@dataclass(frozen=True)
class LiveParameter:
    """A parameter of a device: its number there, and the ends of its range."""

    number: int
    low: float
    high: float


@dataclass(frozen=True)
class LiveDevice:
    """The first device of a class on a track: its number there, and its parameters by name."""

    number: int
    parameters: Mapping[str, LiveParameter]

    def hosted(self, label: str) -> LiveParameter | None:
        """Find a parameter of a plug-in of the user's; None if it is not there, or takes not the host's 0 to 1."""
        found = next((item for name, item in self.parameters.items() if is_same_parameter(label, name)), None)
        return found if found is not None and (found.low, found.high) == (0.0, 1.0) else None


class Ableton(LiveSongs):
    """Ableton Live through AbletonOSC: `/live/../set/..` and `/live/../get/..` with the same leading arguments.

    Live looks at its messages ten times a second; more than one value for a parameter in that time is for nothing.

    Attributes:
        desk: the profile.
    """

    reply_ms = 400.0
    repeat_ms = TICK_MS

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._link: Link | None = None
        self._devices: Mapping[tuple[int, str], LiveDevice] | None = None

    def prepare(self, link: Link) -> None:
        """Keep the link: devices are asked for when the first of their settings is."""
        self._link, self._devices = link, None

    @property
    def devices(self) -> Mapping[tuple[int, str], LiveDevice]:
        """The profile's devices in the set that is open, by the track's number there and the profile's name.

        Raises:
            DeskError: Live does not answer.
        """
        if self._devices is None:
            self._devices = {} if self._link is None else self._found(self._link)
        return self._devices

    def _found(self, link: Link) -> Mapping[tuple[int, str], LiveDevice]:
        hosted = {item.name: item for item in self.desk.plugged}
        names = {plugin.uri: name for name, plugin in self.desk.plugins.items() if name not in hosted}
        found: dict[tuple[int, str], int] = {}
        tracks = [(number,) for number in range(min(self._count(link), self.desk.track.count))]
        told = self._told(link, _CLASSES, tracks)
        for (track,), classes in told.items():
            for number, uri in reversed(list(enumerate(classes))):
                if isinstance(uri, str) and uri in names:
                    found[track, names[uri]] = number
        titles = self._told(link, _DEVICES, tracks) if hosted else {}
        for (track,), shown in titles.items():
            classes = told[track,]
            plugins = [number for number, uri in enumerate(classes) if str(uri).endswith(_HOSTED)]
            for item in hosted.values():
                alike = [number for number in plugins if number < len(shown) and _is_it(item, shown[number])]
                if len(alike) >= item.nth:
                    found[track, item.name] = alike[item.nth - 1]
        places = [(track, number) for (track, _), number in found.items()]
        tables = [self._told(link, _PARAMETERS.format(what), places) for what in ("name", "min", "max")]
        return {
            key: LiveDevice(number, _parameters(*(table[key[0], number] for table in tables)))
            for key, number in found.items()
        }

    def set(self, setting: Setting) -> Message:
        """Join address, numbers and value.

        Raises:
            DeskError: the track lacks the device.
        """
        return Message(setting.address, (*self.arguments(setting), setting.value))

    def query(self, setting: Setting) -> Message:
        """Put `get` in the place of `set`.

        Raises:
            DeskError: the track lacks the device.
        """
        return Message(_getter(setting.address), self.arguments(setting))

    def topic(self, setting: Setting) -> Hashable:
        """Name the question: an answer repeats it."""
        return self.query(setting)

    def answer(self, message: Message, asked: Sequence[Setting]) -> Answer | None:
        """Find the setting by the leading arguments, which come back before the value."""
        for setting in asked:
            if _getter(setting.address) == message.address and message.args[:-1] == self.arguments(setting):
                return answer_of(setting, message.args[-1])
        return None

    def lacks(self, setting: Setting) -> str:
        """Name the device that the track does not have, or the parameter that is not as in the profile; else empty."""
        match setting.before:
            case (int() as track, str() as gap, str() as parameter) if name := _plugin_of(gap):
                title = self.desk.plugins[name].title
                device = self.devices.get((track, name))
                if device is None:
                    return title
                if hosted := self._hosted(name):
                    missing = (item.label for item in hosted.parameters if device.hosted(item.label) is None)
                    label = next(missing, None)
                    return "" if label is None else f"{label!r} as known of {title}"
                found = device.parameters.get(parameter)
                return "" if found is not None and _fits(found, setting) else f"{parameter!r} as known of {title}"
        return ""

    def advice(self, missing: Sequence[Missing]) -> str:
        """Say nothing: what a track has is set without the rest, which the plan names."""
        return ""

    def arguments(self, setting: Setting) -> tuple[int | str, ...]:
        """List what stands before the value, with the numbers of device and parameter filled in.

        Raises:
            DeskError: the track lacks the device, or it the parameter.
        """
        if title := self.lacks(setting):
            raise DeskError(f"{setting.strip} in Live has no {title}: put the device on it.")
        match setting.before:
            case (int() as track, str() as gap, str() as parameter) if name := _plugin_of(gap):
                device = self.devices[track, name]
                found = device.hosted(parameter) if self._hosted(name) else device.parameters[parameter]
                return track, device.number, -1 if found is None else found.number
        return setting.before

    def _hosted(self, name: str) -> Plugged | None:
        """The user's plug-in of a name in gaps; None for a device of Live's own."""
        return next((item for item in self.desk.plugged if item.name == name), None)

    def track_names(self, link: Link, desk: Desk) -> dict[int, str] | None:
        """Ask for all names at once: hundreds of single questions would keep Live busy for a minute.

        Raises:
            DeskError: Live does not answer.
        """
        count = self._count(link)
        if count == 0:
            return {}
        messages = ask(link, [Message(_NAMES)], lambda got: _tells_names(got[-1], count), wait_s=self.reply_ms / 1000)
        first = desk.track.first
        return {first + index: str(name) for index, name in enumerate(messages[-1].args[: desk.track.count])}

    def _told(
        self, link: Link, address: str, places: Sequence[tuple[int, ...]]
    ) -> dict[tuple[int, ...], tuple[Argument, ...]]:
        """Ask the same of several places at once; answers repeat the place."""

        def place_of(message: Message) -> tuple[int, ...] | None:
            place = tuple(number for number in message.args[: len(places[0])] if isinstance(number, int))
            return place if message.address == address else None

        questions = {place: Message(address, place) for place in places}
        told = ask_each(link, questions, place_of, wait_s=self.reply_ms / 1000)
        return {place: message.args[len(place) :] for place, message in told.items()}

    def _count(self, link: Link) -> int:
        messages = ask(link, [Message(_COUNT)], lambda got: _tells_count(got[-1]), wait_s=self.reply_ms / 1000)
        count = messages[-1].args[0]
        return count if isinstance(count, int) else 0

    def greetings(self) -> Sequence[Message]:
        """List the question for its version."""
        return (Message("/live/application/get/version"),)

    def introduction(self, message: Message) -> DeskInfo | None:
        """Read major and minor number."""
        if message.address != "/live/application/get/version":
            return None
        return DeskInfo(model="Ableton Live", firmware=".".join(str(value) for value in message.args))


def _is_it(item: Plugged, shown: Argument) -> bool:
    return isinstance(shown, str) and is_same_plugin(item.title, shown)


def _parameters(
    names: Sequence[Argument], lows: Sequence[Argument], highs: Sequence[Argument]
) -> dict[str, LiveParameter]:
    """Make parameters of what Live tells; of two of one name the first, and none whose range is no number."""
    parameters: dict[str, LiveParameter] = {}
    for number, (name, low, high) in enumerate(zip(names, lows, highs, strict=False)):
        ends = [end for end in (low, high) if isinstance(end, int | float) and math.isfinite(end)]
        if isinstance(name, str) and len(ends) == 2:
            parameters.setdefault(name, LiveParameter(number, float(ends[0]), float(ends[1])))
    return parameters


def _fits(parameter: LiveParameter, setting: Setting) -> bool:
    """Tell whether a parameter has the range that the profile has for it; of a list, whether it holds the value."""
    scale = setting.scale
    if isinstance(scale, Text):
        return False
    if isinstance(scale, Choice | Switch):
        wires = [float(scale.encode(value)) for value in scale.values]
        return parameter.low <= min(wires) and max(wires) <= parameter.high
    ends = sorted(float(scale.encode(end)) for end in (scale.low, scale.high))
    room = _SAME_END * (ends[1] - ends[0])
    return abs(parameter.low - ends[0]) <= room and abs(parameter.high - ends[1]) <= room


def _plugin_of(argument: str) -> str:
    """Read the profile's name of a device out of an argument; empty if it is none."""
    match = _PLUGIN.fullmatch(argument)
    return "" if match is None else match[1]


def _tells_count(message: Message) -> bool:
    return message.address == _COUNT and len(message.args) == 1 and isinstance(message.args[0], int)


def _tells_names(message: Message, count: int) -> bool:
    is_whole = message.address == _NAMES and len(message.args) == count
    return is_whole and all(isinstance(name, str) for name in message.args)


def _getter(address: str) -> str:
    return address.replace("/set/", "/get/", 1)
