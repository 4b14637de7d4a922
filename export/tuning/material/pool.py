"""Work on many pairs in processes of their own, which end with their parent; in this one where one is enough."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ....presets.errors import MixbridgeError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_WATCH_S = 1.0


def each(work: Callable[[Item], Answer], items: Sequence[Item], jobs: int | None) -> Iterator[tuple[Item, Answer]]:
    """Gives items with their answers, in the order in which they are done. Interrupted, it drops what has not begun.

    Args:
        work: a function of a module, for processes to find it.
        items: what it is called with.
        jobs: processes; None takes one for each core.

    Raises:
        MixbridgeError: a process was ended from outside.
    """
    count = min(jobs or os.cpu_count() or 1, len(items))
    if count <= 1:
        yield from ((item, work(item)) for item in items)
        return
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _start, (os.getpid(),))
    try:
        futures = {pool.submit(work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise MixbridgeError(
            f"one of {count} processes was ended from outside, as where memory runs out; what was done is kept: repeat "
            "the command with a lower num_workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(parent: int) -> None:
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides; what has begun is finished
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends this process when its parent was killed: nobody would take its answers."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
