"""What is said between the engine and the process that controls it. All of it is small, and goes over a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .backends.base import Connections
from .sound.parts import AnyPart, PartKey, Parts


@dataclass(frozen=True)
class SettingsChange:
    """Settings that are not as they were.

    Attributes:
        parts: by place.
        fade_ms: in which they come.
        gain: of the mix, to come with them; None leaves it.
    """

    parts: Mapping[PartKey, AnyPart]
    fade_ms: float
    gain: float | None = None


@dataclass(frozen=True)
class Whole:
    """All settings anew, where tracks go another way; attributes as those of :class:`SettingsChange`."""

    parts: Parts
    gain: float | None = None


@dataclass(frozen=True)
class Bypass:
    """What comes in, at a gain, instead of the mix; None for the mix."""

    gain: float | None


@dataclass(frozen=True)
class Stop:
    """The end."""


@dataclass(frozen=True)
class Event:
    """Something that the user should know of.

    Attributes:
        text: a sentence.
        is_fatal: the engine ended by it.
    """

    text: str
    is_fatal: bool = False


@dataclass(frozen=True)
class Connected:
    """How ports are connected, which a process that takes this one's place does anew."""

    connections: Connections


EngineCommand = SettingsChange | Whole | Bypass | Stop
