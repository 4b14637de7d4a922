"""A stage that is retuned while it runs, in short sub-blocks; its state is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ...audio.reading import Samples
from .courses import Motion


class Retunable(Protocol):
    """A stage whose settings can change between two blocks."""

    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""

    def retune(self, *settings: Any) -> None:
        """Take other settings from here on."""


class MovingStage:
    """A stage whose settings follow lanes.

    Args:
        stage: built for the widest of its settings.
        motion: of the strip.
        sections: its settings, by name: ("low_cut", "high_cut").
        late: how much later than the song audio comes out of it, in samples.

    Attributes:
        latency_samples: of the stage.
    """

    def __init__(self, stage: Retunable, motion: Motion, sections: Sequence[str], late: int):
        self._stage, self._motion, self._sections = stage, motion, sections
        self._stretches = motion.stretches(motion.moving(*sections))
        self.latency_samples = stage.latency_samples
        self._frame = -late - stage.latency_samples
        self._tuned: float | None = None
        self._gains: list[Samples] = []

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        begin, self._frame = self._frame, self._frame + block.shape[1]
        parts = []
        self._gains = []
        latest = getattr(self._stage, "latest_gains", None)
        for first, end, frame in self._stretches.spans(begin, self._frame):
            if frame != self._tuned:
                self._stage.retune(*(self._motion.part(name, frame) for name in self._sections))
                self._tuned = frame
            parts.append(self._stage.process(block[:, first - begin : end - begin]))
            if latest is not None:
                self._gains.append(latest(end - first))
        return parts[0] if len(parts) == 1 else np.concatenate([block[:, :0], *parts], axis=1)

    def latest_gains(self, _frames: int) -> Samples:
        """What a compressor did to the level of each sample of the latest block."""
        return np.concatenate(self._gains)

    def skip(self, frames: int) -> None:
        """Let so much silence pass, of which the stage need hear nothing."""
        self._frame += frames
