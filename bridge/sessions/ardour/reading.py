"""Reads an Ardour session (.ardour, Ardour 6 and newer): tracks, regions, faders, automation.

What Ardour has rendered into files already (stretched or pitched regions, frozen tracks) is audio like any other.
Tried against Ardour 7.3, which made the sessions of the tests. The numbers are the matter of :mod:`.xml`, the
regions that of :mod:`.regions`, faders and pans that of :mod:`.strips`, busses and VCAs that of :mod:`.routing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.errors import SessionError
from ..core.kinds import Kind
from ..core.media import Resolver, shown
from ..core.model import MOST_CLIPS, MOST_TRACKS, Clip, Session, SessionGroup, SessionNote, SessionTrack
from ..stems.material import FilePool
from .regions import ClipReader, Sources
from .routing import Routing, masters
from .strips import plugins, read_strip
from .xml import Clock, FaultError, flag, parse, whole, within

_OLDEST_VERSION = 6000
_OLD_VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){1,3}")


def read(path: Path, resolver: Resolver) -> Session:
    """Read the session of a file.

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
    """List the nodes of a session's audio tracks, in the mixer's order."""
    routes = [route for route in root.findall("Routes/Route") if route.get("audio-playlist")]
    return sorted(routes, key=_order)


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
        Routing(root, clock),
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
        unsupported=(*notes, *reader.routing.notes, *_other_notes(root, reader.playlists)),
        groups=tuple(reader.routing.groups),
        tempo=clock.tempo(),
        remarks=tuple(_frozen(routes, reader.playlists)),
        master=_master(root, clock),
    )


def _frozen(routes: list[Element], playlists: dict[str, Element]) -> Iterator[SessionNote]:
    """Name the tracks that are frozen: their playlist then has one region, played with the plug-ins."""
    for route in routes:
        playlist = playlists.get(route.get("audio-playlist", ""))
        if playlist is not None and flag(playlist, "frozen"):
            yield SessionNote(route.get("name", ""), "", Kind.FROZEN())


def _master(root: Element, clock: Clock) -> SessionGroup | None:
    """Read the fader of the master."""
    route = next(iter(masters(root)), None)
    if route is None:
        return None
    strip = read_strip(route, clock)
    return SessionGroup(
        route.get("name", ""),
        "master",
        gain_db=strip.gain_db,
        pan=strip.pan,
        mute=strip.mute,
        volume=strip.volume,
        pan_automation=strip.pan_automation,
        mute_automation=strip.mute_automation,
        trims=strip.trims,
    )


def _version(root: Element) -> int:
    """Read the version of the session's file: 7003 is of Ardour 7; the oldest ones wrote "3.0.0"."""
    text = root.get("version", "0")
    return whole(text.partition(".")[0] if _OLD_VERSION.fullmatch(text) else text, "version")


@dataclass(frozen=True)
class _TrackReader:
    """Makes tracks of routes; `playlists` by id, `groups` by id of the route."""

    clips: ClipReader
    playlists: dict[str, Element]
    groups: dict[str, str]
    routing: Routing

    def read(self, route: Element, order: int) -> tuple[SessionTrack, list[SessionNote]]:
        """Make the track of a route, and say what of it is not rendered."""
        name, identity = route.get("name", ""), route.get("id", "")
        strip = read_strip(route, self.clips.clock)
        clips, notes = self._clips(route, name, strip.channels)
        destination = self.routing.destination(route)
        phrases = (*map(Kind.PLUGIN, plugins(route)), *strip.notes, *self.routing.sends(route))
        notes += [SessionNote(name, "", what) for what in phrases]
        parent = destination.parent
        return SessionTrack(
            name=name,
            order=order,
            clips=tuple(clips),
            group=self.groups.get(identity) if parent is None else self.routing.groups[parent].name,
            colour=_colour(route),
            gain_db=strip.gain_db,
            pan=strip.pan,
            mute=strip.mute,
            polarity_inverted=strip.polarity_inverted,
            channels=min(2, strip.channels),
            pan_law=strip.pan_law,
            volume=strip.volume,
            pan_automation=strip.pan_automation,
            mute_automation=strip.mute_automation,
            trims=strip.trims,
            identity=identity,
            solo=strip.solo,
            parent=parent,
            controls=destination.controls,
            has_output=destination.has_output,
        ), notes

    def _clips(self, route: Element, name: str, channels: int) -> tuple[list[Clip], list[SessionNote]]:
        playlist = self.playlists.get(route.get("audio-playlist", ""))
        if playlist is None:
            raise FaultError("its playlist is not in the session")
        clips, notes = [], []
        for region in playlist.findall("Region"):
            clip = self.clips.clip(region, channels)
            if isinstance(clip, SessionNote):
                notes.append(replace(clip, track=name))
            elif clip is not None:
                clips.append(clip)
        return clips, notes


def _places(root: Element, resolver: Resolver) -> Iterator[str]:
    """List folders for audio, relative to the session's: its own first, then those of sessions that it took over."""
    own = root.get("name", "")
    try:
        folders = [item.name for item in (resolver.folder / "interchange").iterdir() if item.is_dir()]
    except OSError:
        folders = []
    for name in sorted(folders, key=lambda name: (name != own, name)):
        yield f"interchange/{name}/audiofiles"
    if resolver.allow_outside:
        yield from filter(None, _option(root, "audio-search-path", "").split(":"))


def _option(root: Element, name: str, default: str) -> str:
    values = (item.get("value", default) for item in root.iterfind("Config/Option") if item.get("name") == name)
    return next(values, default)


def _colour(route: Element) -> str | None:
    """Read a colour: red, green, blue and opacity in one number, of which 0 is a colour that nobody chose."""
    info = route.find("PresentationInfo")
    number_of = 0 if info is None else whole(info.get("color", "0"), "color")
    return f"#{number_of >> 8 & 0xFFFFFF:06x}" if number_of else None


def _other_notes(root: Element, playlists: dict[str, Element]) -> Iterator[SessionNote]:
    names = {route.get("id"): route.get("name", "") for route in root.findall("Routes/Route")}
    active = {route.get("audio-playlist") for route in root.findall("Routes/Route")}
    for route in root.findall("Routes/Route"):
        if route.get("midi-playlist"):
            yield SessionNote(route.get("name", ""), "", Kind.MIDI())
    for master in masters(root):
        yield from (SessionNote("", "", Kind.MASTER_PLUGIN(name)) for name in plugins(master))
    unused = root.findall("UnusedPlaylists/Playlist")
    for playlist in (*playlists.values(), *unused):
        track = names.get(playlist.get("orig-track-id"))
        if track and playlist.get("id") not in active and playlist.get("type", "audio") == "audio" and len(playlist):
            yield SessionNote(track, "", Kind.OTHER_PLAYLIST(shown(playlist.get("name", ""))))
