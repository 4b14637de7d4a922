"""Devices and sends of a mix that move: a mix's lanes as automation of their parameters in a project, and back.

Every parameter of a device may have an id, and points of the arrangement aim at that. What a device has at any time is
made, and read, as it is where it stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, Final
from xml.etree.ElementTree import Element

import numpy as np

from .....presets.console import Master, Strip, get, parameters
from .....presets.editing.moving_lanes import as_linear
from .....presets.lanes.lane import Lane, movable
from .....presets.lanes.values import bus_at, settled
from ....fitting.over_time import times_between
from ...core.fades import automation_values
from ...core.model import Automation
from ...core.moving import MovingFader, level_lane, moving_sends, sampled_lane
from ...core.sends import SENDS
from ..arrange import points_element, points_of
from ..devices import MARK, channel_settings, is_ours, parameter_paths
from ..pieces import AimedLane, automation, linear
from .elements import EFFECT_NAMES, own_sends

# Settings whose automation is not a device's.
_ELSEWHERE: Final = frozenset({"fader", "pan", "send", "trim"})
# Between the points of lanes a device is made so often: its own lines are not those of the mix.
_EVERY_S: Final = 0.25
_BETWEEN: Final = 3
_MOST_LOOKS: Final = 4000
_SAME: Final = 1e-9

Place = tuple[str, str]


class StripPoints:
    """Collects the automation of one channel's devices and sends.

    Args:
        bus: settings of the mix, fader and pan in terms of the format.
        lanes: of these.
        fresh_id: gives ids that the project does not have.

    Attributes:
        points: the automation, once the channel has its devices and sends.
        carried: the settings that move then.
    """

    def __init__(self, bus: Strip | Master, lanes: Sequence[Lane], fresh_id: Callable[[], str]):
        self._bus, self._lanes, self._fresh_id = bus, lanes, fresh_id
        self.points: list[Element] = []
        self.carried: set[str] = set()

    def aim(self, devices: Sequence[Element], sends: Sequence[Element], loudest_db: float) -> None:
        """Let devices and sends move that are about to be put into a channel.

        Args:
            devices: as they stand still.
            sends: to the effects of the mix.
            loudest_db: where the channel's fader ends.
        """
        self._aim_devices(devices, loudest_db)
        if isinstance(self._bus, Strip):
            by_name = {send.get("name"): send.find("Volume") for send in sends}
            rows = {row: EFFECT_NAMES[effect] for effect, row in SENDS.items()}
            for path, level in moving_sends(self._bus, self._lanes).items():
                volume = by_name.get(rows[path])
                if volume is not None:
                    self.points.append(points_of("volume", level, self._identity(volume)))
                    self.carried.add(path)

    def _aim_devices(self, devices: Sequence[Element], loudest_db: float) -> None:
        bus: Any = self._bus
        still, moving = settled(bus, self._lanes)
        table = parameters(type(self._bus))
        moving = tuple(item for item in moving if table[item.parameter].section not in _ELSEWHERE)
        if not moving:
            return
        drawn = [as_linear(item) for item in moving]
        times = times_between(drawn, _EVERY_S)
        places = _parameters(devices)
        looks = [_values(channel_settings(bus_at(still, drawn, at), loudest_db).devices) for at in times]
        moved = set()
        for place, parameter in places.items():
            values = [look.get(place) for look in looks]
            known = [value for value in values if value is not None]
            if len(known) < len(looks) or max(known) - min(known) <= _SAME:
                continue
            moved.add(place)
            points = list(zip(times, known, strict=True))
            unit = parameter.get("unit", "linear")
            element = points_element({"parameter": self._identity(parameter)}, points, unit, "linear")
            element.set("name", MARK)
            self.points.append(element)
        for item in moving:
            if _reach(still, item, loudest_db) & moved:
                self.carried.add(item.parameter)

    def _identity(self, element: Element) -> str:
        identity = element.get("id")
        if identity is None:
            identity = self._fresh_id()
            element.set("id", identity)
        return identity


def fader_points(channel: Element, moving: MovingFader, fresh_id: Callable[[], str]) -> list[Element]:
    """Make the automation of the fader and the pan of a channel that is new."""
    points = []
    for what, tag, item in (("volume", "Volume", moving.volume), ("pan", "Pan", moving.pan)):
        parameter = channel.find(tag)
        if item is not None and parameter is not None:
            parameter.set("id", parameter.get("id") or fresh_id())
            points.append(points_of(what, item, parameter.get("id", "")))
    return points


def read_device_lanes(
    channel: Element,
    part: type[Strip] | type[Master],
    lanes: Mapping[str, AimedLane],
    read: Callable[[Element], Strip | None],
) -> tuple[Lane, ...]:
    """Read what moves settings of mixbridge's devices in a channel.

    Args:
        channel: which.
        part: what it is the channel of.
        lanes: the project's automation, by the id of the parameter.
        read: makes a strip of a channel as it stands.
    """
    ours = [device for device in channel.find("Devices") or () if is_ours(device)]
    moving: dict[str, Automation] = {}
    for parameter in _parameters(ours).values():
        identity = parameter.get("id", "")
        lane = lanes.get(identity)
        if lane is not None and lane.unit == parameter.get("unit"):
            moving[identity] = Automation(lane.points, "hold" if all(lane.holds[:-1] or (False,)) else "linear")
    if not moving:
        return ()
    times = _looks(moving)
    curves = {identity: automation_values(item, np.array(times)).tolist() for identity, item in moving.items()}
    paths = [path for path in movable(part) if parameters(part)[path].section not in _ELSEWHERE]
    seen: dict[str, list[float]] = {path: [] for path in paths}
    for at in range(len(times)):
        there = deepcopy(channel)
        for element in there.iter():
            curve = curves.get(element.get("id", ""))
            if curve is not None:
                element.set("value", repr(curve[at]))
        strip = read(there)
        if strip is None:
            return ()
        for path, found in seen.items():
            found.append(float(get(strip, path)))
    rows = parameters(part)
    found_lanes = (sampled_lane(path, rows[path], times, values) for path, values in seen.items())
    return tuple(item for item in found_lanes if item is not None)


def read_send_lanes(channel: Element, lanes: Mapping[str, AimedLane], effects: Mapping[str, str]) -> Iterator[Lane]:
    """Read what moves the levels of a channel's sends to a mix's effects; `effects` by id of their channel."""
    for send in own_sends(channel, effects):
        effect, volume = effects.get(send.get("destination", "")), send.find("Volume")
        lane = None if volume is None else lanes.get(volume.get("id", ""))
        level = None if lane is None else automation(lane, linear)
        if effect is not None and level is not None:
            found = level_lane(SENDS[effect], parameters(Strip)[SENDS[effect]], level)
            if found is not None:
                yield found


def _parameters(devices: Sequence[Element]) -> dict[Place, Element]:
    return {(device.tag, path): parameter for device in devices for path, parameter in parameter_paths(device)}


def _values(devices: Sequence[Element]) -> dict[Place, float]:
    """The numbers of devices, by place; switches have none."""
    values = {}
    for place, parameter in _parameters(devices).items():
        try:
            values[place] = float(parameter.get("value", ""))
        except ValueError:
            continue
    return values


def _reach(still: Any, item: Lane, loudest_db: float) -> set[Place]:
    """The parameters that a lane moves."""
    ends = []
    for value in (min(point.value for point in item.points), max(point.value for point in item.points)):
        alone = item.model_copy(update={"points": (item.points[0].model_copy(update={"value": value}),)})
        ends.append(_values(channel_settings(bus_at(still, [alone], 0.0), loudest_db).devices))
    return {place for place, value in ends[0].items() if abs(ends[1].get(place, value) - value) > _SAME}


def _looks(moving: Mapping[str, Automation]) -> tuple[float, ...]:
    """Choose when to look: at all points, and between them."""
    points = sorted({max(0.0, time_s) for item in moving.values() for time_s, _ in item.points})
    points = [at for place, at in enumerate(points) if place == 0 or at - points[place - 1] > 1e-4]
    pieces = _BETWEEN + 1 if len(points) * (_BETWEEN + 1) <= _MOST_LOOKS else 1
    times = points[:1]
    for begin, end in pairwise(points):
        times += [begin + (end - begin) * step / pieces for step in range(1, pieces + 1)]
    return tuple(times[:_MOST_LOOKS])
