"""One at a time: who works on something holds a lock, and the next one is told who that is.

The lock is a file of the user's on this machine, in none of the folders that are worked on. The system releases it when
its process ends, however it ends. Work from another machine is not noticed by it.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ..presets.errors import MixbridgeError, OutputError


@contextmanager
def one_at_a_time(what: str, refused: Callable[[str], MixbridgeError]) -> Iterator[None]:
    """Hold the lock on something while the block runs.

    Args:
        what: names it, the same for all who work on it.
        refused: makes the error for whoever comes second, of words on the owner.

    Raises:
        MixbridgeError: what `refused` made; nothing was done.
        OutputError: the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    path = _folder() / f"{_safe(what)}.lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, is_singleton=False, thread_local=False)
        lock.acquire()
    except Timeout:
        raise refused(_owner(path)) from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be made ({error.strerror}): without this lock two commands could mix."
        ) from error
    try:
        _note_owner(path)
        yield
    finally:
        lock.release()


@contextmanager
def one_run_at_a_time(folder: Path, command: str) -> Iterator[None]:
    """Hold the lock on a folder of results, by whatever name it is reached, while the block runs.

    Args:
        folder: need not exist yet.
        command: that writes there.

    Raises:
        OutputError: another process writes there; the message names it. Nothing was done.
    """
    place = os.path.realpath(folder)

    def refused(owner: str) -> OutputError:
        return OutputError(
            f"is being written by another `{command}` right now ({owner}): wait until it has ended, or choose another "
            "folder.",
            folder,
        )

    key = hashlib.sha256(os.fsencode(os.path.normcase(place))).hexdigest()[:16]
    with one_at_a_time(f"{Path(place).name}-{key}", refused):
        yield


def _folder() -> Path:
    """Where files live as long as the machine runs: $XDG_RUNTIME_DIR, or a folder of the user's among the temporary."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "mixbridge"
    return Path(tempfile.gettempdir()) / f"mixbridge-{_safe(_user())}"


def _safe(name: str) -> str:
    """A file name, which tells names apart however they are written."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "_", name)[:80]
    return plain if plain == name else f"{plain}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def _owner_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _note_owner(path: Path) -> None:
    owner = {
        "process": os.getpid(),
        "user": _user(),
        "machine": socket.gethostname(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    with suppress(OSError):
        _owner_path(path).write_text(json.dumps(owner), encoding="utf-8")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _owner(path: Path) -> str:
    try:
        owner = json.loads(_owner_path(path).read_text(encoding="utf-8"))
        return f"process {int(owner['process'])} of {owner['user']} on {owner['machine']}, since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "its owner is not known"
