"""One pass of the console over audio files: tracks are read, processed, measured and written.

What becomes of the sums is the caller's business; `render.py` is the caller.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from ...presets.preset import Track
from ..audio.descriptors import tracks_at_a_time
from ..audio.reading import BLOCK_FRAMES, AudioReader, Samples
from ..audio.writing import AudioFormat, AudioWriter, cannot_write
from ..console.buses import Buses, DrySums, Extent, Sums, WetStream
from ..console.streams import ConsoleStream, Input, MakeRun, racks
from .bus_inserts import BusInserts, through_groups


class Shape(Protocol):
    """What the blocks of a stem go through before they are written."""

    def __call__(self, block: Samples) -> Samples:
        """Process the next block; the first ones may come out shorter."""

    def flush(self) -> Samples:
        """Give what was held back."""


class FileSession:
    """A console with files on its inputs; for one pass.

    So many tracks run side by side as files may be open; if there are more, batches of them run one after the other,
    and the sums of a batch wait on the disk for the next. That changes no sample. Linked tracks are in one batch.

    Args:
        tracks: at least one.
        readers: one for each track, all at the same rate.
        buses: settings of groups and effects.
        workers: threads; None takes as many as there are cores.
        side_by_side: tracks of a batch; None takes what the system allows.
        run: makes what runs the stages of a strip; None takes the console's own.
        inserts: what groups go through before their strips; None for nothing.

    Attributes:
        sample_rate_hz: of everything that comes out.
        frames: its samples per channel.
        bus_names: the groups and effects that follow the tracks as stems of their own.
        batches: places of the tracks that run side by side, batch by batch.
        channels_between: how many channels wait on the disk between batches.
        channels_on_disk: likewise of all batches together, and of what inserts of groups make.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        readers: Sequence[AudioReader],
        buses: Buses,
        workers: int | None = None,
        side_by_side: int | None = None,
        run: MakeRun | None = None,
        inserts: BusInserts | None = None,
    ):
        self.sample_rate_hz = readers[0].sample_rate_hz
        self._inserts = inserts if inserts is not None and inserts.groups else None
        self._workers, self._buses, self._run = workers or os.cpu_count(), buses, run
        self._sinks = [_Sink() for _ in tracks]
        self._inputs = [
            Input(
                track.name,
                track.strip,
                reader.info.channels,
                reader.frames,
                reader,
                sink.take,
                track.bus,
                track.link,
                track.lanes,
            )
            for track, reader, sink in zip(tracks, readers, self._sinks, strict=True)
        ]
        self._extent = Extent.of(self._inputs, buses, self.sample_rate_hz)
        self.frames, self.bus_names = self._extent.frames, self._extent.bus_names
        self.batches = _batches(self._inputs, side_by_side or tracks_at_a_time())
        self.channels_between = 2 * len(self._extent.destinations)
        waiting = len(self.batches) - (self._inserts is None)
        put_aside = 0 if self._inserts is None else 2 + len(self._inserts.groups)
        self.channels_on_disk = self.channels_between * waiting + 2 * put_aside
        self._bus_sinks = {name: _Sink() for name in self.bus_names}
        self._sinks.extend(self._bus_sinks.values())

    def run(
        self,
        stems: Sequence[Path],
        audio_format: AudioFormat,
        scratch: Path,
        stem_gain: float = 1.0,
        progress: Callable[[float], None] | None = None,
        shape: Callable[[], Shape] | None = None,
        take_buses: Callable[[Mapping[str, Samples]], None] | None = None,
    ) -> Generator[Samples, None, None]:
        """Gives the bus before the master, in blocks of shape (2, n), while the stems are written.

        Args:
            stems: a file for each stem; none writes none.
            audio_format: of the stems.
            scratch: a folder for the sums of batches; nothing is left in it.
            stem_gain: factor for all of them; the bus is not changed by it.
            progress: called with the share done, 0..1.
            shape: makes for each stem what its blocks go through before they are written.
            take_buses: called with the blocks of groups and effects by name, in step with the bus.
        """
        for sink in self._sinks:
            sink.shape = shape() if shape is not None else None

        done = 0
        earlier: Iterable[DrySums] = ()
        total = self.frames * (len(self.batches) + (self._inserts is not None))
        with ExitStack() as stack:

            def kept(number: int, dry: Iterable[DrySums]) -> SumsFile:
                nonlocal done
                file = stack.enter_context(SumsFile(scratch / f"sums{number}.raw", self._extent.destinations))
                for sums in dry:
                    done += file.write(sums)
                    _tell(progress, done, total)
                return file

            def taken(wet: Iterable[Sums]) -> Iterator[Samples]:
                nonlocal done
                for sums in wet:
                    for name, block in sums.buses.items():
                        self._bus_sinks[name].take(block)
                    if take_buses is not None:
                        take_buses(sums.buses)
                    done += sums.mix.shape[1]
                    _tell(progress, done, total)
                    yield sums.mix

            buses = range(len(self._inputs), len(self._sinks))
            sums_of_all: SumsFile | None = None
            for number, places in enumerate(self.batches):
                is_last = number == len(self.batches) - 1 and self._inserts is None
                written = (*places, *buses) if is_last else places
                with self._writing(stems, audio_format, stem_gain, written), self._strips(places) as (console, pool):
                    if is_last:
                        yield from taken(console.run(pool, earlier))
                    else:
                        sums_of_all = kept(number, console.run_dry(pool, earlier))
                        earlier = sums_of_all.blocks()
            if self._inserts is not None and sums_of_all is not None:
                groups = through_groups(sums_of_all.all_blocks, self._inserts, self.sample_rate_hz, scratch)
                wet = WetStream(self._extent, self._buses, self.sample_rate_hz, piece_frames=BLOCK_FRAMES)
                with self._writing(stems, audio_format, stem_gain, buses):
                    yield from taken(wet.run(groups))

    @contextmanager
    def _writing(
        self, stems: Sequence[Path], audio_format: AudioFormat, stem_gain: float, places: Iterable[int]
    ) -> Iterator[None]:
        """The files that some stems are written to."""
        ended: list[_Sink] = []
        with ExitStack() as stack:
            for place in places if stems else ():
                writer = AudioWriter(stems[place], self.sample_rate_hz, 2, self.frames, audio_format)
                sink = self._sinks[place]
                sink.write_to(stack.enter_context(writer), stem_gain)
                stack.callback(sink.close)
                ended.append(sink)
            yield
            for sink in ended:
                sink.end()

    @contextmanager
    def _strips(self, places: Sequence[int]) -> Iterator[tuple[ConsoleStream, ThreadPoolExecutor]]:
        """A batch of strips; left before its files are closed, so that no thread writes any more."""
        inputs = [self._inputs[place] for place in places]
        with ThreadPoolExecutor(self._workers) as pool:
            yield ConsoleStream(inputs, self._buses, self.sample_rate_hz, BLOCK_FRAMES, self._extent, self._run), pool

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

    def end(self) -> None:
        """Write what the shape holds back."""
        if self.shape is not None:
            self._keep(self.shape.flush())

    def take(self, block: Samples) -> None:
        self._keep(block if self.shape is None else self.shape(block))

    def _keep(self, block: Samples) -> None:
        self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))
        if self._writer is not None:
            self._writer.write(block if self._gain == 1 else block * self._gain)


class SumsFile:
    """Sums of a batch of tracks, written block by block, then given back; removed at the end."""

    def __init__(self, path: Path, destinations: Sequence[str]):
        self._path, self._destinations = path, destinations
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

    def write(self, sums: DrySums) -> int:
        """Takes the next block, and tells how long it was.

        Raises:
            OutputError: the disk is full.
        """
        try:
            for name in self._destinations:
                self._file.write(sums[name].tobytes())
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._sizes.append(next(iter(sums.values())).shape[1])
        return self._sizes[-1]

    def blocks(self) -> Iterator[DrySums]:
        """Gives the blocks back as they came; once only."""
        yield from self.all_blocks()
        self._file.truncate(0)

    def all_blocks(self) -> Iterator[DrySums]:
        """Gives the blocks back as they came, to several at the same time."""
        count, place = len(self._destinations), 0
        for size in self._sizes:
            self._file.seek(place)
            data = self._file.read(4 * 2 * count * size)
            place += len(data)
            yield dict(zip(self._destinations, np.frombuffer(data, np.float32).reshape(count, 2, size), strict=True))


def _batches(inputs: Sequence[Input], most: int) -> list[list[int]]:
    """Places of tracks that run side by side: in order, linked ones together, so many at most but for larger links."""
    batches: list[list[int]] = [[]]
    for rack in racks(inputs):
        places = [place for place, _ in rack]
        if batches[-1] and len(batches[-1]) + len(places) > most:
            batches.append([])
        batches[-1].extend(places)
    return [sorted(batch) for batch in batches]


def _tell(progress: Callable[[float], None] | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done / total)
