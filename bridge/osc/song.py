"""Where a DAW is in its song: asked for, or told unasked, and estimated between what it tells.

A DAW tells its position in steps (Ardour: of a block), late, and seldom. Between two tellings the song goes on at its
speed by this machine's clock; a telling that is near to that corrects it a little, another one is a locate.
"""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
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
# A tick that comes later than this part of the period was not heard: one datagram may get lost.
_LATE_TICK: Final = 1.5
# Who tells unasked is silent while the song stands.
_STANDS_S: Final = 0.3
# So many positions in a row that run on: the word that it plays got lost.
_RUNS: Final = 4
_SLOWEST, _FASTEST = 0.4, 2.5
_MAX_BYTES: Final = 65_536
# How IPv4 is written where IPv6 is heard.
_MAPPED: Final = "::ffff:"
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


class Ticks:
    """When a desk takes what it was sent, if it looks only now and then.

    Args:
        period_s: from one look to the next; 0: it takes everything at once.
    """

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._seen_at: float | None = None

    def seen(self, at_s: float) -> None:
        """Take the time of an answer, which leaves the desk at a tick."""
        self._seen_at = at_s

    def following(self, now: float) -> float:
        """Estimate when the next tick is: that which is due, even where it comes late; now where there are none."""
        if self._seen_at is None or not self.period_s:
            return now
        periods = max(math.floor((now - self._seen_at) / self.period_s - _LATE_TICK) + 2, 1)
        return self._seen_at + periods * self.period_s


class DeskSong(Protocol):
    """A song that can be followed.

    Attributes:
        clock: where it is.
        ticks: when its desk takes what it is sent.
        slowest_s: the longest time from one answer to the next, of one that is asked.
    """

    clock: SongClock
    ticks: Ticks
    slowest_s: float

    def listen(self) -> None:
        """Ask and take what was told; does not wait."""

    def wait(self, seconds: float) -> None:
        """Let time pass, and take what is told meanwhile at once: how old it is matters."""

    def heard_s(self) -> float:
        """Tell how long it has been silent where it should have told something."""

    def problem(self) -> str:
        """Tell why it cannot be followed any more; empty: it can."""

    def close(self) -> None:
        """Give back what it holds."""


class SongTeller(Protocol):
    """What knows how a desk is asked: its dialect.

    Attributes:
        tick_ms: how often the desk looks at its messages; 0: at once.
    """

    tick_ms: float

    def song_questions(self) -> Sequence[Message]:
        """List what to ask."""

    def song_position(self, message: Message) -> SongPosition | None:
        """Read the answer; None for any other message."""

    def song_problem(self) -> str:
        """Tell why the song cannot be followed any more; empty: it can."""


class AskedSong:
    """The song of a desk that is asked for its position, again and again.

    Args:
        link: to the desk.
        teller: knows what to ask, and reads what is answered.
        now: this machine's clock.
    """

    def __init__(self, link: Link, teller: SongTeller, now: Callable[[], float] = time.monotonic) -> None:
        self.clock = SongClock()
        self.ticks = Ticks(teller.tick_ms / 1000.0)
        self.slowest_s = 0.0
        self._link, self._teller, self._now = link, teller, now
        self._asked_at = now() - _ASK_S
        self._heard_at = now()

    def listen(self) -> None:
        """Ask, twenty times a second, and take the answers that are there."""
        now = self._now()
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
            self._take(message)

    def wait(self, seconds: float) -> None:
        """Let time pass, and take the answers that come meanwhile."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            message = self._link.receive(left)
            if message is not None:
                self._take(message)

    def heard_s(self) -> float:
        """Tell how long no answer came."""
        return self._now() - self._heard_at

    def problem(self) -> str:
        """Ask the dialect."""
        return self._teller.song_problem()

    def close(self) -> None:
        """Do nothing: the connection is the caller's."""

    def _take(self, message: Message) -> None:
        position = self._teller.song_position(message)
        if position is None:
            return
        heard_at = self._now()
        if heard_at - self._heard_at < _PAUSE_S:
            self.slowest_s = max(self.slowest_s, heard_at - self._heard_at)
        self._heard_at = heard_at
        if self.ticks.period_s:
            # The question waited for the tick, the answer did not: it is true of when it came.
            self.ticks.seen(heard_at)
            self.clock.told(position, heard_at)
        elif heard_at - self._asked_at < _LATE_ANSWER_S:
            self.clock.told(position, (heard_at + self._asked_at) / 2)


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
        self.ticks = Ticks(0.0)
        self.slowest_s = 0.0
        self._feed, self._now = feed, now
        self._addresses = _addresses(host)
        self._last: tuple[float, float] | None = None
        self._heard_at = now()
        # What it said of itself; None: nothing yet.
        self._plays: bool | None = None
        self._runs = 0
        try:
            self._socket = _bound(feed.port)
        except OSError as error:
            raise DeskError(
                f"UDP port {feed.port}, to which the program tells where its song is, cannot be had here "
                f"({(error.strerror or str(error)).lower()}). Close the other program that listens there."
            ) from error

    def listen(self) -> None:
        """Take what was told; a song of which nothing comes any more stands."""
        for _ in range(_MOST_AT_ONCE):
            try:
                data, sender = self._socket.recvfrom(_MAX_BYTES)
            except OSError:  # nothing more
                break
            if sender[0].removeprefix(_MAPPED) in self._addresses:
                self.hear(data)
        if self._last is not None and self._now() - self._heard_at > _STANDS_S:
            self._plays = None if self._plays else self._plays
            self.clock.told(SongPosition(self._last[0], 0.0), self._now())

    def wait(self, seconds: float) -> None:
        """Let time pass, and take what is told meanwhile."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                self.listen()

    def hear(self, data: bytes) -> None:
        """Take a datagram of the program's; one that says nothing of the song is nothing."""
        try:
            messages = decode(data, old_texts=True)
        except PacketError:
            return
        for message in messages:
            value = message.args[0] if message.args else None
            if not isinstance(value, int | float):
                continue
            if message.address == self._feed.playing:
                self._tell_playing(plays=bool(value))
            elif message.address == self._feed.address and not isinstance(value, bool) and value >= 0:
                self._tell(float(value) * self._feed.unit_s)

    def heard_s(self) -> float:
        """Tell 0: who stands is silent."""
        return 0.0

    def problem(self) -> str:
        """Tell nothing."""
        return ""

    def close(self) -> None:
        """Close the port."""
        self._socket.close()

    def _tell(self, time_s: float) -> None:
        now = self._now()
        before, self._last, self._heard_at = self._last, (time_s, now), now
        runs = before is not None and now > before[1] and _SLOWEST < (time_s - before[0]) / (now - before[1]) < _FASTEST
        self._runs = self._runs + 1 if runs else 0
        if self._plays is False and self._runs >= _RUNS:
            self._plays = True
        self.clock.told(SongPosition(time_s, float(runs if self._plays is None else self._plays)), now)

    def _tell_playing(self, *, plays: bool) -> None:
        now = self._now()
        self._plays, self._runs, self._heard_at = plays, 0, now
        position = self.clock.at(now)
        if position is not None and position.rolls != plays:
            self.clock.told(SongPosition(position.time_s, float(plays)), now)


def _bound(port: int) -> socket.socket:
    """A socket that hears IPv4 and, where there is such, IPv6."""
    with suppress(OSError):
        return _bound_as(socket.AF_INET6, port)
    return _bound_as(socket.AF_INET, port)


def _bound_as(family: socket.AddressFamily, port: int) -> socket.socket:
    channel = socket.socket(family, socket.SOCK_DGRAM)
    try:
        channel.setblocking(False)
        if family == socket.AF_INET6:
            channel.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        channel.bind(("", port))
    except OSError:
        channel.close()
        raise
    return channel


def _addresses(host: str) -> frozenset[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return frozenset({host})
    return frozenset(str(entry[4][0]) for entry in found)
