"""What is to be said where long work is broken off, and not where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_where_broken_off(tell: Callable[[], None]) -> Iterator[None]:
    """Say something where the block is left by Ctrl-C or another end of the process, which goes on being raised.

    Args:
        tell: says it; an error has words of its own, and is not told.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            tell()
        raise
