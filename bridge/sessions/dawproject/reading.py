"""Reads a .dawproject, which Bitwig Studio, Studio One and Cubase write: tracks, faders, clips and their files.

The zip is :mod:`.archive`'s business, the arrangement :mod:`.clips`'s. The format has no sample rate
of its own: the session gets the one that most clips' files have. Its fades have no shape: they are taken for linear.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.errors import AudioError, SessionError
from ..core.kinds import Kind
from ..core.media import Resolver, shown
from ..core.model import Clip, MissingMedia, Session, SessionGroup, SessionNote, SessionTrack
from ..stems.material import FilePool
from .archive import METADATA, PROJECT, Container
from .clips import Remark
from .mixer import (
    LONGEST_NAME,
    MixerTrack,
    Project,
    fader_db,
    is_soloed,
    muting_of,
    pan_automation_of,
    pan_of,
    volume_automation_of,
)
from .pieces import AimedLane, Media, clip_of
from .routing import ProjectRouting
from .xml import MalformedError, is_true, number, parse

USUAL_RATE_HZ = 48_000
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def read(path: Path, resolver: Resolver) -> Session:
    """Read a session of a .dawproject file.

    Args:
        path: the file. Audio in it is unpacked to a private folder, which goes with the session.
        resolver: finds files outside of it.

    Raises:
        SessionError: it is damaged, hostile, or leads to files that may not be read.
    """
    try:
        with Container(path) as container, FilePool() as pool:
            finder = _MediaFinder(container, resolver, pool)
            project = Project(parse(container.text(PROJECT)), finder)
            return _session(path, project, _title(container), tuple(finder.missing.values()))
    except MalformedError as fault:
        raise SessionError(f"{path} cannot be read: {fault}.") from fault


def _session(path: Path, project: Project, title: str, missing: tuple[MissingMedia, ...]) -> Session:
    pieces = project.arrangement.pieces
    rates = Counter(piece.media.sample_rate_hz for piece in pieces)
    rate_hz = rates.most_common(1)[0][0] if rates else USUAL_RATE_HZ
    clips: dict[str, list[Clip]] = {}
    for piece in pieces:
        clips.setdefault(piece.track, []).append(clip_of(piece, rate_hz))
    lanes, lane_remarks = project.lanes()
    routing = ProjectRouting(project.mixer, lanes)
    tracks = tuple(
        _track(order, track, clips.get(track.identity, []), lanes.get(track.identity, {}), routing)
        for order, track in enumerate(project.audible)
    )
    names = {track.identity: track.name for track in project.mixer}
    remarks = [*project.arrangement.remarks, *lane_remarks, *routing.remarks(project.audible), *project.remarks()]
    remarks += [Remark("", "", Kind.NO_TRACK()) for track in clips if track not in names]
    notes = dict.fromkeys(SessionNote(names.get(item.track, ""), item.clip, item.what) for item in remarks)
    return Session(
        path,
        "dawproject",
        title or path.stem,
        rate_hz,
        tracks,
        tempo_bpm=project.bpm,
        unsupported=tuple(notes),
        missing=missing,
        groups=tuple(routing.groups),
        tempo=project.tempo,
        master=_master(project, lanes),
    )


def _master(project: Project, lanes: dict[str, dict[str, AimedLane]]) -> SessionGroup | None:
    """Read the fader of the master."""
    track = next((track for track in project.mixer if track.role == "master" and track.channel is not None), None)
    if track is None:
        return None
    own = lanes.get(track.identity, {})
    mutes = muting_of(track, own)
    return SessionGroup(
        track.name,
        "master",
        gain_db=fader_db(track.channel),
        pan=pan_of(track.channel),
        mute=mutes.always,
        volume=volume_automation_of(own),
        pan_automation=pan_automation_of(own),
        mute_automation=mutes.automation,
    )


class _MediaFinder:
    """The files of <Audio> elements: out of the zip, or from where they lie.

    Attributes:
        missing: what was not found, by path.
    """

    def __init__(self, container: Container, resolver: Resolver, pool: FilePool):
        self._container, self._resolver, self._pool = container, resolver, pool
        self._found: dict[tuple[str, bool], Media | None] = {}
        self.missing: dict[str, MissingMedia] = {}

    def __call__(self, audio: Element) -> Media | None:
        file = audio.find("File")
        if file is None or not file.get("path"):
            raise MalformedError("an <Audio> names no file")
        written, external = file.get("path", ""), is_true(file, "external", False)
        if (written, external) not in self._found:
            self._found[written, external] = self._media(written, external, audio)
        return self._found[written, external]

    def _media(self, written: str, external: bool, audio: Element) -> Media | None:
        path: Path | None
        if not external and written in self._container:
            path = self._container.extracted(written)
        else:
            path = self._resolver.find(written)
            if path is None and not external:
                looked_in = (self._container.path, *self._resolver.missing[written].looked_in)
                self._resolver.missing[written] = self.missing[written] = MissingMedia(shown(written), looked_in)
        if path is None:
            return None
        try:
            return Media(path, self._pool.info(path).sample_rate_hz)
        except AudioError:
            # Whoever renders it says what is wrong with it.
            declared = number(audio, "sampleRate", USUAL_RATE_HZ)
            return Media(path, int(declared) if 8_000 <= declared <= 192_000 else USUAL_RATE_HZ)


def _track(
    order: int, track: MixerTrack, clips: list[Clip], lanes: dict[str, AimedLane], routing: ProjectRouting
) -> SessionTrack:
    channel = track.channel
    colour = track.element.get("color", "")
    parent = routing.parent(track)
    around = None if track.parent is None else track.parent.name
    mutes = muting_of(track, lanes)
    return SessionTrack(
        track.name,
        order,
        tuple(clip for clip in clips if clip.length),
        group=around if parent is None else routing.groups[parent].name,
        colour=colour.lower() if _COLOUR.fullmatch(colour) else None,
        gain_db=fader_db(channel),
        pan=pan_of(channel),
        mute=mutes.always,
        mute_automation=mutes.automation,
        channels=1 if channel is not None and channel.get("audioChannels") == "1" else 2,
        volume=volume_automation_of(lanes),
        pan_automation=pan_automation_of(lanes),
        identity=track.identity,
        solo=is_soloed(track),
        parent=parent,
        controls=routing.controls(track),
    )


def _title(container: Container) -> str:
    """Read the song's name out of metadata.xml, in which nothing is an error, as a project can do without it."""
    if METADATA not in container:
        return ""
    try:
        return (parse(container.text(METADATA)).root.findtext("Title") or "").strip()[:LONGEST_NAME]
    except (MalformedError, SessionError):
        return ""
