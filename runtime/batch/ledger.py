"""The ledger of a batch: a file of JSON lines in the output, a line for all that happens to an item.

Lines are only added, each in one write that is flushed, so the file can be read at any moment; a line that a kill cut
off is passed over. One batch at a time writes into an output: a lock on the file says so, which goes with its process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ...presets.errors import OutputError
from ...presets.version import __version__
from .items import Failure, ItemEvent, ItemOutcome

if os.name == "posix":
    import fcntl

LEDGER: Final = "ledger.jsonl"
_KEEP_SIZE: Final = 1
# Blocks that the file gets beforehand, so that it can tell of a disk that is full.
_RESERVE_BYTES: Final = 2**20


@dataclass(frozen=True)
class LedgerEntry:
    """The last that is known of an item.

    Attributes:
        name: of the item.
        state: begun, rendered, kept or failed.
        session: where it is.
        seconds: how long it took.
        renders: how often it was rendered, in all runs.
        figures: loudness, peaks and so on; empty where it is not done.
        error: why it was set aside; empty where it was not.
        time: of the line, ISO 8601.
    """

    name: str
    state: str
    session: str
    seconds: float = 0.0
    renders: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    time: str = ""


@dataclass(frozen=True)
class Status:
    """What a ledger says.

    Attributes:
        entries: by name, in the order in which they were begun.
        total: items of the last run.
        running: whether a batch is at work; None where nobody can know.
        started: of the last run, ISO 8601.
        ended: "done", "stopped" or "" if its process was ended or is at work.
    """

    entries: Mapping[str, LedgerEntry]
    total: int
    running: bool | None
    started: str
    ended: str

    @property
    def latest(self) -> str:
        """When something last happened, ISO 8601."""
        return max([self.started, *(entry.time for entry in self.entries.values())])


class Ledger:
    """The ledger of one run, to be written to.

    Args:
        output: the folder of the batch; made if need be.

    Raises:
        OutputError: it cannot be written, or another batch is at work there.
    """

    def __init__(self, output: Path):
        self.path = output / LEDGER
        self._late: list[bytes] = []
        try:
            output.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
            self._file = os.open(self.path, flags, 0o644)
        except OSError as error:
            raise OutputError(
                f"cannot be written to: {error.strerror or error}. Choose another folder.", output
            ) from error
        if not lock_file(self._file):
            os.close(self._file)
            raise OutputError("is in use by another batch: wait for it, or choose another folder.", output)
        _reserve(self._file)
        self._end_line()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what could not be written before, if it can be now, and let go of the file."""
        with contextlib.suppress(OSError):
            self._flush()
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, os.fstat(self._file).st_size)  # gives the reserve back
        os.close(self._file)

    def begin(self, total: int, **facts: Any) -> None:
        """Note that a run begins."""
        self._write({"event": "run", "items": total, "mixbridge": __version__, "process": os.getpid(), **facts})

    def end(self, how: str) -> None:
        """Note that a run ends: done, or stopped."""
        self._write({"event": how})

    def note(self, event: ItemEvent) -> None:
        """Note what happened to an item."""
        line: dict[str, Any] = {"event": "begun", "item": event.item.name, "session": event.item.session}
        line |= {"attempt": event.attempt, "worker": event.worker}
        if isinstance(event.result, ItemOutcome):
            line |= {"event": event.result.state, "key": event.result.key, "figures": event.result.figures}
        elif isinstance(event.result, Failure):
            line |= {"event": "failed", "kind": event.result.kind, "error": event.result.message}
        if event.result is not None:
            line |= {"seconds": round(event.seconds, 2), "mixbridge": __version__}
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}, allow_nan=False)
        self._late.append(text.encode() + b"\n")
        # On a full disk it waits for the next line: the batch goes on, and says so at the end.
        with contextlib.suppress(OSError):
            self._flush()

    def _flush(self) -> None:
        while self._late:
            written = os.write(self._file, self._late[0])
            if written == len(self._late[0]):
                self._late.pop(0)
            else:
                self._late[0] = self._late[0][written:]
        os.fsync(self._file)

    def _end_line(self) -> None:
        """Begin a new line behind one that a kill cut off."""
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")


def read_status(output: Path) -> Status:
    """Read the ledger of a batch, which may be at work.

    Raises:
        OutputError: there is none.
    """
    path = output / LEDGER
    entries: dict[str, LedgerEntry] = {}
    total, started, ended = 0, "", ""
    try:
        for line in _lines(path):
            match line.get("event"):
                case "run":
                    total, started, ended = int(line["items"]), str(line["time"]), ""
                case "done" | "stopped" as how:
                    ended = how
                case "begun" | "rendered" | "kept" | "failed" as state:
                    entries[line["item"]] = _entry(line, state, entries.get(line["item"]))
    except OSError as error:
        raise OutputError(
            f"has no ledger that can be read ({error.strerror}): name the folder that a batch was given with -o.",
            output,
        ) from error
    return Status(entries, total, is_locked(path), started, ended)


def _entry(line: Mapping[str, Any], state: str, before: LedgerEntry | None) -> LedgerEntry:
    renders = (before.renders if before else 0) + (state == "rendered")
    return LedgerEntry(
        str(line["item"]),
        state,
        str(line.get("session", "")),
        float(line.get("seconds", 0)),
        renders,
        line.get("figures", {}),
        str(line.get("error", "")),
        str(line.get("time", "")),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for text in file:
            with contextlib.suppress(ValueError):  # a line that a kill cut off
                line = json.loads(text)
                if isinstance(line, dict):
                    yield line


def lock_file(file: int) -> bool:
    """Lock an open file for this process, until it is closed; False if another one has it."""
    if os.name != "posix":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def is_locked(path: Path) -> bool:
    """Tell whether a process has locked a file; False where there are no locks, or no such file."""
    if os.name != "posix" or not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def _reserve(file: int) -> None:
    """Give the file blocks behind its end; where that cannot be done, nothing is lost but the words on a full disk."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            size = ctypes.c_int64(os.fstat(file).st_size)
            ctypes.CDLL(None).fallocate(file, _KEEP_SIZE, size, ctypes.c_int64(_RESERVE_BYTES))
