"""The console running: all strips side by side, the fx bus and the sum, in aligned blocks.

Strips run on a thread pool (pedalboard, soxr and libsndfile let go of Python's lock) and one block ahead of
whoever takes the sums, so that the master is worked on meanwhile. Neither changes a sample: strips are
summed in the preset's order. Files, levels and formats are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ...presets.console import SEND_OFF_DB, FxBus, Master, Strip
from ...presets.errors import PresetError
from ..audio.reading import Samples
from .reverb import ReverbProcessor
from .strip import MasterProcessor, StripProcessor

TakeStem = Callable[[Samples], None]


@dataclass(frozen=True)
class Input:
    """A track on its way into the console.

    Attributes:
        name: for messages.
        strip: its settings.
        channels: 1 or 2.
        frames: samples per channel.
        blocks: the samples, in arrays of shape (channels, n) of any length.
        take_stem: called with each block of the processed track, shape (2, n), on the thread that made it.
    """

    name: str
    strip: Strip
    channels: int
    frames: int
    blocks: Iterable[Samples]
    take_stem: TakeStem


@dataclass(frozen=True)
class Sums:
    """One block of the console's buses.

    Attributes:
        bus: strips and fx return together, before the master, shape (2, n).
        fx_return: shape (2, n); None if no send is on.
    """

    bus: Samples
    fx_return: Samples | None


@dataclass(frozen=True)
class DrySums:
    """One block of the sums of strips, before the reverb.

    Attributes:
        bus: of all strips, shape (2, n).
        send: what goes to the reverb, shape (2, n); None if no send is on.
    """

    bus: Samples
    send: Samples | None


@dataclass(frozen=True)
class Extent:
    """What a console has as a whole.

    Attributes:
        frames: the longest input, and the reverb's tail if a send is on.
        has_fx: whether a send is on.
    """

    frames: int
    has_fx: bool

    @classmethod
    def of(cls, inputs: Sequence[Input], fx_bus: FxBus, sample_rate_hz: int) -> Extent:
        """Measures the console that has these inputs."""
        has_fx = any(source.strip.fx_send_db > SEND_OFF_DB for source in inputs)
        tail = ReverbProcessor(fx_bus, sample_rate_hz).tail_samples if has_fx else 0
        return cls(max(source.frames for source in inputs) + tail, has_fx)


class ConsoleStream:
    """Runs inputs through their strips.

    Latencies are made up for: the first sample out belongs to the first sample in.

    Args:
        inputs: at least one track.
        fx_bus: settings of the reverb.
        sample_rate_hz: of all inputs.
        block_frames: length of the blocks.
        whole: of the whole console, if these inputs are a part of it; None if they are all.

    Attributes:
        extent: length of all blocks together, and whether a send is on.
    """

    def __init__(
        self,
        inputs: Iterable[Input],
        fx_bus: FxBus,
        sample_rate_hz: int,
        block_frames: int,
        whole: Extent | None = None,
    ):
        self._sources = list(inputs)
        self.extent = whole or Extent.of(self._sources, fx_bus, sample_rate_hz)
        self._channels = [_Channel(source, sample_rate_hz) for source in self._sources]
        self._block_frames = block_frames
        self._reverb = ReverbProcessor(fx_bus, sample_rate_hz) if self.extent.has_fx else None

    def run(self, pool: Executor, earlier: Iterable[DrySums] = ()) -> Iterator[Sums]:
        """Gives the buses, block by block; once only.

        Args:
            pool: runs the strips.
            earlier: sums of the tracks before these, where not all run at the same time.
        """
        for sums in self.run_dry(pool, earlier):
            yield self._with_reverb(sums)

    def run_dry(self, pool: Executor, earlier: Iterable[DrySums] = ()) -> Iterator[DrySums]:
        """Gives the sums of the strips alone; arguments as for :meth:`run`."""
        frames = self.extent.frames
        sizes = [min(self._block_frames, frames - begin) for begin in range(0, frames, self._block_frames)]
        before = iter(earlier)
        waiting = [pool.submit(channel.process, sizes[0]) for channel in self._channels]
        for following in [*sizes[1:], 0]:
            stems = [future.result() for future in waiting]
            waiting = [pool.submit(channel.process, following) for channel in self._channels] if following else []
            yield self._sums(stems, next(before, None))

    def _sums(self, stems: list[Samples], earlier: DrySums | None) -> DrySums:
        # One after the other, in the preset's order: the same sum however many run at the same time.
        bus = stems[0].copy() if earlier is None else earlier.bus + stems[0]
        for stem in stems[1:]:
            bus += stem
        if not self.extent.has_fx:
            return DrySums(bus, None)
        send = np.zeros_like(bus) if earlier is None or earlier.send is None else earlier.send
        for channel, stem in zip(self._channels, stems, strict=True):
            if channel.send_gain > 0:
                send = send + stem * np.float32(channel.send_gain)
        return DrySums(bus, send)

    def _with_reverb(self, sums: DrySums) -> Sums:
        if self._reverb is None or sums.send is None:
            return Sums(sums.bus, None)
        fx_return = self._reverb.process(sums.send)
        return Sums(sums.bus + fx_return, fx_return)


class MasterStream:
    """The master over blocks that are not all there yet, its latency made up for.

    Args:
        master: its settings.
        sample_rate_hz: of the blocks.
        take_gains: called with what its dynamics do to the level of each sample of the mix, shape (n,).
    """

    def __init__(self, master: Master, sample_rate_hz: int, take_gains: TakeStem | None = None):
        self._processor = MasterProcessor(master, sample_rate_hz)
        self._take_gains = take_gains
        self._early = self._processor.latency_samples

    def run(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The mix for blocks of the bus; as many samples, though not in the same blocks."""
        for block in blocks:
            yield self._mixed(block)
        yield self._mixed(np.zeros((2, self._processor.latency_samples), np.float32))

    def _mixed(self, bus: Samples) -> Samples:
        with np.errstate(all="ignore"):  # what overflows is refused below
            block = self._processor.process(bus)
        if not np.isfinite(block).all():
            raise PresetError("the master overflows with these settings: lower its gains and boosts.")
        late = block[:, self._early :]
        if self._take_gains is not None:
            self._take_gains(self._processor.latest_gains(block.shape[1])[self._early :])
        self._early -= block.shape[1] - late.shape[1]
        return late


class _Channel:
    """An input, its strip and the way between them."""

    def __init__(self, source: Input, sample_rate_hz: int):
        self._source = source
        self._feed = _Feed(source)
        self._strip = StripProcessor(source.strip, source.channels, sample_rate_hz)
        self._is_started = False
        self.send_gain = self._strip.send_gain
        self.frames = source.frames

    def process(self, frames: int) -> Samples:
        if not self._is_started:
            # What comes out first belongs to no input.
            self._strip.process(self._feed.take(self._strip.latency_samples))
            self._is_started = True
        audio = self._feed.take(frames)
        with np.errstate(all="ignore"):  # what overflows is refused below
            block = self._strip.process(audio)
        if not np.isfinite(block).all():
            raise PresetError(f"track {self._source.name!r} overflows with these settings: lower its gains and boosts.")
        self._source.take_stem(block)
        return block


class _Feed:
    """Hands out an input's samples in whatever number is asked for, and silence behind its end."""

    def __init__(self, source: Input):
        self._blocks = iter(source.blocks)
        self._rest = np.zeros((source.channels, 0), np.float32)

    def take(self, frames: int) -> Samples:
        parts, missing = [], frames
        while missing > 0:
            if not self._rest.shape[1]:
                self._rest = next(self._blocks, np.zeros((self._rest.shape[0], missing), np.float32))
            parts.append(self._rest[:, :missing])
            self._rest = self._rest[:, missing:]
            missing -= parts[-1].shape[1]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([*parts, self._rest[:, :0]], axis=1)
