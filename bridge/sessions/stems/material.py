"""The sound of a clip before its gain: its files, read forwards or backwards, over and over, at the session's rate.

Files are read in pieces, where a clip needs them, and few are open at a time, however many a session has. Everything
here counts frames; a clip's frames come in order, once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile as sf
import soxr

from ....presets.errors import AudioError, SessionError
from ....runtime.audio.descriptors import tracks_at_a_time
from ....runtime.audio.opening import AudioFile
from ....runtime.audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, AudioInfo, Samples, probe, say_short
from ..core.model import Clip, SessionTrack, is_one

MOST_OPEN = 32
# How far the resampler looks to each side, with room to spare.
_REACH_S = 0.05
# Loops up to this long are kept in memory: a loop of one sample would else be read again for each.
_SHORT_LOOP = 65_536
# Places for the resampler to begin at are tried for the one that hits the clip's first frame best.
_MOST_BEGINNINGS = 4096
# In these, seeking is not exact (see runtime.audio).
_NOT_SOUGHT = {"MPEG", "MP3"}
# In these it is, but libsndfile (1.2.2) gives up to a block of wrong samples behind it; Vorbis blocks have up to 8192.
_WRONG_AFTER_SEEK = {"OGG": 16_384}


@dataclass(frozen=True)
class FileInfo:
    """What a file has.

    Attributes:
        sample_rate_hz: its own rate.
        channels: any number.
        frames: samples per channel; an estimate for some MP3 files.
        seekable: whether one can go to a frame, and not only read on.
        lead_in: so many frames behind a place that was gone to are not to be used.
    """

    sample_rate_hz: int
    channels: int
    frames: int
    seekable: bool = True
    lead_in: int = 0


class FilePool:
    """Audio files for reading, of which at most `most_open` are open; None takes what the system's limit allows.

    Attributes:
        most_opened: how many were open at once so far.
    """

    def __init__(self, most_open: int | None = None):
        self._most_open = most_open or min(MOST_OPEN, tracks_at_a_time())
        self._open: OrderedDict[Path, _OpenFile] = OrderedDict()
        self._infos: dict[Path, FileInfo] = {}
        self.most_opened = 0

    def __enter__(self) -> FilePool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1].file.close()

    def info(self, path: Path) -> FileInfo:
        """Tell what a file has.

        Raises:
            AudioError: it cannot be read, or is cut off.
        """
        if path not in self._infos:
            self._infos[path] = _info(path, self._opened(path).file)
        return self._infos[path]

    def read(self, path: Path, first: int, count: int) -> Samples:
        """Read frames of a file, shape (channels, count); zeros before its beginning and behind its end.

        Raises:
            AudioError: it is damaged.
        """
        info = self.info(path)
        begin, end = max(0, first), min(info.frames, first + count)
        if begin >= end:
            return np.zeros((info.channels, count), np.float32)
        chunk = self._read(path, info, begin, end - begin)
        if end - begin == count and len(chunk) == count:
            return chunk.T
        samples = np.zeros((info.channels, count), np.float32)
        samples[:, begin - first : begin - first + len(chunk)] = chunk.T
        return samples

    def _read(self, path: Path, info: FileInfo, first: int, count: int) -> Samples:
        opened = self._opened(path)
        if opened.last is not None and opened.last_first == first and len(opened.last) == count:
            return opened.last
        try:
            if opened.position != first:
                opened = self._moved(path, info, opened, first)
            chunk: Samples = opened.file.read(count, dtype="float32", always_2d=True)
        except sf.SoundFileError as error:
            raise AudioError(f"{path} is damaged: copy or export it again.") from error
        opened.position = first + len(chunk)
        if len(chunk) < count:
            file = opened.file
            say_short(
                AudioInfo(path, info.sample_rate_hz, info.channels, info.frames, file.format, file.subtype),
                opened.position,
            )
        if info.channels > 2:
            # Tracks that are channels of one file are rendered side by side, and each asks for the same.
            opened.last, opened.last_first = chunk, first
        return chunk

    def _moved(self, path: Path, info: FileInfo, opened: _OpenFile, first: int) -> _OpenFile:
        """Move the file to this frame: gone to if that is exact, else read up to there."""
        if not info.seekable:
            if opened.position > first:
                self._open.pop(path).file.close()
                opened = self._opened(path)
        elif not opened.position <= first <= opened.position + info.lead_in:
            opened.position = max(0, first - info.lead_in)
            opened.file.seek(opened.position)
        while opened.position < first:
            got = len(opened.file.read(min(_SHORT_LOOP, first - opened.position), dtype="float32"))
            if not got:
                break
            opened.position += got
        return opened

    def _opened(self, path: Path) -> _OpenFile:
        if path not in self._open:
            while len(self._open) >= self._most_open:
                self._open.popitem(last=False)[1].file.close()
            self._open[path] = _OpenFile(_open(path))
            self.most_opened = max(self.most_opened, len(self._open))
        self._open.move_to_end(path)
        return self._open[path]


class ClipSound:
    """The frames of one clip at the session's rate, in order.

    Args:
        clip: which.
        pool: where its files are.
        sample_rate_hz: of the session.
        skip: frames of the clip that are not needed, at its beginning.

    Attributes:
        channels: rows of what it gives.

    Raises:
        AudioError: a file cannot be read.
    """

    def __init__(self, clip: Clip, pool: FilePool, sample_rate_hz: int, skip: int = 0):
        self._material = _Material(clip, pool)
        self.channels = self._material.channels
        # Stretched like a tape: as if it had been recorded at a lower rate.
        rate_hz = self._material.sample_rate_hz / (1.0 if is_one(clip.stretch) else clip.stretch)
        first = clip.source_offset + skip * rate_hz / sample_rate_hz
        self._resampler = None
        if rate_hz == sample_rate_hz:
            self._place = round(first)
            return
        begin, self._unwanted = _beginning(first, rate_hz, sample_rate_hz)
        self._place = begin
        self._step = rate_hz / sample_rate_hz
        self._resampler = soxr.ResampleStream(rate_hz, sample_rate_hz, self.channels, dtype="float32", quality="HQ")
        self._waiting = np.zeros((0, self.channels), np.float32)

    def take(self, count: int) -> Samples:
        """Read the next frames, shape (channels, count)."""
        if self._resampler is None:
            self._place += count
            return self._material.read(self._place - count, count)
        parts, have = [self._waiting], len(self._waiting)
        while have < count:
            # What the resampler holds back is asked for once; then each piece gives about what is wanted.
            piece = min(_SHORT_LOOP, int((count - have + self._unwanted) * self._step) + 1024)
            source = np.ascontiguousarray(self._material.read(self._place, piece).T)
            self._place += piece
            made = self._resampler.resample_chunk(source)
            dropped = min(self._unwanted, len(made))
            self._unwanted -= dropped
            parts.append(made[dropped:])
            have += len(made) - dropped
        frames = np.concatenate(parts)
        self._waiting = frames[count:].copy()
        return np.asarray(frames[:count].T, np.float32)


def sounding_frames(clip: Clip, pool: FilePool, sample_rate_hz: int) -> int:
    """Tell how many of a clip's frames its files have something for, from its beginning on.

    Raises:
        AudioError: a file cannot be read.
    """
    if clip.loop_frames is not None:
        return clip.length
    infos = [pool.info(path) for path in (clip.source, *clip.split)]
    left = max(info.frames for info in infos) - clip.source_offset
    step = infos[0].sample_rate_hz / clip.stretch / sample_rate_hz
    return min(clip.length, max(0, int(-(-left // step))))


def clip_channels(clip: Clip, pool: FilePool) -> int:
    """Tell how many channels a clip has.

    Raises:
        AudioError: a file cannot be read.
    """
    if clip.downmix:
        return 1
    if clip.channels is not None:
        return len(clip.channels)
    return sum(pool.info(path).channels for path in (clip.source, *clip.split))


@contextmanager
def naming(track: SessionTrack, clip: Clip) -> Iterator[None]:
    """Raise what is wrong with a clip's file as a :class:`SessionError` with the names of clip and track."""
    try:
        yield
    except AudioError as error:
        raise SessionError(f"track {track.name[:80]!r}, clip {clip.label[:80]!r}: {error}") from error


class _Material:
    """A clip's files as one endless recording, at their own rate: turned round, looped, silent outside."""

    def __init__(self, clip: Clip, pool: FilePool):
        self._clip, self._pool = clip, pool
        self._files = (clip.source, *clip.split)
        infos = [pool.info(path) for path in self._files]
        if len({info.sample_rate_hz for info in infos}) > 1:
            raise AudioError(f"{clip.source} and {clip.split[0].name} are channels of one clip, but differ in rate.")
        self.sample_rate_hz = infos[0].sample_rate_hz
        self.channels = clip_channels(clip, pool)
        self._frames = max(info.frames for info in infos)
        self._loop = None if clip.loop_frames is None else (round(clip.loop_start), max(1, round(clip.loop_frames)))
        self._short_loop: Samples | None = None

    def read(self, first: int, count: int) -> Samples:
        """Read frames of the endless recording, shape (channels, count)."""
        if self._loop is None:
            return self._straight(first, count)
        start, length = self._loop
        if length <= _SHORT_LOOP:
            return self._short_looped(first, count, start, length)
        parts = []
        while count:
            place = first if first < start else start + (first - start) % length
            run = min(count, start + length - place)
            parts.append(self._straight(place, run))
            first, count = first + run, count - run
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _short_looped(self, first: int, count: int, start: int, length: int) -> Samples:
        if self._short_loop is None:
            self._short_loop = np.array(self._straight(start, length))
        before = min(count, max(0, start - first))
        places = (np.arange(first + before, first + count) - start) % length
        looped = self._short_loop[:, places]
        return looped if not before else np.concatenate([self._straight(first, before), looped], axis=1)

    def _straight(self, first: int, count: int) -> Samples:
        if self._clip.reverse:
            samples = self._chosen(self._frames - first - count, count)[:, ::-1]
        else:
            samples = self._chosen(first, count)
        return samples

    def _chosen(self, first: int, count: int) -> Samples:
        parts = [self._pool.read(path, first, count) for path in self._files]
        samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if self._clip.channels is not None and self._clip.channels != tuple(range(samples.shape[0])):
            samples = _taken(samples, self._clip.channels)
        if self._clip.downmix:
            samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
        return samples


def _taken(samples: Samples, channels: tuple[int, ...]) -> Samples:
    """Take some channels; those that are not there are silent."""
    if max(channels) < samples.shape[0]:
        return samples[list(channels)]
    silence = np.zeros((1, samples.shape[1]), np.float32)
    return np.concatenate([samples[[channel]] if channel < samples.shape[0] else silence for channel in channels])


@dataclass
class _OpenFile:
    file: AudioFile
    position: int = 0
    last: Samples | None = None
    last_first: int = 0


def _open(path: Path) -> AudioFile:
    return AudioFile(path)


def _info(path: Path, file: AudioFile) -> FileInfo:
    if file.channels <= 2:
        probe(path)  # knows a file that is cut off
    if file.frames <= 0 or not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
        raise AudioError(f"{path} holds no samples, or has an impossible rate ({file.samplerate} Hz).")
    lead_in = _WRONG_AFTER_SEEK.get(file.format, 0)
    return FileInfo(file.samplerate, file.channels, file.frames, file.format not in _NOT_SOUGHT, lead_in)


def _beginning(first: float, rate_hz: float, session_rate_hz: int) -> tuple[int, int]:
    """Tell where to begin feeding a resampler, and how many of its frames come before the one for source place `first`.

    It begins at a whole frame, early enough for what it looks back at, and where one of its own frames falls on `first`
    as exactly as may be (always exactly, if both rates are whole numbers and `first` is a frame of either).
    """
    latest = int(np.floor(first - _REACH_S * rate_hz))
    candidates = latest - np.arange(_MOST_BEGINNINGS)
    places = (first - candidates) * (session_rate_hz / rate_hz)
    # The nearest of those that are equally good: numbers that differ by rounding alone count as equal.
    best = int(np.argmin(np.round(np.abs(places - np.round(places)), 6)))
    return int(candidates[best]), round(places[best])
