"""Once more, after a while, where a disk or a network failed; what is wrong with a file itself is not tried again."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

import tenacity

Result = TypeVar("Result")

_TIMES = 4
_FIRST_WAIT_S, _LONGEST_WAIT_S, _JITTER_S = 0.5, 30.0, 0.25
_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "EAGAIN", "EINTR", "EBUSY", "ESTALE", "EREMOTEIO", "ETIMEDOUT", "ECONNRESET", "ECONNREFUSED"),
        *("ECONNABORTED", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "ENETRESET", "EPIPE", "EMFILE", "ENFILE"),
    )
    if hasattr(errno, name)
)


def is_passing(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, may be gone in a while: I/O of a disk or network."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in _PASSING:
            return True
        if isinstance(error, (ConnectionError, TimeoutError)) and error.errno is None:
            return True
        error = error.__cause__ or error.__context__
    return False


def with_retries(work: Callable[[], Result], sleep: Callable[[float], None] | None = None) -> Result:
    """Do something up to four times, with longer and longer waits, as long as I/O fails.

    Args:
        work: what to do; it leaves nothing behind when it fails.
        sleep: waits for some seconds; None takes the clock's.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_passing),
        stop=tenacity.stop_after_attempt(_TIMES),
        wait=tenacity.wait_exponential(_FIRST_WAIT_S, _LONGEST_WAIT_S) + tenacity.wait_random(0, _JITTER_S),
        sleep=sleep or tenacity.nap.sleep,
        reraise=True,
    )
    return retrying(work)
