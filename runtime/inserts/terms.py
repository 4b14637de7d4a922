"""What runs an insert, and on what terms: the one protocol of all kinds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..audio.reading import Samples


@dataclass(frozen=True)
class InsertTerms:
    """How sound is handed to what runs an insert.

    Attributes:
        sample_rate_hz: at which.
        channels: 1 or 2, at a time.
        block_frames: samples that are handed over at a time; None hands over the whole file at once.
        latency_frames: how much later what comes out is.
    """

    sample_rate_hz: int
    channels: int
    block_frames: int | None
    latency_frames: int = 0


class RunningInsert(Protocol):
    """Sound in, as much sound out; what it remembers goes on from block to block."""

    terms: InsertTerms

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n).

        Raises:
            InsertError: it fails, takes too long, or gives what is no sound of this length.
        """

    def close(self) -> None:
        """Ends it."""


@dataclass(frozen=True)
class InsertRules:
    """What inserts may do here.

    Attributes:
        folder: where models with relative paths are, that of the preset; None is the current folder.
        allow_code: run programs and TorchScript models, which may do anything that their maker wants.
    """

    folder: Path | None = None
    allow_code: bool = False
