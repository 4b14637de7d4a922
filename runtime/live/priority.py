"""Real-time priority, where it may be had.

Threads of one process share Python's lock: where the audio's thread goes before everything else, so has any that may
hold the lock while the audio waits for it.
"""

from __future__ import annotations

import contextlib
import os
from typing import Final

AUDIO: Final = 2
CHANGES: Final = 1


def take_priority(level: int) -> None:
    """Let the thread that calls go before all that are not real time; higher levels before lower ones."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(level))
