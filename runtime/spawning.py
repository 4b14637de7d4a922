"""Starts a process that runs a function of ours and nothing of the caller's script."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any


def spawned(target: Callable[..., None], name: str, *arguments: Any) -> tuple[SpawnProcess, Connection]:
    """Start a process; it ends with this one.

    Args:
        target: a function of a module; its last argument is the process's end of a pipe.
        name: of the process.
        arguments: what comes before, to be pickled.

    Returns:
        The process, and this end of the pipe.
    """
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(*arguments, there), name=name, daemon=True)
    with _without_main():
        process.start()
    there.close()
    return process, here


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the script that runs: the new process would run it again, and not every script minds that."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: main.__dict__[name] for name in ("__spec__", "__file__") if name in main.__dict__}
    main.__dict__.pop("__file__", None)
    main.__dict__["__spec__"] = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
