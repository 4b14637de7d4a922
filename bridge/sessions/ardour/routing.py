"""Who goes where in an Ardour session: strips to busses and the master, VCAs over them, sends; as groups and notes.

A bus that only gets sends is no group: what it would add is not rendered, and said at the strips that send.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.media import shown
from ..core.model import SessionGroup, SessionNote
from .strips import control, is_soloed, played, plugins, processor, read_muting, read_strip, scaled
from .xml import Clock, FaultError, flag, number, whole

_MOST_ON_THE_WAY = 64
_MASTER, _MONITOR = "MasterOut", "MonitorOut"


@dataclass(frozen=True)
class Destination:
    """Where a strip goes.

    Attributes:
        parent: index of the bus in :attr:`Routing.groups`; None is the master, or nothing.
        controls: indices of its VCAs.
        has_output: whether it goes anywhere.
    """

    parent: int | None
    controls: tuple[int, ...]
    has_output: bool


@dataclass
class Routing:
    """The ways through a session's mixer, followed when a strip asks.

    Attributes:
        root: of the session's file.
        clock: of the session.
        groups: busses and VCAs that act on the strips that asked so far.
        notes: what of these busses is not rendered.
    """

    root: Element
    clock: Clock
    groups: list[SessionGroup] = field(default_factory=list)
    notes: list[SessionNote] = field(default_factory=list)
    _busses: dict[str, int] = field(default_factory=dict)
    _vcas: dict[tuple[int, float], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        routes = self.root.findall("Routes/Route")
        self._routes = {route.get("name", ""): route for route in routes}
        self._names = {route.get("id", ""): route.get("name", "") for route in routes}
        self._vca_nodes = {
            whole(node.get("number", "0"), "number of a VCA"): node for node in self.root.iterfind("VCAManager/VCA")
        }
        self._outputs = _connections(routes)

    def destination(self, route: Element, *, way: frozenset[str] = frozenset()) -> Destination:
        """Follow a strip to where it goes; its busses and VCAs are groups from then on.

        Args:
            route: the strip's node.
            way: names of the strips on the way to it, for routes that go in a circle.
        """
        name = route.get("name", "")
        targets = self._targets(name)
        busses = [target for target in targets if self._is_bus(target) and target not in way]
        is_direct = any(self._is_master(target) or ":" in target for target in targets)
        parent = None if is_direct or not busses else self._bus(busses[0], way | {name})
        return Destination(parent, self._controls(route), bool(targets) or not _has_output_node(route))

    def sends(self, route: Element) -> Iterator[str]:
        """Say what of a strip goes elsewhere than its main way, and what comes in beside it, a phrase each."""
        for item in route.findall("Processor"):
            if flag(item, "active", True):
                yield from self._processor(item)
        targets = self._targets(route.get("name", ""))
        is_direct = any(self._is_master(target) for target in targets)
        busses = [target for target in targets if self._is_bus(target)]
        for target in busses if is_direct else busses[1:]:
            yield Kind.SEND(shown(target))
        for target in targets:
            if target in self._routes and not self._is_bus(target) and not self._is_master(target):
                yield Kind.SEND(shown(target))
            elif ":" in target:
                yield Kind.HARDWARE(shown(target))

    def _processor(self, item: Element) -> Iterator[str]:
        kind, name = item.get("type"), shown(item.get("name", ""))
        sends = played(item, "send", self.clock) is not None or control(item, "gaincontrol", 1) > 0
        if kind == "intsend" and item.get("role", "Aux") == "Aux" and sends:
            yield Kind.SEND(shown(self._names.get(item.get("target", ""), "")) or name)
        elif kind == "send" and sends and any(_others(item, "Output")):
            yield Kind.SEND(name)
        elif kind == "return":
            yield Kind.RECEIVE(name)
        elif kind not in ("intsend", "send", "main-outs", "port"):
            yield from (Kind.SIDE_CHAIN(shown(source)) for source in dict.fromkeys(_others(item, "Input")))

    def _targets(self, name: str) -> list[str]:
        """List the strips and ports that a strip's output is connected to."""
        return [target for target in self._outputs.get(name, ()) if target != name]

    def _is_bus(self, name: str) -> bool:
        route = self._routes.get(name)
        return route is not None and route.get("audio-playlist") is None and not _flags(route) & {_MASTER, _MONITOR}

    def _is_master(self, name: str) -> bool:
        route = self._routes.get(name)
        return route is not None and bool(_flags(route) & {_MASTER, _MONITOR})

    def _bus(self, name: str, way: frozenset[str]) -> int:
        _check_way(way)
        if name not in self._busses:
            route = self._routes[name]
            onward = self.destination(route, way=way)
            strip = read_strip(route, self.clock)
            phrases = [*map(Kind.PLUGIN, plugins(route)), *strip.notes, *self.sends(route)]
            if strip.channels == 1:  # both sides become one
                phrases.append(Kind.WIDTH("0 %"))
            self.notes += [SessionNote(name, "", what) for what in phrases]
            self._busses[name] = len(self.groups)
            self.groups.append(
                SessionGroup(
                    name,
                    "bus",
                    onward.parent,
                    onward.controls,
                    strip.gain_db,
                    strip.pan,
                    strip.pan_law,
                    strip.mute,
                    strip.solo,
                    strip.polarity_inverted,
                    strip.volume,
                    strip.pan_automation,
                    has_output=onward.has_output,
                    mute_automation=strip.mute_automation,
                    trims=strip.trims,
                    identity=route.get("id", ""),
                )
            )
        return self._busses[name]

    def _controls(self, strip: Element, way: frozenset[int] = frozenset()) -> tuple[int, ...]:
        """List the VCAs of a strip or of a VCA."""
        ratios = self._assigned_at(strip)
        numbers = [whole(item.get("number", "0"), "number of a VCA") for item in strip.findall("Slavable/Master")]
        return tuple(
            self._vca(number_of, ratios.get(_gain_id(self._vca_nodes[number_of]), 1.0), way | {number_of})
            for number_of in numbers
            if number_of in self._vca_nodes and number_of not in way
        )

    def _vca(self, number_of: int, assigned_at: float, way: frozenset[int]) -> int:
        """Make a group of a VCA; it acts by how far it has moved since the strip was assigned to it."""
        _check_way(way)
        key = (number_of, assigned_at)
        if key not in self._vcas:
            node = self._vca_nodes[number_of]
            controls = self._controls(node, way)
            volume = played(node, "gain", self.clock)
            switch = any(flag(item, "value") for item in node.findall("Controllable") if item.get("name") == "mute")
            mutes = read_muting(node, switch, self.clock)
            self._vcas[key] = len(self.groups)
            self.groups.append(
                SessionGroup(
                    node.get("name", ""),
                    "VCA",
                    controls=controls,
                    gain_db=decibels(control(node, "gaincontrol", 1) / assigned_at),
                    mute=mutes.always,
                    mute_automation=mutes.automation,
                    solo=is_soloed(node),
                    volume=scaled(volume, 1 / assigned_at, 0),
                    identity=node.get("number", ""),
                )
            )
        return self._vcas[key]

    def _assigned_at(self, strip: Element) -> dict[str, float]:
        """Read where VCAs' faders stood when a strip was assigned to them, by the fader's id."""
        owner = processor(strip, "amp") if strip.tag == "Route" else strip
        masters = () if owner is None else owner.findall("Controllable[@name='gaincontrol']/masters/master")
        values = {item.get("id", ""): number(item, "val-master", 1) for item in masters}
        return {name: value for name, value in values.items() if value > 0 and math.isfinite(value)}


def connected(root: Element, route: Element) -> Iterator[str]:
    """Connect a strip to the master whose output goes nowhere, side by side, and say so."""
    master = next(iter(masters(root)), None)
    outputs = list(audio_ports(route, "Output"))
    if master is None or not outputs or any(port.find("Connection") is not None for port in outputs):
        return
    for port, entry in zip(outputs, audio_ports(master, "Input"), strict=False):
        SubElement(port, "Connection", other=entry.get("name", ""))
        SubElement(entry, "Connection", other=port.get("name", ""))
    yield "its output to the master was off; it is on in the copy."


def _check_way(way: frozenset[str] | frozenset[int]) -> None:
    if len(way) > _MOST_ON_THE_WAY:
        raise FaultError(f"it goes through more than {_MOST_ON_THE_WAY} busses or VCAs")


def masters(root: Element) -> list[Element]:
    """List the nodes of a session's master busses: one, or none."""
    return [route for route in root.findall("Routes/Route") if _MASTER in _flags(route)]


def _connections(routes: list[Element]) -> Mapping[str, list[str]]:
    """Map each strip to where its main output goes, by name; ports that are no strip's go by their own."""
    result: dict[str, dict[str, None]] = {}
    for route in routes:
        name = route.get("name", "")
        for port in audio_ports(route, "Output"):
            for item in port.findall("Connection"):
                result.setdefault(name, {})[owner_of(item.get("other", ""))] = None
    return {name: list(targets) for name, targets in result.items()}


def audio_ports(node: Element, direction: str) -> Iterator[Element]:
    """List the audio ports of a strip or processor, "Input" or "Output"."""
    for item in node.findall("IO"):
        if item.get("direction") == direction:
            yield from (port for port in item.findall("Port") if port.get("type", "audio") == "audio")


def _others(item: Element, direction: str) -> Iterator[str]:
    """List what a processor's own ports are connected to."""
    for port in audio_ports(item, direction):
        yield from (owner_of(other.get("other", "")) for other in port.findall("Connection"))


def owner_of(port: str) -> str:
    """Return whose port it is: "Bass/audio_in 1" is of "Bass"; "system:playback_1" stays as it is."""
    return port.rpartition("/")[0] or port


def _has_output_node(route: Element) -> bool:
    return any(item.get("direction") == "Output" and item.find("Port") is not None for item in route.findall("IO"))


def _flags(route: Element) -> set[str]:
    info = route.find("PresentationInfo")
    return set() if info is None else set(info.get("flags", "").split(","))


def _gain_id(vca: Element) -> str:
    return next((item.get("id", "") for item in vca.findall("Controllable") if item.get("name") == "gaincontrol"), "")
