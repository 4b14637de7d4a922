"""Something that answers OSC over UDP on loopback, over a network as bad as one likes; for tests.

On the way in and out datagrams are dropped, doubled and reordered as `Weather` says, the same way for the same seed. A
log is kept of what arrived when, by the kernel's clock, so that a busy machine does not blur it. What is answered is a
subclass's business, such as `desk_simulator.X32Simulator`. The codec is python-osc's, not the project's.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

Value = int | float | str
Reply = tuple[str, tuple[Value, ...]]

MAX_BYTES = 512

_SO_TIMESTAMPNS = 35  # Linux: the kernel's time of arrival comes with a datagram
_POLL_S = 0.004
_HELD_S = 0.03


@dataclass(frozen=True)
class Weather:
    """Shares of datagrams, 0..1, that are lost, come twice, or come after later ones."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0

    @classmethod
    def all(cls, share: float) -> Weather:
        """Everything at once."""
        return cls(share, share, share)


@dataclass(frozen=True)
class Arrival:
    """One datagram as it came over the wire, before the weather: seconds (of an arbitrary start), bytes, address."""

    time_s: float
    size: int
    address: str
    values: tuple[Value, ...]


class _Road:
    """One direction of the network."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self._weather = weather
        self._random = random.Random(seed)
        self._held: list[tuple[int, float, bytes]] = []  # how many others pass first, until when, what

    def carry(self, datagram: bytes) -> list[bytes]:
        """What arrives at the other end now that this one is sent."""
        self._held = [(ahead - 1, until, held) for ahead, until, held in self._held]
        arriving = []
        for _ in range(1 + (self._random.random() < self._weather.duplicate)):
            if self._random.random() < self._weather.drop:
                continue
            if self._random.random() < self._weather.reorder:
                self._held.append((self._random.randint(1, 6), time.monotonic() + _HELD_S, datagram))
            else:
                arriving.append(datagram)
        return arriving + self.late()

    def late(self) -> list[bytes]:
        """What was held back and arrives by now."""
        now = time.monotonic()
        due = [held for ahead, until, held in self._held if ahead <= 0 or until <= now]
        self._held = [entry for entry in self._held if entry[0] > 0 and entry[1] > now]
        return due


class UdpPeer:
    """Something that answers OSC on a loopback port of its own, in a thread; a context manager.

    Attributes:
        arrivals: what came in, in order.
        clients: addresses it came from.
    """

    def __init__(
        self, inbound: Weather | None = None, outbound: Weather | None = None, seed: int = 0, port: int = 0
    ) -> None:
        self.arrivals: list[Arrival] = []
        self.clients: list[tuple[str, int]] = []
        self._inbound = _Road(inbound or Weather(), seed)
        self._outbound = _Road(outbound or Weather(), seed + 1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        with suppress(OSError):  # where the kernel cannot, our own clock is taken, which is later
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.settimeout(_POLL_S)
        self._running = True
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def replies(self, address: str, values: tuple[Value, ...], time_s: float) -> Iterable[Reply]:
        """What to answer to a message."""
        raise NotImplementedError

    def say(self, datagram: bytes) -> None:
        """Sends bytes to the last client, past the weather."""
        self._socket.sendto(datagram, self.clients[-1])

    def reply_address(self, client: tuple[str, int]) -> tuple[str, int]:
        """Where answers go."""
        return client

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._running = False
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                datagram, extra, _flags, client = self._socket.recvmsg(65536, 64)
            except TimeoutError:
                if not self._running:  # what was sent before the end has been taken, however busy the machine is
                    return
                arriving = self._inbound.late()
            except ConnectionRefusedError:
                continue
            else:
                time_s = _kernel_time(extra)
                self._note(datagram, time_s, client)
                arriving = [] if len(datagram) > MAX_BYTES else self._inbound.carry(datagram)
            for packet in arriving:
                self._handle(packet)
            self._send(self._outbound.late())

    def _note(self, datagram: bytes, time_s: float, client: tuple[str, int]) -> None:
        if client not in self.clients:
            self.clients.append(client)
        message = parse(datagram)
        address, values = ("?", ()) if message is None else message
        self.arrivals.append(Arrival(time_s, len(datagram), address, values))

    def _handle(self, packet: bytes) -> None:
        message = parse(packet)
        if message is None:
            return
        for address, values in self.replies(*message, self.arrivals[-1].time_s):
            self._send(self._outbound.carry(build(address, values)))

    def _send(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            self._socket.sendto(packet, self.reply_address(self.clients[-1]))


def parse(datagram: bytes) -> Reply | None:
    try:
        message = OscMessage(datagram)
    except (ParseError, UnicodeDecodeError):
        return None
    return message.address, tuple(message.params)


def build(address: str, values: tuple[Value, ...]) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value, "f" if isinstance(value, float) else "i" if isinstance(value, int) else "s")
    return bytes(builder.build().dgram)


def _kernel_time(extra: list[tuple[int, int, bytes]]) -> float:
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("@ll", data[:16])
            return float(seconds % 1_000_000) + nanoseconds / 1e9
    return time.monotonic()
