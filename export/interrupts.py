"""Ctrl-C during a training: Lightning has a handler of its own, and leaves it behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def restored_interrupt() -> Iterator[None]:
    """Puts the handler of Ctrl-C back, which Lightning switches off for good."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
