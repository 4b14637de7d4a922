"""Audio files: what is in one, its samples block by block at any rate, or a passage of it.

Every file is read as float32, shape (channels, frames), full scale 1.0. Whatever is wrong with a file is said
here, by name and with what to do; the code behind it can rely on finite samples, one or two channels and a
sane sample rate. Writing is in :mod:`.writing`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from ...presets.errors import AudioError
from .opening import ON_DEMAND, AudioFile, OpenFiles
from .wav_length import length_note

Samples = NDArray[np.float32]

log = logging.getLogger(__name__)

# Any multiple of the length that plugins work in (`BUFFER_FRAMES` in console/primitives.py) gives the same sound. With
# half of it rendering takes a fifth more time: what threads do outside of Python's lock is soon done.
BLOCK_FRAMES = 65536
LOWEST_RATE_HZ = 8_000
HIGHEST_RATE_HZ = 192_000
HIGHEST_SAMPLE = 1e10
"""Samples over this (200 dB over full scale) are no audio, and their squares overflow."""

# What programs write into a header's length while they do not know it yet (sox, ffmpeg into a pipe).
_LENGTH_UNKNOWN = 0x7FFF_F000
# In these, lengths are estimates (silence fills what they promise too much), and seeking is not exact.
_LENGTH_ESTIMATED = {"MPEG", "MP3"}
_short_files: dict[Path, tuple[AudioInfo, str]] = {}
# Encoders fill up their last frame, which is no longer than this.
_SHORT_S = 0.2
# The resampler looks this far to each side; a passage is read with that much around it.
_RESAMPLER_REACH_S = 0.05


@dataclass(frozen=True)
class AudioInfo:
    """What a file holds.

    Attributes:
        path: the file.
        sample_rate_hz: its own rate.
        channels: 1 or 2.
        frames: samples per channel; an estimate for MP3 files without a length in their header.
        container: libsndfile's name of the file type, e.g. "WAV".
        subtype: libsndfile's name of the sample type, e.g. "PCM_24".
    """

    path: Path
    sample_rate_hz: int
    channels: int
    frames: int
    container: str
    subtype: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate_hz


def probe(path: Path | str, files: OpenFiles = ON_DEMAND) -> AudioInfo:
    """Reads what a file holds from its header.

    Args:
        path: the file.
        files: keeps it open for what comes next.

    Raises:
        AudioError: the file is missing, a folder, unreadable, empty, truncated, not audio, without samples,
            of more than two channels or of a sample rate outside 8..192 kHz.
    """
    with files.borrowed(Path(path)) as file:
        return _info(Path(path), file)


def is_audio(path: Path) -> bool:
    """Tell whether there is an audio file that can be read."""
    try:
        probe(path)
    except AudioError:
        return False
    return True


def frames_at(info: AudioInfo, sample_rate_hz: int) -> int:
    """How many samples per channel the file has at another rate; at least one."""
    return max(1, round(info.frames * sample_rate_hz / info.sample_rate_hz))


class AudioReader:
    """The samples of one file in blocks of equal length, resampled on the way; constant memory.

    Iterate over it, as often as you like: the file is only open meanwhile. Only the last block may be
    shorter.

        for block in AudioReader("vocals.wav", sample_rate_hz=44100):
            ...

    Args:
        path: the file.
        sample_rate_hz: rate of the blocks; None keeps the file's own.
        block_frames: samples per channel in a block.
        files: keeps the file open between readings.

    Attributes:
        info: what the file holds.
        sample_rate_hz: rate of the blocks.
        frames: samples per channel that all blocks together have.

    Raises:
        AudioError: as :func:`probe`; while iterating, for a broken file or samples that are not numbers.
    """

    def __init__(
        self,
        path: Path | str,
        sample_rate_hz: int | None = None,
        block_frames: int = BLOCK_FRAMES,
        files: OpenFiles = ON_DEMAND,
    ):
        self._files = files
        self.info = probe(path, files)
        self.sample_rate_hz = _checked_rate(sample_rate_hz or self.info.sample_rate_hz, "the sample rate asked for")
        self.block_frames = block_frames
        self.frames = frames_at(self.info, self.sample_rate_hz)

    def __iter__(self) -> Iterator[Samples]:
        chunks = _chunks(self._files, self.info, 0, self.info.frames, self.block_frames)
        if self.sample_rate_hz == self.info.sample_rate_hz:
            return (_planar(chunk) for chunk in chunks)
        resampled = _resampled(chunks, self.info, self.sample_rate_hz)
        return _equal_blocks(resampled, self.block_frames, self.frames, self.info.channels)


def read_passage(
    path: Path | str,
    start_s: float,
    length_s: float,
    sample_rate_hz: int | None = None,
    files: OpenFiles = ON_DEMAND,
) -> Samples:
    """A part of a file, without reading the rest of it.

    Args:
        path: the file.
        start_s: where it begins, 0 or more.
        length_s: how long it is, more than 0.
        sample_rate_hz: rate of the result; None keeps the file's own.
        files: keeps the file open between readings.

    Returns:
        Samples, shape (channels, round(length_s * rate)); zeros where the file has ended. They are the same
        as when the whole file is read at that rate.

    Raises:
        AudioError: as :class:`AudioReader`; or a passage that begins before 0 or has no length.
    """
    if not (start_s >= 0 and length_s > 0):
        raise AudioError(
            f"{path}: a passage must begin at 0 s or later and have a length, not {start_s} s + {length_s} s."
        )
    info = probe(path, files)
    rate_hz = _checked_rate(sample_rate_hz or info.sample_rate_hz, "the sample rate asked for")
    first, count = round(start_s * rate_hz), round(length_s * rate_hz)
    # Both rates have a sample at every multiple of `grid_in`: reading from there keeps the whole file's grid.
    grid_in = info.sample_rate_hz // gcd(info.sample_rate_hz, rate_hz)
    grid_out = rate_hz // gcd(info.sample_rate_hz, rate_hz)
    reach = 0 if grid_in == grid_out else round(_RESAMPLER_REACH_S * rate_hz)
    step = max(0, (first - reach) // grid_out)
    begin = step * grid_in
    end = min(info.frames, -(-(first + count + reach) * info.sample_rate_hz // rate_hz))
    result = np.zeros((info.channels, count), np.float32)
    if begin < end:
        chunks = _chunks(files, info, begin, end, BLOCK_FRAMES)
        parts = chunks if rate_hz == info.sample_rate_hz else _resampled(chunks, info, rate_hz)
        samples = np.concatenate([_planar(part) for part in parts], axis=1)
        samples = samples[:, first - step * grid_out :][:, :count]
        result[:, : samples.shape[1]] = samples
    return result


def as_stereo(audio: Samples) -> Samples:
    """Shape (2, samples), of one or two channels."""
    return np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio


def repeated(audio: Samples, samples: int) -> Samples:
    """This many samples, over again where there are fewer."""
    return np.tile(audio, (1, max(1, -(-samples // audio.shape[1]))))[:, :samples]


def first_bad_frame(block: Samples) -> int | None:
    """Index of the first frame that holds a NaN or an infinity; None if all are numbers."""
    finite = np.isfinite(block)
    return None if finite.all() else int(np.argmin(finite.all(axis=0)))


def _info(path: Path, file: AudioFile) -> AudioInfo:
    if _is_truncated(file.extra_info):
        raise _truncated(path)
    if file.frames <= 0:
        raise AudioError(f"{path} holds no samples: export it again.")
    if file.channels > 2:
        raise AudioError(f"{path} has {file.channels} channels: split it into mono or stereo files, or fold it down.")
    _checked_rate(file.samplerate, f"{path}: its sample rate")
    info = AudioInfo(path, file.samplerate, file.channels, file.frames, file.format, file.subtype)
    if path in _short_files and _short_files[path][0] != info:  # it was replaced by another
        _short_files.pop(path, None)
    return info


def _checked_rate(sample_rate_hz: int, what: str) -> int:
    if not LOWEST_RATE_HZ <= sample_rate_hz <= HIGHEST_RATE_HZ:
        raise AudioError(f"{what} is {sample_rate_hz} Hz: convert it to one between 8000 and 192000 Hz, e.g. 48000.")
    return sample_rate_hz


def _is_truncated(log: str) -> bool:
    """Whether the header promises more than the file has: libsndfile says so in its log only."""
    for claimed, real in re.findall(r"^ *(?:data|SSND) *: (\d+) \(should be (\d+)\)", log, re.MULTILINE):
        if int(real) < int(claimed) < _LENGTH_UNKNOWN:
            return True
    return "lacks an end-of-stream bit" in log


def _truncated(path: Path) -> AudioError:
    return AudioError(f"{path} is cut off: it ends before the length its header names. Copy or export it again.")


def _chunks(files: OpenFiles, info: AudioInfo, begin: int, end: int, size: int) -> Iterator[Samples]:
    """Yields checked samples of frames begin..end at the file's rate, shape (n, channels)."""
    with files.borrowed(info.path) as file:
        try:
            _go_to(file, info, begin, size)
        except sf.SoundFileError as error:
            raise _truncated(info.path) from error
        for position in range(begin, end, size):
            chunk = _chunk(file, info, position, min(size, end - position))
            if position + size >= end:
                break  # the file is given back before the last one is used
            yield chunk
    yield chunk


def _chunk(file: AudioFile, info: AudioInfo, position: int, frames: int) -> Samples:
    """Reads the next samples, which begin at this position."""
    try:
        chunk: Samples = file.read_floats(frames)
    except sf.SoundFileError as error:
        raise _truncated(info.path) from error
    if len(chunk) < frames:
        if info.container not in _LENGTH_ESTIMATED:
            raise _truncated(info.path)
        say_short(info, position + len(chunk))
        chunk = np.pad(chunk, [(0, frames - len(chunk)), (0, 0)])
    if not info.subtype.startswith("PCM"):  # whole numbers are finite, and none is over full scale
        _check_finite(chunk, info, position)
    return chunk


def say_short(info: AudioInfo, frames: int) -> None:
    """Tell once of each file that what is missing of it is silent."""
    told = _short_files.get(info.path)
    if info.frames - frames > _SHORT_S * info.sample_rate_hz and (told is None or told[0] != info):
        note = (
            f"{info.path} ends after {frames / info.sample_rate_hz:.1f} s, and its length was to be "
            f"{info.duration_s:.1f} s: the rest is silent. Copy or export it again."
        )
        _short_files[info.path] = (info, note)
        log.warning("%s", note)


def notes_of(path: Path) -> list[str]:
    """What was found about a file's length when it was read last: more than its header names, or less."""
    length, (_, short) = length_note(path), _short_files.get(path, (None, None))
    return [note for note in (length, short) if note is not None]


def _go_to(file: AudioFile, info: AudioInfo, position: int, size: int) -> None:
    if info.container not in _LENGTH_ESTIMATED:
        file.seek(position)
        return
    for done in range(0, position, size):
        file.read(min(size, position - done), dtype="float32")


def _check_finite(chunk: Samples, info: AudioInfo, position: int) -> None:
    bad = first_bad_frame(chunk.T)
    if bad is not None:
        raise AudioError(
            f"{info.path}: at {(position + bad) / info.sample_rate_hz:.3f} s a sample is not a finite number "
            "(NaN or infinity). Export the file again, without the plug-in that made it."
        )
    highest = float(np.abs(chunk).max(initial=0))
    if highest > HIGHEST_SAMPLE:
        raise AudioError(
            f"{info.path}: near {position / info.sample_rate_hz:.3f} s a sample is {highest:.0e} times full scale, "
            "which is no audio. Export the file again, without the plug-in that made it."
        )


def _resampled(chunks: Iterator[Samples], info: AudioInfo, rate_hz: int) -> Iterator[Samples]:
    stream = soxr.ResampleStream(info.sample_rate_hz, rate_hz, info.channels, dtype="float32", quality="HQ")
    for chunk in chunks:
        yield stream.resample_chunk(chunk)
    yield stream.resample_chunk(np.zeros((0, info.channels), np.float32), last=True)


def _equal_blocks(chunks: Iterable[Samples], size: int, total: int, channels: int) -> Iterator[Samples]:
    """Cuts (n, channels) chunks of any length into (channels, size) blocks, `total` frames in all."""
    waiting = np.zeros((0, channels), np.float32)
    given = 0
    for chunk in chunks:
        waiting = np.concatenate([waiting, chunk])
        while len(waiting) >= size and given + size <= total:
            yield _planar(waiting[:size])
            waiting = waiting[size:]
            given += size
    # The resampler may round its length the other way.
    rest = np.concatenate([waiting, np.zeros((max(0, total - given - len(waiting)), channels), np.float32)])
    while given < total:
        yield _planar(rest[: min(size, total - given)])
        rest = rest[size:]
        given += size


def _planar(chunk: Samples) -> Samples:
    return np.ascontiguousarray(chunk.T)
