"""One push at a time for each desk; one from another machine, or by hand, is noticed by what is read around steps."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ...presets.errors import DeskError
from ...runtime.in_use import one_at_a_time
from .link import Target


@contextmanager
def one_push_at_a_time(target: Target, port: int) -> Iterator[None]:
    """Hold the lock of a desk while the block runs.

    Args:
        target: the desk.
        port: where it listens.

    Raises:
        DeskError: another push is sending to it; the message names its owner. Nothing was sent.
        OutputError: the lock cannot be made.
    """

    def refused(owner: str) -> DeskError:
        return DeskError(
            f"{target.host}:{port} is being set by another push right now ({owner}). Wait until it has ended, then "
            "look at the plan anew."
        )

    with one_at_a_time(f"{_address(target, port)}-{port}", refused):
        yield


def _address(target: Target, port: int) -> str:
    """The same for all names of a desk that have the same address."""
    with suppress(OSError, UnicodeError):
        return str(socket.getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)[0][4][0])
    return target.host
