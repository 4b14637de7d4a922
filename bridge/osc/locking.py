"""One push at a time for each desk: who sends to it holds a lock, and the next one is told who that is.

The lock is a file of the user's on this machine. A push from another machine, or by hand, is noticed by what is read
before and after each step.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ...presets.errors import DeskError, OutputError
from .link import Target


@contextmanager
def one_push_at_a_time(target: Target, port: int) -> Iterator[None]:
    """Hold the lock of a desk while the block runs.

    Args:
        target: the desk.
        port: where it listens.

    Raises:
        DeskError: another push is sending to it; the message names its owner. Nothing was sent.
        OutputError: the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    path = _path(target, port)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0, is_singleton=False, thread_local=False)
        lock.acquire()
    except Timeout:
        raise DeskError(
            f"{target.host}:{port} is being set by another push right now ({_owner(path)}). Wait until it has ended, "
            "then look at the plan anew."
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be made ({error.strerror}): without this lock two pushes could mix."
        ) from error
    try:
        _note_owner(path)
        yield
    finally:
        lock.release()


def _path(target: Target, port: int) -> Path:
    """The same for all names of a desk that have the same address."""
    with suppress(OSError, UnicodeError):
        address = socket.getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)[0][4][0]
        return _folder() / f"{_safe(str(address))}-{port}.lock"
    return _folder() / f"{_safe(target.host)}-{port}.lock"


def _folder() -> Path:
    """Where files live as long as the machine runs: $XDG_RUNTIME_DIR, or a folder of the user's among the temporary."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "mixbridge"
    return Path(tempfile.gettempdir()) / f"mixbridge-{_safe(_user())}"


def _safe(host: str) -> str:
    """A file name, which tells hosts apart however they are written."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "_", host)[:80]
    return plain if plain == host else f"{plain}-{hashlib.sha256(host.encode()).hexdigest()[:8]}"


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
