"""mixbridge's plug-ins in an Ardour session: ACE EQ, ACE Compressor and their like as processors of a strip.

A processor is written as short as Ardour 7.3 reads it: its ports; ids, automation lists and channel maps are added when
Ardour saves. Its name in the mixer says that it is mixbridge's, so that the next mix takes its place; other plug-ins
are left alone. Over OSC it has the plug-in's own name, and a push sets the first of that name.

ACE High/Low Pass Filter is a script of Ardour's, known by its checksum. In the session stands a script of ours with the
same parameters, which Ardour takes where its own is another version.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement

from ... import desks
from ...desks.profile import Desk
from ..writing import MARK
from .strips import PLUGIN_TYPES
from .xml import flag, number, whole

PluginKind = Literal["gate", "reverb", "delay", "cuts", "eq", "compressor"]

# As they stand behind each other, in strips and in returns.
_ORDER: Final[tuple[PluginKind, ...]] = ("gate", "reverb", "delay", "cuts", "eq", "compressor")
_DYNAMICS: Final = ("att", "rel", "kn", "rat", "thr", "mak", None, None, None, "sidech", "enable")
# The plug-ins' parameters, as OSC and the desk's profile number them from 1. Meters have numbers, too, but no value
# that is saved. Those of a script have numbers alone.
_SYMBOLS: Final[dict[PluginKind, tuple[str | None, ...]]] = {
    "gate": _DYNAMICS,
    "reverb": ("blend", "roomsz", "enable"),
    "delay": ("inv", "sync", "time", "div", "drywet", "feedback", "lpf", "gain", None, "enable", "dot"),
    "cuts": tuple(map(str, range(7))),
    "eq": (
        *("freql", "gl", "freq1", "g1", "bw1", "freq2", "g2", "bw2", "freq3", "g3", "bw3", "freq4", "g4", "bw4"),
        *("freqh", "gh", "master", "filtogl", "filtog1", "filtog2", "filtog3", "filtog4", "filtogh", "enable"),
    ),
    "compressor": _DYNAMICS,
}
_ENABLE: Final[dict[PluginKind, int]] = {"gate": 11, "reverb": 3, "delay": 10, "cuts": 7, "eq": 24, "compressor": 11}
# Those that link the channels of a stereo strip; those that take two channels as they are; others run for each.
_LINKED: Final = frozenset(("gate", "compressor"))
_STEREO: Final = frozenset(("reverb",))
_SCRIPT_KIND: Final[PluginKind] = "cuts"
_SCRIPT: Final = Path(desks.__file__).parent / "high_low_pass.lua"
_INDENT: Final = "  "


def own_plugin(route: Element, kind: PluginKind, desk: Desk) -> Element | None:
    """Find the plug-in of this kind that mixbridge put into a strip."""
    for item in route.findall("Processor"):
        if item.get("name") == desk.plugins[kind].title + MARK and _state(item, kind) is not None:
            return item
    return None


def put_plugin(route: Element, kind: PluginKind, values: Mapping[int, float], desk: Desk, channels: int) -> Element:
    """Give a strip the plug-in with these values; one that mixbridge put there before is set again.

    Args:
        route: the strip's node.
        kind: which plug-in.
        values: by number of the parameter, from 1.
        desk: Ardour's profile.
        channels: of the strip.

    Returns:
        The plug-in's node; it has no id if it is new.

    Raises:
        FaultError: one that is there is damaged.
    """
    plugin = own_plugin(route, kind, desk)
    if plugin is None:
        plugin = _new_plugin(kind, desk, channels)
        route.insert(_place(route, kind, desk), plugin)
    plugin.set("active", "1")
    written = {symbol: digits(values[n]) for n, symbol in enumerate(_SYMBOLS[kind], 1) if symbol and n in values}
    for control in plugin.findall("Controllable"):
        name = control.get("symbol") or _symbol(kind, control)
        if name in written:
            control.set("value", written[name])
    ports, key = _state(plugin, kind), _port_key(kind)
    for port in () if ports is None else ports.findall("Port"):
        if port.get(key) in written:
            port.set("value", written.pop(port.get(key, "")))
    if ports is not None:
        for symbol, value in written.items():
            SubElement(ports, "Port", {key: symbol, "value": value})
    indent(plugin, route)
    return plugin


def plugin_values(plugin: Element, kind: PluginKind) -> dict[int, float]:
    """Read a plug-in's values by number of the parameter, from 1; one that is bypassed is switched off.

    Raises:
        FaultError: one is no number.
    """
    numbers = {symbol: n for n, symbol in enumerate(_SYMBOLS[kind], 1) if symbol}
    ports, key = _state(plugin, kind), _port_key(kind)
    values = {
        numbers[str(port.get(key))]: number(port, "value")
        for port in (() if ports is None else ports.findall("Port"))
        if port.get(key) in numbers
    }
    if not flag(plugin, "active", True):
        values[_ENABLE[kind]] = 0.0
    return values


def remove_plugin(route: Element, kind: PluginKind, desk: Desk) -> None:
    """Take the plug-in of this kind out of a strip that mixbridge put there, if it is there."""
    plugin = own_plugin(route, kind, desk)
    if plugin is not None:
        route.remove(plugin)


def other_plugins(route: Element, desk: Desk) -> Iterator[str]:
    """Name the plug-ins that are switched on in a strip and are not mixbridge's."""
    own = {desk.plugins[kind].title + MARK for kind in _SYMBOLS}
    for item in route.findall("Processor"):
        if item.get("type") in PLUGIN_TYPES and flag(item, "active", True) and item.get("name") not in own:
            yield item.get("name", "")


def digits(value: float) -> str:
    """Write a number with all digits that a plug-in's 32 bits can hold."""
    return f"{value + 0.0:.9g}"


def indent(node: Element, parent: Element) -> None:
    """Put new nodes into lines of their own, as Ardour writes them."""
    depth = (parent.text or "\n").rpartition("\n")[2] or _INDENT
    children = list(parent)
    at = children.index(node)
    if not node.tail:
        node.tail = f"\n{depth}" if at < len(children) - 1 else f"\n{depth.removesuffix(_INDENT)}"
        if at and at == len(children) - 1:
            children[at - 1].tail = f"\n{depth}"
    inner = list(node)
    if inner:
        node.text = node.text or f"\n{depth}{_INDENT}"
    for child in inner:
        indent(child, node)


def _new_plugin(kind: PluginKind, desk: Desk, channels: int) -> Element:
    plugin = desk.plugins[kind]
    linked = kind in _LINKED and channels == 2
    alone = linked or kind in _STEREO or kind == _SCRIPT_KIND
    node = Element(
        "Processor",
        {
            "name": plugin.title + MARK,
            "active": "1",
            "user-latency": "0",
            "use-user-latency": "0",
            "type": "luaproc" if kind == _SCRIPT_KIND else "lv2",
            "unique-id": str(plugin.stereo_uri if linked else plugin.uri),
            # A plug-in of fewer channels than the strip runs as many times.
            "count": "1" if alone else str(channels),
            "custom": "0",
        },
    )
    state = SubElement(
        node,
        "luaproc" if kind == _SCRIPT_KIND else "lv2",
        {"last-preset-uri": "", "last-preset-label": "", "parameter-changed-since-last-preset": "0"},
    )
    if kind == _SCRIPT_KIND:
        script = SubElement(state, "script", {"lua": "Lua 5.3", "origin": "mixbridge"})
        script.text = base64.b64encode(_SCRIPT.read_bytes()).decode()
    return node


def _state(plugin: Element, kind: PluginKind) -> Element | None:
    """Find what holds a plug-in's ports."""
    return plugin.find("luaproc" if kind == _SCRIPT_KIND else "lv2")


def _port_key(kind: PluginKind) -> str:
    return "id" if kind == _SCRIPT_KIND else "symbol"


def _symbol(kind: PluginKind, control: Element) -> str | None:
    """Name the port of a control that has a number alone, from 0."""
    place = whole(control.get("parameter", "-1"), "parameter")
    return _SYMBOLS[kind][place] if 0 <= place < len(_SYMBOLS[kind]) else None


def _place(route: Element, kind: PluginKind, desk: Desk) -> int:
    """Choose a place among mixbridge's own, before the strip's, since a preset is made for the raw track."""
    children = list(route)
    own = {other: own_plugin(route, other, desk) for other in _ORDER}
    at = _ORDER.index(kind)
    for before in reversed(_ORDER[:at]):
        if (plugin := own[before]) is not None:
            return children.index(plugin) + 1
    for behind in _ORDER[at + 1 :]:
        if (plugin := own[behind]) is not None:
            return children.index(plugin)
    kinds = [child.get("type") if child.tag == "Processor" else None for child in children]
    if "trim" in kinds:
        return kinds.index("trim") + 1
    first = next((at for at, name in enumerate(kinds) if name in PLUGIN_TYPES or name == "amp"), None)
    return len(children) if first is None else first
