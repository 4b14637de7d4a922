"""Writes a mix into a copy of a .dawproject: faders, pans, NoiseGate, Equalizer and Compressor of tracks and master.

All that is not one of these stays byte for byte, audio and plug-ins' states included. The devices are put in front of
the effects that are there, since a preset is made for the raw track; they are called "mixbridge ...", and the next mix
takes their place. A new project of any other session is :mod:`.new`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.console import Master, Strip, parameters
from ....presets.errors import OutputError, SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....runtime.audio.output import OutputFolder
from ..core.media import Resolver
from ..core.model import Session
from ..core.moving import (
    MASTER,
    MASTER_FADER,
    Carried,
    MovingFader,
    lanes_left_out,
    moving_fader,
    moving_master,
    sends_open,
)
from ..core.returned import ReturnAudio
from ..core.routing import acting
from ..core.sends import send_levels_db
from ..writing import (
    Written,
    bus_too,
    in_terms_of,
    in_terms_of_mix,
    left_out,
    master_at_rest,
    matched,
    moved_groups,
    solos_stay,
    stem_channels,
)
from .archive import PROJECT, Container
from .devices import channel_settings, lost, loudest_db
from .mixer import MixerTrack, Project, pan_of
from .mixing.buses import BusWriter
from .mixing.channels import ChannelWriter, is_muted
from .mixing.elements import MixBuses, filled, is_own, new_channel, staying
from .mixing.moving import StripPoints, read_device_lanes
from .mixing.plugged import put_plugged
from .mixing.returns import ProjectBusReader, strip_of
from .pieces import Media
from .reading import read
from .routing import ProjectRouting
from .xml import MalformedError, parse

__all__ = ["put_plugged", "write", "written_mix"]

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
        returns: of effects, as audio; a track for each, its file in the zip.
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
            channels = ChannelWriter(document, project)
            buses = BusWriter(project, channels, MixBuses.of(preset, chosen.values()), returns)
            stems = stem_channels(session)
            members = _members(project)
            acting_on = {id(group) for place in chosen for group in acting(session, session.tracks[place])}
            busses = {
                member.element for member, group in zip(members, session.groups, strict=True) if id(group) in acting_on
            }
            placed = set()
            carried: set[Carried] = set()
            for place, wanted in chosen.items():
                track, read_track = project.audible[place], session.tracks[place]
                if track.element in busses:
                    channels.notes.append(bus_too(track.name))
                    continue
                placed.add(track.element)
                around = None if read_track.parent is None else session.groups[read_track.parent].name
                law = read_track.pan_law
                there = in_terms_of(wanted, stems[place], law)
                points = StripPoints(there.strip, wanted.lanes, buses.fresh_id)
                _put(channels, buses, track, there, around, points)
                channels.lanes(track, moving_fader(wanted, stems[place], law), buses.fresh_id, points.points)
                carried |= {(wanted.name, path) for path in points.carried}
            for index, group in moved_groups(session, staying(session, chosen)).items():
                if not is_own(members[index]):
                    channels.rest(group, members[index])
            carried |= buses.write(placed)
            carried |= _master(channels, project, preset, buses.fresh_id)
            data = channels.splicer.result()
            parse(data)
            with OutputFolder(output.parent, overwrite, [output.name]) as workplace:
                _copy(container, workplace / output.name, data, buses.files)
    except MalformedError as fault:
        raise SessionError(f"{session_path} cannot be read: {fault}.") from fault
    lanes = lanes_left_out(preset, list(match), carried)
    return Written(output, (*channels.notes, *solos_stay(session), *left_out(preset, match), *lanes))


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
        aimed = project.arrangement.lanes
        returns = ProjectBusReader(project)
        tracks = []
        for place, (name, track) in enumerate(zip(names, project.audible, strict=True)):
            strip = None if track.channel is None else strip_of(track.channel)
            if strip is not None:
                strip = in_terms_of_mix(strip, channels[place], session.tracks[place].pan_law)
                strip = _in_range(strip)
                lanes = () if track.channel is None else read_device_lanes(track.channel, Strip, aimed, strip_of)
                own = PresetTrack(name=name, strip=strip, lanes=lanes, mute=is_muted(track.channel))
                tracks.append(returns.track(track, own))
        preset = returns.preset(tracks)
        master = project.master()
        strip = None if master is None else strip_of(master)
        master_lanes = () if master is None else read_device_lanes(master, Master, aimed, strip_of)
    except MalformedError as fault:
        raise SessionError(f"{path} cannot be read: {fault}.") from fault
    if strip is None:
        return preset
    values = {"input_gain_db": strip.input_gain_db, "eq": strip.eq, "compressor": strip.compressor}
    master_now = Master(**values, output_gain_db=strip.fader_db)
    return preset.model_copy(update={"master": master_now, "master_lanes": master_lanes})


def _put(
    channels: ChannelWriter,
    buses: BusWriter,
    track: MixerTrack,
    wanted: PresetTrack,
    around: str | None,
    points: StripPoints,
) -> None:
    """Set a track's fader, pan, mute, devices, sends and destination.

    Args:
        channels: collects the changes.
        buses: of the mix.
        track: which.
        wanted: its settings, fader and pan in terms of the format.
        around: the group of the project that it went to.
        points: collects the automation of its devices and sends.
    """
    destination = buses.place(track, wanted, around)
    strip = sends_open(wanted.strip, wanted.lanes)
    sends = buses.sends(send_levels_db(strip), track.name)
    if track.channel is not None:
        channels.strip(track.channel, track.name, strip, strip.pan, mute=wanted.mute, sends=sends, moving=points)
        return
    settings = channel_settings(strip, loudest_db(None))
    points.aim(settings.devices, sends, loudest_db(None))
    fresh = new_channel("regular", buses.fresh_id(), destination)
    filled(fresh, settings.devices, settings.fader_db, strip.pan, mute=wanted.mute, sends=sends)
    channels.splicer.add(track.element, [(None, fresh)])
    channels.notes += [f"{track.name}: {what}" for what in lost(strip, settings.more_db)]


def _master(channels: ChannelWriter, project: Project, preset: Preset, fresh_id: Callable[[], str]) -> set[Carried]:
    """Set the master's fader and devices, and what moves them; return the lanes that the project has then."""
    channel, master = project.master(), preset.master
    if channel is None:
        if master != Master():
            channels.notes.append("Master: the project has none, so the preset's is left out.")
        return set()
    notes = master_at_rest(pan_of(channel), muted=is_muted(channel))
    channels.notes += [f"Master: {what}" for what in notes]
    points = StripPoints(master, preset.master_lanes, fresh_id)
    pan = None if channel.find("Pan") is None else 0.0
    channels.strip(channel, "Master", master, pan, mute=False, moving=points)
    track = next(track for track in project.mixer if track.role == "master")
    volume = moving_master(preset)
    channels.lanes(track, MovingFader(volume, None), fresh_id, points.points)
    fader = set() if volume is None else {MASTER_FADER}
    return {(MASTER, path) for path in (*points.carried, *fader)}


def _members(project: Project) -> list[MixerTrack]:
    """List the tracks of a session's groups, in their order there."""
    routing = ProjectRouting(project.mixer, project.lanes()[0])
    for track in project.audible:
        routing.parent(track)
        routing.controls(track)
    return routing.members


def _in_range(strip: Strip) -> Strip:
    return strip.model_copy(update={"fader_db": parameters(Strip)["fader_db"].clamp(strip.fader_db)})


def _unread(audio: Element) -> Media:
    """Stand in for a file: for a writer it does not matter which it is."""
    return Media(Path(), 48_000)


def _copy(container: Container, target: Path, project: bytes, files: Mapping[str, Path | None]) -> None:
    try:
        with target.open("wb") as file:
            container.copy_to(file, project, files)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
