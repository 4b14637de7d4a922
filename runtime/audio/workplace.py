"""A hidden folder to make results in, and what is done about those that dead processes left.

The process that makes one holds a lock on it, which the system releases when the process ends, however it ends. So a
later run in the same place can tell a leftover from a folder in use, finishes a delivery that was broken off (see
:mod:`.delivery`), and removes the leftover.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...presets.errors import OutputError

if os.name == "posix":
    import fcntl

PREFIX, SUFFIX = ".mixbridge-", ".partial"
RESULTS = "new"


class Workplace:
    """A hidden folder of this process.

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
            raise OutputError(f"{home} cannot be written to: {error.strerror or error}.") from error

    def remove(self) -> None:
        """Removes it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


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
    """A new hidden folder, and its lock where there are locks."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX, dir=home))
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
