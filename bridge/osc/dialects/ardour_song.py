"""Where Ardour's playhead is, in seconds, and what it writes down meanwhile. Read in its sources and tried with 7.3."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

from ...desks.profile import Setting
from ..asking import ask
from ..link import Link
from ..packets import Message
from ..song import SongPosition
from .ardour_automation import CONTROLS, MANUAL, PLAY, WRITE, Automated, Control, set_mode
from .ardour_strips import ANSWER_WAIT_S, LIST_END, STRIP_LIST, ArdourStrip
from .base import PlainDialect

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


class ArdourSongs(PlainDialect, ABC):
    """What of the dialect is about the song: where it is, and that faders and pans are written down while it plays."""

    def __init__(self) -> None:
        self._song: ArdourSong | None = None
        # Of the controls that are written, before that; None while none are.
        self._modes: dict[Control, int] | None = None

    @abstractmethod
    def strip(self, setting: Setting) -> ArdourStrip:
        """Find the strip that a setting belongs to."""

    @abstractmethod
    def automated(self, link: Link, settings: Sequence[Setting]) -> tuple[Automated, ...]:
        """List the controls of these settings that are under automation."""

    def open_song(self, link: Link) -> bool:
        """Ask for the session's sample rate, in which it tells its position.

        Raises:
            DeskError: Ardour does not answer.
        """
        self._song = ArdourSong(read_rate_hz(link))
        return True

    def song_questions(self) -> Sequence[Message]:
        """Ask for the speed first: the position is taken with what was told of it last."""
        return ArdourSong.QUESTIONS

    def song_position(self, message: Message) -> SongPosition | None:
        """Read the position of the playhead."""
        return None if self._song is None else self._song.position(message)

    def can_write(self, setting: Setting) -> bool:
        """Say yes for faders, pans, trims and mutes: the mode of others cannot be set over OSC."""
        return setting.address in CONTROLS

    def begin_writing(self, link: Link, settings: Sequence[Setting]) -> None:
        """Set the automation of these controls to Write; Ardour leaves that mode at each stop.

        Raises:
            DeskError: Ardour does not answer.
        """
        if self._modes is None:
            self._modes = {(item.strip.number, item.control): item.mode for item in self.automated(link, settings)}
        set_mode(link, self._controls(settings), WRITE)

    def end_writing(self, link: Link, settings: Sequence[Setting], *, has_written: bool) -> None:
        """Set it to Play; to what it was where nothing was written."""
        before = self._modes or {}
        for control in self._controls(settings) if self._modes is not None else ():
            set_mode(link, [control], PLAY if has_written else before.get(control, MANUAL))
        self._modes = None

    def _controls(self, settings: Iterable[Setting]) -> list[Control]:
        return [(self.strip(setting).number, CONTROLS[setting.address]) for setting in settings]


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
