"""Jobs for the processes of a batch: one that writes a file, and what such jobs do when they go wrong."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable

from mixbridge.presets.errors import AudioError
from mixbridge.runtime.batch.items import BatchItem, BatchPlace, ItemOutcome

PLAY = "batch_jobs:play"


def play(item: BatchItem, place: BatchPlace, tell: Callable[[float], None]) -> ItemOutcome:
    """Does what the item's session says, in a word."""
    word, _, argument = item.session.partition(" ")
    tell(float(argument or 1))
    mark = place.folder / f"{item.name}.begun"
    begun = int(mark.read_text()) if mark.exists() else 0
    mark.write_text(str(begun + 1))
    match word:
        case "refuse":
            raise AudioError(f"{item.session} is damaged")
        case "break":
            raise KeyError("nobody thought of this")
        case "hang":
            time.sleep(600)
        case "spin":
            while True:
                pass
        case "nap":
            time.sleep(float(argument))
        case "eat":
            held = [bytearray(2**26) for _ in range(1000)]
            return ItemOutcome("rendered", str(len(held)))
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die-once" if not begun:
            os.kill(os.getpid(), signal.SIGKILL)
        case "hiccup" if not begun:
            raise OSError(errno.EIO, "Input/output error")
        case "shout":
            os.write(1, b"a library prints here\n")
    return ItemOutcome("rendered", "key of " + item.name, {"process": os.getpid()})
