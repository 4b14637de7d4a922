"""The OSC server: a UDP socket through which controllers read and change the current preset.

It is on loopback unless other senders are allowed by name. Whatever a datagram holds, the server goes on: who may
speak and how much is decided by :mod:`.gate`, what is no OSC is counted and dropped by :mod:`..osc.packets`, and what
the messages mean stands in :mod:`.surface`.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from ...presets.errors import DeskError, Hint
from ...presets.preset import Preset
from ..osc.packets import MAX_BYTES, Message, PacketError, bundle, decode, encode
from .current import CurrentPreset, PresetChange
from .gate import AllowList, HeldMessages, TokenBuckets, is_loopback
from .subscribers import Peer, Subscribers
from .surface import Actions, Surface

DEFAULT_PORT = 9500
LOOPBACK = "127.0.0.1"
EVERY_NETWORK = "0.0.0.0"

_POLL_S = 0.2
# While something is held of a flood that may be over.
_HELD_POLL_S = 0.02
# Of a flood only what fits into one Ethernet frame is looked into.
_HELD_BYTES = 1472
# A controller that sends a whole preset at once should lose nothing; the system gives what it allows.
_RECEIVE_BYTES = 4 * 2**20
# Changes to subscribers: bundles that fit into one Ethernet frame, this far apart, and a limit to what may wait.
_BUNDLE_BYTES = 1400
_GAP_S = 0.001
_MOST_WAITING = 8192
# After a socket's complaint, so that one which lasts does not keep a core busy.
_BREATH_S = 0.01

_Transmit = Callable[[Peer, bytes], None]

log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What came in and what became of it.

    Attributes:
        received: datagrams.
        strangers: of them, from senders that are not allowed.
        floods: not done at once because their sender spoke too much; of what they set, the newest is done later.
        malformed: no OSC.
        messages: handled.
        faults: messages whose handling failed in a way that nobody foresaw; a bug of mixbridge.
        unsent: answers or changes that did not go out.
    """

    received: int = 0
    strangers: int = 0
    floods: int = 0
    malformed: int = 0
    messages: int = 0
    faults: int = 0
    unsent: int = 0


class OscServer:
    """A server for one preset; a context manager that closes it.

    Args:
        current: the preset that is worked on.
        actions: what controllers can ask for.
        host: IPv4 address to listen at; None takes all networks if `allow` names others than this machine, else
            loopback.
        port: UDP port; 0 takes a free one.
        allow: IPv4 addresses and networks that are heard beside this machine.
        buckets: how much each sender may say.
        subscribers: who hears of changes.

    Raises:
        DeskError: it would listen to a network without a list of allowed senders, or the port cannot be had.
    """

    def __init__(
        self,
        current: CurrentPreset | Preset,
        actions: Actions | None = None,
        *,
        host: str | None = None,
        port: int = DEFAULT_PORT,
        allow: Iterable[str] = (),
        buckets: TokenBuckets | None = None,
        subscribers: Subscribers | None = None,
    ) -> None:
        self.counts = Counts()
        self.current = CurrentPreset(current) if isinstance(current, Preset) else current
        self._allowed = AllowList(allow)
        self._buckets = buckets or TokenBuckets()
        self._socket = _bound(_host(host, self._allowed), port)
        self._outbox = _Outbox(self._transmit)
        self._surface = Surface(self.current, actions or Actions(), self, subscribers)
        self._held = HeldMessages()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Peer:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def __enter__(self) -> OscServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Serves in a thread beside."""
        self._thread = threading.Thread(target=self.serve, name="mixbridge osc", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Serves until :meth:`close` is called from elsewhere."""
        while not self._stop.is_set():
            try:
                self._socket.settimeout(_HELD_POLL_S if self._held else _POLL_S)
                datagram, sender = self._socket.recvfrom(MAX_BYTES + 1)
            except TimeoutError:
                self._release()
                continue
            except OSError as error:
                if not self._stop.is_set():
                    # On Windows an answer to a port that was closed comes back as an error of the next receive.
                    log.debug("receiving failed: %s", error)
                    time.sleep(_BREATH_S)
                continue
            self.receive(datagram, sender[:2])

    def receive(self, datagram: bytes, sender: Peer) -> None:
        """Does what a datagram asks for; never raises."""
        self.counts.received += 1
        if sender[0] not in self._allowed:
            self.counts.strangers += 1
            return
        self._release()
        # What waits goes first, so that nothing is overtaken by what is older.
        if self._held.is_of(sender[0]) or not self._buckets.take(sender[0]):
            self.counts.floods += 1
            if len(datagram) <= _HELD_BYTES:
                for message in self._decoded(datagram, sender):
                    if self._surface.is_value(message):
                        self._held.put(sender, message)
            return
        messages = self._decoded(datagram, sender)
        self._buckets.charge(sender[0], len(messages) - 1)
        for message in messages:
            self._handle(message, sender)

    def send(self, destination: Peer, messages: Sequence[Message]) -> None:
        """Sends now; what cannot be sent is counted."""
        for packet in _packed(messages):
            self._transmit(destination, packet)

    def queue(self, destination: Peer, messages: Sequence[Message]) -> None:
        """Sends when those before it are out."""
        for packet in _packed(messages):
            if not self._outbox.put(destination, packet):
                self.counts.unsent += 1

    def apply(self, change: Callable[[], PresetChange]) -> None:
        """Makes a change that no controller asked for, and tells the subscribers of it."""
        self._surface.apply(change)

    def close(self) -> None:
        """Stops listening; a job that is running is left to itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._outbox.close()
        self._socket.close()

    def wait_for_job(self, timeout_s: float) -> bool:
        """Waits for a save, push or predict that is running; whether none is left."""
        return self._surface.worker.wait(timeout_s)

    def _release(self) -> None:
        """Do what was held of a flood, as far as its senders may be heard again."""
        for host in self._held.hosts():
            while self._held.is_of(host) and self._buckets.take(host):
                self._handle(*self._held.pop(host))

    def _decoded(self, datagram: bytes, sender: Peer) -> list[Message]:
        try:
            return decode(datagram)
        except PacketError as error:
            self.counts.malformed += 1
            log.debug("from %s: %s", sender, error)
            return []

    def _handle(self, message: Message, sender: Peer) -> None:
        self.counts.messages += 1
        try:
            self._surface.handle(message, sender)
        except Exception:
            # A mix in progress is not to end for one message; the fuzzer holds this count at 0.
            self.counts.faults += 1
            log.exception("a message could not be handled: %s", message.address)

    def _transmit(self, destination: Peer, packet: bytes) -> None:
        try:
            self._socket.sendto(packet, destination)
        except OSError as error:
            self.counts.unsent += 1
            log.debug("to %s: %s", destination, error)


class _Outbox:
    """Sends packets one after another with a gap, from a thread of its own."""

    def __init__(self, transmit: _Transmit) -> None:
        self._transmit = transmit
        self._waiting: deque[tuple[Peer, bytes]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="mixbridge osc out", daemon=True)
        self._thread.start()

    def put(self, destination: Peer, packet: bytes) -> bool:
        """Appends a packet; False if too many are waiting."""
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                return False
            self._waiting.append((destination, packet))
            self._changed.notify()
            return True

    def close(self) -> None:
        """Forgets what is waiting."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                destination, packet = self._waiting.popleft()
            self._transmit(destination, packet)
            time.sleep(_GAP_S)


def _packed(messages: Sequence[Message]) -> Iterator[bytes]:
    """Pack a message alone as it is, several in bundles."""
    packets: list[bytes] = []
    size = 0
    for message in messages:
        packet = encode(message)
        if packets and size + len(packet) > _BUNDLE_BYTES:
            yield packets[0] if len(packets) == 1 else bundle(packets)
            packets, size = [], 0
        packets.append(packet)
        size += 4 + len(packet)
    if packets:
        yield packets[0] if len(packets) == 1 else bundle(packets)


def _host(host: str | None, allowed: AllowList) -> str:
    if host is None:
        return EVERY_NETWORK if allowed.leaves_this_machine else LOOPBACK
    if not is_loopback(host) and not allowed.leaves_this_machine:
        raise DeskError(
            f"at {host} everybody in the network could change the mix: name those who may.",
            hints=(Hint("allow", "192.168.1.0/24"),),
        )
    return host


def _bound(host: str, port: int) -> socket.socket:
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        channel.bind((host, port))
    except (OSError, OverflowError) as error:
        channel.close()
        raise DeskError(
            f"UDP port {port} at {host} cannot be had ({getattr(error, 'strerror', None) or error}): is another server "
            "running? Choose another port.",
            hints=(Hint("port", "9501"),),
        ) from error
    channel.settimeout(_POLL_S)
    return channel
