"""Controls of an Ardour session's strips, set: faders, pans, mutes; and busses and VCAs that come to rest.

What is set stands still: automation of it is switched to Manual, and its points are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from ....presets.units import gain_factor
from ...desks.profile import Setting
from ..writing import master_at_rest
from .plugins import digits
from .strips import BALANCE_PANNER, control, has_panner, inputs, is_muted, is_pannable, processor

MUTE: Final = "/strip/mute"
_PAN: Final = "/strip/pan_stereo_position"
# The desk's value for silence.
SILENCE_DB: Final = -193.0


def control_node(route: Element, address: str) -> tuple[Element, Element, str] | None:
    """Find a strip's control: the node that holds its automation, its own, and its name there."""
    match address:
        case "/strip/gain":
            parent, name, list_name = processor(route, "amp"), "gaincontrol", "gain"
        case "/strip/trimdB":
            parent, name, list_name = processor(route, "trim"), "trimcontrol", "trim"
        case "/strip/pan_stereo_position":
            parent, name, list_name = route.find("Pannable"), "pan-azimuth", "pan-azimuth"
        case _:
            return None
    node = None if parent is None else parent.find(f"Controllable[@name='{name}']")
    return None if parent is None or node is None else (parent, node, list_name)


def set_control(setting: Setting, control: tuple[Element, Element, str]) -> Iterator[str]:
    """Give a control a value, and switch its automation off."""
    parent, node, list_name = control
    wire = float(setting.value)
    if setting.address == _PAN:
        node.set("value", digits(1 - wire))
    else:
        node.set("value", digits(0.0 if wire <= SILENCE_DB else gain_factor(wire)))
    yield from to_manual(parent, list_name, f"the automation of its {list_name.removeprefix('pan-')}")


def set_mute(route: Element, *, muted: bool) -> Iterator[str]:
    """Mute a strip, or not; Ardour keeps that twice."""
    for node in route.findall("MuteMaster"):
        node.set("muted", str(int(muted)))
        points = node.get("mute-point", "Main")
        if muted and "Main" not in points.split(","):
            node.set("mute-point", f"{points},Main")
    for node in route.findall("Controllable"):
        if node.get("name") == "mute":
            node.set("value", str(int(muted)))
    yield from to_manual(route, "mute", "the automation of its mute")


def to_manual(parent: Element, list_name: str | None, what: str) -> Iterator[str]:
    """Switch automation off that would play over what was set; its points stay."""
    played = [
        item
        for item in parent.findall("Automation/AutomationList")
        if list_name in (None, item.get("automation-id")) and item.get("state", "Off") != "Off"
    ]
    for item in played:
        item.set("state", "Off")
    if played:
        yield f"{what} is switched to Manual, its points are kept."


def with_balance(route: Element) -> Iterator[str]:
    """Give a strip a panner that does what the mix's pan does, if it has another or none that acts."""
    outputs = processor(route, "main-outs")
    shell = None if outputs is None else outputs.find("PannerShell")
    if shell is None:
        yield "its pan is left out: the strip has no panner."
        return
    shell.set("bypassed", "0")
    if is_pannable(shell.get("user-panner", ""), inputs(route)):
        return
    if inputs(route) == 2:
        shell.set("user-panner", BALANCE_PANNER)
        yield "its panner becomes a balance, as the mix has it."
    else:
        yield "its pan is left out: its panner is none of one or two channels."


def rest_bus(route: Element) -> Iterator[str]:
    """Set a bus to 0 dB and the centre, with its polarity as it comes, and unmute it."""
    for parent, name, value, list_name in (
        (processor(route, "amp"), "gaincontrol", "1", "gain"),
        (processor(route, "trim"), "trimcontrol", "1", "trim"),
        (route.find("Pannable"), "pan-azimuth", "0.5", "pan-azimuth"),
    ):
        if parent is not None:
            _set(parent, name, value)
            yield from to_manual(parent, list_name, f"the automation of its {list_name.removeprefix('pan-')}")
    yield from set_mute(route, muted=False)
    for node in route.findall("Controllable[@name='phase']"):
        node.set("phase-invert", "0" * len(node.get("phase-invert", "")))


def rest_master(route: Element) -> Iterator[str]:
    """Set the master's pan to the centre and unmute it."""
    pannable = route.find("Pannable")
    if has_panner(route) and pannable is not None:
        yield from master_at_rest(2 * control(pannable, "pan-azimuth", 0.5) - 1, muted=False)
        _set(pannable, "pan-azimuth", "0.5")
        yield from to_manual(pannable, "pan-azimuth", "the automation of its azimuth")
    yield from master_at_rest(0.0, muted=is_muted(route))
    yield from set_mute(route, muted=False)


def rest_vca(root: Element, vca: Element) -> Iterator[str]:
    """Set a VCA to 0 dB, unmute it, and let all that it controls be as if it had been assigned there."""
    fader = {node.get("id", "") for node in vca.findall("Controllable[@name='gaincontrol']")}
    mute = {node.get("id", "") for node in vca.findall("Controllable[@name='mute']")}
    for node in root.iter("master"):
        if node.get("id") in fader:
            node.set("val-master", "1")
        elif node.get("id") in mute:
            node.set("yn", "0")
    _set(vca, "gaincontrol", "1")
    _set(vca, "mute", "0")
    for name in ("gain", "mute"):
        yield from to_manual(vca, name, f"the automation of its {name}")


def _set(parent: Element, name: str, value: str) -> None:
    for node in parent.findall(f"Controllable[@name='{name}']"):
        node.set("value", value)
