"""Takes: strips that were rendered on audio in memory, kept, so that who tries one preset after another pays once.

A fader, a pan, a send or the master changes nothing in a strip's stages: their take is played again and only summed
anew. A compressor, a de-esser or a saturation changes what is behind it: gate, cuts and EQ are played from their take.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Final

import numpy as np

from ...presets.console import Strip
from ...presets.edit import without_input_gain
from ..audio.reading import BLOCK_FRAMES, Samples
from ..console.moving.levels import SEND_PATHS
from ..console.streams import Input, StagesRun, StripRun
from ..console.strip import Stages

# What lies behind the stages, where lanes change no take.
_BEHIND: Final = frozenset(("fader_db", "pan", *SEND_PATHS))
# What is kept at most: 256 MiB.
_MOST_SAMPLES: Final = 2**26


class Takes:
    """What strips made of arrays. Several threads may play from it."""

    def __init__(self) -> None:
        self._takes: OrderedDict[Hashable, _Take] = OrderedDict()
        self._lock = Lock()

    def run(self, inputs: Sequence[Input], sample_rate_hz: int) -> StripRun:
        """A strip's stages over these inputs, as :class:`..console.streams.ConsoleStream` asks for them.

        Each input has its audio in one array, which must not change, and is asked for in the console's usual blocks.
        """
        if any(lane.parameter not in _BEHIND for lane in inputs[0].lanes):
            return StagesRun(inputs, sample_rate_hz)
        audio = tuple(block for source in inputs for block in source.blocks)
        strip = without_input_gain(inputs[0].strip)
        tone, dynamics = _settings(strip)
        where = *map(id, audio), sample_rate_hz
        with self._lock:
            whole = self._known((where, tone, dynamics))
            if whole is None:
                stages = Stages(strip, sum(source.channels for source in inputs), sample_rate_hz)
                latency = stages.latency_samples
                # The latency decides where blocks begin.
                toned = self._known((where, tone, latency)) or _Take(stages.toned, latency, audio)
                whole = _Take(stages.levelled, latency, audio, toned)
                self._takes[where, tone, latency] = toned
                self._takes[where, tone, dynamics] = whole
                self._forget()
        return _Player(whole)

    def _known(self, key: Hashable) -> _Take | None:
        if key in self._takes:
            self._takes.move_to_end(key)
        return self._takes.get(key)

    def _forget(self) -> None:
        """Drop the takes that were not played for longest, where all together are too long."""
        total = sum(take.samples for take in self._takes.values())
        while total > _MOST_SAMPLES and len(self._takes) > 1:
            total -= self._takes.popitem(last=False)[1].samples


class _Take:
    """What stages made of audio, block by block, as far as somebody asked."""

    def __init__(
        self,
        process: Callable[[Samples], Samples],
        latency_samples: int,
        audio: Sequence[Samples],
        before: _Take | None = None,
    ):
        self.latency_samples = latency_samples
        self._process, self._before = process, before
        self._audio = audio  # held, so that its identity stays its own
        self._blocks: list[Samples] = []
        self._lock = Lock()

    @property
    def samples(self) -> int:
        """How much is kept."""
        return sum(block.size for block in self._blocks)

    def block(self, number: int, fed: Samples) -> Samples:
        """What comes out for a block that goes in: the first time it is processed, then it is known."""
        with self._lock:
            if number == len(self._blocks):
                self._blocks.append(self._process(fed if self._before is None else self._before.block(number, fed)))
            return self._blocks[number]


class _Player:
    """Plays a take from its beginning, in place of the stages."""

    def __init__(self, take: _Take):
        self.latency_samples = take.latency_samples
        self._take, self._number = take, 0

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        frames = block.shape[1]
        if self._number:
            # The last block may be short, and be asked for with a tail of silence another time.
            block = np.pad(block, ((0, 0), (0, BLOCK_FRAMES - frames)))
        played = self._take.block(self._number, block)
        self._number += 1
        return played[:, :frames]


def _settings(strip: Strip) -> tuple[Hashable, Hashable]:
    """The settings of both halves of the stages, as :class:`..console.strip.Stages` has them."""
    tone = strip.gate, strip.low_cut, strip.high_cut, strip.eq
    return tone, (strip.compressor, strip.deesser, strip.saturation)
