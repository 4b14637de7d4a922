"""Where Ardour's playhead is, in seconds. Read in Ardour 7.3's sources and tried with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..asking import ask
from ..link import Link
from ..packets import Message
from ..song import SongPosition
from .ardour_strips import ANSWER_WAIT_S, LIST_END, STRIP_LIST

_SPEED, _FRAME = "/transport_speed", "/transport_frame"


class ArdourSong:
    """Reads what Ardour answers about its transport.

    Args:
        rate_hz: of the session.
    """

    QUESTIONS: ClassVar[Sequence[Message]] = (Message(_SPEED), Message(_FRAME))

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._speed: float | None = None

    def position(self, message: Message) -> SongPosition | None:
        """Take a message; gives a position for one that tells it, once the speed is known."""
        value = message.args[0] if message.args else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if message.address == _SPEED:
            self._speed = float(value)
        if message.address != _FRAME or self._speed is None:
            return None
        return SongPosition(max(float(value), 0.0) / self._rate_hz, self._speed)


def read_rate_hz(link: Link) -> int:
    """Ask for the sample rate of the session, which stands at the end of the list of its strips.

    Raises:
        DeskError: Ardour does not answer.
    """
    messages = ask(link, [Message(STRIP_LIST)], lambda got: _rate_hz(got[-1]) > 0, wait_s=ANSWER_WAIT_S)
    return _rate_hz(messages[-1])


def _rate_hz(message: Message) -> int:
    match message.args:
        case (str() as word, int() as rate_hz, *_) if word == LIST_END:
            return rate_hz
        case _:
            return 0
