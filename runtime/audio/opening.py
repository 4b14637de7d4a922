"""Opens audio files for reading: what is wrong with a file is said here, by name and with what to do.

A mix reads each stem three times: to hear it, to know it by its hash, to render it. :class:`OpenFiles` keeps files open
in between, as far as the system's limit allows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import cast

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ...presets.inputs import open_regular
from .descriptors import descriptor_limit, said_too_few
from .mp3_length import mended_mp3
from .wav_length import mended_wav

_NOT_AUDIO = "is not audio that can be read, or is damaged: give a WAV, AIFF, FLAC, OGG or MP3."
# libsndfile finds its way back to the first sample of these exactly; others are begun anew.
_EXACT = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG"}
# Elsewhere a C library may have descriptors of its own, which are not Python's.
_BY_DESCRIPTOR = os.name == "posix"
_MPEG = {"MPEG", "MP3"}
# Their samples of 24 bits stand with the low byte first, unless the file says otherwise. libsndfile goes through them
# in small pieces, which takes several times as long as what is done here; bytes and floats are the same.
_LOW_FIRST = {"WAV", "WAVEX", "RF64", "W64"}
_SAMPLE_BYTES = 3
_UPPER_BYTES = np.uint32(0xFFFFFF00)
_TO_FLOAT = np.float32(2.0**-31)
_MOST_IDLE = 128
_HASHED_BYTES = 2**20
# As libsndfile has it: SEEK_CUR, and the bit for the pointer that writes.
_FROM_HERE, _WRITE_POINTER = 1, 0x20


class OneWayFile(sf.SoundFile):  # type: ignore[misc]
    """A sound file that is not sought behind every read and write.

    soundfile does so to keep its position, which costs time; and in MP3 files libsndfile (1.2.2) lands
    elsewhere, so that they come out wrong when read in blocks.
    """

    def seekable(self) -> bool:
        """Never, as far as soundfile is told."""
        return False

    def skip(self, frames: int) -> None:
        """Go on so many frames behind where the last was written; what lies between is silence.

        Raises:
            SoundFileError: the file cannot be sought.
        """
        if frames and sf._snd.sf_seek(self._file, frames, _FROM_HERE | _WRITE_POINTER) < 0:
            raise sf.LibsndfileError(sf._snd.sf_error(self._file), "cannot skip silence: ")

    @property
    def is_packed(self) -> bool:
        """Whether samples are three bytes each, low byte first."""
        is_low_first = sys.byteorder == "little" and self.format in _LOW_FIRST and self.endian in {"FILE", "LITTLE"}
        return is_low_first and self.subtype == "PCM_24"

    def write_numbers(self, numbers: NDArray[np.int32]) -> None:
        """Append samples in the upper bits of 32, shape (n, channels).

        Raises:
            SoundFileError: not all of them went out.
            OSError, AssertionError: likewise.
        """
        if not self.is_packed:
            self.write(numbers)
            return
        data = packed(numbers.reshape(-1))
        if sf._snd.sf_write_raw(self._file, sf._ffi.from_buffer(data), data.nbytes) != data.nbytes:
            raise sf.LibsndfileError(sf._snd.sf_error(self._file), "cannot write: ")

    def read_floats(self, frames: int) -> NDArray[np.float32]:
        """Read the next samples, shape (n, channels); fewer where the file ends.

        Raises:
            SoundFileError: they cannot be read.
        """
        if not self.is_packed:
            floats: NDArray[np.float32] = self.read(frames, dtype="float32", always_2d=True)
            return floats
        data = np.empty(1 + _SAMPLE_BYTES * frames * self.channels, np.uint8)
        count = sf._snd.sf_read_raw(self._file, sf._ffi.from_buffer(data) + 1, data.nbytes - 1)
        if error := sf._snd.sf_error(self._file):
            raise sf.LibsndfileError(error, "cannot read: ")
        whole = count // (_SAMPLE_BYTES * self.channels)
        return unpacked(data[: 1 + whole * _SAMPLE_BYTES * self.channels]).reshape(whole, self.channels)


class AudioFile(OneWayFile):
    """An audio file that is open for reading.

    Args:
        path: the file.

    Raises:
        AudioError: it is missing, no regular file, unreadable, empty or not audio.
    """

    def __init__(self, path: Path):
        self._bytes = _opened(path)
        self.path = path
        try:
            self._open_sound(path)
        except BaseException:
            self.close()
            raise

    def _open_sound(self, path: Path) -> None:
        # Not through the buffer, which would leave libsndfile somewhere in the file.
        raw = cast("RawIOBase", self._bytes.raw)
        mended = mended_wav(raw, path)
        if mended is not None:
            with contextlib.suppress(sf.SoundFileError):
                super().__init__(mended)
                return
            raw.seek(0)
        if _BY_DESCRIPTOR:
            with contextlib.suppress(sf.SoundFileError):
                super().__init__(self._bytes.fileno(), closefd=False)
                self._mend_length(raw, path)
                return
        try:
            super().__init__(path)  # some kinds are known by their name's ending only
        except (sf.SoundFileError, TypeError, UnicodeError) as error:
            # TypeError: a name that soundfile takes for headerless data (.raw); UnicodeError: one that is not UTF-8.
            raise AudioError(f"{path} {_NOT_AUDIO}") from error
        self._mend_length(raw, path)

    def _mend_length(self, raw: RawIOBase, path: Path) -> None:
        """Open an MP3 whose length is not what libsndfile takes it for once more, with the real one."""
        if self.format not in _MPEG or (mended := mended_mp3(raw, path)) is None:
            return
        super().close()
        raw.seek(0)
        super().__init__(mended)

    def close(self) -> None:
        """Closes the file; once more does nothing."""
        if getattr(self, "_file", None) is not None:
            super().close()
        if hasattr(self, "_bytes"):
            self._bytes.close()

    def begin_again(self) -> None:
        """Makes the file as if it were just opened, so that it can be read once more from its beginning.

        Raises:
            AudioError: it is damaged.
        """
        if self.format in _EXACT:
            return
        super().close()
        self._bytes.seek(0)
        self._open_sound(self.path)

    def is_still(self, path: Path) -> bool:
        """Whether this is the file that has the path now."""
        try:
            now, then = path.stat(), os.fstat(self._bytes.fileno())
        except OSError:
            return False
        return os.path.samestat(now, then) and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns)

    def sha256(self) -> str:
        """The hash of all of its bytes, header included."""
        if not hasattr(os, "pread"):
            with open_regular(self.path) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        digest, position = hashlib.sha256(), 0
        while chunk := os.pread(self._bytes.fileno(), _HASHED_BYTES, position):  # leaves libsndfile its position
            digest.update(chunk)
            position += len(chunk)
        return digest.hexdigest()

    def glimpse(self, places: int, count: int) -> tuple[int, bytes]:
        """How long it is in bytes, and some of them: so many from each of so many places."""
        size = os.fstat(self._bytes.fileno()).st_size
        starts = [size * place // places for place in range(places)]
        if hasattr(os, "pread"):
            return size, b"".join(os.pread(self._bytes.fileno(), count, start) for start in starts)
        looked: list[bytes] = []
        with open_regular(self.path) as file:
            for start in starts:
                file.seek(start)
                looked.append(file.read(count))
        return size, b"".join(looked)


class OpenFiles:
    """Audio files that stay open between one reading and the next.

    Args:
        most_idle: how many are kept; None takes what the system's limit on open files allows.
    """

    def __init__(self, most_idle: int | None = None):
        self._most_idle = min(_MOST_IDLE, descriptor_limit() // 4) if most_idle is None else most_idle
        self._idle: list[AudioFile] = []  # the longest unused first
        self._lock = threading.Lock()

    def __enter__(self) -> OpenFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def borrowed(self, path: Path) -> Iterator[AudioFile]:
        """Lends the open file to the `with` block and its thread alone; its position may be anywhere, but for MP3.

        Raises:
            AudioError: as :class:`AudioFile`.
        """
        file = self._taken(path) or AudioFile(path)
        try:
            yield file
        except BaseException:
            file.close()
            raise
        self._give_back(file)

    def close(self) -> None:
        """Closes all that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for file in idle:
            file.close()

    def _taken(self, path: Path) -> AudioFile | None:
        with self._lock:
            file = next((file for file in self._idle if file.path == path), None)
            if file is None:
                return None
            self._idle.remove(file)
        try:
            if file.is_still(path):
                file.begin_again()
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        return None

    def _give_back(self, file: AudioFile) -> None:
        with self._lock:
            self._idle.append(file)
            surplus = self._idle[: max(0, len(self._idle) - self._most_idle)]
            self._idle = self._idle[len(surplus) :]
        for unwanted in surplus:
            unwanted.close()


ON_DEMAND = OpenFiles(most_idle=0)
"""Keeps nothing open."""


def packed(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Take the upper 24 bits of each number, low byte first; shape (n,) to (3 n,)."""
    data = np.empty(_SAMPLE_BYTES * len(numbers) + 1, np.uint8)
    # Each number is written with its byte too many, over which the next one is written: numpy goes from first to last.
    np.ndarray((len(numbers),), "<i4", data, 0, (_SAMPLE_BYTES,))[:] = numbers >> 8
    return data[:-1]


def unpacked(data: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Read samples, full scale 1.0, of which each has a byte before it; shape (1 + 3 n,) to (n,).

    Args:
        data: a byte of any value, then three for each sample, low byte first.
    """
    count = len(data) // _SAMPLE_BYTES
    # Each sample with the byte before it is a number of 32 bits, whose lowest byte means nothing.
    overlapping: NDArray[np.uint32] = np.ndarray((count,), "<u4", data, 0, (_SAMPLE_BYTES,))
    samples: NDArray[np.float32] = (overlapping & _UPPER_BYTES).view(np.int32).astype(np.float32)
    samples *= _TO_FLOAT
    return samples


def _opened(path: Path) -> BufferedReader:
    """Opens a regular file that is not empty, or says what is wrong with it."""
    try:
        file = open_regular(path)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: there is no such file. Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise AudioError(f"{path} is a folder, not an audio file: name a file in it.") from error
    except PermissionError as error:
        raise AudioError(f"{path} may not be read: change its permissions, or copy it to where you may.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        if too_few := said_too_few(error):
            raise AudioError(f"{path} cannot be opened: {too_few}.") from error
        raise AudioError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise AudioError(f"{path} is empty (0 bytes): export or copy it again.")
    return file
