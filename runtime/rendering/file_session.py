"""One pass of the console over audio files: tracks are read, processed, measured and written.

What becomes of the sums is the caller's business; `render.py` is the caller.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ...presets.console import FxBus
from ...presets.preset import Track
from ..audio.reading import BLOCK_FRAMES, AudioReader, Samples
from ..audio.writing import AudioFormat, AudioWriter
from ..console.streams import ConsoleStream, Input


class FileSession:
    """A console with files on its inputs; for one pass.

    Args:
        tracks: at least one.
        readers: one for each track, all at the same rate.
        fx_bus: settings of the reverb.
        workers: threads; None takes as many as there are cores.

    Attributes:
        sample_rate_hz: of everything that comes out.
        frames: its samples per channel.
        has_fx: whether a send is on: then the fx return follows the tracks as one more stem.
    """

    def __init__(
        self, tracks: Sequence[Track], readers: Sequence[AudioReader], fx_bus: FxBus, workers: int | None = None
    ):
        self.sample_rate_hz = readers[0].sample_rate_hz
        self._workers = workers or os.cpu_count()
        self._sinks = [_Sink() for _ in tracks]
        inputs = [
            Input(track.name, track.strip, reader.info.channels, reader.frames, reader, sink.take)
            for track, reader, sink in zip(tracks, readers, self._sinks, strict=True)
        ]
        self._console = ConsoleStream(inputs, fx_bus, self.sample_rate_hz, BLOCK_FRAMES)
        self.frames = self._console.frames
        self.has_fx = self._console.has_fx
        self._fx_sink = _Sink()
        if self.has_fx:
            self._sinks.append(self._fx_sink)

    def run(
        self, stems: Sequence[Path], audio_format: AudioFormat, stem_gain: float = 1.0
    ) -> Generator[Samples, None, None]:
        """The bus before the master, in blocks of shape (2, n), while the stems are written.

        Args:
            stems: a file for each stem; none writes none.
            audio_format: of the stems.
            stem_gain: factor for all of them; the bus is not changed by it.
        """
        with ExitStack() as stack:
            for path, sink in zip(stems, self._sinks, strict=bool(stems)):
                writer = AudioWriter(path, self.sample_rate_hz, 2, self.frames, audio_format)
                sink.write_to(stack.enter_context(writer), stem_gain)
            # Left first: no thread writes any more when the files are closed.
            pool = stack.enter_context(ThreadPoolExecutor(self._workers))
            for sums in self._console.run(pool):
                if sums.fx_return is not None:
                    self._fx_sink.take(sums.fx_return)
                yield sums.bus

    @property
    def peaks(self) -> list[float]:
        """The highest sample of each stem so far, before the stems' gain."""
        return [sink.peak for sink in self._sinks]


class _Sink:
    """Where the blocks of one stem go."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._writer: AudioWriter | None = None
        self._gain = np.float32(1)

    def write_to(self, writer: AudioWriter, gain: float) -> None:
        self._writer = writer
        self._gain = np.float32(gain)

    def take(self, block: Samples) -> None:
        self.peak = max(self.peak, float(block.max(initial=0)), -float(block.min(initial=0)))
        if self._writer is not None:
            self._writer.write(block if self._gain == 1 else block * self._gain)
