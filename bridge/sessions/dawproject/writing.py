"""Writes a mix into a copy of a .dawproject: faders, pans, NoiseGate, Equalizer and Compressor of tracks and master.

All that is not one of these stays byte for byte, audio and plug-ins' states included. The devices are put in front of
the effects that are there, since a preset is made for the raw track; they are called "mixbridge ...", and the next mix
takes their place. A new project of any other session is :mod:`.new`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.console import Compressor, Equalizer, Gate, HighCut, LowCut, Master, Parameter, Strip, parameters
from ....presets.edit import Bus
from ....presets.errors import OutputError, SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels
from ....runtime.audio.output import OutputFolder
from ..core.media import Resolver
from ..core.model import Session, SessionGroup
from ..core.returned import ReturnAudio
from ..core.routing import acting
from ..writing import (
    Written,
    automation_off,
    bus_too,
    group_to_rest,
    in_terms_of,
    in_terms_of_mix,
    left_out,
    master_at_rest,
    matched,
    moved_groups,
    plugins_stay,
    solos_stay,
    stem_channels,
)
from .archive import PROJECT, Container
from .devices import (
    LOUDEST_FADER,
    ChannelSettings,
    channel_settings,
    compressor_of,
    cuts_of,
    equalizer_of,
    gate_of,
    is_ours,
    lost,
    loudest_db,
    mute_element,
    pan_element,
    parameter_paths,
    volume_element,
)
from .mixer import MixerTrack, Project, acts, device_name, fader_db, pan_of
from .pieces import Media
from .reading import read
from .routing import ProjectRouting
from .splice import Splicer
from .xml import Document, MalformedError, is_true, parse

_CHANNEL = ("Devices", "Mute", "Pan", "Sends", "Volume")
# Devices before which an effect would hear nothing.
_SOURCES = ("instrument", "noteFX")
_NAME = 180


def write(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    match: Mapping[str, str],
    returns: Sequence[ReturnAudio] = (),
    overwrite: bool = False,
) -> Written:
    """Write a copy of a .dawproject with a preset in it.

    Args:
        session: the project, as it was read; its file is not changed.
        preset: the mix.
        output: the copy.
        match: name of the preset's track to that of the project's; those that are in no pair stay as they are.
        returns: of effects, as audio; none as long as the format is said to lack none.
        overwrite: replace a file that is there.

    Raises:
        SessionError: the project cannot be read, or a track is missing.
        OutputError: the copy cannot be written.
    """
    session_path = session.path
    if output.resolve() == session_path.resolve():
        raise OutputError(f"{output} is the session itself, which is never changed: choose another name.")
    try:
        with Container(session_path) as container:
            document = parse(container.text(PROJECT), with_places=True)
            project = Project(document, _unread)
            chosen = matched(session_path, [track.name for track in project.audible], preset, match)
            writer = _Writer(document, project)
            channels = stem_channels(session)
            members = _members(project)
            acting_on = {id(group) for place in chosen for group in acting(session, session.tracks[place])}
            busses = {
                member.element for member, group in zip(members, session.groups, strict=True) if id(group) in acting_on
            }
            for place, wanted in chosen.items():
                track = project.audible[place]
                if track.element in busses:
                    writer.notes.append(bus_too(track.name))
                    continue
                there = in_terms_of(wanted, channels[place], session.tracks[place].pan_law)
                writer.track(track.element, track.channel, track.name, there)
            for index, group in moved_groups(session, chosen).items():
                writer.group(group, members[index])
            writer.master(preset.master)
            data = writer.result()
            parse(data)
            with OutputFolder(output.parent, overwrite, [output.name]) as workplace:
                _copy(container, workplace / output.name, data)
    except MalformedError as fault:
        raise SessionError(f"{session_path} cannot be read: {fault}.") from fault
    return Written(output, (*writer.notes, *solos_stay(session), *left_out(preset, match)))


def written_mix(path: Path) -> Preset:
    """Read the mix that was written into a project: its tracks that have mixbridge's devices, in the desk form.

    Raises:
        SessionError: it cannot be read.
    """
    session = read(path, Resolver(path.absolute().parent, allow_outside=True))
    channels = stem_channels(session)
    try:
        with Container(path) as container:
            project = Project(parse(container.text(PROJECT)), _unread)
        names = unique_names(track.name[:_NAME] for track in project.audible)
        tracks = []
        for place, (name, track) in enumerate(zip(names, project.audible, strict=True)):
            strip = None if track.channel is None else _strip_of(track.channel)
            if strip is not None:
                strip = in_terms_of_mix(strip, channels[place], session.tracks[place].pan_law)
                tracks.append(PresetTrack(name=name, strip=_in_range(strip), mute=_is_muted(track.channel)))
        master = project.master()
        strip = None if master is None else _strip_of(master)
    except MalformedError as fault:
        raise SessionError(f"{path} cannot be read: {fault}.") from fault
    preset = Preset(tracks=tuple(tracks))
    if strip is None:
        return preset
    values = {"input_gain_db": strip.input_gain_db, "eq": strip.eq, "compressor": strip.compressor}
    return preset.model_copy(update={"master": Master(**values, output_gain_db=strip.fader_db)})


class _Writer:
    """Collects the changes of one project."""

    def __init__(self, document: Document, project: Project):
        self._project = project
        self._splicer = Splicer(document)
        self._targets: dict[str, list[Element]] = {}
        for target in project.root.iter("Target"):
            self._targets.setdefault(target.get("parameter", ""), []).append(target)
        self.notes: list[str] = []

    def result(self) -> bytes:
        """Return the project with all changes."""
        return self._splicer.result()

    def track(self, track: Element, channel: Element | None, name: str, wanted: PresetTrack) -> None:
        """Set a track's fader, pan, mute and devices."""
        if channel is None:
            master = self._project.master()
            attributes = {"role": "regular", "audioChannels": "2"}
            if master is not None and (identity := master.get("id")):
                attributes["destination"] = identity
            fresh = Element("Channel", attributes)
            settings = channel_settings(wanted.strip, decibels(LOUDEST_FADER))
            devices = Element("Devices")
            devices.extend(settings.devices)
            parameters = mute_element(wanted.mute), pan_element(wanted.strip.pan), volume_element(settings.fader_db)
            fresh.extend((devices, *parameters))
            self._splicer.add(track, [(None, fresh)])
        else:
            settings = self._channel(channel, name, wanted.strip, wanted.strip.pan, mute=wanted.mute)
        self.notes += [f"{name}: {what}" for what in lost(wanted.strip, settings.more_db)]

    def group(self, group: SessionGroup, track: MixerTrack) -> None:
        """Set a group to 0 dB and the centre, and unmute it, since the tracks have the mix's levels."""
        channel = track.channel
        if channel is None:
            return
        volume, panner, muter = (channel.find(tag) for tag in ("Volume", "Pan", "Mute"))
        if volume is not None:
            self._set(volume, volume_element(0.0, volume))
        if panner is not None:
            self._set(panner, pan_element(0.0, panner))
        if muter is not None and _is_muted(channel):
            self._set(muter, mute_element(False))
        if not is_true(track.element, "loaded", True):
            self._splicer.set(track.element, {"loaded": "true"})
        self._detach(volume, group.name, "volume")
        self._detach(panner, group.name, "pan")
        self._detach(muter, group.name, "mute")
        self.notes.append(group_to_rest(group))

    def master(self, master: Master) -> None:
        """Set the master's fader and devices."""
        channel = self._project.master()
        if channel is None:
            if master != Master():
                self.notes.append("Master: the project has none, so the preset's is left out.")
            return
        panner = channel.find("Pan")
        self.notes += [f"Master: {what}" for what in master_at_rest(pan_of(channel), muted=_is_muted(channel))]
        settings = self._channel(channel, "Master", master, None if panner is None else 0.0, mute=False)
        self.notes += [f"Master: {what}" for what in lost(master, settings.more_db)]

    def _channel(self, channel: Element, name: str, strip: Bus, pan: float | None, *, mute: bool) -> ChannelSettings:
        volume, panner, muter = (channel.find(tag) for tag in ("Volume", "Pan", "Mute"))
        settings = channel_settings(strip, loudest_db(volume))
        fresh = [self._devices(channel, name, *settings.devices)]
        self._detach(muter, name, "mute")
        if mute != _is_muted(channel):
            fresh.append(self._set(muter, mute_element(mute)))
        if pan is not None:
            self._detach(panner, name, "pan")
            fresh.append(self._set(panner, pan_element(pan, panner)))
        self._detach(volume, name, "volume")
        fresh.append(self._set(volume, volume_element(settings.fader_db, volume)))
        new = [element for element in fresh if element is not None]
        if new:
            self._splicer.add(channel, [(_before(channel, element.tag), element) for element in new])
        return settings

    def _set(self, old: Element | None, new: Element) -> Element | None:
        """Give a parameter its new attributes; where it is missing, return it to be added."""
        if old is None:
            return new
        changed = {name: value for name, value in new.attrib.items() if old.get(name) != value}
        if changed:
            self._splicer.set(old, changed)
        return None

    def _devices(self, channel: Element, name: str, *new: Element) -> Element | None:
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
        if old:
            self._splicer.replace(old[0], new)
            for device in old[1:]:
                self._splicer.replace(device, ())
        else:
            sources = [device for device in devices if device.get("deviceRole") in _SOURCES]
            place = sources[-1] if sources else None
            self._splicer.add(devices, [(place, device) for device in new])
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
            heir = new if not path else fresh.get(path)
            if heir is not None and heir.get("id") is None:
                heir.set("id", identity)
                if identity in self._targets:
                    self.notes.append(f"{name}: automation of {path} of its {new.get('name')} stays, and moves it.")
            elif identity in self._targets:
                for target in self._targets[identity]:
                    self._splicer.set(target, {"parameter": None})
                self.notes.append(f"{name}: automation of {path} of an earlier mixbridge device has no aim any more.")

    def _detach(self, parameter: Element | None, name: str, what: str) -> None:
        """Take automation off a parameter that the mix sets: its points stay, without an aim."""
        targets = [] if parameter is None else self._targets.get(parameter.get("id", ""), [])
        for target in targets:
            self._splicer.set(target, {"parameter": None})
        if targets:
            self.notes.append(automation_off(name, what))


def _members(project: Project) -> list[MixerTrack]:
    """List the tracks of a session's groups, in their order there."""
    routing = ProjectRouting(project.mixer, project.lanes()[0])
    for track in project.audible:
        routing.parent(track)
        routing.controls(track)
    return routing.members


def _before(channel: Element, tag: str) -> Element | None:
    """Find the child of a channel behind which one of this kind stands."""
    return next((child for child in reversed(channel) if child.tag in _CHANNEL[: _CHANNEL.index(tag)]), None)


def _strip_of(channel: Element) -> Strip | None:
    """Read the strip that mixbridge's devices, the fader and the pan of a channel make; None without such devices."""
    ours = [device for device in channel.find("Devices") or () if is_ours(device)]
    eqs = [device for device in ours if device.tag == "Equalizer"]
    compressors = [device for device in ours if device.tag == "Compressor"]
    gates = [device for device in ours if device.tag == "NoiseGate"]
    if not ours:
        return None
    eq, gain_db, _ = equalizer_of(eqs[0]) if eqs else (Equalizer(), 0.0, [])
    low_cut, high_cut = cuts_of(eqs[0]) if eqs else (LowCut(), HighCut())
    compressor, more_db = compressor_of(compressors[0]) if compressors else (Compressor(), 0.0)
    table = parameters(Strip)
    level_db = fader_db(channel) + more_db
    return Strip(
        input_gain_db=table["input_gain_db"].clamp(gain_db),
        gate=gate_of(gates[0]) if gates else Gate(),
        low_cut=low_cut,
        high_cut=high_cut,
        eq=eq,
        compressor=compressor,
        fader_db=_held(table["fader_db"], level_db),
        pan=pan_of(channel),
    )


def _in_range(strip: Strip) -> Strip:
    return strip.model_copy(update={"fader_db": parameters(Strip)["fader_db"].clamp(strip.fader_db)})


def _held(row: Parameter, level_db: float) -> float:
    return row.low if level_db == -math.inf else row.clamp(level_db)


def _is_muted(channel: Element | None) -> bool:
    return channel is not None and is_true(channel.find("Mute"), "value", False)


def _unread(audio: Element) -> Media:
    """Stand in for a file: for a writer it does not matter which it is."""
    return Media(Path(), 48_000)


def _copy(container: Container, target: Path, project: bytes) -> None:
    try:
        with target.open("wb") as file:
            container.copy_to(file, project)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
