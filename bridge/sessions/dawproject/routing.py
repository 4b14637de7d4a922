"""Who goes where in the mixer of a DAWproject: tracks to groups, busses and the master, VCAs over them, sends.

A channel goes where its `destination` says; without one, to the track that it lies in. The format has no word for what
a VCA controls, but tracks may lie in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from ..core.kinds import Kind, level
from ..core.model import GroupKind, SessionGroup
from .clips import Remark
from .mixer import (
    MixerTrack,
    devices,
    fader_db,
    is_soloed,
    muting_of,
    pan_automation_of,
    pan_of,
    parameter_level,
    volume_automation_of,
)
from .pieces import AimedLane
from .xml import MalformedError, is_true

_UNHEARD_DB = 0.01
_MOST_ON_THE_WAY = 64


class ProjectRouting:
    """The ways through a project's mixer, followed when a track asks.

    Args:
        tracks: of the project, and channels that are on no track.
        lanes: automation of "Volume" and "Pan" by id of the track.

    Attributes:
        groups: what acts on the tracks that asked so far.
        members: the track of each of them.
    """

    def __init__(self, tracks: Sequence[MixerTrack], lanes: Mapping[str, Mapping[str, AimedLane]]):
        self._tracks, self._lanes = tracks, lanes
        self._by_channel = {
            identity: track
            for track in tracks
            if track.channel is not None and (identity := track.channel.get("id")) is not None
        }
        self._indices: dict[Element, int] = {}
        self.groups: list[SessionGroup] = []
        self.members: list[MixerTrack] = []

    def parent(self, track: MixerTrack, way: frozenset[Element] = frozenset()) -> int | None:
        """Return the index of the group that a track goes to; None is the master.

        Args:
            track: which.
            way: what lies before it, for channels that go in a circle.
        """
        target = self._target(track)
        way = way | {track.element}
        if target is None or target.role == "master" or target.element in way:
            return None
        return self._index(target, way)

    def controls(self, track: MixerTrack, way: frozenset[Element] = frozenset()) -> tuple[int, ...]:
        """Return the indices of the VCAs that a track lies in."""
        result = []
        around = track.parent
        while around is not None:
            if around.role == "vca" and around.element not in way:
                result.append(self._index(around, way | {track.element}))
            around = around.parent
        return tuple(result)

    def remarks(self, tracks: Sequence[MixerTrack]) -> Iterator[Remark]:
        """Say what of some tracks and of the groups that act on them is not rendered."""
        heard = {track.element for track in tracks}
        acting = [track for track in self._tracks if track.element in self._indices and track.element not in heard]
        for track in (*tracks, *acting):
            if not is_true(track.element, "loaded", True):
                yield Remark(track.identity, "", Kind.TRACK_OFF())
            if track.channel is not None:
                yield from (Remark(track.identity, "", Kind.PLUGIN(name)) for name in devices(track.channel))
                yield from (Remark(track.identity, "", Kind.SEND(name)) for name in self._sends(track.channel))
        for track in self._tracks:
            gain_db = fader_db(track.channel) if track.role == "vca" else 0.0
            if track.element not in self._indices and abs(gain_db) >= _UNHEARD_DB:
                yield Remark(track.identity, "", Kind.GROUP_FADER("VCA", level(gain_db)))

    def _target(self, track: MixerTrack) -> MixerTrack | None:
        destination = None if track.channel is None else track.channel.get("destination")
        if destination is not None and destination in self._by_channel:
            return self._by_channel[destination]
        around = track.parent
        while around is not None and (around.channel is None or around.role == "vca"):
            around = around.parent
        return around

    def _index(self, track: MixerTrack, way: frozenset[Element]) -> int:
        if len(way) > _MOST_ON_THE_WAY:
            raise MalformedError(f"a track goes through more than {_MOST_ON_THE_WAY} channels")
        if track.element not in self._indices:
            parent = None if track.role == "vca" else self.parent(track, way)
            controls = self.controls(track, way)
            lanes = self._lanes.get(track.identity, {})
            mutes = muting_of(track, lanes)
            self._indices[track.element] = len(self.groups)
            self.members.append(track)
            self.groups.append(
                SessionGroup(
                    track.name,
                    _kind(track),
                    parent,
                    controls,
                    fader_db(track.channel),
                    pan_of(track.channel),
                    mute=mutes.always,
                    mute_automation=mutes.automation,
                    solo=is_soloed(track),
                    volume=volume_automation_of(lanes),
                    pan_automation=pan_automation_of(lanes),
                    identity=track.identity,
                )
            )
        return self._indices[track.element]

    def _sends(self, channel: Element) -> Iterator[str]:
        """Name where the sends of a channel go that are switched on and turned up."""
        for send in channel.iterfind("Sends/Send"):
            if is_true(send.find("Enable"), "value", True) and parameter_level(send.find("Volume")) > 0:
                target = self._by_channel.get(send.get("destination", ""))
                yield send.get("name", "a bus") if target is None else target.name


def _kind(track: MixerTrack) -> GroupKind:
    if track.role == "vca":
        return "VCA"
    return "group" if track.element.find("Track") is not None else "bus"
