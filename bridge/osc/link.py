"""A paced connection to one desk: OSC messages out, never faster than the desk's profile allows, and its messages in.

UDP (one bound socket for both directions) or TCP with SLIP framing. What the network says about the desk (no such
host, nobody listens there, closed) becomes a :class:`DeskError` with a remedy; what arrives from elsewhere, or is no
OSC, is dropped. What the messages mean, and which of them got lost, is not known here: see `exchange.py`.
"""

from __future__ import annotations

import logging
import re
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from pythonosc import slip

from ...presets.errors import DeskError
from ..desks.profile import Transport
from .packets import MAX_BYTES, Message, PacketError, decode, encode, slip_decode

_log = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S: Final = 3.0
# Answers wait in the socket while we sleep for the pacing; the largest profile fits in many times over.
_RECEIVE_BUFFER_BYTES: Final = 1 << 20
_TARGET: Final = re.compile(
    r"(?P<desk>.+?)://(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^\[\]:/]+))(?::(?P<port>[0-9]{1,6}))?/?"
)


@dataclass(frozen=True)
class Target:
    """Which desk, and where it is.

    Attributes:
        desk: name of a profile, or path of one.
        host: name or IP address.
        port: None takes the profile's.
    """

    desk: str
    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read `x32://192.168.1.20`, `ardour://127.0.0.1:3819`, `my/desk.toml://mixer.local` or `x32://[fe80::1]`.

        Raises:
            DeskError: it has another form.
        """
        match = _TARGET.fullmatch(text.strip())
        if match is None:
            raise DeskError(
                f"{text!r} is no target. Write desk://host or desk://host:port, such as x32://192.168.1.20, "
                "ardour://127.0.0.1:3819 or path/to/desk.toml://192.168.1.20."
            )
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 1 <= port <= 65535:
            raise DeskError(f"{text!r}: a port lies between 1 and 65535, not at {port}")
        return cls(match["desk"], match["six"] or match["host"], port)


class Pacer:
    """Holds senders back: no more than `burst` messages follow each other without `gap_ms` between them.

    In any stretch of time T no more than `burst + T / gap` messages pass, from however many threads. The time is taken
    after a message has left, so that a sender that was interrupted does not shorten the gap to the next.
    """

    def __init__(self, gap_ms: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap_s = gap_ms / 1000.0
        self._ahead_s = self._gap_s * (burst - 1)
        self._clock = clock
        self._lock = threading.Lock()
        # When the next message were due if they all kept the gap.
        self._due = clock()

    @contextmanager
    def turn(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Wait for the next message's turn; it has to leave within the block."""
        with self._lock:
            while (left := self._due - self._ahead_s - self._clock()) > 0:
                sleep(left)
            try:
                yield
            finally:
                self._due = max(self._due, self._clock()) + self._gap_s


class Link:
    """A connection to a desk; a context manager. Any thread may send, one at a time may receive.

    Attributes:
        target: what it was opened for.
        transport: the profile's words on how fast and how long.
        where: "host:port", for messages.
        sent: datagrams that were sent.
        dropped: datagrams that came in and were no OSC.
    """

    def __init__(self, target: Target, transport: Transport, channel: socket.socket, where: str, pacer: Pacer) -> None:
        self.target = target
        self.transport = transport
        self.where = where
        self.sent = 0
        self.dropped = 0
        self._socket = channel
        self._pacer = pacer
        # Waiting by selector: a socket's own time-out would hold for the sending threads, too.
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)
        self._stream = transport.protocol == "tcp"
        self._rest = b""
        self._received: deque[Message] = deque()

    @classmethod
    def open(cls, target: Target, transport: Transport) -> Link:
        """Connect; with UDP that says nothing about whether somebody is there.

        Raises:
            DeskError: the host is unknown or out of reach, it refuses a TCP connection, or the port on which the
                desk would answer is taken here.
        """
        port = target.port or transport.port
        where = f"[{target.host}]:{port}" if ":" in target.host else f"{target.host}:{port}"
        family, address = _resolve(target, transport, port)
        channel = socket.socket(family, socket.SOCK_STREAM if transport.protocol == "tcp" else socket.SOCK_DGRAM)
        try:
            _connect(channel, address, transport, where)
        except BaseException:
            channel.close()
            raise
        return cls(target, transport, channel, where, _pacer(address, transport))

    def send(self, message: Message) -> None:
        """Send a message as soon as the pacing lets it, whole or not at all.

        Raises:
            DeskError: it does not fit into a datagram of this desk, or the connection failed.
        """
        packet = encode(message)
        if len(packet) > self.transport.max_bytes:
            raise DeskError(
                f"{message.address} with its value takes {len(packet)} bytes, but {self.target.desk} takes datagrams "
                f"of {self.transport.max_bytes} at most: shorten the text that is sent."
            )
        with self._pacer.turn():
            try:
                self._socket.sendall(slip.encode(packet) if self._stream else packet)
            except OSError as error:
                raise self._failure(error) from error
            finally:
                self.sent += 1

    def receive(self, timeout_s: float) -> Message | None:
        """Give the next message of the desk; None if none came in time. 0 takes only what is there already.

        Raises:
            DeskError: the desk refuses messages, or closed the connection.
        """
        deadline = time.monotonic() + timeout_s
        while not self._received:
            if not self._selector.select(max(deadline - time.monotonic(), 0.0)):
                return None
            try:
                data = self._socket.recv(MAX_BYTES)
            except OSError as error:
                raise self._failure(error) from error
            if self._stream and not data:
                raise DeskError(f"{self.where} closed the connection. {self.transport.remedy}")
            self._take(data)
        return self._received.popleft()

    def silence(self) -> DeskError:
        """Make the error for a desk that says nothing at all."""
        return DeskError(f"{self.where} does not answer. {self.transport.remedy}")

    def close(self) -> None:
        """End the connection; closing twice does no harm."""
        self._selector.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, data: bytes) -> None:
        try:
            if self._stream:
                packets, self._rest = slip_decode(self._rest + data)
            else:
                packets = [data]
        except PacketError as error:
            self._rest = b""
            self._drop(error)
            return
        for packet in packets:
            try:
                self._received.extend(decode(packet, old_texts=True))
            except PacketError as error:
                self._drop(error)

    def _drop(self, error: PacketError) -> None:
        self.dropped += 1
        _log.debug("%s sent no OSC: %s", self.where, error)

    def _failure(self, error: OSError) -> DeskError:
        if isinstance(error, ConnectionRefusedError):
            return DeskError(f"Nobody listens for OSC at {self.where}. {self.transport.remedy}")
        return DeskError(f"The connection to {self.where} failed: {_reason(error)}. {self.transport.remedy}")


def _resolve(target: Target, transport: Transport, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    kind = socket.SOCK_STREAM if transport.protocol == "tcp" else socket.SOCK_DGRAM
    try:
        addresses = socket.getaddrinfo(target.host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise DeskError(
            f"{target.host!r} is no host that can be found ({_reason(error)}). Check the name, or give the IP address."
        ) from error
    # Hardly a mixer speaks IPv6, while "localhost" often means ::1 first.
    family, _, _, _, address = min(addresses, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _connect(channel: socket.socket, address: tuple[object, ...], transport: Transport, where: str) -> None:
    """Connected, a UDP socket takes datagrams from the desk alone, and learns that nobody listens there."""
    if transport.reply_port is not None and transport.protocol == "udp":
        try:
            channel.bind(("", transport.reply_port))
        except OSError as error:
            raise DeskError(
                f"UDP port {transport.reply_port}, to which {where} answers, cannot be had here ({_reason(error)}). "
                "Close the other program that speaks with it."
            ) from error
    with suppress(OSError):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    try:
        channel.settimeout(_CONNECT_TIMEOUT_S)
        channel.connect(address)
        channel.settimeout(None)
    except ConnectionRefusedError as error:
        raise DeskError(f"Nobody listens for OSC at {where}. {transport.remedy}") from error
    except OSError as error:
        raise DeskError(f"{where} cannot be reached: {_reason(error)}. {transport.remedy}") from error
    if transport.protocol == "tcp":
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return
    _discard_strangers(channel)


def _discard_strangers(channel: socket.socket) -> None:
    """Drops what came from anybody between binding and connecting."""
    channel.setblocking(False)
    with suppress(OSError):
        while True:
            channel.recv(MAX_BYTES)
    channel.setblocking(True)


def _pacer(address: tuple[object, ...], transport: Transport) -> Pacer:
    """One for all links of this process to the same desk: it hears them all."""
    key = (*address, transport.gap_ms, transport.burst)
    with _PACERS_LOCK:
        return _PACERS.setdefault(key, Pacer(transport.gap_ms, transport.burst))


_PACERS: dict[tuple[object, ...], Pacer] = {}
_PACERS_LOCK = threading.Lock()


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip().lower()
