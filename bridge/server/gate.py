"""Who may speak to the server, and how much: an allow-list of IPv4 addresses and a token bucket for each sender.

Decides about datagrams before they are looked into, and keeps the newest of what came too fast. No sockets here.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from ...presets.errors import DeskError
from ..osc.packets import Message
from .subscribers import Peer

# A whole 32-channel preset (1,000 values) fits in a burst; a controller in a hand sends some hundred a second.
RATE_PER_S = 1000.0
BURST = 4000.0
_MOST_SENDERS = 256
_MOST_HELD = 4096

_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class AllowList:
    """The senders that are heard: this machine, and the addresses and networks named.

    Args:
        allowed: such as `192.168.1.20` or `192.168.1.0/24`.

    Raises:
        DeskError: one of them is neither an address nor a network.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._named = tuple(_network(text) for text in allowed)

    @property
    def leaves_this_machine(self) -> bool:
        """Whether anybody else than this machine is allowed."""
        return any(not network.is_loopback for network in self._named)

    def __contains__(self, host: str) -> bool:
        """Tell whether a sender, by its IP address, is heard."""
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return any(address in network for network in (_LOOPBACK, *self._named))


class HeldMessages:
    """What senders set that spoke too much: the newest of each address, in the order in which it came.

    However long a flood lasts, no more than so much is kept; of more than that the oldest is lost.
    """

    def __init__(self, most: int = _MOST_HELD) -> None:
        self._most = most
        self._count = 0
        self._held: OrderedDict[str, OrderedDict[tuple[Peer, str], Message]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._held)

    def is_of(self, host: str) -> bool:
        """Tell whether something of this sender is held."""
        return host in self._held

    def hosts(self) -> list[str]:
        """List the senders of whom something is held."""
        return list(self._held)

    def put(self, sender: Peer, message: Message) -> None:
        """Hold a message in place of an older one of the same address."""
        held = self._held.setdefault(sender[0], OrderedDict())
        key = (sender, message.address)
        self._count += key not in held
        held[key] = message
        held.move_to_end(key)
        if self._count > self._most:
            self.pop(max(self._held, key=lambda host: len(self._held[host])))

    def pop(self, host: str) -> tuple[Message, Peer]:
        """Take the oldest of a sender."""
        (sender, _), message = self._held[host].popitem(last=False)
        self._count -= 1
        if not self._held[host]:
            del self._held[host]
        return message, sender


class TokenBuckets:
    """Lets each sender speak as fast as the bucket fills, so that one that floods does not silence the others.

    Args:
        rate_per_s: messages a second in the long run.
        burst: messages at once.
        clock: seconds that only go forward.
    """

    def __init__(
        self, rate_per_s: float = RATE_PER_S, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, host: str) -> bool:
        """Tell whether this sender may be heard now; takes a token if so."""
        tokens = self._tokens(host)
        allowed = tokens >= 1
        self._put(host, tokens - 1 if allowed else tokens)
        return allowed

    def charge(self, host: str, tokens: int) -> None:
        """Takes more for a datagram that held more than one message; debts are paid by silence."""
        self._put(host, self._tokens(host) - tokens)

    def _tokens(self, host: str) -> float:
        tokens, then = self._buckets.get(host, (self._burst, self._clock()))
        return min(tokens + (self._clock() - then) * self._rate_per_s, self._burst)

    def _put(self, host: str, tokens: float) -> None:
        self._buckets[host] = tokens, self._clock()
        self._buckets.move_to_end(host)
        if len(self._buckets) > _MOST_SENDERS:
            self._buckets.popitem(last=False)


def is_loopback(host: str) -> bool:
    """Tell whether an IP address is this machine's own.

    Raises:
        DeskError: it is no IPv4 address.
    """
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError as error:
        raise DeskError(f"{host!r} is no IPv4 address; write e.g. 127.0.0.1, or 0.0.0.0 for all networks.") from error


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise DeskError(
            f"{text!r} is neither an IPv4 address nor a network; write e.g. 192.168.1.20 or 192.168.1.0/24."
        ) from error
