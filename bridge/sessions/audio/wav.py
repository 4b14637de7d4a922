"""A WAV file of many channels as a session: a track for each channel, as recorders and consoles write them.

The time stamp of a Broadcast WAV (its `bext` chunk, EBU Tech 3285) says when the recording began.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO

from ....presets.errors import AudioError, SessionError
from ....presets.inputs import open_regular
from ..core.media import Resolver
from ..core.model import MOST_TRACKS, Clip, Session, SessionTrack
from ..stems.material import FilePool

# Chunks in front of the samples are few; a file that has more of them is broken.
_MOST_CHUNKS = 64
# Where `bext` has its time reference: behind description, originator, its reference, date and time.
_TIME_REFERENCE_AT = 256 + 32 + 32 + 10 + 8
_DESCRIPTION_BYTES = 256
# How recorders name tracks in the description, a line each: "sTRK1=Kick".
_TRACK_NAME = re.compile(r"^[a-z]?TRK(\d+)=(.+)$", re.MULTILINE)


def read(path: Path, _resolver: Resolver) -> Session:
    """Read one file as a session: two tracks and more, or one for a mono or stereo file.

    Raises:
        SessionError: the file cannot be read.
    """
    try:
        with FilePool() as pool:
            info = pool.info(path)
    except AudioError as error:
        raise SessionError(str(error)) from error
    if info.channels > MOST_TRACKS:
        raise SessionError(f"{path} has {info.channels} channels; {MOST_TRACKS} tracks are the most.")
    reference, names = time_stamp(path)
    if info.channels <= 2:
        takes: list[tuple[str, tuple[int, ...] | None]] = [(path.stem, None)]
    else:
        digits = len(str(info.channels))
        takes = [
            (names.get(channel + 1, f"{path.stem} {channel + 1:0{digits}d}"), (channel,))
            for channel in range(info.channels)
        ]
    tracks = tuple(
        SessionTrack(
            name,
            order,
            (Clip(path, 0, info.frames, channels=channels, name=path.name),),
            channels=1 if channels or info.channels == 1 else 2,
            identity=str(order + 1),
        )
        for order, (name, channels) in enumerate(takes)
    )
    return Session(path, "wav", path.stem, info.sample_rate_hz, tracks, time_reference=reference or 0)


def time_stamp(path: Path) -> tuple[int | None, dict[int, str]]:
    """Tell when a WAV file's recording began, in its frames since midnight, and its tracks' names by number from 1.

    None and no names for a file without `bext` chunk, or one that is no WAV file. 0 is midnight, where a session that
    was begun at 0 begins.
    """
    try:
        with open_regular(path) as file:
            chunk = _bext(file)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from error
    if chunk is None or len(chunk) < _TIME_REFERENCE_AT + 8:
        return None, {}
    low, high = struct.unpack_from("<II", chunk, _TIME_REFERENCE_AT)
    description = chunk[:_DESCRIPTION_BYTES].split(b"\0")[0].decode("ascii", "replace").replace("\r", "\n")
    names = {int(number): name.strip() for number, name in _TRACK_NAME.findall(description) if len(number) <= 4}
    return low + (high << 32), names


def _bext(file: BinaryIO) -> bytes | None:
    """Read the `bext` chunk of a RIFF, RF64 or BW64 file, if it comes before the samples or soon behind."""
    header = file.read(12)
    if header[:4] not in (b"RIFF", b"RF64", b"BW64") or header[8:] != b"WAVE":
        return None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return None
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"bext":
            return file.read(min(size, _TIME_REFERENCE_AT + 8))
        file.seek(size + size % 2, 1)
    return None
