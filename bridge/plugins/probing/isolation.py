"""A plug-in's code runs in a process of its own: if it crashes, hangs or prints, that is reported and not suffered.

The parent writes one request as a line of JSON; :mod:`.child` answers with lines of progress and one result. What the
plug-in prints never comes between them. A process that says nothing for a while is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ....presets.errors import PluginError
from ....runtime.isolated.process import IsolatedFault, IsolatedProcess

HOST: Final = (sys.executable, "-m", f"{__package__}.child")
"""The program that loads plug-ins."""
LIMIT_S: Final = 20.0
"""So long may a plug-in take to load, or say nothing."""

FaultKind = Literal["crashed", "hung", "refused"]
Progress = Callable[[float, str], None]

_PRINTED_BYTES: Final = 4096
_NO_DISPLAY: Final = ("DISPLAY", "WAYLAND_DISPLAY")
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_WINDOW: Final = ": a window that waits for a licence or an answer does that; open it once in a DAW, then try again"


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
    try:
        process = IsolatedProcess(command, _ENVIRONMENT, _NO_DISPLAY)
    except OSError as error:
        raise PluginError(f"the process that loads plug-ins cannot be started: {error}") from None
    name = os.path.basename(str(request.get("path", "the plug-in")))  # noqa: PTH119  (a path of any system)
    try:
        answer = _converse(process, request, limit_s, on_progress or _ignore)
    except IsolatedFault as fault:
        more = _WINDOW if fault.kind == "hung" else ""
        raise ProbeFaultError(fault.kind, f"{name} {fault.words}{more}", _beginning(fault.printed)) from None
    finally:
        process.close()  # then all that it printed has been read, which an answer may overtake
    printed = _beginning(process.printed)
    if "error" in answer:
        raise ProbeFaultError("refused", f"{name}: {answer['error']}", printed)
    return ProbeAnswer(answer["result"], printed)


def _converse(
    process: IsolatedProcess, request: Mapping[str, Any], limit_s: float, on_progress: Progress
) -> Mapping[str, Any]:
    """Sends a request and gives the last message, which has a result or an error."""
    with contextlib.suppress(IsolatedFault):  # it may have ended already, which its answer tells
        process.send(json.dumps(request).encode() + b"\n")
    while True:
        with process.within(limit_s):
            message = _message(process.line())
        if "error" in message or "result" in message:
            return message
        if "progress" in message:
            on_progress(float(message["progress"]), str(message.get("text", "")))


def _message(line: bytes) -> Mapping[str, Any]:
    """Reads a line of the child's; what is none of it says nothing."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _beginning(printed: bytes) -> str:
    return printed[:_PRINTED_BYTES].decode("utf-8", "replace").strip()


def _ignore(_share: float, _text: str) -> None:
    """Is what progress is told to if nobody wants to know."""
