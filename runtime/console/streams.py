"""The console running: all strips side by side, then group buses, effects and the sum, in aligned blocks.

Strips run on a thread pool (pedalboard, soxr, numpy and libsndfile let go of Python's lock) and one block ahead of
whoever takes the sums, so that the master is worked on meanwhile. Neither changes a sample: strips are
summed in the preset's order. Files, levels and formats are not known here; what is behind the strips is in
:mod:`.buses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...presets.console import Master, Strip
from ...presets.errors import PresetError
from ...presets.lanes.lane import Lane
from ..audio.reading import Samples
from .buses import MIX, Buses, DrySums, Extent, Sums, WetStream
from .moving.levels import Level
from .primitives import Rest
from .strip import ChannelOutput, MakeStage, MasterProcessor, Stages

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
        bus: name of the group that it goes to; None goes to the mix.
        link: a word that linked tracks share; their stages are set as those of the first and act together.
        lanes: settings that move.
    """

    name: str
    strip: Strip
    channels: int
    frames: int
    blocks: Iterable[Samples]
    take_stem: TakeStem
    bus: str | None = None
    link: str | None = None
    lanes: tuple[Lane, ...] = ()


class StripRun(Protocol):
    """Stages over the audio of a rack, from its beginning."""

    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n), later by the latency."""


MakeRun = Callable[[Sequence[Input], int], StripRun]
"""Makes the run of a strip over inputs that are linked, or a single one, at a sample rate."""


class ConsoleStream:
    """Runs inputs through their strips.

    Latencies are made up for: the first sample out belongs to the first sample in.

    Args:
        inputs: at least one track; of linked tracks all.
        buses: settings of groups and effects.
        sample_rate_hz: of all inputs.
        block_frames: length of the blocks.
        whole: of the whole console, if these inputs are a part of it; None if they are all.
        run: makes what runs the stages over linked inputs, or a single one; None runs them anew.

    Attributes:
        extent: length of all blocks together, and the buses in use.
    """

    def __init__(
        self,
        inputs: Iterable[Input],
        buses: Buses,
        sample_rate_hz: int,
        block_frames: int,
        whole: Extent | None = None,
        run: MakeRun | None = None,
    ):
        sources = list(inputs)
        self.extent = whole or Extent.of(sources, buses, sample_rate_hz)
        self._racks = [_Rack(tracks, sample_rate_hz, run or StagesRun) for tracks in racks(sources)]
        self._channels = sorted((channel for rack in self._racks for channel in rack.channels), key=lambda c: c.place)
        self._block_frames = block_frames
        self._wet = WetStream(self.extent, buses, sample_rate_hz, piece_frames=block_frames)
        self._muted = buses.muted

    def run(self, pool: Executor, earlier: Iterable[DrySums] = ()) -> Iterator[Sums]:
        """Gives the sums of everything, in as many samples though not in the same blocks; once only.

        Args:
            pool: runs the strips.
            earlier: sums of the tracks before these, where not all run at the same time.
        """
        return self.run_wet(self.run_dry(pool, earlier))

    def run_wet(self, dry: Iterable[DrySums]) -> Iterator[Sums]:
        """Gives the sums of everything for those of the strips; once only."""
        return self._wet.run(dry)

    def run_dry(self, pool: Executor, earlier: Iterable[DrySums] = ()) -> Iterator[DrySums]:
        """Gives the sums of the strips alone, block by block; arguments as for :meth:`run`."""
        frames = self.extent.frames
        sizes = [min(self._block_frames, frames - begin) for begin in range(0, frames, self._block_frames)]
        before = iter(earlier)
        waiting = [pool.submit(rack.process, sizes[0]) for rack in self._racks]
        for following in [*sizes[1:], 0]:
            for future in waiting:
                future.result()
            stems = [(channel.block, channel.levels) for channel in self._channels]
            waiting = [pool.submit(rack.process, following) for rack in self._racks] if following else []
            yield self._sums(stems, next(before, None))

    def _sums(self, stems: Sequence[tuple[Samples, Sequence[Level]]], earlier: DrySums | None) -> DrySums:
        # One after the other, in the preset's order: the same sum however many run at the same time.
        sums: DrySums = {name: block.copy() for name, block in (earlier or {}).items()}
        for channel, (stem, levels) in zip(self._channels, stems, strict=True):
            _add(sums, channel.bus or MIX, stem)
            if channel.bus in self._muted:
                continue
            for name, level in zip(self.extent.effects, self.extent.used(levels), strict=True):
                if np.any(level):
                    _add(sums, name, stem * np.float32(level))
        silence = np.zeros_like(stems[0][0])
        return {name: sums.get(name, silence) for name in self.extent.destinations}


class MasterStream:
    """The master over blocks that are not all there yet, its latency made up for.

    Args:
        master: its settings.
        sample_rate_hz: of the blocks.
        take_gains: called with what its dynamics do to the level of each sample of the mix, shape (n,).
        lanes: settings that move.
    """

    def __init__(
        self,
        master: Master,
        sample_rate_hz: int,
        take_gains: TakeStem | None = None,
        lanes: Sequence[Lane] = (),
    ):
        self._processor = MasterProcessor(master, sample_rate_hz, lanes=lanes)
        self._take_gains = take_gains
        self._rest = Rest(sample_rate_hz)
        self._early = self._processor.latency_samples

    def run(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The mix for blocks of the bus; as many samples, though not in the same blocks."""
        for block in blocks:
            yield self._mixed(block)
        yield self._mixed(np.zeros((2, self._processor.latency_samples), np.float32))

    def _mixed(self, bus: Samples) -> Samples:
        # Who wants gains wants those of silence, too.
        block = self._rest.answer(bus, 2) if self._take_gains is None else None
        if block is None:
            with np.errstate(all="ignore"):  # what overflows is refused below
                block = self._processor.process(bus)
            self._rest.listen(bus, block)
        else:
            self._processor.skip(bus.shape[1])
        if not np.isfinite(block).all():
            raise PresetError("the master overflows with these settings: lower its gains and boosts.")
        late = block[:, self._early :]
        if self._take_gains is not None:
            self._take_gains(self._processor.latest_gains(block.shape[1])[self._early :])
        self._early -= block.shape[1] - late.shape[1]
        return late


class _Rack:
    """Linked inputs, or a single one, and their strip: one chain over the channels of all."""

    def __init__(self, tracks: Sequence[tuple[int, Input]], sample_rate_hz: int, run: MakeRun):
        sources = [source for _, source in tracks]
        self._feeds = [Feed(source.blocks, source.channels) for source in sources]
        self._stages = run(sources, sample_rate_hz)
        self._is_started = False
        self.channels = [_Channel(place, source, sample_rate_hz) for place, source in tracks]

    def process(self, frames: int) -> None:
        if not self._is_started:
            # What comes out first belongs to no input.
            self._stages.process(self._taken(self._stages.latency_samples))
            self._is_started = True
        with np.errstate(all="ignore"):  # what overflows is refused by the channels
            block = self._stages.process(self._taken(frames))
        begin = 0
        for channel in self.channels:
            end = begin + channel.count
            channel.take(block[begin:end])
            begin = end

    def _taken(self, frames: int) -> Samples:
        parts = [feed.take(frames) for feed in self._feeds]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class StagesRun:
    """Runs the stages over what comes, and knows when they rest.

    Args:
        inputs: linked tracks, or a single one.
        sample_rate_hz: of them.
        instead: what takes the place of some stages, as in :class:`.strip.Stages`.
    """

    def __init__(self, inputs: Sequence[Input], sample_rate_hz: int, instead: Mapping[str, MakeStage] | None = None):
        channels = sum(source.channels for source in inputs)
        self._stages = Stages(inputs[0].strip, channels, sample_rate_hz, lanes=inputs[0].lanes, instead=instead)
        self._rest = Rest(sample_rate_hz)
        self.latency_samples = self._stages.latency_samples

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        answer = self._rest.answer(block, block.shape[0])
        if answer is None:
            answer = self._stages.process(block)
            self._rest.listen(block, answer)
        else:
            self._stages.skip(block.shape[1])
        return answer


class _Channel:
    """An input behind its strip's stages; `block` has its latest samples behind the pan, shape (2, n)."""

    def __init__(self, place: int, source: Input, sample_rate_hz: int):
        self.place, self.bus, self.count = place, source.bus, source.channels
        self._name, self._take_stem = source.name, source.take_stem
        self._output = ChannelOutput(source.strip, source.channels, sample_rate_hz, source.lanes)
        self.levels: Sequence[Level] = self._output.sends
        self.block = np.zeros((2, 0), np.float32)

    def take(self, stages: Samples) -> None:
        with np.errstate(all="ignore"):  # what overflows is refused below
            self.block = self._output.process(stages)
        self.levels = self._output.levels
        if not np.isfinite(self.block).all():
            raise PresetError(f"track {self._name!r} overflows with these settings: lower its gains and boosts.")
        self._take_stem(self.block)


class Feed:
    """Hands out samples in whatever number is asked for, and silence behind their end.

    Args:
        blocks: the samples, in arrays of shape (channels, n) of any length.
        channels: of them.
    """

    def __init__(self, blocks: Iterable[Samples], channels: int):
        self._blocks = iter(blocks)
        self._rest = np.zeros((channels, 0), np.float32)

    def take(self, frames: int) -> Samples:
        """The next samples."""
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


def racks(inputs: Sequence[Input]) -> list[list[tuple[int, Input]]]:
    """Inputs with their places, linked ones together, in the order of each rack's first."""
    together: dict[object, list[tuple[int, Input]]] = {}
    for place, source in enumerate(inputs):
        together.setdefault(place if source.link is None else source.link, []).append((place, source))
    return list(together.values())


def _add(sums: DrySums, name: str, block: Samples) -> None:
    if name in sums:
        sums[name] += block
    else:
        sums[name] = block.copy()
