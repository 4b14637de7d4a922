"""The page of `mixbridge web` as a user has it: the command in a process of its own, and Debian's Chromium."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mixbridge

CHROMIUM = shutil.which("chromium")
EXAMPLE = Path(mixbridge.__file__).parent / "runtime" / "example"


@dataclass
class WebServer:
    """The command, running.

    Attributes:
        url: with the token.
        process: of it.
    """

    url: str
    process: subprocess.Popen[str]
    port: int = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        assert parts.port is not None
        self.port, self.token = parts.port, parse_qs(parts.query)["token"][0]

    def ask(
        self, path: str, body: bytes | None = None, method: str = "", **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """A request of a program that knows the token; headers may replace its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            own = {
                "authorization": f"Bearer {self.token}",
                **{name.replace("_", "-"): text for name, text in headers.items()},
            }
            connection.request(
                method or ("GET" if body is None else "POST"),
                path,
                body,
                {name: text for name, text in own.items() if text},
            )
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()

    def json(self, path: str, body: Any = None) -> Any:
        """What is answered, as Python has it."""
        status, _, answer = self.ask(path, None if body is None else json.dumps(body).encode())
        assert status == 200, answer
        return json.loads(answer)


@contextlib.contextmanager
def web_server(state: Path, arguments: Sequence[str | Path] = (), port: int = 0) -> Iterator[WebServer]:
    """Run `mixbridge web`, and end it with Ctrl-C."""
    command = [sys.executable, "-m", "mixbridge.bridge.command", "web", *map(str, arguments)]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--no-browser", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the server did not begin"
        yield WebServer(json.loads(line)["url"], process)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in (0, 130)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
