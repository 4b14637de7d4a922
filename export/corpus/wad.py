"""Music out of Doom WADs, the archives in which Freedoom keeps its tunes.

A WAD is a header (magic, count, offset), data, and a directory of 16-byte rows (offset, size, name). Music lumps are
those named D_...; only standard MIDI files are taken. The file is not trusted: what points outside is refused.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ...presets.errors import AudioError

_MAGICS = (b"IWAD", b"PWAD")
_HEADER = struct.Struct("<4sii")
_ROW = struct.Struct("<ii8s")
_MOST_LUMPS = 65536
# The longest tune of Freedoom has 0.2 MB.
_MOST_BYTES = 4 * 1024 * 1024
_MUSIC = "D_"


def read_tunes(wad: Path) -> dict[str, bytes]:
    """Reads the MIDI files in a WAD, by lower-case lump name without its D_; of two that are equal, the first.

    Raises:
        AudioError: not a WAD, or a row of its directory points outside of the file.
    """
    data = wad.read_bytes()
    tunes: dict[str, bytes] = {}
    for offset, size, name in _directory(wad, data):
        if not name.startswith(_MUSIC):
            continue
        if offset < 0 or not 0 <= size <= _MOST_BYTES or offset + size > len(data):
            raise AudioError(f"{wad}: lump {name} points outside of the file; fetch the package anew.")
        lump = data[offset : offset + size]
        if lump.startswith(b"MThd") and lump not in tunes.values():
            tunes[name.removeprefix(_MUSIC).lower()] = lump
    return tunes


def _directory(wad: Path, data: bytes) -> list[tuple[int, int, str]]:
    if len(data) < _HEADER.size:
        raise AudioError(f"{wad}: too short for a WAD; fetch the package anew.")
    magic, count, start = _HEADER.unpack_from(data)
    if magic not in _MAGICS:
        raise AudioError(f"{wad}: not a WAD; fetch the package anew.")
    if not 0 <= count <= _MOST_LUMPS or start < 0 or start + count * _ROW.size > len(data):
        raise AudioError(f"{wad}: its directory points outside of the file; fetch the package anew.")
    rows = _ROW.iter_unpack(data[start : start + count * _ROW.size])
    return [(offset, size, _plain_name(raw)) for offset, size, raw in rows]


def _plain_name(raw: bytes) -> str:
    """Turns a lump's name into a safe file name: letters, digits and underscores."""
    text = raw.split(b"\0")[0].decode("ascii", errors="replace")
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
