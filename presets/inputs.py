"""Files that are read: regular ones only, of bounded size.

A pipe waits for ever, `/dev/zero` has no end, and a socket cannot be read at all: whatever a user, a session or a
model names is opened here. What is wrong comes as :class:`OSError`, so that each reader words it as its other faults.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Should a pipe take a file's place behind our back, opening it does not wait.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def check_regular(path: str | os.PathLike[str]) -> int:
    """Give the size of a regular file in bytes; links are followed.

    Raises:
        OSError: there is none, or it is a folder, a pipe, a socket or a device.
        ValueError: the name cannot be one.
    """
    return _checked(Path(path).stat(), path)


def open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading; see :func:`check_regular` for what is raised."""
    check_regular(path)  # before it is opened: that alone can act on a device
    descriptor = os.open(path, _FLAGS)
    try:
        _checked(os.fstat(descriptor), path)
    except OSError:
        os.close(descriptor)
        raise
    return open(descriptor, "rb")  # noqa: PTH123  (the caller closes it; Path knows no descriptors)


def read_regular(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Read a regular file that has at most so many bytes.

    Raises:
        OSError: as :func:`check_regular`; or the file is larger.
    """
    with open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {_size(most_bytes)}", os.fspath(path))
    return data


def read_text(path: Path, most_bytes: int) -> str:
    """Read a regular file of UTF-8 text; see :func:`read_regular`.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
    """
    return read_regular(path, most_bytes).decode("utf-8")


def _checked(state: os.stat_result, path: str | os.PathLike[str]) -> int:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(state.st_mode):
        kind = _KINDS.get(stat.S_IFMT(state.st_mode), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", os.fspath(path))
    return state.st_size


def _size(count: int) -> str:
    return f"{count / 2**20:g} MiB" if count >= 2**20 else f"{count / 2**10:g} KiB"
