"""How many files this process may have open at a time."""

from __future__ import annotations

import errno
import os
import sys

# Where the system names no limit.
_PLENTY = 1024
# What Python, libraries, threads and the terminal need besides.
_RESERVED = 64
_MOST_TRACKS = 64
_SYSTEM_ERROR = "System error"


def descriptor_limit() -> int:
    """The limit on open files, at most 65,536."""
    if sys.platform == "win32":
        return _PLENTY
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65_536 if soft == resource.RLIM_INFINITY else min(soft, 65_536)


def said_too_few(error: BaseException) -> str | None:
    """Say what to do where an error comes from the limit on open files; None for any other."""
    known = isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
    # libsndfile says of every fault of the system the same; whether a file may be opened now tells which it was.
    if not known and not (_SYSTEM_ERROR in str(error) and _none_may_open()):
        return None
    return "too few files may be open at a time; raise the limit, e.g. with `ulimit -n 1024`"


def _none_may_open() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False


def tracks_at_a_time() -> int:
    """How many tracks can be rendered side by side: each reads a file and writes one; a quarter may stay open idly."""
    limit = descriptor_limit()
    return max(1, min(_MOST_TRACKS, (limit - limit // 4 - _RESERVED) // 2))
