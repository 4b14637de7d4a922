"""MP3 files whose first frame names less audio than there is, or nothing: joined files, cut ones, recorded streams.

libmpg123 believes the frame that names a length (Xing, Info or VBRI), and guesses without one from the first frame's
bit rate, which is far off where the rate varies; libsndfile reads no further. Here frames are counted. Where the count
is another, the file is handed over with a first frame that names all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Final

from .wav_length import say_length

# Bit rates in kbit/s of layer III, by index: MPEG 1, and MPEG 2 and 2.5.
_RATES_KBIT: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLE_RATES_HZ: Final = (44100, 48000, 32000)
_LAYER_3: Final = 1
_MPEG_1: Final = 3
_RESERVED_VERSION: Final = 1
_MONO: Final = 3
# What all frames of a file have alike: sync, version, layer, sample rate.
_ALIKE: Final = 0xFFFE0C00
_SYNC: Final = 0xFFE00000
_HEAD: Final = 4
_ID3_HEAD: Final = 10
_VBRI_AT: Final = 36
# An index into the bit rates whose frame has room for what names a length.
_ROOMY: Final = 9
# So many bytes are read at a time, and at most so many are searched for the first frame.
_PIECE: Final = 2**20
_SEARCHED: Final = 2**16
# A file that was cut anywhere may lack a frame, or end in half of one.
_TOLERATED: Final = 2
_MOST_COUNTED: Final = 1024

_counted: dict[tuple[int, int, int, int], CountedMp3 | None] = {}


@dataclass(frozen=True)
class CountedMp3:
    """What is in a file.

    Attributes:
        begin: where its first frame stands.
        header: the four bytes that this begins with.
        frames: how many there are, without that which names a length.
        named: how many the first frame names; None if it names none.
        named_at: where in the file it names them.
        varies: whether bit rates differ.
        sample_rate_hz: of the audio.
    """

    begin: int
    header: int
    frames: int
    named: int | None
    named_at: int
    varies: bool
    sample_rate_hz: int

    def seconds(self, frames: int) -> float:
        """How long frames last."""
        return frames * (1152 if _is_mpeg_1(self.header) else 576) / self.sample_rate_hz

    @property
    def is_longer(self) -> bool:
        """Whether there is more than is named."""
        return self.named is not None and self.frames > self.named + _TOLERATED

    @property
    def is_unnamed(self) -> bool:
        """Whether nobody names the length, and it cannot be told from the first frame."""
        return self.named is None and self.varies


class MendedMp3:
    """A file as libmpg123 should see it: with a first frame that names its length.

    Args:
        file: the file as it is.
        mp3: what is in it.
    """

    def __init__(self, file: RawIOBase, mp3: CountedMp3):
        self._file, self._place = file, 0
        size = os.fstat(file.fileno()).st_size
        if mp3.named is None:
            self._head, self._behind = _naming_frame(mp3, size - mp3.begin), mp3.begin
        else:
            file.seek(0)
            head = bytearray(file.read(mp3.named_at + 4) or b"")
            head[mp3.named_at :] = mp3.frames.to_bytes(4, "big")
            self._head, self._behind = bytes(head), len(head)
        self._size = len(self._head) + size - self._behind

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._place

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        count = self._size - self._place if size < 0 else size
        data = self._head[self._place : self._place + count]
        if len(data) < count:
            self._file.seek(self._behind + self._place + len(data) - len(self._head))
            data += self._file.read(count - len(data)) or b""
        self._place += len(data)
        return data


def mended_mp3(file: RawIOBase, path: Path) -> MendedMp3 | None:
    """The file with its real length, said where the header names less; None where that is right."""
    state = os.fstat(file.fileno())
    key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
    if key not in _counted:
        if len(_counted) >= _MOST_COUNTED:
            _counted.clear()
        _counted[key] = counted_mp3(file)
    mp3 = _counted[key]
    if mp3 is None or not (mp3.is_longer or mp3.is_unnamed):
        return None
    if mp3.named is not None:
        named_s, there_s = mp3.seconds(mp3.named), mp3.seconds(mp3.frames)
        say_length(
            path,
            f"{path}: its first frame names {named_s:.1f} s of audio, and {there_s:.1f} s are there, as in files that "
            "were joined; all are used. Export it again if they do not belong together.",
        )
    return MendedMp3(file, mp3)


def counted_mp3(file: RawIOBase) -> CountedMp3 | None:
    """Count the frames of layer III in a file; None where there are none."""
    size = os.fstat(file.fileno()).st_size
    pieces = _Pieces(file, size)
    begin = _first_frame(pieces, size)
    if begin is None:
        return None
    header = pieces.whole(begin)
    named, named_at = _named(pieces, begin, header)
    count, rates = 0, set()
    for place in _frames(pieces, begin, size, header):
        count += 1
        if place > begin or named is None:
            rates.add(pieces.whole(place) >> 12 & 15)
    rate_hz = _sample_rate_hz(header)
    return CountedMp3(begin, header, count - (named is not None), named, named_at, len(rates) > 1, rate_hz)


class _Pieces:
    """The bytes of a file by their places, read in pieces."""

    def __init__(self, file: RawIOBase, size: int):
        self._file, self.size = file, size
        self._begin, self._data = 0, b""

    def at(self, place: int, count: int) -> bytes:
        if not self._begin <= place <= place + count <= self._begin + len(self._data):
            self._file.seek(place)
            self._begin, self._data = place, self._file.read(max(count, _PIECE)) or b""
        return self._data[place - self._begin : place - self._begin + count]

    def whole(self, place: int) -> int:
        return int.from_bytes(self.at(place, _HEAD), "big")


def _first_frame(pieces: _Pieces, size: int) -> int | None:
    """Where the first frame stands that another follows, behind tags."""
    place = _behind_tags(pieces, 0)
    for candidate in range(place, min(size - _HEAD, place + _SEARCHED)):
        if _is_frame(pieces, candidate, None) and _is_followed(pieces, candidate, size):
            return candidate
    return None


def _frames(pieces: _Pieces, place: int, size: int, header: int) -> Iterator[int]:
    """Where frames like the first stand, over tags and rubbish between them."""
    while place + _HEAD <= size:
        if _is_frame(pieces, place, header):
            yield place
            place += _frame_bytes(pieces.whole(place)) or 1
            continue
        behind = _behind_tags(pieces, place)
        if behind > place:
            place = behind
            continue
        later = (
            candidate
            for candidate in range(place + 1, min(size - _HEAD, place + _SEARCHED))
            if _is_frame(pieces, candidate, header) and _is_followed(pieces, candidate, size)
        )
        found = next(later, None)
        if found is None:
            return
        place = found


def _behind_tags(pieces: _Pieces, place: int) -> int:
    """Skip ID3 tags, which tell their length in seven bits a byte."""
    while (head := pieces.at(place, _ID3_HEAD))[:3] == b"ID3" and len(head) == _ID3_HEAD:
        length = sum((byte & 0x7F) << 7 * power for power, byte in enumerate(reversed(head[6:])))
        place += _ID3_HEAD + length
    return place


def _is_frame(pieces: _Pieces, place: int, like: int | None) -> bool:
    header = pieces.whole(place)
    if header & _SYNC != _SYNC or _frame_bytes(header) is None:
        return False
    return like is None or (header ^ like) & _ALIKE == 0


def _is_followed(pieces: _Pieces, place: int, size: int) -> bool:
    header = pieces.whole(place)
    behind = place + (_frame_bytes(header) or 0)
    return behind + _HEAD <= size and _is_frame(pieces, behind, header)


def _named(pieces: _Pieces, begin: int, header: int) -> tuple[int | None, int]:
    """How many frames the first one names, and where."""
    at = begin + _HEAD + _side_bytes(header)
    head = pieces.at(at, 12)
    if head[:4] in (b"Xing", b"Info") and len(head) > 11 and head[7] & 1:
        return int.from_bytes(head[8:12], "big"), at + 8
    at = begin + _VBRI_AT
    head = pieces.at(at, 18)
    if head[:4] == b"VBRI" and len(head) > 17:
        return int.from_bytes(head[14:18], "big"), at + 14
    return None, 0


def _is_mpeg_1(header: int) -> bool:
    return header >> 19 & 3 == _MPEG_1


def _sample_rate_hz(header: int) -> int:
    return _SAMPLE_RATES_HZ[header >> 10 & 3] >> (0, 0, 1, 0)[header >> 19 & 3] >> (2 if header >> 19 & 3 == 0 else 0)


def _frame_bytes(header: int) -> int | None:
    """How long a frame is; None for what is no frame of layer III, or one of a free bit rate."""
    version, layer, rate, sample_rate = header >> 19 & 3, header >> 17 & 3, header >> 12 & 15, header >> 10 & 3
    if version == _RESERVED_VERSION or layer != _LAYER_3 or rate in (0, 15) or sample_rate > 2:
        return None
    kbit = _RATES_KBIT[not _is_mpeg_1(header)][rate]
    return (144 if _is_mpeg_1(header) else 72) * kbit * 1000 // _sample_rate_hz(header) + (header >> 9 & 1)


def _side_bytes(header: int) -> int:
    is_mono = header >> 6 & 3 == _MONO
    if _is_mpeg_1(header):
        return 17 if is_mono else 32
    return 9 if is_mono else 17


def _naming_frame(mp3: CountedMp3, size: int) -> bytes:
    """A frame that names the length of a file of this many bytes; decoders that know it play nothing for it."""
    header = mp3.header | 0x10000  # no checksum
    header = header & ~0xF200 | _ROOMY << 12
    frame = bytearray(_frame_bytes(header) or 0)
    frame[:_HEAD] = header.to_bytes(_HEAD, "big")
    at = _HEAD + _side_bytes(header)
    fields = b"Xing" + (3).to_bytes(4, "big") + mp3.frames.to_bytes(4, "big") + (size + len(frame)).to_bytes(4, "big")
    frame[at : at + len(fields)] = fields
    return bytes(frame)
