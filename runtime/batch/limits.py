"""What an item may take: time by the length of its stems, and memory; more of either ends its process.

Time is that of the processor, since a machine may have other work to do. One that waits for ever takes none of it; it
is ended by the clock, much later.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

if os.name == "posix":
    import resource

# Eight stems of three minutes take 17 s of processor time (benchmarks/results.md), 0.012 s for a second of a stem.
_SECONDS_FOR_A_SECOND = 1.0
_AT_LEAST_S = 120.0
_SHARE_OF_MEMORY = 0.8
_LEAST_BYTES = 2 * 2**30
_PATIENCE = 10
# Of /proc/PID/stat, behind the name of the process.
_USER_TIME, _SYSTEM_TIME = 11, 12


@dataclass(frozen=True)
class Limits:
    """What an item may take.

    Attributes:
        memory_bytes: of its process; None for no limit.
        time_s: by the clock; None lets the time follow from the length of the stems.
        start_s: by the clock, until a process has told how long an item's stems are.
    """

    memory_bytes: int | None = None
    time_s: float | None = None
    start_s: float = 1200.0

    def processor_s_for(self, length_s: float, searched_s: float = 0.0) -> float:
        """Give the processor time that an item may take, where none was asked for by the clock.

        Args:
            length_s: of all its stems, one after the other.
            searched_s: for which settings are refined.
        """
        return _AT_LEAST_S + _SECONDS_FOR_A_SECOND * length_s + 4 * searched_s

    def time_for(self, length_s: float, searched_s: float = 0.0) -> float:
        """Give the time that an item may take by the clock; arguments as for :meth:`processor_s_for`."""
        return self.time_s if self.time_s is not None else _PATIENCE * self.processor_s_for(length_s, searched_s)


def processor_s(process: int) -> float | None:
    """Give the processor time that a process has taken, in s; None where the system does not tell."""
    try:
        values = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(values[_USER_TIME]) + int(values[_SYSTEM_TIME])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def usual_memory(workers: int) -> int:
    """Give the memory that each of some processes may take on this machine, in bytes."""
    if not hasattr(os, "sysconf"):
        return _LEAST_BYTES * 4
    all_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(_LEAST_BYTES, int(_SHARE_OF_MEMORY * all_bytes / workers))


def limit_memory(most_bytes: int | None) -> None:
    """Let this process have so much memory of its own; what it asks for beyond fails. Linux alone keeps to it."""
    if most_bytes is None or sys.platform != "linux":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
