"""Reads weights from files that come from somebody else: as tensors and plain values, never as Python objects.

What a file would unpack to is bounded before anything of it is unpacked.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import torch

from ..presets.errors import ModelError


def read_weights(path: Path, most_bytes: int, remedy: str) -> object:
    """Reads what `torch.save` wrote: tensors, containers and plain values only.

    Args:
        path: the file.
        most_bytes: that it may have, packed or unpacked.
        remedy: what to do instead, a sentence.

    Raises:
        ModelError: the file is missing, not such a file, damaged, holds Python objects, or is larger.
    """
    _check_container(path, most_bytes, remedy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on old formats
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the reader raises on a foreign file, the answer is the same
        raise ModelError(
            f"{path}: cannot be read as weights. It is damaged, or holds Python objects, which could run "
            f"code and are therefore never loaded. {remedy}"
        ) from error


def _check_container(path: Path, most_bytes: int, remedy: str) -> None:
    """Refuses what is no torch archive of bearable size, before anything is unpacked."""
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file. {remedy}")
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelError(f"{path}: is not a checkpoint of torch 1.6 or later, or is damaged. {remedy}") from error
    size_bytes = max(unpacked_bytes, path.stat().st_size)
    if size_bytes > most_bytes:
        raise ModelError(
            f"{path}: holds {size_bytes / 2**30:.1f} GiB; more than {_size(most_bytes)} is not loaded. {remedy}"
        )


def _size(count: int) -> str:
    return f"{count / 2**30:g} GiB" if count >= 2**30 else f"{count / 2**20:g} MiB"
