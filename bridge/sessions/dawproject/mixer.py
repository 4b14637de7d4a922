"""The mixer of a DAWproject: tracks in tracks, faders, pans, devices, tempo; and what of it stems do not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ....presets.units import decibels
from ..core.kinds import Kind, Phrase
from ..core.model import Automation
from ..core.muting import Muting, muting
from .clips import Arrangement, Remark
from .pieces import AimedLane, Media, automation, linear
from .time import TempoMap
from .xml import Document, MalformedError, is_true, number

LONGEST_NAME = 200
_USUAL_BPM = 120.0
# A mute's automation is on from here on.
_MUTED = 0.5
# What parameters are called here that are not those of a channel itself.
_A_SEND, _PLUGIN = "a send", "plug-in "


class Project:
    """A project.xml, understood.

    Args:
        document: the file.
        media: gives the file of an <Audio>; None if it is missing.

    Attributes:
        root: its elements.
        bpm: tempo at the beginning.
        tempo: where it changes.
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
        self.tempo = tempo.points()
        by_id = {name: element for element in self.root.iter() if (name := element.get("id"))}
        structure = self.root.find("Structure")
        self.mixer = [] if structure is None else list(_tracks_in(structure, None, [0]))
        self.arrangement = Arrangement(self.root.find("Arrangement/Lanes"), tempo, by_id, media)
        heard = self.arrangement.heard
        self.audible = [track for track in self.mixer if track.identity in heard or _is_audio_track(track)]

    def master(self) -> Element | None:
        """Find the master's channel."""
        return next((track.channel for track in self.mixer if track.role == "master"), None)

    def lanes(self) -> tuple[dict[str, dict[str, AimedLane]], list[Remark]]:
        """Return automation of "Volume" and "Pan" by track, and what else is automated."""
        return _mixer_lanes(self.arrangement.lanes, self.mixer)

    def remarks(self) -> Iterator[Remark]:
        """Say what belongs to no track and stems do not have."""
        master = self.master()
        for name in () if master is None else devices(master):
            yield Remark("", "", Kind.MASTER_PLUGIN(name))
        if self.root.find("Scenes/Scene") is not None:
            yield Remark("", "", Kind.LAUNCHER())


@dataclass(frozen=True)
class MixerTrack:
    """A track of the project's structure.

    Attributes:
        element: its <Track>; or a <Channel> that is on no track.
        channel: its <Channel>; None without.
        parent: the track that it lies in.
        name: as shown.
        number: its own in the project, from 1.
    """

    element: Element
    channel: Element | None
    parent: MixerTrack | None
    name: str
    number: int

    @property
    def identity(self) -> str:
        """Return its id, or one of its own where it has none."""
        return self.element.get("id") or f"#{self.number}"

    @property
    def role(self) -> str:
        """Return the role of its channel in the mixer.

        Groups may have a master each: that of the project lies in no track, and goes nowhere.
        """
        if self.channel is None:
            return "regular"
        role = self.channel.get("role", "regular")
        is_inside = self.parent is not None or bool(self.channel.get("destination"))
        return "submix" if role == "master" and is_inside else role


def fader_db(channel: Element | None) -> float:
    """Read a channel's fader."""
    return decibels(parameter_level(None if channel is None else channel.find("Volume")))


def parameter_level(volume: Element | None) -> float:
    """Read a volume as a factor; 1 if nothing is said of it.

    Raises:
        MalformedError: it is no usable gain.
    """
    if volume is None or volume.get("value") is None:
        return 1.0
    unit = volume.get("unit")
    if unit == "decibel" and volume.get("value", "").strip().lower() in ("-inf", "-infinity"):
        return 0.0
    gain = linear(number(volume, "value"), unit)
    if gain is None or gain < 0:
        raise MalformedError(f"a fader at {volume.get('value')} {unit} is no usable gain")
    return gain


def muting_of(track: MixerTrack, lanes: Mapping[str, AimedLane]) -> Muting:
    """Tell when a track is muted, by its mute or what automates it, or switched off."""
    if not is_true(track.element, "loaded", True):
        return Muting(True)
    if "Mute" in lanes:
        return muting((time, value >= _MUTED) for time, value in lanes["Mute"].points)
    mute = None if track.channel is None else track.channel.find("Mute")
    return Muting(is_true(mute, "value", False))


def is_soloed(track: MixerTrack) -> bool:
    """Tell whether a track is soloed."""
    return is_true(track.channel, "solo", False)


def volume_automation_of(lanes: Mapping[str, AimedLane]) -> Automation | None:
    """Return the automation of a fader, as factors."""
    return automation(lanes["Volume"], linear) if "Volume" in lanes else None


def pan_automation_of(lanes: Mapping[str, AimedLane]) -> Automation | None:
    """Return the automation of a pan, as -1 to 1."""
    return automation(lanes["Pan"], lane_pan) if "Pan" in lanes else None


def pan_of(channel: Element | None) -> float:
    """Read a channel's pan, -1 left to 1 right; what lies beyond its range is held there."""
    pan = None if channel is None else channel.find("Pan")
    if pan is None or pan.get("value") is None:
        return 0.0
    low, high = pan_range(pan)
    return min(1.0, max(-1.0, 2 * (number(pan, "value") - low) / (high - low) - 1))


def _tracks_in(parent: Element, around: MixerTrack | None, count: list[int]) -> Iterator[MixerTrack]:
    for element in parent:
        if element.tag not in ("Track", "Channel") or (element.tag == "Channel" and around is not None):
            continue
        count[0] += 1
        if element.tag == "Channel":  # a bus that is on no track
            yield MixerTrack(element, element, None, (element.get("name") or "Bus")[:LONGEST_NAME], count[0])
            continue
        name = (element.get("name") or f"Track {count[0]}")[:LONGEST_NAME]
        track = MixerTrack(element, element.find("Channel"), around, name, count[0])
        yield track
        yield from _tracks_in(element, track, count)


def _is_audio_track(track: MixerTrack) -> bool:
    return track.role == "regular" and "audio" in track.element.get("contentType", "").split()


def _mixer_lanes(
    lanes: dict[str, AimedLane], mixer: list[MixerTrack]
) -> tuple[dict[str, dict[str, AimedLane]], list[Remark]]:
    """Sort automation: of faders and pans by track, and what else is automated."""
    owners: dict[str, tuple[str, str]] = {}
    for track in mixer:
        for path, element in _parameters(track.channel):
            if name := element.get("id"):
                owners.setdefault(name, (track.identity, path))
    masters = {track.identity for track in mixer if track.role == "master"}
    result: dict[str, dict[str, AimedLane]] = {}
    remarks = []
    for parameter, lane in lanes.items():
        owner, path = owners.get(parameter, ("", "a parameter"))
        convert = {"Channel/Volume": linear, "Channel/Pan": lane_pan}.get(path)
        if path == "Channel/Mute" and owner not in masters:
            result.setdefault(owner, {})["Mute"] = lane
        elif path == "Channel/Mute":
            remarks.append(Remark(owner, "", Kind.MUTE_AUTOMATION()))
        elif convert is not None and automation(lane, convert) is not None:
            result.setdefault(owner, {})[path.removeprefix("Channel/")] = lane
        else:
            remarks.append(Remark(owner, "", _automation_of(path)))
    return result, remarks


def _automation_of(path: str) -> Phrase:
    if path.startswith(_PLUGIN):
        return Kind.AUTOMATION_OF_PLUGIN(path.removeprefix(_PLUGIN))
    return Kind.AUTOMATION_OF_SEND() if path == _A_SEND else Kind.AUTOMATION(path.removeprefix("Channel/"))


def _parameters(channel: Element | None) -> Iterator[tuple[str, Element]]:
    """List everything in a channel that may be automated, with what it is called."""
    for child in () if channel is None else channel:
        if child.tag in ("Volume", "Pan", "Mute"):
            yield f"Channel/{child.tag}", child
        elif child.tag == "Sends":
            yield from ((_A_SEND, element) for element in child.iter())
        elif child.tag == "Devices":
            yield from ((_PLUGIN + device_name(device), element) for device in child for element in device.iter())
        else:
            yield from ((element.tag, element) for element in child.iter())


def devices(channel: Element) -> Iterator[str]:
    """Name the plug-ins and devices of a channel that act."""
    yield from (device_name(device) for device in channel.find("Devices") or () if acts(device))


def acts(device: Element) -> bool:
    """Tell whether a device is loaded and switched on."""
    return is_true(device.find("Enabled"), "value", True) and is_true(device, "loaded", True)


def device_name(device: Element) -> str:
    """Return what a device is called."""
    return (device.get("name") or device.get("deviceName") or device.tag)[:LONGEST_NAME]


def pan_range(pan: Element) -> tuple[float, float]:
    """Read what a pan's parameter has on the left and on the right."""
    unit = pan.get("unit", "normalized")
    low, high = {"normalized": (0.0, 1.0), "percent": (0.0, 100.0)}.get(unit, (-1.0, 1.0))
    low, high = number(pan, "min", low), number(pan, "max", high)
    if high <= low:
        raise MalformedError(f"a pan from {low:g} to {high:g} has no range")
    return low, high


def lane_pan(value: float, unit: str | None) -> float:
    """Convert a pan in automation to -1..1."""
    position = value if unit == "linear" else 2 * (value / 100 if unit == "percent" else value) - 1
    return min(1.0, max(-1.0, position))


def _tempo(root: Element) -> tuple[TempoMap, float]:
    """Read the tempo map, and the tempo at the beginning."""
    element = root.find("Transport/Tempo")
    bpm = _USUAL_BPM if element is None else number(element, "value", _USUAL_BPM)
    points = [(0.0, bpm, False)]
    changes = root.find("Arrangement/TempoAutomation")
    if changes is None:
        return TempoMap(points), bpm
    automated = sorted(
        (
            (number(point, "time"), number(point, "value"), point.get("interpolation", "hold") == "linear")
            for point in changes.iterfind("RealPoint")
        ),
        # Of two at one time the order in the file counts: a step from the one to the other.
        key=lambda point: point[0],
    )
    unit = changes.get("timeUnit")
    return TempoMap(automated or points, "seconds" if unit == "seconds" else "beats"), automated[0][
        1
    ] if automated else bpm
