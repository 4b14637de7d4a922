"""Files and the engine: stems on their way in, the mix on its way out. Both are threads of the controlling process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...presets.errors import MixbridgeError, OutputError
from ..audio.opening import ON_DEMAND
from ..audio.reading import AudioReader, Samples
from ..audio.writing import FORMATS, AudioWriter
from .memory import EngineMemory, Tally

_PIECE_FRAMES: Final = 8192
_BREATH_S: Final = 0.005
# A WAV file holds 4 GB: three hours of stereo at 48 kHz.
MOST_RECORDED_FRAMES: Final = 500_000_000


class StemFeed(threading.Thread):
    """Reads stems into the memory, as far ahead as there is room.

    Args:
        stems: files by track name.
        names: of the tracks, in the order of their rows.
        channels: 1 or 2, by track.
        memory: where they go.
        loops: begin again at the end of the longest.

    A stem that cannot be read on is silent from there; the others play on.
    """

    def __init__(
        self,
        stems: Mapping[str, Path],
        names: Sequence[str],
        channels: Sequence[int],
        memory: EngineMemory,
        *,
        loops: bool = False,
    ):
        super().__init__(name="mixbridge stems", daemon=True)
        self._readers = [
            AudioReader(stems[name], memory.shape.sample_rate_hz, _PIECE_FRAMES, ON_DEMAND) if name in stems else None
            for name in names
        ]
        self._channels, self._memory, self._loops = channels, memory, loops
        self._is_ended = threading.Event()
        self.frames = max((reader.frames for reader in self._readers if reader is not None), default=0)
        self._broken: dict[int, str] = {}
        self._told = 0

    def run(self) -> None:
        """Read until the end, or until it is closed."""
        memory = self._memory
        while not self._is_ended.is_set():
            for block in self._blocks():
                if not self._waited_for_room(block.shape[1]):
                    return
                memory.feed.write(block)
            if not self._loops:
                break
        memory.fields[Tally.FED_END] = memory[Tally.FED]

    def close(self) -> None:
        """End it."""
        self._is_ended.set()
        self.join()

    def news(self) -> list[str]:
        """Tell, once each, which stems cannot be read on."""
        texts = list(self._broken.values())[self._told :]
        self._told += len(texts)
        return texts

    def _blocks(self) -> Iterator[Samples]:
        """All tracks side by side, from the beginning to the end of the longest."""
        sources = [iter(()) if reader is None else iter(reader) for reader in self._readers]
        for begin in range(0, self.frames, _PIECE_FRAMES):
            block = np.zeros((sum(self._channels), min(_PIECE_FRAMES, self.frames - begin)), np.float32)
            row = 0
            for place, (source, count) in enumerate(zip(sources, self._channels, strict=True)):
                try:
                    part = next(source, None)
                except MixbridgeError as error:  # its source is at an end with that
                    self._broken.setdefault(place, f"{error} The rest of this stem is silent.")
                    part = None
                if part is not None:
                    block[row : row + count, : part.shape[1]] = part
                row += count
            yield block

    def _waited_for_room(self, frames: int) -> bool:
        memory = self._memory
        while memory.feed.position + frames - memory[Tally.PLAYED] > memory.feed.frames:
            if self._is_ended.wait(_BREATH_S):
                return False
        return not self._is_ended.is_set()


class Recorder(threading.Thread):
    """Writes the mix into a file, from the first block on, with the engine's latency in it.

    Args:
        path: the file to make when there is sound, or to replace.
        memory: where the mix is.
        most_frames: how much is recorded; None for all.

    Attributes:
        frames: how much was. Of none, no file is left.
        lost_frames: how much was gone before it could be written; silence stands for it.
        error: what went wrong; nothing more is recorded, and what came before it is kept.
    """

    def __init__(self, path: Path, memory: EngineMemory, most_frames: int | None):
        super().__init__(name="mixbridge recorder", daemon=True)
        self._path, self._memory = path, memory
        self._is_endless, self._is_told = most_frames is None, False
        self._most = min(most_frames or MOST_RECORDED_FRAMES, MOST_RECORDED_FRAMES)
        self._is_ended = threading.Event()
        self.frames = self.lost_frames = 0
        self.error: MixbridgeError | None = None
        memory.fields[Tally.RECORDED] = 0

    def run(self) -> None:
        """Record until it is closed."""
        audio_format = FORMATS["flac" if self._path.suffix.lower() == ".flac" else "wav32f"]
        while not self._memory.mixes.position and not self._is_ended.wait(_BREATH_S):
            pass
        if not self._memory.mixes.position:
            return
        try:
            with AudioWriter(self._path, self._memory.shape.sample_rate_hz, 2, self._most, audio_format) as writer:
                self._record(writer)
        except MixbridgeError as error:
            self.error = self.error or error
        if not self.frames:
            self._path.unlink(missing_ok=True)
        self._memory.fields[Tally.RECORDED] = -1

    @property
    def is_done(self) -> bool:
        """Whether nothing more is recorded."""
        return self.error is not None or self.frames >= self._most

    def news(self) -> str | None:
        """Tell once, if it ended before it should."""
        is_over = self.error is not None or (self._is_endless and self.frames >= self._most)
        if self._is_told or not is_over:
            return None
        self._is_told = True
        cause = "is as long as a file can be." if self.error is None else _cause(self.error)
        length_s = self.frames / self._memory.shape.sample_rate_hz
        return f"the recording {cause} It plays on; {length_s:.1f} s are recorded."

    def close(self) -> None:
        """Write what is there, and end it."""
        self._is_ended.set()
        self.join()

    def _record(self, writer: AudioWriter) -> None:
        try:
            while not self._is_ended.is_set():
                self._write(writer)
                self._is_ended.wait(_BREATH_S)
            self._write(writer)
        except MixbridgeError as error:
            # The file is closed as it is: nobody plays the same again. Frames of tracebacks would hold the memory open.
            error.__cause__ = error.__context__ = None
            self.error = error.with_traceback(None)

    def _write(self, writer: AudioWriter) -> None:
        mixes = self._memory.mixes
        end = min(mixes.position, self._most)
        while self.frames < end:
            begin = self.frames
            if not mixes.is_held(begin):
                lost = min(mixes.position - mixes.frames // 2, end) - begin
                writer.write(np.zeros((2, lost), np.float32))
                self.lost_frames += lost
                self.frames += lost
                continue
            count = min(_PIECE_FRAMES, end - begin)
            writer.write(mixes.read(begin, begin + count))
            self.frames += count
            self._memory.fields[Tally.RECORDED] = self.frames
        if self.is_done:
            self._memory.fields[Tally.RECORDED] = -1


def _cause(error: MixbridgeError) -> str:
    """What went wrong, without the name of the hidden file."""
    return error.message if isinstance(error, OutputError) else f"ended: {error}"
