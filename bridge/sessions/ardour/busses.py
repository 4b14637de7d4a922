"""Busses that a mix adds to an Ardour session, and the sends that go to them: returns of effects, groups of tracks.

Their names say that they are mixbridge's; the next mix takes them out first and gives tracks their way to the master
back. They are written as short as Ardour 7.3 reads them. A send follows its strip's pan, as in the console.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ....presets.units import gain_factor
from ..writing import MARK
from .plugins import digits, indent
from .routing import audio_ports, masters, owner_of
from .strips import control
from .xml import whole

_SIDES: Final = (1, 2)
# Ardour 7's faders and sends end here.
LOUDEST_DB: Final = 6.02
# The automation of a send's level.
SEND_LIST: Final = "send"


class Ids:
    """Numbers for what is new: Ardour's are unique in a session, and it goes on counting from the last."""

    def __init__(self, root: Element):
        self._root = root
        taken = [node.get("id", "") for node in root.iter() if "id" in node.attrib]
        numbers = (*taken, root.get("id-counter", "0"))
        self._last = max((int(text) for text in numbers if text.isdecimal() and len(text) < 19), default=0)

    def fresh(self) -> str:
        """Return the next number."""
        self._last += 1
        return str(self._last)

    def number_processors(self) -> None:
        """Number the processors that have none, and tell the session how far the numbers go."""
        for node in self._root.iter("Processor"):
            if "id" not in node.attrib:
                node.set("id", self.fresh())
        self._root.set("id-counter", str(self._last))


def is_own(route: Element) -> bool:
    """Tell whether a mix has added this strip."""
    return route.get("name", "").endswith(MARK)


def sends_of(route: Element) -> Iterator[tuple[str, float]]:
    """List the sends of a strip that mixbridge put there: id of the bus, and level as a factor."""
    for item in route.findall("Processor"):
        if item.get("type") == "intsend" and item.get("name", "").endswith(MARK):
            yield item.get("target", ""), control(item, "gaincontrol", 1)


class Busses:
    """The busses of a session, and what goes to them.

    Args:
        root: of the session's file.
        ids: for what is new.
    """

    def __init__(self, root: Element, ids: Ids):
        self._ids = ids
        self._root = root
        routes = root.find("Routes")
        self._routes = SubElement(root, "Routes") if routes is None else routes
        self._slot = max((whole(item.get("bitslot", "0"), "bitslot") for item in root.iter("Processor")), default=0)

    @property
    def own(self) -> list[Element]:
        """Those that a mix has added, in their order."""
        return [route for route in self._routes.findall("Route") if is_own(route)]

    def remove_own(self) -> None:
        """Take out what an earlier mix has added; what went there goes to the master again."""
        own = self.own
        names = {route.get("name", "") for route in own}
        identities = {route.get("id", "") for route in own}
        for bus in own:
            self._routes.remove(bus)
            self._remove_playlist(bus)
        for route in self._routes.findall("Route") if own else ():
            for entry in audio_ports(route, "Input"):
                for item in [item for item in entry.findall("Connection") if _owner(item) in names]:
                    entry.remove(item)
            for send in [item for item in route.findall("Processor") if item.get("target") in identities]:
                route.remove(send)
            if self._disconnect(route, names):
                self.connect(route, self._master)

    def add_track(self, name: str) -> Element:
        """Add a stereo track that goes to the master, under this name; its playlist is still to be made."""
        return self._added(_strip(name, self._ids.fresh(), self._order, self._ids.fresh()))

    def add(self, name: str) -> Element:
        """Add a stereo bus that goes to the master; its name gets the mark, and a number if it is there already."""
        taken = {route.get("name", "") for route in self._routes.findall("Route")}
        plain, count = name.replace(":", "-").replace("/", "-"), 1
        full = plain + MARK
        while full in taken:
            count += 1
            full = f"{plain} {count}{MARK}"
        return self._added(_strip(full, self._ids.fresh(), self._order))

    def send(self, route: Element, bus: Element, level_db: float) -> Element:
        """Give a strip a send behind its fader, which follows its pan; returns its node."""
        self._slot += 1
        send = _send(bus, self._ids, self._slot, gain_factor(min(level_db, LOUDEST_DB)))
        kinds = [(child.tag, child.get("type")) for child in route]
        place = next((at for at, kind in enumerate(kinds) if kind == ("Processor", "amp")), len(kinds) - 1) + 1
        while place < len(kinds) and kinds[place] == ("Processor", "intsend"):
            place += 1
        route.insert(place, send)
        indent(send, route)
        return send

    def move(self, route: Element, bus: Element) -> list[str]:
        """Let a strip go to a bus instead of where it went; what it went to besides the master is given back."""
        owners = _targets(route)
        self._disconnect(route, owners)
        self.connect(route, bus)
        master = self._master
        return sorted(owner for owner in owners if owner and (master is None or owner != master.get("name")))

    def bus_of(self, route: Element) -> Element | None:
        """Find the bus of mixbridge's that a strip goes to."""
        owners = _targets(route)
        return next((bus for bus in self.own if bus.get("name") in owners), None)

    def connect(self, route: Element, target: Element | None) -> None:
        """Connect the outputs of a strip to the inputs of another, side by side."""
        if target is None:
            return
        for port, entry in zip(audio_ports(route, "Output"), audio_ports(target, "Input"), strict=False):
            SubElement(port, "Connection", other=entry.get("name", ""))
            SubElement(entry, "Connection", other=port.get("name", ""))

    @property
    def _master(self) -> Element | None:
        return next(iter(masters(self._root)), None)

    @property
    def _order(self) -> int:
        """A place behind all others in the mixer."""
        orders = [whole(info.get("order", "0"), "order") for info in self._routes.iterfind("Route/PresentationInfo")]
        return max(orders, default=0) + 1

    def _added(self, strip: Element) -> Element:
        self._routes.append(strip)
        self.connect(strip, self._master)
        indent(strip, self._routes)
        return strip

    def _remove_playlist(self, track: Element) -> None:
        """Take out what a track of mixbridge's plays, and the sources that nothing else has."""
        playlists, sources = self._root.find("Playlists"), self._root.find("Sources")
        identity = track.get("audio-playlist")
        if identity is None or playlists is None:
            return
        for playlist in [item for item in playlists.findall("Playlist") if item.get("id") == identity]:
            playlists.remove(playlist)
            used = {value for region in playlist.iter("Region") for value in _source_ids(region)}
            kept = {value for region in self._root.iter("Region") for value in _source_ids(region)}
            for source in [] if sources is None else sources.findall("Source"):
                if sources is not None and source.get("id") in used - kept:
                    sources.remove(source)

    def _disconnect(self, route: Element, owners: Collection[str]) -> bool:
        """Take a strip's output off these strips, at both ends; tell whether it went there."""
        went_there = False
        ends: set[str] = set()
        for port in audio_ports(route, "Output"):
            ends.add(port.get("name", ""))
            for item in port.findall("Connection"):
                if _owner(item) in owners:
                    port.remove(item)
                    went_there = True
        others = (other for other in self._routes.findall("Route") if other.get("name") in owners)
        for entry in (entry for other in others for entry in audio_ports(other, "Input")):
            for item in [item for item in entry.findall("Connection") if item.get("other") in ends]:
                entry.remove(item)
        return went_there


def _send(bus: Element, ids: Ids, slot: int, gain: float) -> Element:
    send = Element(
        "Processor",
        {
            "id": ids.fresh(),
            "name": bus.get("name", ""),
            "active": "1",
            "user-latency": "0",
            "use-user-latency": "0",
            "own-input": "1",
            "own-output": "1",
            "type": "intsend",
            "role": "Aux",
            "bitslot": str(slot),
            "selfdestruct": "0",
            "target": bus.get("id", ""),
            "allow-feedback": "0",
        },
    )
    SubElement(send, "PannerShell", {"bypassed": "0", "user-panner": "", "linked-to-route": "1"})
    numbers = {"id": ids.fresh(), "flags": "GainLike,InlineControl", "value": digits(gain)}
    SubElement(send, "Controllable", {"name": "gaincontrol", **numbers})
    return send


def _source_ids(region: Element) -> set[str]:
    return {value for name, value in region.attrib.items() if name.startswith(("source-", "master-source-"))}


def _strip(name: str, identity: str, order: int, playlist: str | None = None) -> Element:
    """Make a bus; with the id of a playlist a track."""
    bus = Element(
        "Route",
        {
            "version": "7002",
            "id": identity,
            "name": name,
            "default-type": "audio",
            "strict-io": "0",
            "active": "1",
            "denormal-protection": "0",
            "meter-point": "MeterPostFader",
            "disk-io-point": "DiskIOPreFader",
            "meter-type": "MeterPeak",
        },
    )
    is_track = playlist is not None
    if playlist is not None:
        bus.attrib.update({"audio-playlist": playlist, "mode": "Normal"})
    flags = "AudioTrack,OrderSet" if is_track else "AudioBus,OrderSet"
    SubElement(bus, "PresentationInfo", {"order": str(order), "flags": flags, "color": "0"})
    for direction, word in (("Input", "in"), ("Output", "out")):
        io = SubElement(bus, "IO", {"name": name, "direction": direction, "default-type": "audio"})
        for side in _SIDES:
            SubElement(io, "Port", {"type": "audio", "name": f"{name}/audio_{word} {side}"})
    SubElement(bus, "MuteMaster", {"mute-point": "PostFader,Listen,Main", "muted": "0"})
    SubElement(bus, "Controllable", {"name": "mute", "flags": "Toggle,RealTime", "value": "0"})
    SubElement(bus, "Controllable", {"name": "phase", "flags": "Toggle", "value": "0", "phase-invert": "00"})
    pannable = SubElement(bus, "Pannable")
    SubElement(pannable, "Controllable", {"name": "pan-azimuth", "flags": "", "value": "0.5"})
    first = ("diskwriter", "recorder") if is_track else ("intreturn", "Return")
    player = (("diskreader", "player"),) if is_track else ()
    for kind, label in (first, ("polarity", "Polarity"), ("trim", "Amp"), *player, ("amp", "Amp")):
        _processor(bus, kind, label, {"trim": "trimcontrol", "amp": "gaincontrol"}.get(kind))
    _processor(bus, "meter", f"meter-{name}", None)
    outs = _processor(bus, "main-outs", name, None)
    outs.attrib.update({"own-input": "1", "own-output": "0", "output": name, "role": "Main"})
    SubElement(outs, "PannerShell", {"bypassed": "0", "user-panner": "", "linked-to-route": "1"})
    return bus


def _processor(bus: Element, kind: str, name: str, control_name: str | None) -> Element:
    node = SubElement(
        bus, "Processor", {"name": name, "active": "1", "user-latency": "0", "use-user-latency": "0", "type": kind}
    )
    if control_name is not None:
        SubElement(node, "Controllable", {"name": control_name, "flags": "GainLike", "value": "1"})
    return node


def _targets(route: Element) -> set[str]:
    """List the strips that an output is connected to, by name."""
    return {_owner(item) for port in audio_ports(route, "Output") for item in port.findall("Connection")}


def _owner(connection: Element) -> str:
    return owner_of(connection.get("other", ""))
