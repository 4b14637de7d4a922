"""A plug-in's code runs in a process of its own: if it crashes, hangs or prints, that is reported and not suffered.

The parent writes one request as a line of JSON; :mod:`.child` answers with lines of progress and one result. What the
plug-in prints never comes between them. A process that says nothing for a while is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Literal

from ....presets.errors import PluginError

HOST: Final = (sys.executable, "-m", f"{__package__}.child")
"""The program that loads plug-ins."""
LIMIT_S: Final = 20.0
"""So long may a plug-in take to load, or say nothing."""

FaultKind = Literal["crashed", "hung", "refused"]
Progress = Callable[[float, str], None]

_PRINTED_BYTES: Final = 4096
_NO_DISPLAY: Final = ("DISPLAY", "WAYLAND_DISPLAY")


class ProbeFaultError(PluginError):
    """A plug-in did not do what was asked.

    Args:
        kind: how.
        message: for the user.
        printed: what the plug-in wrote meanwhile.
    """

    def __init__(self, kind: FaultKind, message: str, printed: str = ""):
        super().__init__(message)
        self.kind, self.printed = kind, printed


@dataclass(frozen=True)
class ProbeAnswer:
    """What came back.

    Attributes:
        result: of the request.
        printed: the beginning of what the plug-in wrote to standard output and error.
    """

    result: Mapping[str, Any]
    printed: str


def ask(
    request: Mapping[str, Any],
    *,
    limit_s: float = LIMIT_S,
    on_progress: Progress | None = None,
    command: Sequence[str] = HOST,
) -> ProbeAnswer:
    """Load a plug-in in a process of its own and do something with it.

    Args:
        request: `path`, `do` and what that needs; see :mod:`.child`.
        limit_s: the longest silence.
        on_progress: takes the share done and what is being done.
        command: the program that does it.

    Raises:
        ProbeFaultError: it crashed, hung, or said why it cannot.
    """
    with tempfile.TemporaryFile() as noise:
        process = _start(command, noise)
        try:
            result = _converse(process, request, limit_s, on_progress or _ignore)
        except ProbeFaultError as fault:
            fault.printed = _beginning(noise)
            raise
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        return ProbeAnswer(result, _beginning(noise))


def _start(command: Sequence[str], noise: IO[bytes]) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NO_DISPLAY}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noise,
            env={**environment, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is ours to deal with
        )
    except OSError as error:
        raise PluginError(f"the process that loads plug-ins cannot be started: {error}") from None


def _converse(
    process: subprocess.Popen[str], request: Mapping[str, Any], limit_s: float, on_progress: Progress
) -> Mapping[str, Any]:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # it may have ended already, which its exit code tells
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.close()
    name = os.path.basename(str(request.get("path", "the plug-in")))  # noqa: PTH119  (a path of any system)
    while True:
        try:
            line = lines.get(timeout=limit_s)
        except queue.Empty:
            raise ProbeFaultError(
                "hung",
                f"{name} said nothing for {limit_s:g} s and was ended: a window that waits for a licence or an answer "
                "does that; open it once in a DAW, then try again",
            ) from None
        if line is None:
            raise ProbeFaultError("crashed", f"{name} crashed ({_ending(process)})")
        message = _message(line)
        if "error" in message:
            raise ProbeFaultError("refused", f"{name}: {message['error']}")
        if "result" in message:
            result: Mapping[str, Any] = message["result"]
            return result
        if "progress" in message:
            on_progress(float(message["progress"]), str(message.get("text", "")))


def _read(stream: IO[str] | None, lines: queue.SimpleQueue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed meanwhile
        for line in stream or ():
            lines.put(line)
    lines.put(None)


def _message(line: str) -> Mapping[str, Any]:
    """Reads a line of the child's; what is none of it says nothing."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _ending(process: subprocess.Popen[str]) -> str:
    """Words how a process ended."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "it closed its output"
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}" if code < 256 else f"exit code {code:#x}"


def _beginning(noise: IO[bytes]) -> str:
    noise.seek(0)
    return noise.read(_PRINTED_BYTES).decode("utf-8", "replace").strip()


def _ignore(_share: float, _text: str) -> None:
    """Is what progress is told to if nobody wants to know."""
