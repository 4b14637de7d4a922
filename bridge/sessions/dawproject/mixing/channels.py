"""Channels of a project as a mix has them: fader, pan, mute, sends, devices, changed where they stand in the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from .....presets.edit import Bus
from ...core.model import SessionGroup
from ...core.moving import MovingFader
from ...writing import automation_off, group_to_rest, plugins_stay
from ..arrange import points_of
from ..devices import (
    MARK,
    channel_settings,
    is_ours,
    lost,
    loudest_db,
    mute_element,
    pan_element,
    parameter_paths,
    volume_element,
)
from ..mixer import MixerTrack, Project, acts, device_name
from ..splice import Splicer
from ..xml import Document, is_true
from .elements import effect_channels, own_sends
from .moving import StripPoints

_CHANNEL = ("Devices", "Mute", "Pan", "Sends", "Volume")
# Devices before which an effect would hear nothing.
_SOURCES = ("instrument", "noteFX")


class ChannelWriter:
    """Collects the changes of one project's channels.

    Args:
        document: the project, with the places of its elements.
        project: the same, understood.

    Attributes:
        splicer: of the document.
        notes: what is not as the mix has it, in sentences.
        effects: of an earlier mix, by the ids of their channels.
    """

    def __init__(self, document: Document, project: Project):
        self.splicer = Splicer(document)
        self.notes: list[str] = []
        self.effects = effect_channels(project)
        self._arrangement = project.root.find("Arrangement/Lanes")
        self._targets: dict[str, list[Element]] = {}
        for target in project.root.iter("Target"):
            self._targets.setdefault(target.get("parameter", ""), []).append(target)
        # Parameters of devices that an earlier mix moves.
        self._moved = {
            target.get("parameter", "")
            for points in project.root.iter("Points")
            if points.get("name") == MARK
            for target in points.iter("Target")
        }

    def strip(
        self,
        channel: Element,
        name: str,
        strip: Bus,
        pan: float | None,
        *,
        mute: bool,
        sends: Sequence[Element] = (),
        moving: StripPoints | None = None,
    ) -> None:
        """Set all of a channel.

        Args:
            channel: which.
            name: of its track, for notes.
            strip: its settings, in the terms of the format.
            pan: None leaves it.
            mute: whether it is muted.
            sends: to the effects of the mix; those of an earlier mix go.
            moving: collects the automation of its devices and sends.
        """
        loudest = loudest_db(channel.find("Volume"))
        settings = channel_settings(strip, loudest)
        if moving is not None:
            moving.aim(settings.devices, sends, loudest)
        self.put(channel, name, settings.devices, settings.fader_db, pan, mute=mute, sends=sends)
        self.notes += [f"{name}: {what}" for what in lost(strip, settings.more_db)]

    def put(
        self,
        channel: Element,
        name: str,
        devices: Sequence[Element],
        level_db: float,
        pan: float | None,
        *,
        mute: bool,
        sends: Sequence[Element] = (),
    ) -> None:
        """Set all of a channel, its devices given; the other arguments as :meth:`strip`."""
        volume, panner, muter = (channel.find(tag) for tag in ("Volume", "Pan", "Mute"))
        fresh = [self._devices(channel, name, devices)]
        self._detach(muter, name, "mute")
        if mute != is_muted(channel):
            fresh.append(self._set(muter, mute_element(mute)))
        if pan is not None:
            self._detach(panner, name, "pan")
            fresh.append(self._set(panner, pan_element(pan, panner)))
        fresh.append(self._sends(channel, sends))
        self._detach(volume, name, "volume")
        fresh.append(self._set(volume, volume_element(level_db, volume)))
        new = [element for element in fresh if element is not None]
        if new:
            self.splicer.add(channel, [(_before(channel, element.tag), element) for element in new])

    def lanes(
        self, track: MixerTrack, moving: MovingFader, fresh_id: Callable[[], str], more: Sequence[Element] = ()
    ) -> None:
        """Let a track's fader and pan move, by automation of their own in the arrangement; `more` is put there, too."""
        points = list(more)
        for what, tag, automation in (("fader", "Volume", moving.volume), ("pan", "Pan", moving.pan)):
            if automation is None:
                continue
            parameter = None if track.channel is None else track.channel.find(tag)
            if parameter is None or self._arrangement is None:
                self.notes.append(f"{track.name}: its lane of the {what} is left out: the project has no place for it.")
                continue
            points.append(points_of(tag.lower(), automation, self._identity(parameter, fresh_id)))
        self.automate(self._identity(track.element, fresh_id) if points else "", points)

    def automate(self, track: str, points: Sequence[Element]) -> None:
        """Put automation into the arrangement, for the track of this id."""
        if points and self._arrangement is not None:
            lanes = Element("Lanes", track=track, timeUnit="seconds")
            lanes.extend(points)
            last = self._arrangement[-1] if len(self._arrangement) else None
            self.splicer.add(self._arrangement, [(last, lanes)])

    def _identity(self, element: Element, fresh_id: Callable[[], str]) -> str:
        identity = element.get("id")
        if identity is None:
            identity = fresh_id()
            self.splicer.set(element, {"id": identity})
            element.set("id", identity)
        return identity

    def rest(self, group: SessionGroup, track: MixerTrack) -> None:
        """Set a group to 0 dB and the centre, and unmute it, since the tracks have the mix's levels."""
        channel = track.channel
        if channel is None:
            return
        volume, panner, muter = (channel.find(tag) for tag in ("Volume", "Pan", "Mute"))
        if volume is not None:
            self._set(volume, volume_element(0.0, volume))
        if panner is not None:
            self._set(panner, pan_element(0.0, panner))
        if muter is not None and is_muted(channel):
            self._set(muter, mute_element(False))
        self.switch_on(track)
        self._detach(volume, group.name, "volume")
        self._detach(panner, group.name, "pan")
        self._detach(muter, group.name, "mute")
        self.notes.append(group_to_rest(group))

    def switch_on(self, track: MixerTrack) -> None:
        """Load a track that is switched off."""
        if not is_true(track.element, "loaded", True):
            self.splicer.set(track.element, {"loaded": "true"})

    def remove(self, element: Element) -> None:
        """Take an element out; automation of what is in it loses its aim, as do sends."""
        self.splicer.replace(element, ())
        for inner in element.iter():
            self._lose(inner)

    def _lose(self, parameter: Element) -> None:
        """Let automation of a parameter lose its aim, silently."""
        for target in self._targets.get(parameter.get("id", ""), ()):
            self.splicer.set(target, {"parameter": None})

    def _set(self, old: Element | None, new: Element) -> Element | None:
        """Give a parameter its new attributes; where it is missing, return it to be added."""
        if old is None:
            return new
        changed = {name: value for name, value in new.attrib.items() if old.get(name) != value}
        if changed:
            self.splicer.set(old, changed)
        return None

    def _sends(self, channel: Element, new: Sequence[Element]) -> Element | None:
        """Put the sends in the place of those of an earlier mix; return a list of their own if there is none."""
        sends = channel.find("Sends")
        if sends is None:
            fresh = Element("Sends")
            fresh.extend(new)
            return fresh if new else None
        old = own_sends(channel, self.effects)
        for send in old:
            for inner in send.iter():
                self._lose(inner)
        self._exchange(sends, old, new, sends[-1] if len(sends) else None)
        return None

    def _exchange(
        self, parent: Element, old: Sequence[Element], new: Sequence[Element], behind: Element | None
    ) -> None:
        """Put new elements in the place of old ones; where there are none, behind one of the parent's."""
        if old:
            self.splicer.replace(old[0], new)
            for element in old[1:]:
                self.splicer.replace(element, ())
        elif new:
            self.splicer.add(parent, [(behind, element) for element in new])

    def _devices(self, channel: Element, name: str, new: Sequence[Element]) -> Element | None:
        """Put the devices among those that are there; return a list of their own if there is none."""
        devices = channel.find("Devices")
        if devices is None:
            fresh = Element("Devices")
            fresh.extend(new)
            return fresh
        by_tag = {device.tag: device for device in new}
        old = [device for device in devices if is_ours(device)]
        for device in old:
            # What an earlier gate's automation was for has no heir where there is no gate any more.
            self._take_over(device, by_tag.get(device.tag, Element(device.tag)), name)
        sources = [device for device in devices if device.get("deviceRole") in _SOURCES]
        self._exchange(devices, old, new, sources[-1] if sources else None)
        others = [
            device_name(device)
            for device in devices
            if acts(device) and not is_ours(device) and device.get("deviceRole") not in _SOURCES
        ]
        self.notes += [f"{name}: {what}" for what in plugins_stay(others)]
        return None

    def _take_over(self, old: Element, new: Element, name: str) -> None:
        """Keep the ids of a device that is replaced, so that automation still finds them."""
        fresh = dict(parameter_paths(new))
        for path, parameter in (("", old), *parameter_paths(old)):
            identity = parameter.get("id")
            if identity is None:
                continue
            if identity in self._moved:
                self._lose(parameter)
                continue
            heir = new if not path else fresh.get(path)
            if heir is not None and heir.get("id") is None:
                heir.set("id", identity)
                if identity in self._targets:
                    self.notes.append(f"{name}: automation of {path} of its {new.get('name')} stays, and moves it.")
            elif identity in self._targets:
                for target in self._targets[identity]:
                    self.splicer.set(target, {"parameter": None})
                self.notes.append(f"{name}: automation of {path} of an earlier mixbridge device has no aim any more.")

    def _detach(self, parameter: Element | None, name: str, what: str) -> None:
        """Take automation off a parameter that the mix sets: its points stay, without an aim."""
        targets = [] if parameter is None else self._targets.get(parameter.get("id", ""), [])
        for target in targets:
            self.splicer.set(target, {"parameter": None})
        if targets:
            self.notes.append(automation_off(name, what))


def is_muted(channel: Element | None) -> bool:
    """Tell whether a channel is muted."""
    return channel is not None and is_true(channel.find("Mute"), "value", False)


def _before(channel: Element, tag: str) -> Element | None:
    """Find the child of a channel behind which one of this kind stands."""
    return next((child for child in reversed(channel) if child.tag in _CHANNEL[: _CHANNEL.index(tag)]), None)
