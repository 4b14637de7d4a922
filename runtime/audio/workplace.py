"""A hidden folder to make results in, and what is done about those that dead processes left.

The process that makes one holds a lock on it, which the system releases when the process ends, however it ends. So a
later run in the same place can tell a leftover from a folder in use, finishes a delivery that was broken off (see
:mod:`.delivery`), and removes the leftover.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...presets.errors import OutputError

if os.name == "posix":
    import fcntl

PREFIX, SUFFIX = ".mixbridge-", ".partial"
RESULTS = "new"


# Those of this process that are not removed yet, or not even made: a signal may come at any moment.
_ours: set[Path] = set()


class Workplace:
    """A hidden folder of this process, removed at its end at the latest.

    Args:
        home: the folder that it is made in.

    Attributes:
        path: the hidden folder.
        results: a folder in it, where files are made.

    Raises:
        OutputError: it cannot be made.
    """

    def __init__(self, home: Path):
        try:
            self.path, self._lock = _made(home)
            self.results = self.path / RESULTS
            self.results.mkdir()
        except OSError as error:
            raise OutputError(f"cannot be written to: {error.strerror or error}.", home) from error

    def remove(self) -> None:
        """Removes it with all that is in it."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def scratch_folder(home: Path) -> Iterator[Path]:
    """Makes a hidden folder for what is needed for a while; the next run in that place removes it after a kill.

    Raises:
        OutputError: it cannot be made.
    """
    workplace = Workplace(home)
    try:
        yield workplace.results
    finally:
        workplace.remove()


def leftovers(places: Iterable[Path]) -> Iterator[Path]:
    """The hidden folders in these places whose processes are dead; each is locked while it is handled."""
    if os.name != "posix":
        return
    for place in dict.fromkeys(places):
        for path in place.glob(f"{PREFIX}*{SUFFIX}"):
            lock = _locked(path)
            if lock is None:
                continue
            try:
                yield path
            finally:
                os.close(lock)


def _made(home: Path) -> tuple[Path, int | None]:
    """Makes a hidden folder, and locks it where there are locks."""
    while True:
        path = home / f"{PREFIX}{secrets.token_hex(4)}{SUFFIX}"
        _ours.add(path)
        try:
            path.mkdir(0o700)
        except FileExistsError:
            _ours.discard(path)
            continue
        if os.name != "posix":
            return path, None
        # Another process may take it for a leftover before it is locked, and remove it: then a new one is made.
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    _ours.discard(path)


@atexit.register
def remove_all() -> None:
    """Removes the hidden folders of this process, also those that a signal came upon before anybody could."""
    for path in tuple(_ours):
        _remove(path)


def _locked(path: Path) -> int | None:
    """A lock on a leftover of one's own; None for a folder that is in use, another's, or none."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
    except OSError:
        pass
    os.close(lock)
    return None
