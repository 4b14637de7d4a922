"""Reads an Ardour session (.ardour, Ardour 6 and newer): tracks, regions, faders, automation.

What Ardour has rendered into files already (stretched or pitched regions, frozen tracks) is audio like any other.
Tried against Ardour 7.3, which made the sessions of the tests. The numbers are the matter of :mod:`.xml`, the
regions that of :mod:`.regions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.errors import SessionError
from ....presets.units import decibels
from ..core.media import Resolver, shown
from ..core.model import MOST_CLIPS, MOST_TRACKS, Automation, Clip, PanLaw, Session, SessionNote, SessionTrack
from ..stems.material import FilePool
from .regions import ClipReader, Sources, read_automation
from .xml import Clock, FaultError, flag, number, parse, whole, within

_OLDEST_VERSION = 6000
_OLD_VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){1,3}")
PLUGIN_TYPES = frozenset({"lv2", "ladspa", "windows-vst", "lxvst", "mac-vst", "vst3", "audiounit", "luaproc"})
# Automation of these states is played.
_PLAYED = frozenset({"Play", "Touch", "Latch"})
_BALANCE_PANNER = "http://ardour.org/plugin/panner_balance"
_MONO_PANNER = "http://ardour.org/plugin/panner_1in2out"


def read(path: Path, resolver: Resolver) -> Session:
    """The session of a file.

    Raises:
        SessionError: it cannot be read, or holds what no session does; or its audio lies outside its folder.
    """
    root = parse(path)
    try:
        with FilePool() as pool:
            return _session(path, root, resolver, pool)
    except FaultError as fault:
        raise SessionError(f"{path}: {fault}.") from fault


def audio_routes(root: Element) -> list[Element]:
    """The nodes of a session's audio tracks, in the mixer's order."""
    routes = [route for route in root.findall("Routes/Route") if route.get("audio-playlist")]
    return sorted(routes, key=_order)


def processor(route: Element, kind: str) -> Element | None:
    """The first processor of a type: "amp" is the fader, "trim" the input's trim."""
    return next((item for item in route.findall("Processor") if item.get("type") == kind), None)


def inputs(route: Element) -> int:
    """Audio channels that come in; what has none is a track all the same, of one."""
    for item in route.findall("IO"):
        if item.get("direction") == "Input":
            return max(1, sum(port.get("type") == "audio" for port in item.findall("Port")))
    return 2


def _order(route: Element) -> int:
    info = route.find("PresentationInfo")
    return 0 if info is None else whole(info.get("order", "0"), "order")


def _session(path: Path, root: Element, resolver: Resolver, pool: FilePool) -> Session:
    if _version(root) < _OLDEST_VERSION:
        raise FaultError("it was saved by Ardour 5 or older; open it in a newer one and save it")
    clock = Clock(root)
    nodes = {node.get("id", ""): node for node in root.iterfind("Sources/Source")}
    sources = Sources(nodes, resolver, tuple(_places(root, resolver)), pool)
    reader = _TrackReader(
        ClipReader(clock, sources, _option(root, "use-region-fades", "1") != "0"),
        {node.get("id", ""): node for node in root.iterfind("Playlists/Playlist")},
        {
            identity: group.get("name", "")
            for group in root.iterfind("RouteGroups/RouteGroup")
            for identity in (group.get("routes") or "").split()
        },
    )
    routes = audio_routes(root)
    if len(routes) > MOST_TRACKS:
        raise FaultError(f"it has {len(routes)} tracks; {MOST_TRACKS} are the most")
    if sum(len(playlist) for playlist in reader.playlists.values()) > MOST_CLIPS:
        raise FaultError(f"it has more than {MOST_CLIPS} regions")
    tracks, notes = [], []
    for order, route in enumerate(routes):
        with within(f"track {shown(route.get('name', ''))!r}"):
            track, about = reader.read(route, order)
        tracks.append(track)
        notes += about
    return Session(
        path=path,
        format="ardour",
        name=root.get("name") or path.stem,
        sample_rate_hz=clock.sample_rate_hz,
        tracks=tuple(tracks),
        tempo_bpm=clock.tempo_bpm,
        unsupported=(*notes, *_other_notes(root, reader.playlists)),
    )


def _version(root: Element) -> int:
    """The version of the session's file: 7003 is of Ardour 7; the oldest ones wrote "3.0.0"."""
    text = root.get("version", "0")
    return whole(text.partition(".")[0] if _OLD_VERSION.fullmatch(text) else text, "version")


@dataclass(frozen=True)
class _TrackReader:
    """Makes tracks of routes; `playlists` by id, `groups` by id of the route."""

    clips: ClipReader
    playlists: dict[str, Element]
    groups: dict[str, str]

    def read(self, route: Element, order: int) -> tuple[SessionTrack, list[SessionNote]]:
        """The track of a route, and what of it is not rendered."""
        name, identity = route.get("name", ""), route.get("id", "")
        channels = inputs(route)
        clips, notes = self._clips(route, name, channels)
        trim = _control(processor(route, "trim"), "trimcontrol", 1)
        fader = _control(processor(route, "amp"), "gaincontrol", 1)
        pannable = route.find("Pannable")
        law, pan_note = _pan_law(route, channels)
        azimuth = _control(pannable, "pan-azimuth", 0.5)
        notes += [SessionNote(name, "", what) for what in (*_effects(route), *pan_note)]
        mute = route.find("MuteMaster")
        return SessionTrack(
            name=name,
            order=order,
            clips=tuple(clips),
            group=self.groups.get(identity),
            colour=_colour(route),
            gain_db=decibels(trim * fader),
            pan=0.0 if law is None else 2 * azimuth - 1,
            mute=not flag(route, "active", True) or (mute is not None and flag(mute, "muted")),
            polarity_inverted=_inverted(route),
            channels=min(2, channels),
            pan_law=law or "balance",
            volume=_scaled(self._played(processor(route, "amp"), "gain"), trim, 0),
            pan_automation=None if law is None else _scaled(self._played(pannable, "pan-azimuth"), 2, -1),
            identity=identity,
        ), notes

    def _clips(self, route: Element, name: str, channels: int) -> tuple[list[Clip], list[SessionNote]]:
        playlist = self.playlists.get(route.get("audio-playlist", ""))
        if playlist is None:
            raise FaultError("its playlist is not in the session")
        clips, notes = [], []
        for region in playlist.findall("Region"):
            found = self.clips.clip(region, channels)
            if isinstance(found, SessionNote):
                notes.append(replace(found, track=name))
            elif found is not None:
                clips.append(found)
        return clips, notes

    def _played(self, node: Element | None, control: str) -> Automation | None:
        """The automation of a control, if Ardour would play it."""
        for item in () if node is None else node.findall("Automation/AutomationList"):
            if item.get("automation-id") == control and item.get("state") in _PLAYED:
                return read_automation(item, self.clips.clock, f"{control} automation")
        return None


def _places(root: Element, resolver: Resolver) -> Iterator[str]:
    """Folders for audio, relative to the session's: its own first, then those of other sessions that it took over."""
    own = root.get("name", "")
    try:
        found = [item.name for item in (resolver.folder / "interchange").iterdir() if item.is_dir()]
    except OSError:
        found = []
    for name in sorted(found, key=lambda name: (name != own, name)):
        yield f"interchange/{name}/audiofiles"
    if resolver.allow_outside:
        yield from filter(None, _option(root, "audio-search-path", "").split(":"))


def _option(root: Element, name: str, default: str) -> str:
    found = (item.get("value", default) for item in root.iterfind("Config/Option") if item.get("name") == name)
    return next(found, default)


def _control(node: Element | None, name: str, default: float) -> float:
    for item in () if node is None else node.findall("Controllable"):
        if item.get("name") == name:
            with within(name):
                return number(item, "value", default)
    return default


def _scaled(automation: Automation | None, factor: float, offset: float) -> Automation | None:
    if automation is None:
        return None
    return replace(automation, points=tuple((time, factor * value + offset) for time, value in automation.points))


def _colour(route: Element) -> str | None:
    """Ardour keeps red, green, blue and opacity in one number; 0 is a colour that nobody chose."""
    info = route.find("PresentationInfo")
    number_of = 0 if info is None else whole(info.get("color", "0"), "color")
    return f"#{number_of >> 8 & 0xFFFFFF:06x}" if number_of else None


def _inverted(route: Element) -> bool:
    for item in route.findall("Controllable"):
        if item.get("name") == "phase":
            return "1" in item.get("phase-invert", "") and "0" not in item.get("phase-invert", "")
    return False


def _pan_law(route: Element, channels: int) -> tuple[PanLaw | None, list[str]]:
    """What the track's pan means; None if it has none, or one that is not rendered."""
    outputs = processor(route, "main-outs")
    shell = None if outputs is None else outputs.find("PannerShell")
    if shell is None or flag(shell, "bypassed"):
        return None, []
    panner = shell.get("user-panner", "")
    if channels <= 2 and panner in {"", _BALANCE_PANNER, _MONO_PANNER}:
        return ("ardour" if channels == 1 else "balance"), []
    return None, ["its panner"]


def _effects(route: Element) -> Iterator[str]:
    """What lies between the regions and the fader, or changes over time and is not read."""
    for item in route.findall("Processor"):
        if flag(item, "active", True):
            title = shown(item.get("name", ""))
            if item.get("type") in PLUGIN_TYPES:
                yield f"plug-in {title}"
            elif item.get("type") == "port":
                yield f"insert {title}"
            elif item.get("type") == "triggerbox" and item.find("Triggers/Trigger[@region]") is not None:
                yield "clips of the cue page"
            elif item.get("type") == "trim" and item.find("Automation/AutomationList[@state='Play']") is not None:
                yield "trim automation"
    inverted = [item.get("phase-invert", "") for item in route.findall("Controllable") if item.get("name") == "phase"]
    if any({"0", "1"} <= set(bits) for bits in inverted):
        yield "polarity of single channels"
    if route.find("Slavable/Master") is not None:
        yield "VCA"


def _other_notes(root: Element, playlists: dict[str, Element]) -> Iterator[SessionNote]:
    names = {route.get("id"): route.get("name", "") for route in root.findall("Routes/Route")}
    active = {route.get("audio-playlist") for route in root.findall("Routes/Route")}
    for route in root.findall("Routes/Route"):
        if route.get("midi-playlist"):
            yield SessionNote(route.get("name", ""), "", "MIDI")
    unused = root.findall("UnusedPlaylists/Playlist")
    for playlist in (*playlists.values(), *unused):
        track = names.get(playlist.get("orig-track-id"))
        if track and playlist.get("id") not in active and playlist.get("type", "audio") == "audio" and len(playlist):
            yield SessionNote(track, "", f"playlist {shown(playlist.get('name', ''))}, which is not the active one")
