"""Turns between the audio's thread and the one that makes units: both need Python's lock.

Each call into compiled code gives the lock away; whoever wants it back is woken by the system, which takes longer than
most of those calls. A block that gives it away twenty times would be late if the other thread were always there to
take it, so that one works between blocks.
"""

from __future__ import annotations

import threading
from typing import Final

# A block that lasts longer is late anyway, or the audio has stopped.
_PATIENCE_S: Final = 0.005


class AudioTurn:
    """Says whether the audio is at work on a block; one thread begins and ends, one other waits.

    Attributes:
        is_playing: whether it is.
    """

    def __init__(self) -> None:
        self.is_playing = False
        self._over = threading.Lock()

    def begin(self) -> None:
        """Say that a block begins."""
        self.is_playing = True

    def end(self) -> None:
        """Say that it is done, and let the other thread go on; never waits."""
        self.is_playing = False
        if self._over.locked():
            self._over.release()

    def wait(self) -> None:
        """Wait for the end of the block that is being made, if there is one, though not for long."""
        self._over.acquire(blocking=False)
        if self.is_playing:
            self._over.acquire(timeout=_PATIENCE_S)
