"""Audio files out: the formats that can be written, and a writer.

Files are made in the hidden folder of an :class:`.output.OutputFolder`, which makes them appear whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from ...presets.errors import AudioError, OutputError
from .descriptors import said_too_few
from .opening import AudioFile, OneWayFile
from .reading import Samples, first_bad_frame

# RIFF and AIFF count bytes with 32 bits; one MiB is left for headers.
_FOUR_GIB = 2**32 - 2**20
_SIGNATURE = "mixbridge"
# Silence of this length and more is skipped: zeros are read there, and most file systems keep no room for them.
_LEAST_SILENT = 4096


@dataclass(frozen=True)
class AudioFormat:
    """A kind of file that can be written.

    Attributes:
        name: how users ask for it.
        suffix: file name ending, with its dot.
        container: libsndfile's name of the file type.
        subtype: libsndfile's name of the sample type.
        bytes_per_sample: size of a sample before any packing.
        is_integer: samples above full scale would be clipped.
    """

    name: str
    suffix: str
    container: str
    subtype: str
    bytes_per_sample: int
    is_integer: bool = True


FORMATS = {
    audio_format.name: audio_format
    for audio_format in (
        AudioFormat("wav", ".wav", "WAV", "PCM_24", 3),
        AudioFormat("wav16", ".wav", "WAV", "PCM_16", 2),
        AudioFormat("wav32f", ".wav", "WAV", "FLOAT", 4, is_integer=False),
        AudioFormat("flac", ".flac", "FLAC", "PCM_24", 3),
        AudioFormat("flac16", ".flac", "FLAC", "PCM_16", 2),
        AudioFormat("aiff", ".aiff", "AIFF", "PCM_24", 3),
        AudioFormat("aiff32f", ".aiff", "AIFF", "FLOAT", 4, is_integer=False),
    )
}


class AudioWriter:
    """Writes one file, which is removed if the `with` block does not end well.

    Args:
        path: the file to make, replaced if it is there; its name is taken as it is, whatever the format's usual ending.
        sample_rate_hz: of the samples.
        channels: rows of every block.
        frames: how many samples per channel will come (a WAV file over 4 GB needs another header).
        audio_format: one of :data:`FORMATS`. Integer formats clip at full scale.
        signed: with a note in its header that mixbridge made it, for :func:`is_signed`.

    Raises:
        OutputError: the folder cannot be written, the disk is full, or the format cannot hold as much.
    """

    def __init__(
        self,
        path: Path | str,
        sample_rate_hz: int,
        channels: int,
        frames: int,
        audio_format: AudioFormat = FORMATS["wav"],
        *,
        signed: bool = False,
    ):
        self.path = Path(path)
        container = _container(self.path, audio_format, channels * frames * audio_format.bytes_per_sample)
        self._frames = self._silent_frames = 0
        self._skips = audio_format.container != "FLAC"
        self._integer_bits = 8 * audio_format.bytes_per_sample if audio_format.is_integer else None
        self._sample_rate_hz = sample_rate_hz
        try:
            self._file = OneWayFile(self.path, "w", sample_rate_hz, channels, audio_format.subtype, format=container)
            if signed:
                self._file.software = _SIGNATURE
        except (OSError, sf.SoundFileError) as error:
            raise cannot_write(self.path, error) from error

    def __enter__(self) -> AudioWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_whole = False
        try:
            if kind is None and self._silent_frames:
                self._file.skip(self._silent_frames - 1)  # the last frame makes the file as long as it is
                self._file.write(np.zeros((1, self._file.channels), np.float32))
            self._file.close()
            if self._integer_bits is None:
                _clear_peak_time(self.path)
            is_whole = kind is None
        except (OSError, sf.SoundFileError) as failure:
            raise cannot_write(self.path, failure) from failure
        finally:
            if not is_whole:
                with contextlib.suppress(OSError):
                    self.path.unlink(missing_ok=True)

    def write(self, block: Samples) -> None:
        """Appends samples of shape (channels, n).

        Raises:
            AudioError: a sample is not a number.
            OutputError: the disk is full, or the file cannot be written for another reason.
        """
        bad = first_bad_frame(block)
        if bad is not None:
            time_s = (self._frames + bad) / self._sample_rate_hz
            raise AudioError(f"{self.path.name} was not written: at {time_s:.3f} s a sample is not a finite number.")
        if not block.shape[1]:  # nothing of it would be written, so that nothing may be skipped before it
            return
        is_first = not self._frames
        self._frames += block.shape[1]
        # The first block makes libsndfile write the header as it will be: skipping comes after it.
        if self._skips and not is_first and block.shape[1] >= _LEAST_SILENT and not block.any():
            self._silent_frames += block.shape[1]
            return
        try:
            if self._silent_frames:
                self._file.skip(self._silent_frames)
                self._silent_frames = 0
            if self._integer_bits is None:
                self._file.write(block.T)
            else:
                self._file.write_numbers(_integers(block, self._integer_bits))
        # soundfile asserts that all frames went out.
        except (OSError, sf.SoundFileError, AssertionError) as error:
            raise cannot_write(self.path, error) from error


def write_samples(
    path: Path, samples: Samples, sample_rate_hz: int, audio_format: AudioFormat = FORMATS["wav32f"]
) -> None:
    """Writes samples of shape (channels, n), which are all there, as a file.

    Raises:
        AudioError: a sample is not a number.
        OutputError: it cannot be written, such as for a full disk.
    """
    channels, frames = samples.shape
    with AudioWriter(path, sample_rate_hz, channels, frames, audio_format) as writer:
        writer.write(samples)


def is_signed(path: Path) -> bool:
    """Tell whether an audio file says in its header that mixbridge made it; programs that save it anew drop that."""
    try:
        with AudioFile(path) as file:
            return str(file.software).startswith(_SIGNATURE)
    except AudioError:
        return False


def _integers(block: Samples, bits: int) -> NDArray[np.int32]:
    """Interleaved samples in the upper bits of 32, shape (n, channels), rounded and clipped.

    libsndfile would convert floats itself, but takes twice as long and cuts off instead of rounding.
    """
    full_scale = np.float32(2 ** (bits - 1))
    scaled = block * full_scale
    np.rint(scaled, out=scaled)
    np.clip(scaled, -full_scale, full_scale - 1, out=scaled)
    scaled *= np.float32(2 ** (32 - bits))
    numbers = np.empty((block.shape[1], block.shape[0]), np.int32)
    for channel, row in enumerate(scaled):  # interleaved last: all before is quicker channel by channel
        numbers[:, channel] = row
    return numbers


def _container(path: Path, audio_format: AudioFormat, size: int) -> str:
    if size < _FOUR_GIB or audio_format.container == "FLAC":
        return audio_format.container
    if audio_format.container == "WAV":
        return "RF64"
    raise OutputError(f"would be over 4 GB, which {audio_format.name} cannot hold: ask for wav or flac.", path)


def _clear_peak_time(path: Path) -> None:
    """Sets the time stamp in the PEAK chunk of a float file to 0, so that the same samples are the same file.

    libsndfile writes the time of day there, as the second of the chunk's 32-bit numbers. The chunk stands before the
    samples.
    """
    with path.open("r+b") as file:
        container = file.read(12)
        order: Literal["big", "little"] = "big" if container[:4] == b"FORM" else "little"
        while len(header := file.read(8)) == 8 and header[:4] not in (b"data", b"SSND"):
            size = int.from_bytes(header[4:], order)
            if header[:4] == b"PEAK":
                file.seek(4, os.SEEK_CUR)
                file.write(bytes(4))
                return
            file.seek(size + size % 2, os.SEEK_CUR)


def cannot_write(path: Path, error: BaseException) -> OutputError:
    """Makes the error for a file that could not be written, with its likeliest cause."""
    folder = path.parent
    if too_few := said_too_few(error):
        return OutputError(f"cannot be written: {too_few}.", path)
    if not folder.is_dir():
        return OutputError(f"cannot be written: the folder {folder} does not exist.", path)
    if not os.access(folder, os.W_OK):
        return OutputError("cannot be written: its folder may not be written to. Choose another.", path)
    return OutputError(
        f"cannot be written ({_cause(error)}): is the disk full? Free some space or choose another folder.", path
    )


def _cause(error: BaseException) -> str:
    """What the system says, without the name of a hidden file."""
    if isinstance(error, sf.LibsndfileError):
        return str(error.error_string)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not all of it was taken"
