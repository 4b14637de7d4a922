"""The record of an item, among its results: what they were made of, as one hash, and what they are like.

It appears together with the results, so a folder whose record has the key of today's inputs is done. It holds no time
and no path of this machine: the same inputs give the same record.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...presets.inputs import read_regular
from ...presets.version import __version__
from ..audio.delivery import files_in

RECORD: Final = "batch.json"
_FORMAT: Final = "mixbridge-batch-item"
_LARGEST: Final = 2**24


@dataclass(frozen=True)
class Record:
    """What a folder of results is.

    Attributes:
        key: hash of what decides the results.
        files: the results, relative to the folder.
        figures: loudness, peaks, confidence and so on.
    """

    key: str
    files: tuple[str, ...]
    figures: Mapping[str, Any]


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash what decides a result: hashes of inputs, options; the version of mixbridge is always part of it."""
    text = json.dumps({**parts, "mixbridge": __version__}, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_record(folder: Path) -> Record | None:
    """Read the record of a folder; None if it has none that can be used, or misses one of its files."""
    try:
        # Path's own stat is no quicker, and there are many.
        return record_of(read_regular(folder / RECORD, _LARGEST), lambda name: os.stat(folder / name).st_size)  # noqa: PTH116
    except (OSError, ValueError):
        return None


def record_of(content: bytes, size_of: Callable[[str], int | None]) -> Record | None:
    """Read a record; None if it cannot be used, or one of its files has not the size that it had.

    Args:
        content: of the file.
        size_of: gives the size of a file of the results, by its name.

    Raises:
        OSError: `size_of` does.
    """
    try:
        data = json.loads(content)
        if data["format"] != _FORMAT:
            return None
        record = Record(str(data["key"]), tuple(map(str, data["files"])), dict(data["figures"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return record if [size_of(name) for name in record.files] == data.get("sizes") else None


def earlier_files(folder: Path) -> tuple[str, ...] | None:
    """Name the results of an earlier run, also of one that is not whole any more; None if the folder has no record."""
    try:
        names = files_of(read_regular(folder / RECORD, _LARGEST))
    except (OSError, ValueError):
        return None
    return None if names is None else (*names, RECORD)


def files_of(content: bytes) -> tuple[str, ...] | None:
    """Name the results that a record is of; None if it is no record."""
    try:
        data = json.loads(content)
        return tuple(map(str, data["files"])) if data["format"] == _FORMAT else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def write_record(folder: Path, key: str, figures: Mapping[str, Any]) -> None:
    """Add the record to results that are ready, and flush all of them to the disk.

    Raises:
        OSError: it cannot be done.
    """
    files = files_in(folder)
    data = {
        "format": _FORMAT,
        "key": key,
        "mixbridge": __version__,
        "files": files,
        "sizes": [(folder / name).stat().st_size for name in files],
        "figures": figures,
    }
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8", newline="\n")
    flush([*(folder / name for name in (*files, RECORD)), *(path for path in folder.rglob("*") if path.is_dir())])
    flush([folder])


def flush(paths: Sequence[Path]) -> None:
    """Wait until files and folders are on the disk; a folder cannot be flushed everywhere."""
    for path in paths:
        if os.name != "posix" and path.is_dir():
            continue
        descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR | os.O_BINARY)  # type: ignore[attr-defined,unused-ignore]
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
