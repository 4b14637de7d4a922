"""mixbridge's plug-ins in an Ardour session: ACE EQ and ACE Compressor as processors of a strip.

A processor is written as short as Ardour 7.3 reads it: its ports; ids, automation lists and channel maps are added when
Ardour saves. Its name in the mixer says that it is mixbridge's, so that the next mix takes its place; other plug-ins
are left alone. Over OSC it has the plug-in's own name, and a push sets the first of that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement

from ...desks.profile import Desk
from .strips import PLUGIN_TYPES
from .xml import flag, number, whole

PluginKind = Literal["eq", "compressor"]

MARK: Final = " (mixbridge)"
# The plug-ins' parameters, as OSC and the desk's profile number them from 1. Meters have numbers, too, but no value
# that is saved.
_SYMBOLS: Final[dict[PluginKind, tuple[str | None, ...]]] = {
    "eq": (
        *("freql", "gl", "freq1", "g1", "bw1", "freq2", "g2", "bw2", "freq3", "g3", "bw3", "freq4", "g4", "bw4"),
        *("freqh", "gh", "master", "filtogl", "filtog1", "filtog2", "filtog3", "filtog4", "filtogh", "enable"),
    ),
    "compressor": ("att", "rel", "kn", "rat", "thr", "mak", None, None, None, "sidech", "enable"),
}
_INDENT: Final = "  "


def own_plugin(route: Element, kind: PluginKind, desk: Desk) -> Element | None:
    """Find the plug-in of this kind that mixbridge put into a strip."""
    for item in route.findall("Processor"):
        if item.get("name") == desk.plugins[kind].title + MARK and item.find("lv2") is not None:
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
    ports = plugin.find("lv2")
    for port in () if ports is None else ports.findall("Port"):
        if port.get("symbol") in written:
            port.set("value", written.pop(port.get("symbol", "")))
    for control in plugin.findall("Controllable"):
        parameter = whole(control.get("parameter", "-1"), "parameter") + 1
        if parameter in values:
            control.set("value", digits(values[parameter]))
    if ports is not None:
        for symbol, value in written.items():
            SubElement(ports, "Port", {"symbol": symbol, "value": value})
    indent(plugin, route)
    return plugin


def plugin_values(plugin: Element, kind: PluginKind) -> dict[int, float]:
    """Read a plug-in's values by number of the parameter, from 1; one that is bypassed is switched off.

    Raises:
        FaultError: one is no number.
    """
    numbers = {symbol: n for n, symbol in enumerate(_SYMBOLS[kind], 1) if symbol}
    values = {
        numbers[str(port.get("symbol"))]: number(port, "value")
        for port in plugin.iterfind("lv2/Port")
        if port.get("symbol") in numbers
    }
    if not flag(plugin, "active", True):
        values[numbers["enable"]] = 0.0
    return values


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
    linked = kind == "compressor" and channels == 2
    node = Element(
        "Processor",
        {
            "name": plugin.title + MARK,
            "active": "1",
            "user-latency": "0",
            "use-user-latency": "0",
            "type": "lv2",
            "unique-id": str(plugin.stereo_uri if linked else plugin.uri),
            # A plug-in of fewer channels than the strip runs as many times.
            "count": "1" if linked else str(channels),
            "custom": "0",
        },
    )
    SubElement(
        node,
        "lv2",
        {"last-preset-uri": "", "last-preset-label": "", "parameter-changed-since-last-preset": "0"},
    )
    return node


def _place(route: Element, kind: PluginKind, desk: Desk) -> int:
    """Choose a place before the strip's own plug-ins, since a preset is made for the raw track; the EQ comes first."""
    children = list(route)
    if kind == "compressor" and (eq := own_plugin(route, "eq", desk)) is not None:
        return children.index(eq) + 1
    if kind == "eq" and (compressor := own_plugin(route, "compressor", desk)) is not None:
        return children.index(compressor)
    kinds = [child.get("type") if child.tag == "Processor" else None for child in children]
    if "trim" in kinds:
        return kinds.index("trim") + 1
    first = next((at for at, name in enumerate(kinds) if name in PLUGIN_TYPES or name == "amp"), None)
    return len(children) if first is None else first
