"""One pass of the console over audio files: tracks are read, processed, measured and written.

What becomes of the sums is the caller's business; `render.py` is the caller.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from ...presets.console import FxBus
from ...presets.preset import Track
from ..audio.descriptors import tracks_at_a_time
from ..audio.reading import BLOCK_FRAMES, AudioReader, Samples
from ..audio.writing import AudioFormat, AudioWriter, cannot_write
from ..console.streams import ConsoleStream, DrySums, Extent, Input

Shape = Callable[[Samples], Samples]


class FileSession:
    """A console with files on its inputs; for one pass.

    So many tracks run side by side as files may be open; if there are more, groups of them run one after the other,
    and the sums of a group wait on the disk for the next. That changes no sample.

    Args:
        tracks: at least one.
        readers: one for each track, all at the same rate.
        fx_bus: settings of the reverb.
        workers: threads; None takes as many as there are cores.
        side_by_side: tracks of a group; None takes what the system allows.

    Attributes:
        sample_rate_hz: of everything that comes out.
        frames: its samples per channel.
        has_fx: whether a send is on: then the fx return follows the tracks as one more stem.
        groups: how many run one after the other.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        readers: Sequence[AudioReader],
        fx_bus: FxBus,
        workers: int | None = None,
        side_by_side: int | None = None,
    ):
        self.sample_rate_hz = readers[0].sample_rate_hz
        self._workers, self._fx_bus = workers or os.cpu_count(), fx_bus
        self._sinks = [_Sink() for _ in tracks]
        self._inputs = [
            Input(track.name, track.strip, reader.info.channels, reader.frames, reader, sink.take)
            for track, reader, sink in zip(tracks, readers, self._sinks, strict=True)
        ]
        self._extent = Extent.of(self._inputs, fx_bus, self.sample_rate_hz)
        self.frames, self.has_fx = self._extent.frames, self._extent.has_fx
        self._side_by_side = side_by_side or tracks_at_a_time()
        self.groups = -(-len(tracks) // self._side_by_side)
        self._fx_sink = _Sink()
        if self.has_fx:
            self._sinks.append(self._fx_sink)

    def run(
        self,
        stems: Sequence[Path],
        audio_format: AudioFormat,
        scratch: Path,
        stem_gain: float = 1.0,
        progress: Callable[[float], None] | None = None,
        shape: Callable[[], Shape] | None = None,
    ) -> Generator[Samples, None, None]:
        """Gives the bus before the master, in blocks of shape (2, n), while the stems are written.

        Args:
            stems: a file for each stem; none writes none.
            audio_format: of the stems.
            scratch: a folder for the sums of groups; nothing is left in it.
            stem_gain: factor for all of them; the bus is not changed by it.
            progress: called with the share done, 0..1.
            shape: makes for each stem what its blocks go through before they are written.
        """
        for sink in self._sinks:
            sink.shape = shape() if shape is not None else None

        done = 0
        earlier: Iterable[DrySums] = ()
        with ExitStack() as stack:
            for group in range(self.groups):
                first = group * self._side_by_side
                is_last = group == self.groups - 1
                with self._opened(stems, audio_format, stem_gain, first, is_last=is_last) as (console, pool):
                    if not is_last:
                        following = stack.enter_context(SumsFile(scratch / f"sums{group}.raw", self.has_fx))
                        for dry in console.run_dry(pool, earlier):
                            following.write(dry)
                            done += dry.bus.shape[1]
                            _tell(progress, done, self.frames * self.groups)
                        earlier = following.blocks()
                        continue
                    for sums in console.run(pool, earlier):
                        if sums.fx_return is not None:
                            self._fx_sink.take(sums.fx_return)
                        done += sums.bus.shape[1]
                        _tell(progress, done, self.frames * self.groups)
                        yield sums.bus

    @contextmanager
    def _opened(
        self, stems: Sequence[Path], audio_format: AudioFormat, stem_gain: float, first: int, *, is_last: bool
    ) -> Iterator[tuple[ConsoleStream, ThreadPoolExecutor]]:
        """A group of strips, with the files that its stems are written to."""
        end = len(self._sinks) if is_last else first + self._side_by_side
        with ExitStack() as stack:
            for path, sink in zip(stems[first:end], self._sinks[first:end], strict=bool(stems)):
                writer = AudioWriter(path, self.sample_rate_hz, 2, self.frames, audio_format)
                sink.write_to(stack.enter_context(writer), stem_gain)
                stack.callback(sink.close)
            inputs = self._inputs[first : first + self._side_by_side]
            console = ConsoleStream(inputs, self._fx_bus, self.sample_rate_hz, BLOCK_FRAMES, self._extent)
            # Left first: no thread writes any more when the files are closed.
            yield console, stack.enter_context(ThreadPoolExecutor(self._workers))

    @property
    def peaks(self) -> list[float]:
        """The highest sample of each stem so far, before the stems' gain."""
        return [sink.peak for sink in self._sinks]


class _Sink:
    """Where the blocks of one stem go."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.shape: Shape | None = None
        self._writer: AudioWriter | None = None
        self._gain = np.float32(1)

    def write_to(self, writer: AudioWriter, gain: float) -> None:
        self._writer = writer
        self._gain = np.float32(gain)

    def close(self) -> None:
        self._writer = None

    def take(self, block: Samples) -> None:
        if self.shape is not None:
            block = self.shape(block)
        self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))
        if self._writer is not None:
            self._writer.write(block if self._gain == 1 else block * self._gain)


class SumsFile:
    """Sums of a group of tracks, written block by block, then given back once; removed at the end."""

    def __init__(self, path: Path, has_fx: bool):
        self._path, self._rows = path, 4 if has_fx else 2
        self._sizes: list[int] = []
        try:
            self._file = path.open("w+b")
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> SumsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, sums: DrySums) -> None:
        """Takes the next block.

        Raises:
            OutputError: the disk is full.
        """
        try:
            self._file.write(sums.bus.tobytes())
            if sums.send is not None:
                self._file.write(sums.send.tobytes())
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._sizes.append(sums.bus.shape[1])

    def blocks(self) -> Iterator[DrySums]:
        """Gives the blocks back as they came."""
        self._file.seek(0)
        for size in self._sizes:
            data = np.frombuffer(self._file.read(4 * self._rows * size), np.float32).reshape(self._rows, size)
            yield DrySums(data[:2], data[2:] if self._rows > 2 else None)
        self._file.truncate(0)


def _tell(progress: Callable[[float], None] | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done / total)
