"""The server of the page: a socket, the guard, uvicorn."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn

from ...presets.errors import OutputError
from .api import application
from .guarding import Guard
from .keeping import token_of
from .work import PageWork

LOOPBACK: Final = "127.0.0.1"
_GRACE_S: Final = 1


@dataclass(frozen=True)
class Address:
    """Where the page is.

    Attributes:
        url: to open, with its token.
        port: TCP.
    """

    url: str
    port: int


def serve_page(
    work: PageWork, *, host: str = LOOPBACK, port: int = 0, on_ready: Callable[[Address], None] | None = None
) -> None:
    """Serve the page until the process is told to end.

    Args:
        work: what the page works with.
        host: IPv4 address to listen at; another than loopback lets other machines in that know the token.
        port: TCP port; 0 takes a free one.
        on_ready: called once the socket is open.

    Raises:
        OutputError: it cannot listen there.
    """
    with _bound(host, port) as channel:
        actual = channel.getsockname()[1]
        token = token_of(work.studio.place)
        names = {host, "localhost"} if ipaddress.ip_address(host).is_loopback else {host}
        guard = Guard(application(work), token, {f"{name}:{actual}" for name in names})
        config = uvicorn.Config(
            guard, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_S
        )
        if on_ready is not None:
            on_ready(Address(f"http://{host}:{actual}/?token={token}", actual))
        try:
            _PageServer(config, work.studio.close).run(sockets=[channel])
        finally:
            work.studio.finish()


class _PageServer(uvicorn.Server):
    """Lets go of pages that wait for news, so that nobody has to be cut off at the end."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]) -> None:
        super().__init__(config)
        self._close = close

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends the server; called by a signal."""
        super().handle_exit(sig, frame)
        self._close()


def _bound(host: str, port: int) -> socket.socket:
    channel = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        channel.bind((host, port))
        channel.listen()  # who reads the address may ask at once
    except OSError as error:
        channel.close()
        reason = error.strerror or error
        raise OutputError(
            f"the page cannot be served at {host}, port {port}: {reason}. Choose another port; 0 takes a free one."
        ) from error
    return channel
