"""A new .dawproject of any session and a preset: tracks, clips, fades, and their audio, within the file or beside it.

What the format has no words for (a recording turned round, single channels of a file, clips that hide each other)
comes as one piece of the whole track, rendered; the notes say which.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, indent, tostring

from ....presets.errors import AudioError, OutputError, SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....runtime.audio.naming import file_names
from ....runtime.audio.output import OutputFolder
from ..core.checks import checked
from ..core.model import Clip, Session, SessionTrack
from ..core.moving import lanes_left_out
from ..core.returned import ReturnAudio, is_return_audio
from ..stems.material import FilePool
from ..stems.render import render_stems
from ..writing import Written, left_out, matched, moved_groups, solos_stay, stem_channels
from .archive import METADATA, PROJECT, ExtractedFile
from .arrange import PackedSource, unspoken
from .build import ProjectBuilder, left_behind
from .mixing.elements import MixBuses, staying
from .xml import plain_text


def create(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    match: Mapping[str, str],
    returns: Sequence[ReturnAudio] = (),
    embed: bool = True,
    overwrite: bool = False,
) -> Written:
    """Write a session with a preset in it as a new .dawproject.

    Args:
        session: any; tracks that the preset does not name keep their own fader and pan.
        preset: the mix.
        output: the file.
        match: name of the preset's track to that of the session's.
        returns: of effects, as audio; a track for each.
        embed: put the audio into the file; else it only names where the audio is.
        overwrite: replace a file that is there.

    Raises:
        SessionError: a track is missing, or a clip's file cannot be used.
        OutputError: the file cannot be written.
    """
    checked(session)
    names = unique_names(track.name for track in session.tracks)
    chosen = matched(session.path, names, preset, match)
    channels = stem_channels(session)
    with (
        OutputFolder(output.parent, overwrite, [output.name]) as workplace,
        tempfile.TemporaryDirectory(prefix="mixbridge-") as folder,
    ):
        tracks, notes = _spoken(session, names, Path(folder))
        sources = _sources(tracks, output, Path(folder), embed=embed)
        buses = MixBuses.of(preset, chosen.values())
        project = ProjectBuilder(session, sources, moved_groups(session, staying(session, chosen)), buses)
        for place, track in enumerate(tracks):
            if place in chosen or not is_return_audio(track):
                project.track(track, names[place], chosen.get(place), channels[place])
            else:
                notes.append(f"{names[place]}: a return of an earlier mix, left out.")
        files = project.returns(returns)
        root = project.finished(preset)
        _pack(workplace / output.name, root, session.name, sources, files)
    others = (
        *left_behind(session),
        *solos_stay(session),
        *left_out(preset, match),
        *lanes_left_out(preset, list(match), project.carried),
    )
    return Written(output, (*notes, *project.notes, *others))


def _spoken(session: Session, names: list[str], folder: Path) -> tuple[list[SessionTrack], list[str]]:
    """Return the session's tracks in clips that the format knows; rendered where it does not."""
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


def _sources(tracks: list[SessionTrack], output: Path, folder: Path, *, embed: bool) -> dict[Path, PackedSource]:
    """Return where each file is to be found, from the project."""
    files = list(dict.fromkeys(clip.source for track in tracks for clip in track.clips))
    result = {}
    try:
        with FilePool() as pool:
            for file, name in zip(files, file_names(file.stem for file in files), strict=True):
                info = pool.info(file)
                # What is only unpacked for now would be gone soon.
                inside = embed or isinstance(file, ExtractedFile) or file.is_relative_to(folder)
                path = f"audio/{name}{file.suffix}" if inside else _relative(file, output.parent)
                result[file] = PackedSource(path, not inside, info.sample_rate_hz, info.channels, info.frames)
    except AudioError as error:
        raise SessionError(str(error)) from error
    return result


def _relative(file: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return file.resolve().as_posix()


def _pack(
    target: Path, root: Element, title: str, sources: Mapping[Path, PackedSource], files: Mapping[str, Path]
) -> None:
    metadata = Element("MetaData")
    name = Element("Title")
    name.text = plain_text(title)
    metadata.append(name)
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
            file.writestr(METADATA, _xml(metadata))
            file.writestr(PROJECT, _xml(root))
            for path, source in sources.items():
                if not source.external:
                    # Sound hardly gets smaller, and DAWs read it faster as it is.
                    file.write(path, source.path, zipfile.ZIP_STORED)
            for place, audio in files.items():
                file.write(audio, place, zipfile.ZIP_STORED)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error


def _xml(root: Element) -> bytes:
    indent(root)
    text = tostring(root, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}\n'.encode()
