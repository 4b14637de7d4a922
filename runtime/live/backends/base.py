"""What a backend is, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from ...audio.reading import Samples

Connections = frozenset[tuple[str, str]]
"""Ports from source to sink: by full name those of others, our own by ":NAME"."""
BackendName = Literal["null", "jack", "portaudio"]
DEFAULT_BLOCK_FRAMES: Final = 512
DEFAULT_RATE_HZ: Final = 48_000


@dataclass(frozen=True)
class BackendChoice:
    """Which backend, and how it is set up.

    Attributes:
        name: which.
        block_frames: of a block; None takes that of the server or device.
        sample_rate_hz: None takes that of the server or device.
        freewheel: as fast as it goes, where the backend can.
        server: name of the JACK server; None for the usual one.
        client: what mixbridge is called there.
        device: PortAudio's number or part of the name of one; None for the usual one.
        connect: connect the mix to the first two outputs of the system.
        track_outs: with outputs for each processed track.
    """

    name: BackendName = "null"
    block_frames: int | None = None
    sample_rate_hz: int | None = None
    freewheel: bool = False
    server: str | None = None
    client: str = "mixbridge"
    device: str | None = None
    connect: bool = True
    track_outs: bool = False


@dataclass(frozen=True)
class DeviceTerms:
    """What the server or device goes at.

    Attributes:
        sample_rate_hz: of everything.
        block_frames: samples of a block.
    """

    sample_rate_hz: int
    block_frames: int


class RenewalNeededError(Exception):
    """What is left of a device is not to be used any more, and its library neither: another process takes over."""


class Calls(Protocol):
    """What a backend calls for each block; see :class:`..callback.AudioCallback`."""

    may_wait: bool

    @property
    def rows(self) -> int:
        """Channels that come in."""

    def process(self, inputs: Samples | None, out: Samples) -> None:
        """Fill the next block of the mix."""

    def tracks(self, frames: int) -> Samples:
        """Give the tracks of the latest block."""

    def count_xrun(self) -> None:
        """Count a block that was lost."""


@dataclass(frozen=True)
class Surroundings:
    """What a backend tells the engine, and is told.

    Attributes:
        is_ended: whether to come to an end.
        wait: pauses for so many seconds, or until the end.
        tell: takes a sentence for the user.
        be_urgent: called where the thread of the audio has real-time priority.
        is_there: takes whether there is a server or device to play to.
        names: of the tracks.
        channels: 1 or 2, by track.
        is_fed: whether stems come from files, so that there are no inputs.
        sample_rate_hz: of everything.
        has_played: whether a process before this one played: a server or device that is not there will come back.
        connections: how its ports were connected; None where nothing is known.
        keep: takes how ports are connected, for a process that comes after this one.
    """

    is_ended: Callable[[], bool]
    wait: Callable[[float], object]
    tell: Callable[[str], None]
    be_urgent: Callable[[], None]
    is_there: Callable[[bool], None]
    names: tuple[str, ...]
    channels: tuple[int, ...]
    is_fed: bool
    sample_rate_hz: int
    has_played: bool
    connections: Connections | None
    keep: Callable[[Connections], None]


class Backend(Protocol):
    """Something that asks for audio at its own pace."""

    def run(self, calls: Calls, around: Surroundings) -> None:
        """Call for blocks until the end.

        Raises:
            DeviceError: there is no server or device, or none that can do what was asked for.
            RenewalNeededError: it is gone, and another process is to wait for it.
        """


def silence(rows: int, frames: int) -> Samples:
    """Make a block of silence."""
    return np.zeros((rows, frames), np.float32)
