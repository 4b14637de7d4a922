"""A model in one `.zip`: its files are read from there, and nothing is ever unpacked to disk.

A zip from anywhere may name files outside of its folder, twice, or claim to be small and unpack without end. So names
are looked up and never followed, sizes are bounded before and while they are read, and a file that shrinks to less than
a thousandth is none of ours.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ...presets.errors import ModelError
from ...presets.inputs import open_regular

SUFFIX: Final = ".zip"

_MOST_FILES = 64
_MOST_ARCHIVE_BYTES = 2**32
_MOST_PACKED = 1000
_SMALL_BYTES = 2**20


def is_packed(path: Path) -> bool:
    """Tell whether a path names a model in one file."""
    return path.suffix.lower() == SUFFIX and os.path.isfile(path)  # noqa: PTH113  (raises for no name)


def read_packed(path: Path, name: str, most_bytes: int) -> bytes:
    """Read a file of a packed model.

    Args:
        path: of the zip.
        name: of the file in it.
        most_bytes: that it may have.

    Raises:
        ModelError: the zip cannot be used, has no such file, or more than is allowed.
    """
    try:
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MOST_ARCHIVE_BYTES:
                raise ModelError(f"{path}: larger than {_MOST_ARCHIVE_BYTES >> 30} GiB; this is not a mixbridge model")
            with zipfile.ZipFile(stream) as archive:
                entry = _entries(archive, path).get(name)
                if entry is None:
                    raise ModelError(f"{path}: has no {name}; pack all files of a model's folder")
                _check_size(entry, path, most_bytes)
                with archive.open(entry) as content:
                    data = content.read(most_bytes + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as a zip ({error}); get or pack it anew") from error
    if len(data) > most_bytes:
        raise ModelError(f"{path}: {name} is larger than it says; this is not a mixbridge model")
    return data


def packed_sizes(path: Path) -> Mapping[str, int]:
    """List the files of a packed model with their sizes; errors as :func:`read_packed`."""
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            return {name: entry.file_size for name, entry in _entries(archive, path).items()}
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ModelError(f"{path}: cannot be read as a zip ({error}); get or pack it anew") from error


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The files by name; they lie side by side, or in one folder, as some programs pack them."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > _MOST_FILES:
        raise ModelError(f"{path}: has {len(infos)} files; this is not a mixbridge model")
    folders = {info.filename.rpartition("/")[0] for info in infos}
    is_flat = len(folders) == 1 and "/" not in next(iter(folders)) and next(iter(folders)) not in {".", ".."}
    names = [info.filename.rpartition("/")[2] for info in infos]
    is_odd = any("\\" in info.filename or info.filename.startswith("/") for info in infos)
    if not is_flat or is_odd or len(set(names)) < len(names):
        raise ModelError(f"{path}: the files of a model lie side by side in its zip, each once; pack its folder anew")
    return dict(zip(names, infos, strict=True))


def _check_size(entry: zipfile.ZipInfo, path: Path, most_bytes: int) -> None:
    if entry.flag_bits & 1:
        raise ModelError(f"{path}: is encrypted; pack it without a password")
    is_bomb = entry.file_size > _SMALL_BYTES and entry.file_size > _MOST_PACKED * max(entry.compress_size, 1)
    if entry.file_size > most_bytes or is_bomb:
        raise ModelError(f"{path}: {entry.filename} is too large ({entry.file_size} bytes); not a mixbridge model")
