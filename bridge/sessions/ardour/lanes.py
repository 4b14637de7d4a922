"""Automation of a strip's fader and pan that a mix puts into an Ardour session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from ..core.model import Automation
from ..core.moving import MovingFader
from .plugins import digits
from .strips import processor
from .xml import SUPERCLOCK_HZ

# How Ardour runs between the points of a fader, and of a pan.
_FADER, _PAN, _HELD = "Exponential", "Linear", "Discrete"
_PLAY: Final = "Play"


def put_lanes(route: Element, moving: MovingFader, superclock_hz: int = SUPERCLOCK_HZ) -> Iterator[str]:
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
        node = None if parent is None else _list(parent, name)
        if parent is None or node is None:
            yield f"its lane of the {what} is left out: the strip has no automation of it."
            continue
        node.set("interpolation-style", _HELD if automation.interpolation == "hold" else style)
        node.set("time-domain", "AudioTime")
        # Ardour gives all lists of a panner the state of the one that it reads last.
        for together in parent.findall("Automation/AutomationList") if what == "pan" else [node]:
            together.set("state", _PLAY)
        for old in node.findall("events"):
            node.remove(old)
        lines = (f"a{round(time_s * superclock_hz)} {digits(value)}" for time_s, value in automation.points)
        SubElement(node, "events").text = "\n".join(lines) + "\n"


def _list(parent: Element, name: str) -> Element | None:
    return next(
        (node for node in parent.findall("Automation/AutomationList") if node.get("automation-id") == name), None
    )
