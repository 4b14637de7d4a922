"""Datagrams as they leave, by the clock of who sends: a busy kernel sees some late, and the next ones in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from mixbridge.bridge.osc.link import Link, Pacer
from mixbridge.bridge.osc.packets import Message


@dataclass(frozen=True)
class Sent:
    """A message and when it had left."""

    time_s: float
    message: Message


def noted(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """From now on keep what leaves."""
    found: list[Sent] = []
    here, send, paced = threading.local(), Link.send, Pacer.turn

    def sending(link: Link, message: Message) -> None:
        here.message = message
        send(link, message)

    @contextmanager
    def timed(pacer: Pacer) -> Iterator[None]:
        with paced(pacer):
            yield
            found.append(Sent(time.monotonic(), here.message))

    monkeypatch.setattr(Link, "send", sending)
    monkeypatch.setattr(Pacer, "turn", timed)
    return found
