"""WAV files whose header names less audio than there is: programs that were broken off, or that write into a pipe.

libsndfile reads as much as the header names and drops the rest without a word. Here the rest is found, said, and read:
the file is handed over with the right length in its header. What stands behind the audio in good files (chunks with
names, tags, markers) is told from audio by its structure.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from io import RawIOBase
from pathlib import Path

log = logging.getLogger(__name__)

_notes: dict[Path, str] = {}

_HEADER = 12
_CHUNK_HEAD = 8
_LENGTH_UNKNOWN = 0xFFFFFFFF
# More chunks than any program writes before the audio.
_MOST_CHUNKS = 1000
# A few bytes behind the audio are nobody's: padding.
_LEAST_HIDDEN = 64


class MendedWav:
    """A file as libsndfile should see it: with other lengths in its header.

    Args:
        file: the file as it is.
        patches: bytes by where they stand.
    """

    def __init__(self, file: RawIOBase, patches: dict[int, bytes]):
        self._file, self._patches = file, patches
        file.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        begin = self._file.tell()
        data = bytearray(self._file.read(size) or b"")
        for place, patch in self._patches.items():
            for offset, value in enumerate(patch):
                if begin <= place + offset < begin + len(data):
                    data[place + offset - begin] = value
        return bytes(data)


def mended_wav(file: RawIOBase, path: Path) -> MendedWav | None:
    """The file with its real length, said once; None where the header is right or there is no such header."""
    size = os.fstat(file.fileno()).st_size
    found = _audio(file, size)
    file.seek(0)
    if found is None:
        _notes.pop(path, None)
        return None
    begin, named = found
    _say(path, named, size - begin)
    length = min(size - begin, _LENGTH_UNKNOWN).to_bytes(4, "little")
    whole = min(size - _CHUNK_HEAD, _LENGTH_UNKNOWN).to_bytes(4, "little")
    return MendedWav(file, {4: whole, begin - 4: length})


def _audio(file: RawIOBase, size: int) -> tuple[int, int] | None:
    """Where the audio begins and how long it is said to be, if there is more of it."""
    header = file.read(_HEADER) or b""
    if header[:4] != b"RIFF" or header[8:] != b"WAVE":
        return None
    place = _HEADER
    for _ in range(_MOST_CHUNKS):
        head = file.read(_CHUNK_HEAD) or b""
        if len(head) < _CHUNK_HEAD:
            return None
        named = int.from_bytes(head[4:], "little")
        place += _CHUNK_HEAD
        if head[:4] == b"data":
            behind = place + named + named % 2
            is_short = size - place - named >= _LEAST_HIDDEN and not _are_chunks(file, behind, size)
            return (place, named) if is_short else None
        place += named + named % 2
        file.seek(place)
    return None


def _are_chunks(file: RawIOBase, place: int, size: int) -> bool:
    """Whether chunks stand from here to the end of the file."""
    for _ in range(_MOST_CHUNKS):
        if size - place < _CHUNK_HEAD:
            return True
        file.seek(place)
        head = file.read(_CHUNK_HEAD) or b""
        if not all(0x20 <= byte < 0x7F for byte in head[:4]):
            return not any(head)  # zeros fill up some files
        length = int.from_bytes(head[4:], "little")
        place += _CHUNK_HEAD + length + length % 2
        if place > size + 1:
            return False
    return False


def length_note(path: Path) -> str | None:
    """What was said about the length of this file when it was opened last."""
    return _notes.get(path)


def _say(path: Path, named: int, there: int) -> None:
    say_length(
        path,
        f"{path}: its header names {named} bytes of audio, and {there} are there; all are used. "
        "Export it again if they are noise.",
    )


def say_length(path: Path, note: str) -> None:
    """Tell once what is wrong with the length that a file names, and keep it for :func:`length_note`."""
    _notes[path] = note
    _log_once(note)


@cache
def _log_once(note: str) -> None:
    log.warning("%s", note)
