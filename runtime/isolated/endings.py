"""How a process came to its end, in the same words wherever one is told of it."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Final

_LONGEST_SAID: Final = 300
# Windows says faults as numbers that are read in hex.
_WINDOWS_FAULTS: Final = 256


def ending_words(code: int | None) -> str:
    """Say how a process ended, by its exit code: "crashed (SIGSEGV)", "crashed (exit code 3)"."""
    if code is None:
        return "closed its output"
    if code < 0:
        name = f"signal {-code}"
        with suppress(ValueError):
            name = signal.Signals(-code).name
        if name == "SIGKILL":
            return "was killed (SIGKILL), by somebody or for want of memory"
        return f"crashed ({name})"
    return f"crashed (exit code {code:#x})" if code >= _WINDOWS_FAULTS else f"crashed (exit code {code})"


def hanging_words(limit_s: float) -> str:
    """Say that a process hung, and what was done."""
    return f"gave no answer within {limit_s:g} s and was ended"


def last_words(printed: bytes) -> str:
    """Give the last line that was printed, short; empty where there is none."""
    lines = [line.strip() for line in printed.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:_LONGEST_SAID] if lines else ""
