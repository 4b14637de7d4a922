"""A folder of audio files as a session: a track for each file, or for each pair of files that are left and right.

Files with time stamps (Broadcast WAV) stand where their stamps say, if those differ; others begin together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....presets.errors import AudioError, SessionError
from ....presets.names import free_name
from ....runtime.audio.stems import collect_stems
from ..core.kinds import Kind
from ..core.media import Resolver
from ..core.model import Clip, Session, SessionNote, SessionTrack
from ..stems.material import FileInfo, FilePool
from .wav import time_stamp

# "Piano.L.wav", "Piano_L", "Piano-left", "Piano (L)", "Piano L": one half of a stereo recording.
_SIDE = re.compile(r"^(?P<name>.+?)(?:[ ._-]+|\s*\()(?P<side>l|r|left|right)\)?$", re.IGNORECASE)
# "01 Kick", "01_Kick", "1-Kick": an export's number, which is no part of the name.
_NUMBER = re.compile(r"^\d{1,3}\s*[._ -]\s*(?=\D)")
# Stamps that lie further apart are of several takes on one day; an hour is where many sessions begin, and files without
# a time have 0.
_LONGEST_SESSION_S = 3600


def read(path: Path, resolver: Resolver) -> Session:
    """Read the audio files in a folder, and in the folders inside it, as a session.

    Raises:
        SessionError: there are none, or one cannot be read; or one is a link that leads out of the folder.
    """
    try:
        collected = collect_stems([str(path)])
        with FilePool() as pool:
            files = [
                _file(name, media, pool.info(media))
                for name, file in collected.stems.items()
                for media in (resolver.find(str(file.relative_to(path))) or file,)
            ]
    except AudioError as error:
        raise SessionError(str(error)) from error
    rate_hz = Counter(file.info.sample_rate_hz for file in files).most_common(1)[0][0]
    stamps_s = [file.begins_s for file in files if file.begins_s is not None]
    aligned = len(stamps_s) == len(files) and max(stamps_s) - min(stamps_s) < _LONGEST_SESSION_S
    first_s = min(stamps_s) if aligned else 0.0
    tracks = tuple(
        _track(order, name, sides, rate_hz, first_s if aligned else None)
        for order, (name, sides) in enumerate(_paired(files).items())
    )
    notes = [SessionNote("", "", str(item)) for item in collected.left_out if item.may_sound]
    if stamps_s and not aligned:
        notes.append(SessionNote("", "", Kind.TIME_STAMPS()))
    return Session(
        path,
        "folder",
        path.resolve().name,
        rate_hz,
        tracks,
        unsupported=tuple(notes),
        time_reference=round(first_s * rate_hz),
    )


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    info: FileInfo
    begins_s: float | None


def _file(name: str, path: Path, info: FileInfo) -> _File:
    frames = time_stamp(path)[0]
    return _File(name, path, info, None if frames is None else frames / info.sample_rate_hz)


def _paired(files: Sequence[_File]) -> dict[str, tuple[_File, ...]]:
    """Sort files by name of their track; two where both sides of a stereo recording are there, as mono files alike."""
    sides: dict[tuple[str, str], _File] = {}
    for file in files:
        match = _SIDE.match(file.name)
        if match and file.info.channels == 1:
            sides.setdefault((match["name"].casefold(), match["side"][0].lower()), file)
    result: dict[str, tuple[_File, ...]] = {}
    for file in files:
        match = _SIDE.match(file.name)
        stem = match["name"].casefold() if match else ""
        left, right = sides.get((stem, "l")), sides.get((stem, "r"))
        if match and left and right and file in (left, right) and _are_alike(left, right):
            if file is left:
                result[free_name(_plain(match["name"]), result.keys())] = (left, right)
        else:
            result[free_name(_plain(file.name), result.keys())] = (file,)
    return result


def _are_alike(left: _File, right: _File) -> bool:
    return left.info.sample_rate_hz == right.info.sample_rate_hz and left.begins_s == right.begins_s


def _plain(stem: str) -> str:
    return _NUMBER.sub("", stem) or stem


def _track(order: int, name: str, sides: tuple[_File, ...], rate_hz: int, first_s: float | None) -> SessionTrack:
    file = sides[0]
    position = 0 if first_s is None or file.begins_s is None else round((file.begins_s - first_s) * rate_hz)
    frames = max(side.info.frames for side in sides)
    length = -(-frames * rate_hz // file.info.sample_rate_hz)
    clip = Clip(file.path, position, length, split=tuple(side.path for side in sides[1:]), name=file.path.name)
    return SessionTrack(name, order, (clip,), channels=min(2, len(sides) * file.info.channels), identity=file.path.name)
