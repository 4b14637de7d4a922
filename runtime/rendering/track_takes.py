"""Tracks behind their strips' stages, kept by name: who moves faders and pans of a session reads and runs them once.

:class:`.takes.Takes` knows arrays, which stay in memory with it. A track that is kept here needs no audio any more.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np

from ...presets.console import Strip
from ...presets.edit import without_input_gain
from ...presets.preset import Track
from ..audio.reading import Samples
from ..console.streams import Input, StagesRun, StripRun

MOST_SAMPLES: Final = 2**26
"""What is kept at most: 256 MiB."""


class TrackTakes:
    """What the stages of strips made of tracks, for renders of the same passage of the same session.

    Several threads may play from it, of one render at a time.

    Args:
        most_samples: what is kept at most; tracks that come after that are run each time.
    """

    def __init__(self, most_samples: int = MOST_SAMPLES):
        self._left = most_samples
        self._shapes: dict[Hashable, tuple[int, int]] = {}
        self._takes: dict[Hashable, _Take] = {}
        self._lock = Lock()

    def stand_in(self, track: Track) -> Samples | None:
        """Silence of the shape of a track that can be played without its audio; None where that is needed."""
        shape = self._shapes.get(_key(track.name, track.strip, track.link))
        return None if shape is None else np.broadcast_to(np.float32(0), shape)

    def run(self, inputs: Sequence[Input], sample_rate_hz: int) -> StripRun:
        """A strip's stages over these inputs, as :class:`..console.streams.ConsoleStream` asks for them."""
        keys = tuple(_key(source.name, source.strip, source.link) for source in inputs)
        with self._lock:
            take = self._takes.get(keys)
            if take is not None:
                return _Playback(take)
            stages = StagesRun(inputs, sample_rate_hz)
            samples = sum(source.channels * source.frames for source in inputs)
            if samples > self._left or any(source.lanes for source in inputs):
                return stages
            self._left -= samples
            self._shapes.update(zip(keys, ((source.channels, source.frames) for source in inputs), strict=True))
            self._takes[keys] = take = _Take(stages.latency_samples)
            return _Recording(stages, take)


@dataclass(frozen=True)
class _Take:
    """What came out of stages, block by block."""

    latency_samples: int
    blocks: list[Samples] = field(default_factory=list)


class _Recording:
    """Runs stages, and keeps what comes out."""

    def __init__(self, stages: StagesRun, take: _Take):
        self.latency_samples = take.latency_samples
        self._stages, self._take = stages, take

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        answer = self._stages.process(block)
        self._take.blocks.append(answer)
        return answer


class _Playback:
    """Plays what was kept, in the blocks that it was made in; what goes in is not heard."""

    def __init__(self, take: _Take):
        self.latency_samples = take.latency_samples
        self._blocks = iter(take.blocks)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        answer = next(self._blocks)
        if answer.shape != block.shape:
            raise ValueError(f"a block of {answer.shape} was kept, and one of {block.shape} is asked for")
        return answer


def _key(name: str, strip: Strip, link: str | None) -> Hashable:
    """What a track's stages depend on: linked tracks go through them together."""
    desk = without_input_gain(strip)
    stages = desk.gate, desk.low_cut, desk.high_cut, desk.eq, desk.compressor, desk.deesser, desk.saturation
    return name, link, stages
