"""The mixer of a DAWproject: tracks in tracks, faders, pans, devices, tempo; and what of it stems do not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ....presets.units import decibels
from .clips import Arrangement, Lane, Remark
from .pieces import Media, linear
from .time import TempoMap
from .xml import Document, MalformedError, is_true, number

LONGEST_NAME = 200
_USUAL_BPM = 120.0
_PLUGINS = {"Vst2Plugin", "Vst3Plugin", "ClapPlugin", "AuPlugin"}


class Project:
    """A project.xml, understood.

    Args:
        document: the file.
        media: gives the file of an <Audio>; None if it is missing.

    Attributes:
        root: its elements.
        bpm: tempo at the beginning.
        mixer: all tracks with those inside of others, in the order in which they are shown.
        arrangement: what it plays.
        audible: the tracks that a session has: those with audio, or made for it.

    Raises:
        MalformedError: it is no project, or a damaged one.
    """

    def __init__(self, document: Document, media: Callable[[Element], Media | None]):
        self.root = document.root
        if self.root.tag != "Project":
            raise MalformedError(f"its project.xml is a <{self.root.tag[:40]}>, not a <Project>")
        tempo, self.bpm = _tempo(self.root)
        by_id = {name: element for element in self.root.iter() if (name := element.get("id"))}
        structure = self.root.find("Structure")
        self.mixer = [] if structure is None else list(_tracks_in(structure, None, [0]))
        self.arrangement = Arrangement(self.root.find("Arrangement/Lanes"), tempo, by_id, media)
        heard = self.arrangement.heard
        self.audible = [track for track in self.mixer if track.identity in heard or _is_audio_track(track)]

    def master(self) -> Element | None:
        """The master's channel."""
        structure = self.root.find("Structure")
        channels = () if structure is None else structure.iter("Channel")
        return next((channel for channel in channels if channel.get("role") == "master"), None)

    def lanes(self) -> tuple[dict[str, dict[str, Lane]], list[Remark]]:
        """Automation of "Volume" and "Pan" by track, and what else is automated."""
        return _mixer_lanes(self.arrangement.lanes, self.mixer)

    def remarks(self) -> list[Remark]:
        """What the mixer does and stems do not have."""
        return list(_mixer_remarks(self.root, self.mixer, self.audible))


@dataclass(frozen=True)
class MixerTrack:
    """A track of the project's structure.

    Attributes:
        element: its <Track>.
        channel: its <Channel>; None without.
        group: name of the track that it lies in.
        name: as shown.
    """

    element: Element
    channel: Element | None
    group: str | None
    name: str

    @property
    def identity(self) -> str:
        """Its id."""
        return self.element.get("id", "")

    @property
    def role(self) -> str:
        """Of its channel in the mixer."""
        return "regular" if self.channel is None else self.channel.get("role", "regular")


def fader_db(channel: Element | None) -> float:
    """A channel's fader."""
    volume = None if channel is None else channel.find("Volume")
    if volume is None or volume.get("value") is None:
        return 0.0
    unit = volume.get("unit")
    if unit == "decibel" and volume.get("value", "").strip().lower() in ("-inf", "-infinity"):
        return -math.inf
    gain = linear(number(volume, "value"), unit)
    if gain is None or gain < 0:
        raise MalformedError(f"a fader at {volume.get('value')} {unit} is no usable gain")
    return decibels(gain)


def pan_of(channel: Element | None) -> float:
    """A channel's pan, -1 left to 1 right; what lies beyond its range is held there."""
    pan = None if channel is None else channel.find("Pan")
    if pan is None or pan.get("value") is None:
        return 0.0
    low, high = pan_range(pan)
    return min(1.0, max(-1.0, 2 * (number(pan, "value") - low) / (high - low) - 1))


def _tracks_in(parent: Element, group: str | None, count: list[int]) -> Iterator[MixerTrack]:
    for element in parent.iterfind("Track"):
        count[0] += 1
        name = (element.get("name") or f"Track {count[0]}")[:LONGEST_NAME]
        yield MixerTrack(element, element.find("Channel"), group, name)
        yield from _tracks_in(element, name, count)


def _is_audio_track(track: MixerTrack) -> bool:
    return track.role == "regular" and "audio" in track.element.get("contentType", "").split()


def _mixer_lanes(lanes: dict[str, Lane], mixer: list[MixerTrack]) -> tuple[dict[str, dict[str, Lane]], list[Remark]]:
    """Automation of faders and pans by track, and what else is automated."""
    owners: dict[str, tuple[str, str]] = {}
    for track in mixer:
        for element in track.channel.iter() if track.channel is not None else ():
            if name := element.get("id"):
                owners[name] = (track.identity, element.tag)
        for name in ("Volume", "Pan"):
            found = track.channel.find(name) if track.channel is not None else None
            if found is not None and (identity := found.get("id")):
                owners[identity] = (track.identity, f"Channel/{name}")
    result: dict[str, dict[str, Lane]] = {}
    remarks = []
    for parameter, lane in lanes.items():
        owner, kind = owners.get(parameter, ("", "a parameter"))
        if kind.startswith("Channel/"):
            result.setdefault(owner, {})[kind.removeprefix("Channel/")] = lane
        else:
            remarks.append(Remark(owner, "", f"automation of {kind}"))
    return result, remarks


def _mixer_remarks(root: Element, mixer: list[MixerTrack], audible: list[MixerTrack]) -> Iterator[Remark]:
    for track in audible:
        if not is_true(track.element, "loaded", True):
            yield Remark(track.identity, "", "the track is switched off in the DAW")
        if track.channel is not None:
            yield from (Remark(track.identity, "", what) for what in _devices(track.channel))
            if track.channel.find("Sends/Send") is not None:
                yield Remark(track.identity, "", "sends")
    for track in mixer:
        is_group = track.element.find("Track") is not None
        if is_group and track not in audible and _is_moved(track.channel):
            yield Remark(track.identity, "", "the group's own fader and devices")
        if is_true(track.channel, "solo", False):
            yield Remark(track.identity, "", "its solo: all tracks are rendered")
    if root.find("Scenes/Scene") is not None:
        yield Remark("", "", "clips of the launcher: the arrangement alone is rendered")


def _devices(channel: Element) -> Iterator[str]:
    for device in channel.find("Devices") or ():
        if is_true(device.find("Enabled"), "value", True):
            kind = "plug-in" if device.tag in _PLUGINS else "device"
            yield f"{kind} {(device.get('name') or device.get('deviceName') or device.tag)[:LONGEST_NAME]}"


def _is_moved(channel: Element | None) -> bool:
    if channel is None:
        return False
    at_rest = abs(fader_db(channel)) < 0.01 and abs(pan_of(channel)) < 0.005
    return not at_rest or is_true(channel.find("Mute"), "value", False) or any(True for _ in _devices(channel))


def pan_range(pan: Element) -> tuple[float, float]:
    """What a pan's parameter has on the left and on the right."""
    unit = pan.get("unit", "normalized")
    low, high = {"normalized": (0.0, 1.0), "percent": (0.0, 100.0)}.get(unit, (-1.0, 1.0))
    low, high = number(pan, "min", low), number(pan, "max", high)
    if high <= low:
        raise MalformedError(f"a pan from {low:g} to {high:g} has no range")
    return low, high


def lane_pan(value: float, unit: str | None) -> float:
    """A pan in automation as -1..1."""
    position = value if unit == "linear" else 2 * (value / 100 if unit == "percent" else value) - 1
    return min(1.0, max(-1.0, position))


def _tempo(root: Element) -> tuple[TempoMap, float]:
    """The tempo map, and the tempo at the beginning."""
    element = root.find("Transport/Tempo")
    bpm = _USUAL_BPM if element is None else number(element, "value", _USUAL_BPM)
    points = [(0.0, bpm, False)]
    changes = root.find("Arrangement/TempoAutomation")
    if changes is None:
        return TempoMap(points), bpm
    found = sorted(
        (
            (number(point, "time"), number(point, "value"), point.get("interpolation", "hold") == "linear")
            for point in changes.iterfind("RealPoint")
        ),
        # Of two at one time the order in the file counts: a step from the one to the other.
        key=lambda point: point[0],
    )
    unit = changes.get("timeUnit")
    return TempoMap(found or points, "seconds" if unit == "seconds" else "beats"), found[0][1] if found else bpm
