"""Groups, effect channels and rendered returns of a mix in the copy of a project.

What an earlier mix has added is set anew where the mix has it still, and goes where it has not. Tracks stay where they
lie: their channel's destination leads them to their group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from .....presets.preset import GroupBus, Track
from ...core.moving import MOVABLE, Carried, moving_fader, sends_open
from ...core.returned import MARK, ReturnAudio
from ...core.sends import send_levels_db
from ...writing import in_terms_of
from ..devices import channel_settings, is_ours, lost, loudest_db
from ..mixer import MixerTrack, Project, acts
from ..xml import plain_text
from .channels import ChannelWriter, is_muted
from .elements import (
    EFFECT_NAMES,
    MixBuses,
    ProjectIds,
    effect_devices,
    effect_words,
    filled,
    is_own,
    new_channel,
    own_paths,
    own_sends,
    packed_path,
    return_clips,
    send_element,
    send_held,
    track_of,
)
from .moving import StripPoints, fader_points

_STEREO = 2


class BusWriter:
    """Adds the buses of a mix to a project.

    Args:
        project: which.
        channels: collects its changes.
        buses: of the mix.
        returns: of effects, as audio.

    Attributes:
        files: the audio to put into the zip, by its name there; None is what goes.
    """

    def __init__(self, project: Project, channels: ChannelWriter, buses: MixBuses, returns: Sequence[ReturnAudio]):
        self._project, self._channels, self._buses, self._returns = project, channels, buses, returns
        self._ids = ProjectIds(project.root)
        self._fresh: list[Element] = []
        self._own = [track for track in project.mixer if is_own(track)]
        self._kept: dict[str, MixerTrack] = {}
        for track in self._own:
            key = f"{track.role} {track.name}"
            if track.channel is not None and key in self._wanted():
                self._kept.setdefault(key, track)
        self._master = project.master()
        self._master_id = None if self._master is None else self._identified(self._master)
        self._groups = {name: self._channel_id("submix", _group_name(name)) for name in buses.groups}
        self._effects = {effect: self._channel_id("effect", EFFECT_NAMES[effect]) for effect in buses.effects}
        self._paths = {item.effect: packed_path(item.effect, self._kept_files()) for item in returns}
        old = {path for path in own_paths(project.root) if path not in self._kept_files()}
        self.files: dict[str, Path | None] = dict.fromkeys(old)
        self.files |= {self._paths[item.effect]: item.path for item in returns}

    def fresh_id(self) -> str:
        """Return an id that the project does not have."""
        return self._ids.fresh()

    def place(self, track: MixerTrack, wanted: Track, around: str | None) -> str | None:
        """Lead a track to its group; return its destination.

        Args:
            track: which.
            wanted: of the mix.
            around: the group of the project that it went to; None if it went to the master.
        """
        current = None if track.channel is None else track.channel.get("destination")
        if wanted.bus is not None:
            target: str | None = self._groups[wanted.bus]
            if around is not None and not around.endswith(MARK):
                self._channels.notes.append(f"{track.name}: goes to {_group_name(wanted.bus)}, no more to {around}.")
        elif track.channel is None or current in self._own_channels() or (current is None and self._inside_own(track)):
            target = self._usual(track)
        else:
            target = current
        if track.channel is not None and target != current:
            self._channels.splicer.set(track.channel, {"destination": target})
        return target

    def sends(self, levels_db: dict[str, float], name: str) -> list[Element]:
        """Make the sends of a track of this name."""
        for effect, level_db in levels_db.items():
            self._channels.notes += [f"{name}: {what}" for what in send_held(effect, level_db)]
        return [send_element(effect, self._effects[effect], level_db) for effect, level_db in levels_db.items()]

    def write(self, chosen: Collection[Element]) -> set[Carried]:
        """Add what the mix has, and take out what it has no more; `chosen` are the tracks that it sets.

        Returns:
            Lanes of groups that the project has then.
        """
        carried: set[Carried] = set()
        for name, group in self._buses.groups.items():
            carried |= {(name, path) for path in self._group(_group_name(name), group)}
        live = {effect for effect in self._buses.effects if self._effect(effect)}
        for item in self._returns:
            self._audio(item, mute=item.effect in live)
        self._remove_others(chosen)
        structure = self._project.root.find("Structure")
        if structure is not None and self._fresh:
            behind = structure[-1] if len(structure) else None
            self._channels.splicer.add(structure, [(behind, element) for element in self._fresh])
        return carried

    def _group(self, name: str, group: GroupBus) -> set[str]:
        own = Track(name="group", strip=sends_open(group.strip, group.lanes), lanes=group.lanes)
        there, moving = in_terms_of(own, _STEREO, "balance").strip, moving_fader(own, _STEREO, "balance")
        sends = self.sends(send_levels_db(own.strip), name)
        points = StripPoints(there, group.lanes, self._ids.fresh)
        track = self._kept.get(f"submix {name}")
        if track is not None and track.channel is not None:
            self._channels.switch_on(track)
            self._lead_to_master(track.channel)
            self._channels.strip(track.channel, name, there, there.pan, mute=group.mute, sends=sends, moving=points)
            self._channels.lanes(track, moving, self._ids.fresh, points.points)
            return {*points.carried, *MOVABLE}
        settings = channel_settings(there, loudest_db(None))
        points.aim(settings.devices, sends, loudest_db(None))
        channel = new_channel("submix", self._groups[group.name], self._master_id)
        filled(channel, settings.devices, settings.fader_db, there.pan, mute=group.mute, sends=sends)
        identity = self._ids.fresh()
        self._fresh.append(track_of(channel, name, identity, "tracks"))
        self._channels.automate(identity, [*points.points, *fader_points(channel, moving, self._ids.fresh)])
        self._channels.notes += [f"{name}: {what}" for what in lost(there, settings.more_db)]
        return {*points.carried, *MOVABLE}

    def _effect(self, effect: str) -> bool:
        """Set an effect's channel; tell whether an effect of the user's plays in it, so that none is heard as audio."""
        name, level_db = EFFECT_NAMES[effect], self._buses.return_db(effect)
        devices = effect_devices(effect, self._buses.preset)
        sends = self.sends(self._buses.sends_of_return_db(effect), name)
        track = self._kept.get(f"effect {name}")
        if track is None or track.channel is None:
            channel = new_channel("effect", self._effects[effect], self._master_id)
            filled(channel, devices, level_db, 0.0, mute=True, sends=sends)
            self._fresh.append(track_of(channel, name, self._ids.fresh()))
            is_live = False
        else:
            is_live = not is_muted(track.channel) and any(_others(track.channel))
            self._lead_to_master(track.channel)
            self._channels.put(track.channel, name, devices, level_db, 0.0, mute=not is_live, sends=sends)
        rendered = any(item.effect == effect for item in self._returns)
        if is_live:
            words = "; what was rendered is muted" if rendered else ""
            self._channels.notes.append(f"{name}: its own effect stays on{words}.")
        else:
            self._channels.notes.append(effect_words(effect, self._buses.preset, rendered=rendered))
        return is_live

    def _audio(self, item: ReturnAudio, *, mute: bool) -> None:
        lanes = self._project.root.find("Arrangement/Lanes")
        if lanes is None:  # a project without sound has no return either
            return
        track = self._kept.get(f"regular {item.track_name}")
        if track is not None and track.channel is not None:
            identity = self._identified(track.element)
            self._remove_lanes(track)
            self._lead_to_master(track.channel)
            self._channels.put(track.channel, track.name, (), 0.0, 0.0, mute=mute)
        else:
            identity = self._ids.fresh()
            channel = new_channel("regular", self._ids.fresh(), self._master_id)
            filled(channel, (), 0.0, 0.0, mute=mute, sends=())
            self._fresh.append(track_of(channel, item.track_name, identity))
        fresh = Element("Lanes", track=identity, timeUnit="seconds", id=self._ids.fresh())
        fresh.append(return_clips(item, self._paths[item.effect]))
        self._channels.splicer.add(lanes, [(lanes[-1] if len(lanes) else None, fresh)])

    def _remove_others(self, chosen: Collection[Element]) -> None:
        """Take out the buses of an earlier mix that this one does not have."""
        gone = set()
        for track in self._own:
            if track in self._kept.values():
                continue
            if track.element.find("Track") is not None and track.channel is not None:
                self._channels.put(track.channel, track.name, (), 0.0, 0.0, mute=False)
                self._channels.notes.append(f"{track.name}: this mix has no such group; it is set to 0 dB, and empty.")
                continue
            self._remove_lanes(track)
            self._channels.remove(track.element)
            if track.channel is not None:
                gone.add(track.channel.get("id"))
        for track in self._project.mixer:
            if track.channel is not None and not is_own(track):
                self._without(track, track.channel, gone - {None}, is_chosen=track.element in chosen)

    def _without(self, track: MixerTrack, channel: Element, gone: Collection[str | None], *, is_chosen: bool) -> None:
        """Let nothing of a channel lead to what is gone; what the mix sets has new sends and a destination already."""
        if not is_chosen and channel.get("destination") in gone:
            self._channels.splicer.set(channel, {"destination": self._usual(track)})
        own = own_sends(channel, self._channels.effects)
        for send in channel.iterfind("Sends/Send"):
            if send.get("destination") in gone and not (is_chosen and send in own):
                if send in own:
                    self._channels.splicer.replace(send, ())
                else:
                    self._channels.splicer.set(send, {"destination": None})

    def _kept_files(self) -> set[str]:
        """List the files that are played elsewhere than on tracks of mixbridge's."""
        own = {track.identity for track in self._own}
        root = self._project.root
        ours = {file for lanes in root.iter("Lanes") if lanes.get("track") in own for file in lanes.iter("File")}
        return {file.get("path", "") for file in root.iter("File") if file not in ours}

    def _remove_lanes(self, track: MixerTrack) -> None:
        arrangement = self._project.root.find("Arrangement")
        for lanes in () if arrangement is None else list(arrangement.iter("Lanes")):
            if lanes.get("track") == track.identity:
                self._channels.remove(lanes)

    def _lead_to_master(self, channel: Element) -> None:
        if self._master_id is not None and channel.get("destination") != self._master_id:
            self._channels.splicer.set(channel, {"destination": self._master_id})

    def _wanted(self) -> set[str]:
        """List roles and names of what the mix has: a group may be called as an effect."""
        groups = (f"submix {_group_name(name)}" for name in self._buses.groups)
        effects = (f"effect {EFFECT_NAMES[name]}" for name in self._buses.effects)
        return {*groups, *effects, *(f"regular {item.track_name}" for item in self._returns)}

    def _own_channels(self) -> set[str]:
        return {identity for track in self._own if track.channel is not None and (identity := track.channel.get("id"))}

    def _inside_own(self, track: MixerTrack) -> bool:
        return any(around in self._own for around in _around(track))

    def _usual(self, track: MixerTrack) -> str | None:
        """Tell where a track goes without the mix: to what it lies in, or to the master."""
        for around in _around(track):
            if around.channel is not None and around.role != "vca" and around not in self._own:
                return self._identified(around.channel)
        return self._master_id

    def _channel_id(self, role: str, name: str) -> str:
        track = self._kept.get(f"{role} {name}")
        return self._ids.fresh() if track is None or track.channel is None else self._identified(track.channel)

    def _identified(self, element: Element) -> str:
        """Return the id of an element; give it one if it has none."""
        identity = element.get("id")
        if identity is None:
            identity = self._ids.fresh()
            element.set("id", identity)
            self._channels.splicer.set(element, {"id": identity})
        return identity


def own_groups(project: Project) -> dict[str, MixerTrack]:
    """List the groups of a mix in a project, by the ids of their channels."""
    groups = (track for track in project.mixer if track.role == "submix" and is_own(track))
    return {
        identity: track
        for track in groups
        if track.channel is not None and (identity := track.channel.get("id")) is not None
    }


def group_of(track: MixerTrack) -> str:
    """Return what a mix calls a group that it has put into a project."""
    return track.name.removesuffix(MARK)[:200]


def _group_name(name: str) -> str:
    return plain_text(name) + MARK


def _others(channel: Element) -> Iterator[Element]:
    """List the devices in a channel that are the user's, and on."""
    for device in channel.find("Devices") or ():
        if acts(device) and not is_ours(device):
            yield device


def _around(track: MixerTrack) -> Iterator[MixerTrack]:
    around = track.parent
    while around is not None:
        yield around
        around = around.parent
