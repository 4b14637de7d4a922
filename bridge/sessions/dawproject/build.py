"""A session as the elements of a new project.xml: tracks in groups, channels, clips, automation, tempo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.console import Master, Strip
from ....presets.lanes.lane import Lane
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels, gain_factor
from ..core.balance import FaderPan, from_daw, to_daw
from ..core.model import PanLaw, Session, SessionGroup, SessionTrack
from ..core.moving import (
    MASTER,
    MASTER_FADER,
    MOVABLE,
    Carried,
    MovingFader,
    moving_fader,
    moving_master,
    sends_open,
)
from ..core.returned import MARK, ReturnAudio
from ..core.routing import acting
from ..core.sends import send_levels_db
from ..writing import group_to_rest, in_terms_of
from .arrange import PackedSource, clip_element, points_of, tempo_element
from .devices import LOUDEST_FADER, channel_settings, lost, mute_element, pan_element, volume_element
from .mixing.elements import (
    EFFECT_NAMES,
    MixBuses,
    effect_devices,
    effect_words,
    filled,
    new_channel,
    packed_path,
    return_clips,
    send_element,
    send_held,
    track_of,
)
from .mixing.moving import StripPoints
from .time import tempo_lines
from .xml import plain_text

VERSION = "1.0"
_QUIETEST_DB = -120.0
_LISTED = 12
# What a reader takes a pan of the format for.
_LAW: PanLaw = "balance"


@dataclass(frozen=True)
class _Channel:
    """A channel that is being made, and the ids of its fader and its pan."""

    element: Element
    volume: str
    pan: str


@dataclass(frozen=True)
class _Folder:
    """A track of the project that others lie in, and the channel that they go to."""

    element: Element
    destination: str


class ProjectBuilder:
    """Makes the elements of a project.

    Args:
        session: which.
        sources: where the files of its clips are to be found.
        moved: groups that act on the mix's tracks and would change their balance; they are set to 0 dB.
        buses: groups and effects of the mix.
    """

    def __init__(
        self,
        session: Session,
        sources: Mapping[Path, PackedSource],
        moved: Mapping[int, SessionGroup],
        buses: MixBuses,
    ):
        self._session, self._sources, self._moved, self._buses = session, sources, moved, buses
        self._count = 0
        self._structure, self._lanes = Element("Structure"), Element("Lanes", timeUnit="seconds", id=self._id())
        self._folders: dict[int | str, _Folder] = {}
        self._said: set[str] = set()
        self._master = self._id()
        self._effects = {effect: self._id() for effect in buses.effects}
        self._groups: dict[str, _Folder] = {}
        self.notes: list[str] = []
        # Lanes that the project has, beside faders and pans of tracks.
        self.carried: set[Carried] = set()
        for group in moved.values():
            if group.kind == "VCA":
                self._say_vca(group)

    def track(self, track: SessionTrack, name: str, wanted: PresetTrack | None, channels: int) -> None:
        """Add a track with its channel and its clips.

        Args:
            track: of the session.
            name: as it is to be called.
            wanted: what the mix has for it; None leaves it its own fader and pan.
            channels: of its stem, 1 or 2.
        """
        folder = self._folder(track) if wanted is None or wanted.bus is None else self._mix_group(wanted.bus)
        identity = self._id()
        element = Element("Track", contentType="audio", loaded="true", id=identity, name=plain_text(name))
        if track.colour:
            element.set("color", track.colour)
        channel = self._channel("regular", folder.destination, track.channels, solo=track.solo)
        if wanted is None:
            self._own(channel, track, name, channels)
        else:
            there = in_terms_of(wanted, channels, _LAW)
            opened = sends_open(there.strip, wanted.lanes)
            settings = channel_settings(opened, decibels(LOUDEST_FADER))
            sends = self._sends(send_levels_db(opened), name)
            points = self._aimed(opened, wanted.lanes, settings.devices, sends)
            self.carried |= {(wanted.name, path) for path in points.carried}
            self._fill(channel, settings.devices, settings.fader_db, there.strip.pan, mute=wanted.mute, sends=sends)
            self.notes += [f"{name}: {what}" for what in lost(there.strip, settings.more_db)]
        element.append(channel.element)
        folder.element.append(element)
        lanes = Element("Lanes", track=identity, id=self._id())
        lanes.append(self._clips(track, name))
        self._automation(lanes, track, name, channel, 1 if wanted is None else None)
        if wanted is not None:
            moving = moving_fader(wanted, channels, _LAW)
            lanes.extend((*moving_points(moving, channel.volume, channel.pan), *points.points))
        self._lanes.append(lanes)
        if track.polarity_inverted:
            self.notes.append(f"{name}: its polarity is inverted in the session; invert it in the DAW, too.")

    def returns(self, audio: Sequence[ReturnAudio]) -> dict[str, Path]:
        """Add the effect channels, and the tracks of rendered returns; return their files by their names in the zip."""
        rendered = {item.effect for item in audio}
        taken = [source.path for source in self._sources.values()]
        paths = {item.effect: packed_path(item.effect, taken) for item in audio}
        for effect, identity in self._effects.items():
            name, level_db = EFFECT_NAMES[effect], self._buses.return_db(effect)
            sends = self._sends(self._buses.sends_of_return_db(effect), name)
            channel = new_channel("effect", identity, self._master)
            filled(channel, effect_devices(effect, self._buses.preset), level_db, 0.0, mute=True, sends=sends)
            self._structure.append(track_of(channel, name, self._id()))
            self.notes.append(effect_words(effect, self._buses.preset, rendered=effect in rendered))
        for item in audio:
            identity = self._id()
            channel = filled(new_channel("regular", self._id(), self._master), (), 0.0, 0.0, mute=False, sends=())
            self._structure.append(track_of(channel, item.track_name, identity))
            lanes = Element("Lanes", track=identity, id=self._id())
            lanes.append(return_clips(item, paths[item.effect]))
            self._lanes.append(lanes)
        return {paths[item.effect]: item.path for item in audio}

    def finished(self, preset: Preset) -> Element:
        """Return the project, with the master at the end of its tracks."""
        settings = channel_settings(preset.master, decibels(LOUDEST_FADER))
        channel = self._channel("master", None, 2)
        channel.element.set("id", self._master)
        points = self._aimed(preset.master, preset.master_lanes, settings.devices, ())
        self._fill(channel, settings.devices, settings.fader_db, 0.0, mute=False)
        self.notes += [f"Master: {what}" for what in lost(preset.master, settings.more_db)]
        identity = self._id()
        master = Element("Track", contentType="audio", loaded="true", id=identity, name="Master")
        master.append(channel.element)
        volume = moving_master(preset)
        self._automate(identity, [*moving_points(MovingFader(volume, None), channel.volume, ""), *points.points])
        self.carried |= {(MASTER, path) for path in (*points.carried, *(() if volume is None else (MASTER_FADER,)))}
        self._structure.append(master)
        root = Element("Project", version=VERSION)
        root.append(Element("Application", name="mixbridge", version="1"))
        transport = Element("Transport")
        bpm, tempo = repr(float(self._session.tempo_bpm)), self._id()
        transport.append(Element("Tempo", unit="bpm", value=bpm, id=tempo, name="Tempo"))
        transport.append(Element("TimeSignature", numerator="4", denominator="4", id=self._id()))
        arrangement = Element("Arrangement", id=self._id())
        arrangement.append(self._lanes)
        changes = tempo_lines(self._session)
        if changes:
            arrangement.append(tempo_element(tempo, changes))
        root.extend((transport, self._structure, arrangement))
        return root

    def _clips(self, track: SessionTrack, name: str) -> Element:
        clips = Element("Clips", id=self._id())
        rate_hz = self._session.sample_rate_hz
        shaped = overlapping = end = 0
        for clip in sorted(track.clips, key=lambda clip: clip.position):
            crossfades = clip.position < end <= clip.position + clip.fade_in.length
            clips.append(clip_element(clip, self._sources[clip.source], rate_hz, crossfades=crossfades))
            shaped += any(fade.length and fade.shape != "linear" for fade in (clip.fade_in, clip.fade_out))
            if not clip.mute:
                overlapping += clip.position < end and not crossfades
                end = max(end, clip.end)
        if shaped:
            self.notes.append(f"{name}: fades of {shaped} clip{'s' if shaped > 1 else ''} lose their shape.")
        if overlapping:
            self.notes.append(
                f"{name}: {overlapping} clip{'s overlap others' if overlapping > 1 else ' overlaps another'}; "
                "a DAW that plays one at a time hides what lies below."
            )
        return clips

    def _mix_group(self, name: str) -> _Folder:
        """Return where the tracks of a group of the mix stand."""
        if name not in self._groups:
            group, title = self._buses.groups[name], plain_text(name) + MARK
            own = PresetTrack(name="group", strip=sends_open(group.strip, group.lanes), lanes=group.lanes)
            there = in_terms_of(own, 2, _LAW).strip
            settings = channel_settings(there, decibels(LOUDEST_FADER))
            sends = self._sends(send_levels_db(there), title)
            points = self._aimed(there, group.lanes, settings.devices, sends)
            channel = self._channel("submix", self._master, 2)
            self._fill(channel, settings.devices, settings.fader_db, there.pan, mute=group.mute, sends=sends)
            self._groups[name] = self._group_track(title, channel, self._structure, filled=True)
            fader = moving_points(moving_fader(own, 2, _LAW), channel.volume, channel.pan)
            self._automate(self._groups[name].element.get("id", ""), [*fader, *points.points])
            self.carried |= {(name, path) for path in (*points.carried, *MOVABLE)}
            self.notes += [f"{title}: {what}" for what in lost(there, settings.more_db)]
        return self._groups[name]

    def _aimed(
        self, bus: Strip | Master, lanes: Sequence[Lane], devices: Sequence[Element], sends: Sequence[Element]
    ) -> StripPoints:
        """Let the devices and sends of a channel move that it is about to get."""
        points = StripPoints(bus, lanes, self._id)
        points.aim(devices, sends, decibels(LOUDEST_FADER))
        return points

    def _automate(self, track: str, points: Sequence[Element]) -> None:
        if points:
            lanes = Element("Lanes", track=track, id=self._id())
            lanes.extend(points)
            self._lanes.append(lanes)

    def _sends(self, levels_db: Mapping[str, float], name: str) -> list[Element]:
        for effect, level_db in levels_db.items():
            self.notes += [f"{name}: {what}" for what in send_held(effect, level_db)]
        return [send_element(effect, self._effects[effect], level_db) for effect, level_db in levels_db.items()]

    def _folder(self, item: SessionTrack | SessionGroup, way: frozenset[int] = frozenset()) -> _Folder:
        """Return where a track or group stands, and the channel that it goes to."""
        if item.parent is not None and item.parent not in way:
            if item.parent not in self._folders:
                self._folders[item.parent] = self._group(item.parent, way | {item.parent})
            return self._folders[item.parent]
        name = item.group if isinstance(item, SessionTrack) else None
        if name is None:
            return _Folder(self._structure, self._master)
        if name not in self._folders:
            self._folders[name] = self._group_track(name, self._channel("submix", self._master, 2), self._structure)
        return self._folders[name]

    def _group(self, index: int, way: frozenset[int]) -> _Folder:
        """Add a group with its own fader and pan, or at rest where it acts on the mix."""
        group = self._session.groups[index]
        around = self._folder(group, way)
        channel = self._channel("submix", around.destination, 2, solo=group.solo)
        is_own = index not in self._moved
        if is_own:
            self._own(channel, group, group.name, 2)
            if group.polarity_inverted:
                self.notes.append(f"{group.name}: its polarity is inverted in the session; invert it in the DAW, too.")
        else:
            self.notes.append(group_to_rest(group))
            self._fill(channel, None, 0.0, 0.0, mute=False)
        folder = self._group_track(group.name, channel, around.element, filled=True)
        lanes = Element("Lanes", track=folder.element.get("id", ""), id=self._id())
        if is_own:
            self._automation(lanes, group, group.name, channel, 2)
        if len(lanes):
            self._lanes.append(lanes)
        return folder

    def _group_track(self, name: str, channel: _Channel, around: Element, *, filled: bool = False) -> _Folder:
        track = Element("Track", contentType="tracks", loaded="true", id=self._id(), name=plain_text(name))
        if not filled:
            self._fill(channel, None, 0.0, 0.0, mute=False)
        track.append(channel.element)
        around.append(track)
        return _Folder(track, channel.element.get("id", ""))

    def _channel(self, role: str, destination: str | None, channels: int, *, solo: bool = False) -> _Channel:
        """Make a channel, and the ids of its fader and its pan."""
        is_solo = "true" if solo else "false"
        element = Element("Channel", audioChannels=str(channels), role=role, solo=is_solo, id=self._id())
        if destination is not None:
            element.set("destination", destination)
        return _Channel(element, self._id(), self._id())

    def _own(self, channel: _Channel, item: SessionTrack | SessionGroup, name: str, channels: int) -> None:
        """Set the session's own fader and pan, with what its VCAs do."""
        vcas = list(self._vcas(item))
        setting = _in_this_law(item, channels)
        wanted_db = setting.gain_db + item.send_db + sum(vca.gain_db for vca in vcas)
        level_db = min(wanted_db, decibels(LOUDEST_FADER))
        if level_db < wanted_db:
            self.notes.append(f"{name[:80]}: its fader of {wanted_db:+.1f} dB is held at {level_db:+.1f} dB.")
        if not item.has_output:
            self.notes.append(f"{name}: its output is off in the session, so it is muted.")
        for vca in vcas:
            self._say_vca(vca)
        mute = item.mute or not item.has_output or any(vca.mute for vca in vcas)
        self._fill(channel, None, max(level_db, _QUIETEST_DB), setting.pan, mute=mute)

    def _vcas(self, item: SessionTrack | SessionGroup) -> Iterator[SessionGroup]:
        """List the VCAs that control a track or group, and those over them."""
        for index in item.controls:
            yield self._session.groups[index]
            yield from acting(self._session, self._session.groups[index])

    def _fill(
        self,
        channel: _Channel,
        devices: tuple[Element, ...] | None,
        level_db: float,
        position: float,
        *,
        mute: bool,
        sends: Sequence[Element] = (),
    ) -> None:
        if devices is not None:
            chain = Element("Devices")
            chain.extend(devices)
            channel.element.append(chain)
        channel.element.append(mute_element(mute))
        panner, volume, sent = pan_element(position), volume_element(level_db), Element("Sends")
        for element, identity in ((panner, channel.pan), (volume, channel.volume)):
            element.set("id", identity)
            element.set("name", element.tag)
        sent.extend(sends)
        channel.element.extend((panner, sent, volume) if sends else (panner, volume))

    def _automation(
        self, lanes: Element, item: SessionTrack | SessionGroup, name: str, channel: _Channel, channels: int | None
    ) -> None:
        """Add automation of fader and pan; `channels` is None where the mix takes its place."""
        pan_fits = item.pan_law == _LAW
        more = 1.0
        if channels is not None and not pan_fits:
            more = gain_factor(_in_this_law(item, channels).gain_db - item.gain_db)
        for what, automation, parameter in (
            ("volume", item.volume, channel.volume),
            ("pan", item.pan_automation, channel.pan),
        ):
            if automation is None:
                continue
            is_plain = automation.interpolation in ("linear", "hold")
            if channels is None or not is_plain or (what == "pan" and not pan_fits):
                self.notes.append(f"{name}: its {what} automation is left out.")
            else:
                lanes.append(points_of(what, automation, parameter, more))

        if item.mute_automation is not None:
            self.notes.append(f"{name}: its mute automation is left out.")
        self.notes.extend(f"{name}: its {trim.what} is left out." for trim in item.trims)

    def _say_vca(self, vca: SessionGroup) -> None:
        if vca.name not in self._said:
            self._said.add(vca.name)
            self.notes.append(
                f"{vca.name}: the format has no VCA that controls tracks elsewhere; its level is in the faders of "
                "those that the mix does not set."
            )

    def _id(self) -> str:
        self._count += 1
        return f"id{self._count - 1}"


def left_behind(session: Session) -> Iterator[str]:
    """Say what of a session a new project does not have, besides what its tracks say."""
    owners: dict[str, dict[str, None]] = {}
    for note in session.unsupported:
        owners.setdefault(note.what, {})[note.track] = None
    for what, tracks in owners.items():
        names = [name[:80] for name in tracks if name]
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        where = f" ({', '.join(names[:_LISTED])}{more})" if names else ""
        yield f"Not in the new project: {what}{where}."


def _in_this_law(item: SessionTrack | SessionGroup, channels: int) -> FaderPan:
    """Return the fader and pan that give both sides the gains which the session's own give."""
    if item.pan_law == _LAW:
        return FaderPan(item.gain_db, item.pan)
    mix = from_daw(0.0, item.pan, channels, item.pan_law)
    there = to_daw(mix.gain_db, mix.pan, channels, _LAW)
    return FaderPan(item.gain_db + there.gain_db, there.pan)


def moving_points(moving: MovingFader, volume: str, pan: str) -> Iterator[Element]:
    """Make the automation of a mix's fader and pan, for parameters of these ids."""
    for what, automation, parameter in (("volume", moving.volume, volume), ("pan", moving.pan, pan)):
        if automation is not None:
            yield points_of(what, automation, parameter)
