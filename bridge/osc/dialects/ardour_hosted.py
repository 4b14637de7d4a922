"""Plug-ins of the user's on Ardour's strips: found by their titles, their parameters by their labels.

Ardour sets parameters in the plug-in's own unit, be it VST3 or LV2; of many plug-ins that is the host's 0 to 1. One is
set only where its range is known: 0 to 1, what the plug-in itself shows, or that of the profile. Tried with Ardour 7.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...desks.hosted.plugged import Plugged, PluggedParameter, is_same_parameter, is_same_plugin
from ...desks.scales import Linear, Log
from ...desks.wire import float32
from ..asking import ask
from ..link import Link
from ..packets import Message
from .ardour_strips import ANSWER_WAIT_S, ArdourStrip

DESCRIPTOR = "/strip/plugin/descriptor"
# strip, plug-in, number, label, flags, type, lowest, highest, format, how many named values, ..., value
DESCRIPTOR_LENGTH = 11
_END = "/strip/plugin/descriptor_end"
_SAME_END = 1e-3
_QUIET_S = 0.1


@dataclass(frozen=True)
class ArdourParameter:
    """A parameter of a plug-in on a strip.

    Attributes:
        number: in Ardour, from 1.
        label: as Ardour shows it.
        low: the least that it takes.
        high: the most.
    """

    number: int
    label: str
    low: float
    high: float

    @property
    def is_normal(self) -> bool:
        """Whether it takes the host's 0 to 1."""
        return (self.low, self.high) == (0.0, 1.0)

    def wire(self, raw: float, parameter: PluggedParameter) -> float:
        """What Ardour takes for a host's value."""
        if self.is_normal:
            return raw
        return self.low + raw * (self.high - self.low) if parameter.own else float(parameter.scale.decode(raw))

    def raw(self, wire: float, parameter: PluggedParameter) -> float:
        """The host's value for what Ardour tells."""
        if self.is_normal:
            return wire
        share = (wire - self.low) / (self.high - self.low)
        return float32(share) if parameter.own else float(parameter.scale.encode(wire))


class HostedPlugins:
    """Which of the user's plug-ins stand on which strips, and what their parameters are called there.

    Args:
        plugged: that were told to stand there.
        link: to Ardour, which is asked when it is first needed.
    """

    def __init__(self, plugged: Sequence[Plugged], link: Link | None = None) -> None:
        self._plugged = {item.name: item for item in plugged}
        self._known = {(item.name, entry.label): entry for item in plugged for entry in item.parameters}
        self._link = link
        self._tables: dict[tuple[int, int], Sequence[ArdourParameter]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._plugged

    def number(self, strip: ArdourStrip, name: str) -> int | None:
        """Number a plug-in on a strip; None where it is not there."""
        item = self._plugged[name]
        alike = [number for number, title in enumerate(strip.plugins, 1) if is_same_plugin(item.title, title)]
        return alike[item.nth - 1] if len(alike) >= item.nth else None

    def lacks(self, strip: ArdourStrip, name: str) -> str:
        """Say what a strip lacks of a plug-in: itself, or the first parameter that is not as known; else nothing."""
        item = self._plugged[name]
        if self.number(strip, name) is None:
            return item.title
        missing = (entry.label for entry in item.parameters if self.find(strip, name, entry.label) is None)
        label = next(missing, None)
        return "" if label is None else f"{label!r} as known of {item.title}"

    def find(self, strip: ArdourStrip, name: str, label: str) -> ArdourParameter | None:
        """Find a parameter whose range is known; None where there is none."""
        known = self._known[name, label]
        found = next((item for item in self._table(strip, name) if is_same_parameter(label, item.label)), None)
        return found if found is not None and _is_known(found, known) else None

    def known(self, name: str, label: str) -> PluggedParameter:
        """Give what is known of a parameter."""
        return self._known[name, label]

    def _table(self, strip: ArdourStrip, name: str) -> Sequence[ArdourParameter]:
        number = self.number(strip, name)
        if number is None or self._link is None:
            return ()
        place = (strip.number, number)
        if place not in self._tables:
            self._tables[place] = tuple(_read(self._link, *place).values())
        return self._tables[place]


def _read(link: Link, strip: int, plugin: int) -> Mapping[int, ArdourParameter]:
    """Ask for the parameters of a plug-in.

    Raises:
        DeskError: Ardour does not answer.
    """
    found: dict[int, ArdourParameter] = {}

    def is_complete(messages: Sequence[Message]) -> bool:
        message = messages[-1]
        parameter = _parameter(message, strip, plugin)
        if parameter is not None:
            found[parameter.number] = parameter
        ends = sum(item.address == _END and item.args[:2] == (strip, plugin) for item in messages)
        # What is lost, or overtaken by the end, shows as a gap; a gap that is there twice is one of Ardour's own.
        is_whole = bool(found) and len(found) == max(found)
        return ends > 0 and (is_whole or ends > 1)

    ask(link, [Message(DESCRIPTOR, (strip, plugin))], is_complete, wait_s=ANSWER_WAIT_S, quiet_s=_QUIET_S)
    return dict(sorted(found.items()))


def _parameter(message: Message, strip: int, plugin: int) -> ArdourParameter | None:
    match message.args if message.address == DESCRIPTOR else ():
        case (int() as at, int() as number, int() as parameter, str() as label, _, _, low, high, *_) if (
            (at, number) == (strip, plugin)
            and isinstance(low, int | float)
            and isinstance(high, int | float)
            and math.isfinite(low)
            and math.isfinite(high)
        ):
            return ArdourParameter(parameter, label, float(low), float(high))
        case _:
            return None


def _is_known(found: ArdourParameter, known: PluggedParameter) -> bool:
    """Tell whether it is known what its values mean: by its own range, else by that of the setting's unit."""
    if found.is_normal:
        return True
    scale = known.scale
    ends = known.own
    if ends is None and known.constant is None and isinstance(scale, Linear | Log):
        ends = (scale.low, scale.high)
    if ends is None:
        return False
    room = _SAME_END * (ends[1] - ends[0])
    return abs(ends[0] - found.low) <= room and abs(ends[1] - found.high) <= room
