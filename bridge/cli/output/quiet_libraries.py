"""Keeps what C libraries print to themselves: libmpg123 has words about every odd MP3, and no switch against them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Send what is written to the second descriptor past Python to nowhere; `sys.stderr` goes where it went."""
    restore = _moved()
    try:
        yield
    finally:
        restore()


def _moved() -> Callable[[], None]:
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # no descriptors are left: there are worse things to tell
        return lambda: None
    stream = sys.stderr
    if _is_second(stream):
        stream.flush()
        # Python's stream has the number 2 built in: a new one writes where that went.
        sys.stderr = open(  # noqa: SIM115  (as long as the command)
            kept, "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )
    ours = sys.stderr
    os.dup2(nowhere, 2)
    os.close(nowhere)

    def restore() -> None:
        with contextlib.suppress(OSError, ValueError):
            ours.flush()
        os.dup2(kept, 2)
        if sys.stderr is ours:
            sys.stderr = stream
        # `kept` stays open: handlers of logging may hold the stream that writes to it.

    return restore


def _is_second(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (AttributeError, OSError, ValueError):  # a capture of tests
        return False
