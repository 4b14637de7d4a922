"""A process that does items: `python -m mixbridge.runtime.batch.worker`, started by :mod:`.pool`.

It reads items from standard input and answers on what was its standard output, a line of JSON each. It ends when the
process that started it does, however that ends: the system kills it (Linux), or its input ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any, Final

from ...presets.errors import MixbridgeError
from .items import BatchItem, BatchPlace, Failure, ItemOutcome, item_of
from .limits import limit_memory
from .retrying import with_retries

Job = Callable[[BatchItem, BatchPlace, Callable[[float], None]], ItemOutcome]
"""Does an item. It is told what to do and where, and tells how many seconds of stems there are once it knows."""

OUT_OF_MEMORY: Final = "MemoryError"
_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Answer until there is nothing more to do."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # what libraries print is none of the answers
    settings = json.loads(sys.argv[1])
    _end_with(int(settings["parent"]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    limit_memory(settings["memory_bytes"])
    place = BatchPlace(**settings["place"])
    items = _arriving()
    job = _job(settings["job"])

    def answer(**said: Any) -> None:
        answers.write(json.dumps(said, allow_nan=False) + "\n")
        answers.flush()

    answer(event="ready")
    while (item := items.get()) is not None:
        result = done(job, item, place, lambda length_s: answer(event="length", seconds=length_s))
        answer(event="done" if isinstance(result, ItemOutcome) else "failed", **asdict(result))
        if isinstance(result, Failure) and result.kind == OUT_OF_MEMORY:
            break  # what it still holds is not for the next one
    answers.close()
    os._exit(0)  # without taking apart what was loaded


def done(job: Job, item: BatchItem, place: BatchPlace, tell: Callable[[float], None]) -> ItemOutcome | Failure:
    """Do an item, again where I/O failed; what goes wrong is its result."""
    try:
        return with_retries(lambda: job(item, place, tell))
    except MemoryError:
        return Failure(
            OUT_OF_MEMORY,
            f"{item.session}: takes more memory than an item may: allow more with --memory, use fewer --workers, or "
            "look at what its files claim to hold.",
        )
    except MixbridgeError as error:
        return Failure(type(error).__name__, str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return Failure(type(error).__name__, f"{item.session}: {where}{error.strerror or error}.")
    except Exception as error:  # whatever it is, the other items go on
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        return Failure(
            type(error).__name__,
            f"{item.session}: unexpected error ({what}). This is a fault of mixbridge: `mixbridge -v mix` with this "
            "session shows where.",
        )


def _job(name: str) -> Job:
    module, _, attribute = name.partition(":")
    job: Job = getattr(import_module(module), attribute)
    return job


def _arriving() -> queue.Queue[BatchItem | None]:
    """Items as they come in; the process ends with its input, even in the middle of one."""
    items: queue.Queue[BatchItem | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            data = json.loads(line)
            items.put(None if data is None else item_of(data))
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return items


def _end_with(parent: int) -> None:
    """Have the system kill this process when the one that started it has ended."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that was said
            os._exit(1)


if __name__ == "__main__":
    main()
