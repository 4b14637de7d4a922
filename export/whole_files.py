"""Writes files so that readers see the old content or all of the new one; and says before any work what would fail."""

from __future__ import annotations

import os
from pathlib import Path

from ..presets.errors import OutputError


def write_text(file: Path, text: str) -> None:
    """Writes a text file in one step; its folder is made if need be.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(file, text.encode())


def write_bytes(file: Path, data: bytes) -> None:
    """Writes a file in one step that also survives a power cut; its folder is made if need be.

    Raises:
        OutputError: it cannot be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"{file}: cannot be written ({error.strerror}); free space or choose another folder."
        ) from error


def check_output(file: Path) -> None:
    """Checks, before the work, that a file can be written: it is no folder, and its folder can be made or written to.

    Raises:
        OutputError: it cannot.
    """
    if file.is_dir():
        raise OutputError(f"{file} is a folder: give the name of a file in it.")
    check_folder(file.parent)


def check_folder(folder: Path) -> None:
    """Checks, before the work, that a folder is there, or can be made, and can be written to.

    Raises:
        OutputError: it cannot.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"{folder}: {nearest} is a file, not a folder; choose another place.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: {nearest} may not be written to; choose another folder.")
