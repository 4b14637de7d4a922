"""Sessions and references at addresses, `s3://`, `gs://` and what else fsspec knows: fetched while they are needed.

A manifest may name them. Results are written to a disk: a folder there appears whole or not at all, which an object
store cannot promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ...presets.errors import AudioError, MixbridgeError
from ...presets.extras import install_command
from ...runtime.batch.items import BatchItem
from ..sessions.registry import SESSION_ENDINGS

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_WEIGHT = re.compile(r"=(\d+(?:\.\d+)?)$")


def is_address(text: str) -> bool:
    """Tell whether something is an address that has to be fetched; `file://` is a path."""
    return _ADDRESS.match(text) is not None and not text.lower().startswith("file://")


def has_addresses(item: BatchItem) -> bool:
    """Tell whether anything of an item has to be fetched."""
    return any(is_address(text) for text in (item.session, *item.references))


@contextmanager
def fetched(item: BatchItem, folder: Path) -> Iterator[BatchItem]:
    """Give an item whose session and references are files of this machine.

    Args:
        item: which.
        folder: where what is fetched goes; whoever made it removes it.

    Raises:
        AudioError: there is nothing at an address.
        MixbridgeError: fsspec, or its part for this kind of address, is not installed.
        OSError: it cannot be fetched.
    """
    session = _local(item.session, folder / "session")
    references = tuple(_reference(song, folder / f"reference {number}") for number, song in enumerate(item.references))
    try:
        yield replace(item, session=session, references=references)
    except MixbridgeError as error:
        if session != item.session and error.args and session in str(error.args[0]):
            # Who reads it knows the address.
            error.args = (str(error.args[0]).replace(session, item.session), *error.args[1:])
        raise


def _reference(text: str, folder: Path) -> str:
    weight = _WEIGHT.search(text) if _ADDRESS.match(text) else None
    return _local(text[: weight.start()], folder) + weight[0] if weight else _local(text, folder)


def _local(text: str, folder: Path) -> str:
    if text.lower().startswith("file://"):
        return url2pathname(urlsplit(text).path)
    if not is_address(text):
        return text
    system, path = _opened(text)
    name = PurePosixPath(path.rstrip("/")).name or "session"
    is_daw = PurePosixPath(name).suffix.lower() in SESSION_ENDINGS
    # A DAW session is nothing without the audio beside it.
    source = str(PurePosixPath(path).parent) if is_daw else path.rstrip("/")
    try:
        if not system.exists(source):
            raise AudioError(f"{text}: there is nothing at this address.")
        if system.isdir(source):
            files = system.find(source)
            for file in files:
                target = folder / PurePosixPath(file).relative_to(PurePosixPath(source))
                target.parent.mkdir(parents=True, exist_ok=True)
                system.get_file(file, str(target))
            return str(folder / name) if is_daw else str(folder)
        folder.mkdir(parents=True, exist_ok=True)
        system.get_file(source, str(folder / name))
    except ValueError as error:
        if isinstance(error, MixbridgeError):
            raise
        raise AudioError(f"{text}: cannot be fetched: {error}.") from error
    return str(folder / name)


def _opened(text: str) -> tuple[Any, str]:
    """Give the file system of an address, and the path in it."""
    try:
        fsspec = import_module("fsspec")
        system, path = fsspec.core.url_to_fs(text)
    except ImportError as error:
        kind = text.partition("://")[0]
        raise MixbridgeError(f"{text}: {kind}:// cannot be read here ({error}): {install_command('cloud')}.") from error
    except ValueError as error:
        raise AudioError(f"{text}: no kind of address that can be read: {error}.") from error
    return system, str(path)
