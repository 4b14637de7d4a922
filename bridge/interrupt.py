"""What Ctrl-C does before a command has begun."""

from __future__ import annotations

import contextlib
import os
import sys
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 130
_WORKPLACES: Final = f"{__package__.rpartition('.')[0]}.runtime.audio.workplace"


def quit_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ends the process while nothing of it is on the disk yet."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"mixbridge: stopped; nothing was left behind\n")
    os._exit(INTERRUPTED)


def flush_and_end(code: int) -> NoReturn:
    """Ends the process with what it has said, and without taking apart what it has loaded."""
    # What is registered for the end does not run then; it is asked for where it was loaded.
    getattr(sys.modules.get(_WORKPLACES), "remove_all", _nothing)()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _nothing() -> None:
    """Stands for what was not loaded yet."""
