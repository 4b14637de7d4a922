"""Who wants to hear of changes, for how long, and at which port. Nothing is sent here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...presets.errors import DeskError

Peer = tuple[str, int]
"""An IP address and a port."""

# As an X32's /xremote: whoever went away without a word is soon forgotten.
DEFAULT_S = 10.0
LONGEST_S = 600.0
MOST = 32


@dataclass(frozen=True)
class _Subscription:
    destination: Peer
    length_s: float
    ends_s: float


class Subscribers:
    """The subscriptions that have not run out; anything that a subscriber says prolongs its own.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._subscriptions: dict[Peer, _Subscription] = {}

    def add(self, sender: Peer, port: int | None = None, length_s: float = DEFAULT_S) -> None:
        """Begins or renews a subscription.

        Args:
            sender: who asks.
            port: where the sender wants its answers; None for the port that it sends from.
            length_s: until it runs out.

        Raises:
            DeskError: there are too many.
        """
        with self._lock:
            self._forget()
            if sender not in self._subscriptions and len(self._subscriptions) >= MOST:
                raise DeskError(f"there are {MOST} subscribers already; try again when one has gone")
            destination = (sender[0], port or sender[1])
            self._subscriptions[sender] = _Subscription(destination, length_s, self._clock() + length_s)

    def remove(self, sender: Peer) -> None:
        """Ends a subscription, if there is one."""
        with self._lock:
            self._subscriptions.pop(sender, None)

    def renew(self, sender: Peer) -> None:
        """Prolongs a subscription by its length, if there is one."""
        with self._lock:
            self._forget()
            subscription = self._subscriptions.get(sender)
            if subscription is not None:
                self._subscriptions[sender] = _Subscription(
                    subscription.destination, subscription.length_s, self._clock() + subscription.length_s
                )

    def destination(self, sender: Peer) -> Peer:
        """Tell where answers to a sender go."""
        with self._lock:
            self._forget()
            subscription = self._subscriptions.get(sender)
            return subscription.destination if subscription else sender

    def destinations(self, but: Peer | None = None) -> list[Peer]:
        """List where changes go: to each subscriber but one."""
        with self._lock:
            self._forget()
            return [subscription.destination for sender, subscription in self._subscriptions.items() if sender != but]

    def _forget(self) -> None:
        now_s = self._clock()
        for sender in [sender for sender, subscription in self._subscriptions.items() if subscription.ends_s <= now_s]:
            del self._subscriptions[sender]
