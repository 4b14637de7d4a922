"""Sessions and references at addresses, `s3://`, `gs://` and what else fsspec knows: fetched while they are needed.

A manifest may name them. Where results go to an address, :mod:`.stores` brings them there.
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


def path_of(text: str) -> str:
    """Give the path that a `file://` address means; anything else as it is."""
    return url2pathname(urlsplit(text).path) if text.lower().startswith("file://") else text


def _local(text: str, folder: Path) -> str:
    if not is_address(text):
        return path_of(text)
    system, path = file_system(text)
    try:
        local = _fetched(system, path, folder)
    except OSError:
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise AudioError(f"{text}: cannot be fetched: {' '.join(str(error).split())}.") from error
    if local is None:
        raise AudioError(f"{text}: there is nothing at this address.")
    return str(local)


def _fetched(system: Any, path: str, folder: Path) -> Path | None:
    """Fetch a file, a folder, or a DAW session with the folder around it; None if there is nothing."""
    name = PurePosixPath(path.rstrip("/")).name or "session"
    is_daw = PurePosixPath(name).suffix.lower() in SESSION_ENDINGS
    source = str(PurePosixPath(path).parent) if is_daw else path.rstrip("/")
    if not system.exists(source):
        return None
    if not system.isdir(source):
        folder.mkdir(parents=True, exist_ok=True)
        system.get_file(source, str(folder / name))
        return folder / name
    for file in system.find(source):
        name_in = PurePosixPath(file).relative_to(PurePosixPath(source))
        if ".." in name_in.parts:
            raise ValueError(f"{file} would lead out of its folder")
        target = folder / name_in
        target.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(file, str(target))
    return folder / name if is_daw else folder


def file_system(text: str) -> tuple[Any, str]:
    """Give fsspec's file system of an address, and the path in it.

    Raises:
        AudioError: there is no such kind of address.
        MixbridgeError: fsspec, or its part for this kind of address, is not installed.
    """
    try:
        fsspec = import_module("fsspec")
        system, path = fsspec.core.url_to_fs(text)
    except ImportError as error:
        kind = text.partition("://")[0]
        raise MixbridgeError(f"{text}: {kind}:// cannot be used here ({error}): {install_command('cloud')}.") from error
    except ValueError as error:
        raise AudioError(f"{text}: no kind of address that can be used: {error}.") from error
    return system, str(path)
