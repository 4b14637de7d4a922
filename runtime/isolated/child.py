"""The side of a process that runs somebody else's code: its answers go where nothing that is printed goes."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO


def answering() -> BinaryIO:
    """Keep standard output for answers; what is printed, in whichever language, goes to standard error from now on."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def bound_memory(size_bytes: int) -> None:
    """Let this process have so much memory at most, where the system has such bounds, and leave no core behind."""
    if sys.platform in {"win32", "darwin"}:  # one has no such bounds, the other counts what is shared, too
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
