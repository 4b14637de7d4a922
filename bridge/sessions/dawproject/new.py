"""A new .dawproject of any session and a preset: tracks, clips, fades, and their audio, within the file or beside it.

What the format has no words for (a recording turned round, single channels of a file, clips that hide each other)
comes as one piece of the whole track, rendered; the notes say which.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, indent, tostring

from ....presets.errors import AudioError, OutputError, SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels
from ....runtime.audio.naming import file_names
from ....runtime.audio.output import OutputFolder
from ..core.model import Clip, Session, SessionTrack, checked
from ..stems.material import FilePool
from ..stems.render import render_stems
from ..writing import Written, left_out, matched
from .archive import METADATA, PROJECT, ExtractedFile
from .arrange import Source, clip_element, points_element, unspoken
from .writing import (
    LOUDEST_FADER,
    channel_settings,
    lost,
    mute_element,
    pan_element,
    volume_element,
)

VERSION = "1.0"
_QUIETEST_DB = -120.0


def create(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    match: Mapping[str, str],
    embed: bool = True,
    overwrite: bool = False,
) -> Written:
    """Writes a session with a preset in it as a new .dawproject.

    Args:
        session: any; tracks that the preset does not name keep their own fader and pan.
        preset: the mix.
        output: the file.
        match: name of the preset's track to that of the session's.
        embed: put the audio into the file; else it only names where the audio is.
        overwrite: replace a file that is there.

    Raises:
        SessionError: a track is missing, or a clip's file cannot be used.
        OutputError: the file cannot be written.
    """
    checked(session)
    names = unique_names(track.name for track in session.tracks)
    chosen = matched(session.path, names, preset, match)
    with (
        OutputFolder(output.parent, overwrite, [output.name]) as workplace,
        tempfile.TemporaryDirectory(prefix="mixbridge-") as folder,
    ):
        tracks, notes = _spoken(session, names, Path(folder))
        sources = _sources(tracks, output, Path(folder), embed=embed)
        project = _Builder(session, sources)
        for place, track in enumerate(tracks):
            project.track(track, names[place], chosen.get(place))
        root = project.finished(preset)
        _pack(workplace / output.name, root, session.name, sources)
    return Written(output, (*notes, *project.notes, *left_out(preset, match)))


class _Builder:
    """Makes the elements of a project."""

    def __init__(self, session: Session, sources: Mapping[Path, Source]):
        self._session, self._sources = session, sources
        self._count = 0
        self._structure, self._lanes = Element("Structure"), Element("Lanes", timeUnit="seconds", id=self._id())
        self._groups: dict[str, tuple[Element, str]] = {}
        self._master = self._id()
        self.notes: list[str] = []

    def track(self, track: SessionTrack, name: str, wanted: PresetTrack | None) -> None:
        """A track with its channel and its clips."""
        parent, destination = self._group(track.group)
        identity = self._id()
        element = Element("Track", contentType="audio", loaded="true", id=identity, name=_text(name))
        if track.colour:
            element.set("color", track.colour)
        channel, volume, pan = self._channel("regular", destination, track.channels)
        if wanted is None:
            self._own(channel, volume, pan, track)
        else:
            settings = channel_settings(wanted.strip, decibels(LOUDEST_FADER))
            self._fill(channel, settings.devices, volume, settings.fader_db, pan, wanted.strip.pan, mute=wanted.mute)
            self.notes += [f"{name}: {what}" for what in lost(wanted.strip, settings.more_db)]
        element.append(channel)
        parent.append(element)
        lanes = Element("Lanes", track=identity, id=self._id())
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
        lanes.append(clips)
        self._automation(lanes, track, name, volume, pan, keep=wanted is None)
        self._lanes.append(lanes)
        if shaped:
            self.notes.append(f"{name}: fades of {shaped} clip{'s' if shaped > 1 else ''} lose their shape.")
        if overlapping:
            self.notes.append(
                f"{name}: {overlapping} clip{'s overlap others' if overlapping > 1 else ' overlaps another'}; "
                "a DAW that plays one at a time hides what lies below."
            )
        if track.polarity_inverted:
            self.notes.append(f"{name}: its polarity is inverted in the session; invert it in the DAW, too.")

    def finished(self, preset: Preset) -> Element:
        """The project, with the master at the end of its tracks."""
        settings = channel_settings(preset.master, decibels(LOUDEST_FADER))
        channel, volume, pan = self._channel("master", None, 2)
        channel.set("id", self._master)
        self._fill(channel, settings.devices, volume, settings.fader_db, pan, 0.0, mute=False)
        self.notes += [f"Master: {what}" for what in lost(preset.master, settings.more_db)]
        master = Element("Track", contentType="audio", loaded="true", id=self._id(), name="Master")
        master.append(channel)
        self._structure.append(master)
        root = Element("Project", version=VERSION)
        root.append(Element("Application", name="mixbridge", version="1"))
        transport = Element("Transport")
        tempo = repr(float(self._session.tempo_bpm))
        transport.append(Element("Tempo", unit="bpm", value=tempo, id=self._id(), name="Tempo"))
        transport.append(Element("TimeSignature", numerator="4", denominator="4", id=self._id()))
        arrangement = Element("Arrangement", id=self._id())
        arrangement.append(self._lanes)
        root.extend((transport, self._structure, arrangement))
        return root

    def _group(self, name: str | None) -> tuple[Element, str]:
        """Where a track of a group stands, and the channel that it goes to."""
        if name is None:
            return self._structure, self._master
        if name not in self._groups:
            track = Element("Track", contentType="tracks", loaded="true", id=self._id(), name=_text(name))
            channel, volume, pan = self._channel("submix", self._master, 2)
            self._fill(channel, None, volume, 0.0, pan, 0.0, mute=False)
            track.append(channel)
            self._structure.append(track)
            self._groups[name] = track, channel.get("id", "")
        return self._groups[name]

    def _channel(self, role: str, destination: str | None, channels: int) -> tuple[Element, str, str]:
        """A channel, and the ids of its fader and its pan."""
        element = Element("Channel", audioChannels=str(channels), role=role, solo="false", id=self._id())
        if destination is not None:
            element.set("destination", destination)
        return element, self._id(), self._id()

    def _own(self, channel: Element, volume: str, pan: str, track: SessionTrack) -> None:
        """The session's own fader and pan."""
        level_db = min(track.gain_db, decibels(LOUDEST_FADER))
        if level_db < track.gain_db:
            self.notes.append(f"{track.name[:80]}: its fader of {track.gain_db:+.1f} dB is held at {level_db:+.1f} dB.")
        self._fill(channel, None, volume, max(level_db, _QUIETEST_DB), pan, track.pan, mute=track.mute)

    def _fill(
        self,
        channel: Element,
        devices: tuple[Element, Element] | None,
        volume: str,
        level_db: float,
        pan: str,
        position: float,
        *,
        mute: bool,
    ) -> None:
        if devices is not None:
            chain = Element("Devices")
            chain.extend(devices)
            channel.append(chain)
        channel.append(mute_element(mute))
        for element, identity in ((pan_element(position), pan), (volume_element(level_db), volume)):
            element.set("id", identity)
            element.set("name", element.tag)
            channel.append(element)

    def _automation(self, lanes: Element, track: SessionTrack, name: str, volume: str, pan: str, *, keep: bool) -> None:
        for what, automation, parameter, unit in (
            ("volume", track.volume, volume, "linear"),
            ("pan", track.pan_automation, pan, "normalized"),
        ):
            if automation is None:
                continue
            if keep and automation.interpolation in ("linear", "hold"):
                points = automation.points
                if what == "pan":
                    points = tuple((time, (value + 1) / 2) for time, value in points)
                lanes.append(points_element({"parameter": parameter}, points, unit, automation.interpolation))
            else:
                self.notes.append(f"{name}: its {what} automation is left out.")

    def _id(self) -> str:
        self._count += 1
        return f"id{self._count - 1}"


def _spoken(session: Session, names: list[str], folder: Path) -> tuple[list[SessionTrack], list[str]]:
    """The session's tracks in clips that the format knows; rendered where it does not."""
    try:
        with FilePool() as pool:
            reasons = {name: unspoken(track, pool) for name, track in zip(names, session.tracks, strict=True)}
    except AudioError as error:
        raise SessionError(str(error)) from error
    wanted = [name for name, reason in reasons.items() if reason]
    stems = render_stems(session, folder, tracks=wanted) if wanted else {}
    tracks, notes = [], []
    for name, track in zip(names, session.tracks, strict=True):
        if name in stems:
            clip = Clip(stems[name], 0, session.frames, name=name)
            tracks.append(replace(track, clips=(clip,)))
            notes.append(f"{name}: comes as one piece, rendered, because of {reasons[name]}.")
        else:
            tracks.append(track)
    return tracks, notes


def _sources(tracks: list[SessionTrack], output: Path, folder: Path, *, embed: bool) -> dict[Path, Source]:
    """Where each file is to be found, from the project."""
    files = list(dict.fromkeys(clip.source for track in tracks for clip in track.clips))
    result = {}
    try:
        with FilePool() as pool:
            for file, name in zip(files, file_names(file.stem for file in files), strict=True):
                info = pool.info(file)
                # What is only unpacked for now would be gone soon.
                inside = embed or isinstance(file, ExtractedFile) or file.is_relative_to(folder)
                path = f"audio/{name}{file.suffix}" if inside else _relative(file, output.parent)
                result[file] = Source(path, not inside, info.sample_rate_hz, info.channels, info.frames)
    except AudioError as error:
        raise SessionError(str(error)) from error
    return result


def _relative(file: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return file.resolve().as_posix()


def _pack(target: Path, root: Element, title: str, sources: Mapping[Path, Source]) -> None:
    metadata = Element("MetaData")
    name = Element("Title")
    name.text = _text(title)
    metadata.append(name)
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
            file.writestr(METADATA, _xml(metadata))
            file.writestr(PROJECT, _xml(root))
            for path, source in sources.items():
                if not source.external:
                    # Sound hardly gets smaller, and DAWs read it faster as it is.
                    file.write(path, source.path, zipfile.ZIP_STORED)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error


def _xml(root: Element) -> bytes:
    indent(root)
    text = tostring(root, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}\n'.encode()


def _text(name: str) -> str:
    """A name without what XML cannot hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
