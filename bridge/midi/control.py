"""A controller that plays along: ports and surface, with a thread between them.

The library's thread only puts messages down; what they change is changed here, as fast as it can be, and a flood costs
no more than the newest of each control.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from ...presets.errors import DeskError
from ..osc.packets import Message
from ..server.live import LIVE
from ..server.subscribers import Peer
from ..server.surface import Arguments, Request
from .process import PortsProcess
from .surface import MidiSurface

LEARN: Final = f"{LIVE}/midi/learn"
# What waits to be done; of more than that the oldest is lost.
_MOST_WAITING: Final = 4096
# How often what changed elsewhere is told; and how soon after a first half the second is waited for.
_TURN_S: Final = 0.02
_SOON_S: Final = 0.002

log = logging.getLogger(__name__)


class MidiControl:
    """Lets a controller work; a context manager that ends it.

    Args:
        surface: what its messages do.

    Attributes:
        requests: what can be asked for over OSC, for :class:`..server.surface.Actions`.
    """

    def __init__(self, surface: MidiSurface) -> None:
        self._surface = surface
        self._ports: PortsProcess | None = None
        self._waiting: deque[tuple[Sequence[int], float]] = deque(maxlen=_MOST_WAITING)
        self._is_new = threading.Event()
        self._is_ended = threading.Event()
        self._has_changed = threading.Event()
        self._working = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="mixbridge midi", daemon=True)
        self.requests: Mapping[str, Request] = {LEARN: self._learn}

    def __enter__(self) -> MidiControl:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._is_new.set()
        self._thread.join()

    def join(self, ports: PortsProcess) -> None:
        """Tell the controller at these ports what changes."""
        self._ports = ports

    def hear(self, data: Sequence[int]) -> None:
        """Take a message, from any thread."""
        self._waiting.append((data, time.monotonic()))
        self._is_new.set()

    def came(self) -> None:
        """Know that a port came or went."""
        self._has_changed.set()

    def learn(self, addresses: Sequence[str]) -> None:
        """Give each address the control that is moved next.

        Raises:
            DeskError: there is no such address.
        """
        with self._working:
            self._surface.learn(addresses)

    def _learn(self, arguments: Arguments, _sender: Peer) -> Sequence[Message]:
        if len(arguments) != 1 or not isinstance(arguments[0], str):
            raise DeskError("the address that is to be learnt is wanted, as a string; an empty one ends learning")
        if arguments[0]:
            self.learn([arguments[0]])
        else:
            with self._working:
                self._surface.stop_learning()
        return []

    def _run(self) -> None:
        while not self._is_ended.is_set():
            self._is_new.wait(_SOON_S if self._surface.is_waiting else _TURN_S)
            self._is_new.clear()
            try:
                with self._working:
                    told = self._turn()
                if told and self._ports is not None:
                    self._ports.send(told)
            except Exception:  # the mix goes on, and so do its controls
                log.exception("a controller's message could not be done")

    def _turn(self) -> list[bytes]:
        surface, ports = self._surface, self._ports
        surface.is_told = ports is not None and ports.is_told
        if self._has_changed.is_set():
            self._has_changed.clear()
            surface.forget()
        for _ in range(len(self._waiting)):
            surface.hear(*self._waiting.popleft())
        return surface.turn(time.monotonic())
