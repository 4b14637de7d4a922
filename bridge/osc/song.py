"""Where a DAW is in its song: asked for, or told unasked, and estimated between what it tells.

A DAW tells its position in steps (Ardour: of a block), late, and seldom. Between two tellings the song goes on at its
speed by this machine's clock; a telling that is near to that corrects it a little, another one is a locate.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ...presets.errors import DeskError
from ..desks.layout import SongFeed
from .link import Link
from .packets import Message, PacketError, decode

_ASK_S: Final = 0.05
# Older answers tell of a place that nobody knows the time of.
_LATE_ANSWER_S: Final = 0.2
_PAUSE_S: Final = 0.5
_LOCATE_S: Final = 0.1
_CORRECTION: Final = 0.4
# Who tells unasked is silent while the song stands.
_STANDS_S: Final = 0.3
_SLOWEST, _FASTEST = 0.4, 2.5
_MAX_BYTES: Final = 65_536
_MOST_AT_ONCE: Final = 256


@dataclass(frozen=True)
class SongPosition:
    """Where the song is.

    Attributes:
        time_s: seconds from its beginning.
        speed: 1 while it plays, 0 while it stands.
    """

    time_s: float
    speed: float

    @property
    def rolls(self) -> bool:
        """Whether it plays forward."""
        return self.speed > 0


class SongClock:
    """An estimate of where a song is, of what was told now and then.

    Attributes:
        locates: how often it was told to be elsewhere than it could be.
        worst_off_s: the farthest that it was from where it was taken to be, while it played on.
    """

    def __init__(self) -> None:
        self.locates = 0
        self.worst_off_s = 0.0
        self._known: SongPosition | None = None
        self._known_at = 0.0

    def told(self, position: SongPosition, at_s: float) -> None:
        """Take what was true at a time of this machine's clock."""
        guess = self.at(at_s)
        if guess is None or position.speed != guess.speed:
            self.locates += guess is not None and abs(position.time_s - guess.time_s) > _LOCATE_S
            self._known, self._known_at = position, at_s
            return
        off_s = position.time_s - guess.time_s
        if abs(off_s) > _LOCATE_S:
            self.locates += 1
        elif position.rolls:
            self.worst_off_s = max(self.worst_off_s, abs(off_s))
            position = SongPosition(guess.time_s + _CORRECTION * off_s, position.speed)
        self._known, self._known_at = position, at_s

    def at(self, at_s: float) -> SongPosition | None:
        """Estimate where it is at a time of this machine's clock; None while nothing is known."""
        known = self._known
        if known is None:
            return None
        return SongPosition(max(known.time_s + known.speed * (at_s - self._known_at), 0.0), known.speed)


class DeskSong(Protocol):
    """A song that can be followed.

    Attributes:
        clock: where it is.
        slowest_s: the longest time from one answer to the next, of one that is asked.
    """

    clock: SongClock
    slowest_s: float

    def listen(self) -> None:
        """Ask and take what was told; does not wait."""

    def heard_s(self) -> float:
        """Tell how long it has been silent where it should have told something."""

    def close(self) -> None:
        """Give back what it holds."""


class SongTeller(Protocol):
    """What knows how a desk is asked: its dialect."""

    def song_questions(self) -> Sequence[Message]:
        """List what to ask."""

    def song_position(self, message: Message) -> SongPosition | None:
        """Read the answer; None for any other message."""


class AskedSong:
    """The song of a desk that is asked for its position, again and again.

    Args:
        link: to the desk.
        teller: knows what to ask, and reads what is answered.
    """

    def __init__(self, link: Link, teller: SongTeller) -> None:
        self.clock = SongClock()
        self.slowest_s = 0.0
        self._link, self._teller = link, teller
        self._asked_at = -_ASK_S
        self._heard_at = time.monotonic()

    def listen(self) -> None:
        """Ask, twenty times a second, and take the answers that are there."""
        now = time.monotonic()
        if now - self._asked_at > _PAUSE_S:  # nobody asked meanwhile
            self._heard_at = now
        if now - self._asked_at >= _ASK_S:
            self._asked_at = now
            for question in self._teller.song_questions():
                self._link.send(question)
        for _ in range(_MOST_AT_ONCE):
            message = self._link.receive(0.0)
            if message is None:
                return
            position = self._teller.song_position(message)
            if position is None:
                continue
            heard_at = time.monotonic()
            if heard_at - self._heard_at < _PAUSE_S:
                self.slowest_s = max(self.slowest_s, heard_at - self._heard_at)
            self._heard_at = heard_at
            if heard_at - self._asked_at < _LATE_ANSWER_S:
                self.clock.told(position, (heard_at + self._asked_at) / 2)

    def heard_s(self) -> float:
        """Tell how long no answer came."""
        return time.monotonic() - self._heard_at

    def close(self) -> None:
        """Do nothing: the connection is the caller's."""


class FedSong:
    """The song of a program that tells its position unasked, such as REAPER with a device for feedback.

    Args:
        feed: where it tells, and how.
        host: its machine; others are not heard.
        now: this machine's clock.

    Raises:
        DeskError: the port is taken.
    """

    def __init__(self, feed: SongFeed, host: str, now: Callable[[], float] = time.monotonic) -> None:
        self.clock = SongClock()
        self.slowest_s = 0.0
        self._feed, self._now = feed, now
        self._addresses = _addresses(host)
        self._last: tuple[float, float] | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("", feed.port))
        except OSError as error:
            self._socket.close()
            raise DeskError(
                f"UDP port {feed.port}, to which the program tells where its song is, cannot be had here "
                f"({(error.strerror or str(error)).lower()}). Close the other program that listens there."
            ) from error

    def listen(self) -> None:
        """Take what was told; a song of which nothing comes any more stands."""
        for _ in range(_MOST_AT_ONCE):
            try:
                data, sender = self._socket.recvfrom(_MAX_BYTES)
            except BlockingIOError:
                break
            except OSError:
                break
            if sender[0] in self._addresses:
                self._take(data)
        if self._last is not None and self._now() - self._last[1] > _STANDS_S:
            self.clock.told(SongPosition(self._last[0], 0.0), self._now())

    def heard_s(self) -> float:
        """Tell 0: who stands is silent."""
        return 0.0

    def close(self) -> None:
        """Close the port."""
        self._socket.close()

    def _take(self, data: bytes) -> None:
        try:
            messages = decode(data, old_texts=True)
        except PacketError:
            return
        for message in messages:
            value = message.args[0] if message.address == self._feed.address and message.args else None
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                self._tell(float(value) * self._feed.unit_s)

    def _tell(self, time_s: float) -> None:
        now = self._now()
        before, self._last = self._last, (time_s, now)
        speed = 0.0
        if before is not None and now > before[1] and _SLOWEST < (time_s - before[0]) / (now - before[1]) < _FASTEST:
            speed = 1.0
        self.clock.told(SongPosition(time_s, speed), now)


def _addresses(host: str) -> frozenset[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return frozenset({host})
    return frozenset(str(entry[4][0]) for entry in found)
