"""Automation that a mix puts into an Ardour session: of faders, pans, sends and plug-ins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ..core.model import Automation
from ..core.moving import MovingFader
from .busses import Ids
from .plugins import digits
from .strips import processor
from .xml import SUPERCLOCK_HZ

# How Ardour runs between the points of a fader, and of a pan.
_FADER, _PAN, _HELD = "Exponential", "Linear", "Discrete"
_PLAY: Final = "Play"


def put_lanes(route: Element, moving: MovingFader, ids: Ids) -> Iterator[str]:
    """Let a strip play a mix's automation of fader and pan; what it cannot take is said."""
    pan = moving.pan and Automation(
        tuple((time_s, (value + 1) / 2) for time_s, value in moving.pan.points), moving.pan.interpolation
    )
    for what, parent, name, automation, style in (
        ("fader", processor(route, "amp"), "gain", moving.volume, _FADER),
        ("pan", route.find("Pannable"), "pan-azimuth", pan, _PAN),
    ):
        if automation is None:
            continue
        if parent is None:
            yield f"its lane of the {what} is left out: the strip has no automation of it."
            continue
        put_list(parent, name, automation.points, _HELD if automation.interpolation == "hold" else style, ids)
        if what == "pan":  # Ardour gives all lists of a panner the state of the one that it reads last
            for together in parent.findall("Automation/AutomationList"):
                together.set("state", _PLAY)


def put_level(parent: Element, name: str, automation: Automation, ids: Ids) -> None:
    """Let a level of its own (the master's fader, a send) play automation, given as factors."""
    put_list(parent, name, automation.points, _HELD if automation.interpolation == "hold" else _FADER, ids)


def put_list(parent: Element, name: str, points: Sequence[tuple[float, float]], style: str, ids: Ids) -> None:
    """Let a control play points, in place of those that it has.

    Args:
        parent: the node that holds the automation.
        name: of the list in it.
        points: (second, value).
        style: how Ardour runs between them.
        ids: for a list that is new.
    """
    holder = parent.find("Automation")
    if holder is None:
        holder = SubElement(parent, "Automation")
    node = next((item for item in holder.findall("AutomationList") if item.get("automation-id") == name), None)
    if node is None:
        node = SubElement(holder, "AutomationList", {"automation-id": name, "id": ids.fresh()})
    node.attrib.update({"interpolation-style": style, "time-domain": "AudioTime", "state": _PLAY})
    for old in node.findall("events"):
        node.remove(old)
    lines = (f"a{round(time_s * SUPERCLOCK_HZ)} {digits(value)}" for time_s, value in points)
    SubElement(node, "events").text = "\n".join(lines) + "\n"
