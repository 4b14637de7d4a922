"""What a strip of an Ardour session does to its sound: fader, trim, pan, mute, polarity; and what stems lack of it.

Tracks and busses are such strips; a VCA is one with less. Which strip goes where is :mod:`.routing`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from xml.etree.ElementTree import Element

from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.media import shown
from ..core.model import Automation, PanLaw, Trim
from ..core.muting import Muting, muting
from .regions import read_automation
from .xml import Clock, flag, number, within

PLUGIN_TYPES: Final = frozenset({"lv2", "ladspa", "windows-vst", "lxvst", "mac-vst", "vst3", "audiounit", "luaproc"})
# Automation of these states is played.
_PLAYED: Final = frozenset({"Play", "Touch", "Latch"})
BALANCE_PANNER: Final = "http://ardour.org/plugin/panner_balance"
_MONO_PANNER: Final = "http://ardour.org/plugin/panner_1in2out"
_WIDTH_PANNER: Final = "http://ardour.org/plugin/panner_2in2out"
_MIDDLE: Final = 1e-4
# A mute's automation is on from here on.
_MUTED: Final = 0.5


@dataclass(frozen=True)
class StripLevels:
    """A strip's levels, as the model has them; its attributes are those of a track there.

    Attributes:
        channels: that come in, of audio.
        notes: what of the strip is not rendered, a phrase each.
    """

    gain_db: float
    pan: float
    pan_law: PanLaw
    mute: bool
    solo: bool
    polarity_inverted: bool
    volume: Automation | None
    pan_automation: Automation | None
    mute_automation: Automation | None
    trims: tuple[Trim, ...]
    channels: int
    notes: tuple[str, ...]


def read_strip(route: Element, clock: Clock) -> StripLevels:
    """Read the levels of a track or bus.

    Raises:
        FaultError: one of them is no number.
    """
    channels = inputs(route)
    moving = played(processor(route, "trim"), "trim", clock)
    trim = control(processor(route, "trim"), "trimcontrol", 1) if moving is None else 1.0
    fader = control(processor(route, "amp"), "gaincontrol", 1)
    pannable = route.find("Pannable")
    law, pan_note = _pan_law(route, channels)
    azimuth = control(pannable, "pan-azimuth", 0.5)
    pans = None if law is None else played(pannable, "pan-azimuth", clock)
    mutes = read_muting(route, is_muted(route), clock) if acts_on_main(route) else Muting(False)
    return StripLevels(
        gain_db=decibels(trim * fader),
        pan=0.0 if law is None else 2 * azimuth - 1,
        pan_law=law or "balance",
        mute=mutes.always or not flag(route, "active", True),
        solo=is_soloed(route),
        polarity_inverted=is_inverted(route),
        volume=scaled(played(processor(route, "amp"), "gain", clock), trim, 0),
        pan_automation=scaled(pans, 2, -1),
        mute_automation=mutes.automation,
        trims=() if moving is None else (Trim(Kind.TRIM_ENVELOPE(), moving),),
        channels=channels,
        notes=(*_changes(route, clock), *pan_note),
    )


def processor(route: Element, kind: str) -> Element | None:
    """Find the first processor of a type: "amp" is the fader, "trim" the input's trim."""
    return next((item for item in route.findall("Processor") if item.get("type") == kind), None)


def inputs(route: Element) -> int:
    """Count the audio channels that come in; what has none is a strip all the same, of one."""
    for item in route.findall("IO"):
        if item.get("direction") == "Input":
            return max(1, sum(port.get("type") == "audio" for port in item.findall("Port")))
    return 2


def control(node: Element | None, name: str, default: float) -> float:
    """Read the value of a control below a node."""
    for item in () if node is None else node.findall("Controllable"):
        if item.get("name") == name:
            with within(name):
                return number(item, "value", default)
    return default


def played(node: Element | None, name: str, clock: Clock) -> Automation | None:
    """Read the automation of a control, if Ardour would play it."""
    for item in () if node is None else node.findall("Automation/AutomationList"):
        if item.get("automation-id") == name and item.get("state") in _PLAYED:
            return read_automation(item, clock, f"{name} automation")
    return None


def scaled(automation: Automation | None, factor: float, offset: float) -> Automation | None:
    """Scale and shift the values of an automation."""
    if automation is None:
        return None
    return replace(automation, points=tuple((time, factor * value + offset) for time, value in automation.points))


def is_muted(route: Element) -> bool:
    """Tell whether a strip's mute is on and silences its output."""
    mute = route.find("MuteMaster")
    return mute is not None and flag(mute, "muted") and acts_on_main(route)


def acts_on_main(route: Element) -> bool:
    """Tell whether a strip's mute silences its output; it may be set to act on sends alone."""
    mute = route.find("MuteMaster")
    return mute is None or "Main" in mute.get("mute-point", "Main").split(",")


def read_muting(node: Element, muted: bool, clock: Clock) -> Muting:
    """Read when a strip or VCA is muted: automation takes the place of the switch, which stands as it played last."""
    automation = played(node, "mute", clock)
    if automation is None:
        return Muting(muted)
    return muting((time, value >= _MUTED) for time, value in automation.points)


def is_soloed(node: Element) -> bool:
    """Tell whether a strip is soloed itself, and not because another one is."""
    return any(flag(item, "self-solo") for item in node.findall("Controllable") if item.get("name") == "solo")


def has_panner(route: Element) -> bool:
    """Tell whether a strip has a panner; with one output it has none."""
    outputs = processor(route, "main-outs")
    return outputs is not None and outputs.find("PannerShell") is not None


def is_pannable(panner: str, channels: int) -> bool:
    """Tell whether a panner is one that is read and set."""
    return channels <= 2 and panner in {"", BALANCE_PANNER, _MONO_PANNER}


def plugins(route: Element) -> Iterator[str]:
    """Name the plug-ins of a strip that act."""
    for item in route.findall("Processor"):
        if item.get("type") in PLUGIN_TYPES and flag(item, "active", True):
            yield shown(item.get("name", ""))


def is_inverted(route: Element) -> bool:
    """Tell whether the polarity of all channels of a strip is inverted."""
    bits = _phases(route)
    return "1" in bits and "0" not in bits


def _phases(route: Element) -> str:
    """Read a digit for each channel: 1 if its polarity is inverted."""
    return next(
        (item.get("phase-invert", "") for item in route.findall("Controllable") if item.get("name") == "phase"), ""
    )


def _pan_law(route: Element, channels: int) -> tuple[PanLaw | None, list[str]]:
    """Return what the strip's pan means; None if it has none, or one that is not rendered."""
    outputs = processor(route, "main-outs")
    shell = None if outputs is None else outputs.find("PannerShell")
    if shell is None or flag(shell, "bypassed"):
        return None, []
    panner = shell.get("user-panner", "")
    if is_pannable(panner, channels):
        return ("ardour" if channels == 1 else "balance"), []
    pannable = route.find("Pannable")
    middle, width = control(pannable, "pan-azimuth", 0.5), control(pannable, "pan-width", 1)
    if panner == _WIDTH_PANNER and channels == 2 and not _is_played(pannable, "pan-azimuth"):
        # At its full width both channels stay what they are.
        is_wide = abs(width - 1) < _MIDDLE and abs(middle - 0.5) < _MIDDLE
        return None, [] if is_wide else [Kind.WIDTH(f"{width:.0%}".replace("%", " %"))]
    return None, [Kind.PANNER()]


def _changes(route: Element, clock: Clock) -> Iterator[str]:
    """Say what of a strip is not rendered, but for its plug-ins."""
    if not flag(route, "active", True):
        yield Kind.TRACK_OFF()
    if {"0", "1"} <= set(_phases(route)):
        yield Kind.CHANNEL_POLARITY()
    for item in route.findall("Processor"):
        if item.get("type") == "port" and flag(item, "active", True):
            yield Kind.INSERT(shown(item.get("name", "")))
        elif item.get("type") == "triggerbox" and item.find("Triggers/Trigger[@region]") is not None:
            yield Kind.LAUNCHER()
        elif item.get("type") in PLUGIN_TYPES and flag(item, "active", True) and _is_played(item, None):
            yield Kind.AUTOMATION_OF_PLUGIN(shown(item.get("name", "")))
    sends = (item for item in route.findall("Processor") if item.get("type") in ("intsend", "send"))
    if any(_is_played(item, "send") for item in sends):
        yield Kind.AUTOMATION_OF_SEND()
    if _is_played(route, "mute") and not acts_on_main(route):
        yield Kind.MUTE_AUTOMATION()
    outputs = processor(route, "main-outs")
    shell = None if outputs is None else outputs.find("PannerShell")
    if (
        shell is not None
        and shell.get("user-panner") == _WIDTH_PANNER
        and _is_played(route.find("Pannable"), "pan-width")
    ):
        yield Kind.WIDTH_AUTOMATION()


def _is_played(node: Element | None, name: str | None) -> bool:
    """Tell whether a control, or any of a node, follows automation that has points."""
    for item in () if node is None else node.findall("Automation/AutomationList"):
        is_on = name in (None, item.get("automation-id")) and item.get("state") in _PLAYED
        if is_on and (item.findtext("events") or "").strip():
            return True
    return False
