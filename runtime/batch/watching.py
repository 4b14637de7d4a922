"""A folder that is watched: sessions that land in it become items of a batch once they are whole.

A session is whole when none of its files has changed for a while and all its audio can be opened, so that a copy that
is still under way is waited for. One that never becomes so is handed on after longer, for its error to be told. What
changes later comes again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from ...presets.errors import MixbridgeError, SessionError
from ...presets.extras import install_command
from ..audio.naming import file_names
from ..audio.reading import is_audio
from ..audio.stem_folders import AUDIO_ENDINGS
from .folders import session_at
from .items import BatchItem
from .manifest import RESERVED, Defaults, item_of_folder

SETTLED_S = 5.0

_POLL_MS = 200
_LONGER = 12

Signature = tuple[tuple[str, int, int], ...]
"""Path, size and time of change of each file of a session."""


@dataclass
class _Landing:
    """A session that was seen.

    Attributes:
        item: what it becomes.
        signature: its files, as they were last seen.
        since_s: when that was first so.
        handed: its files, as they were when it was handed on.
    """

    item: BatchItem
    signature: Signature
    since_s: float
    handed: Signature | None = None


def landing_items(
    folder: Path, defaults: Defaults, apart: Sequence[Path] = (), settled_s: float = SETTLED_S
) -> Iterator[BatchItem | None]:
    """Give sessions in a folder, and those that land there, for ever; None while there is none.

    Args:
        folder: which is watched.
        defaults: how items are mixed.
        apart: folders and files that are no sessions: the output, the references.
        settled_s: for which no file may have changed.

    Raises:
        SessionError: there is no such folder.
        MixbridgeError: watchfiles is not installed.
    """
    if not folder.is_dir():
        raise SessionError(f"{folder} is no folder that can be watched: make it first.")
    apart_paths = {os.path.realpath(path) for path in apart}
    landings: dict[str, _Landing] = {}
    changes = _watchfiles().watch(folder, yield_on_timeout=True, rust_timeout=_POLL_MS, debounce=_POLL_MS, step=50)
    _look(folder, defaults, apart_paths, landings)
    while True:
        landed = next((landing for landing in landings.values() if _has_landed(landing, settled_s)), None)
        if landed is not None:
            landed.handed = landed.signature
            yield landed.item
            continue
        yield None
        if next(changes) or any(landing.handed != landing.signature for landing in landings.values()):
            _look(folder, defaults, apart_paths, landings)


def _look(folder: Path, defaults: Defaults, apart: set[str], landings: dict[str, _Landing]) -> None:
    """See which sessions are there, and which of their files have changed."""
    now_s = time.monotonic()
    seen = set()
    for path in sorted(folder.iterdir()):
        if os.path.realpath(path) in apart:
            continue
        session = _session_at(path)
        signature = _signature(path) if session is not None else ()
        if session is None or not signature:
            continue
        seen.add(str(path))
        known = landings.get(str(path))
        if known is None:
            name = path.name if path.is_dir() else path.stem
            item = item_of_folder(name, os.path.abspath(session), defaults)  # noqa: PTH100  (links stay)
            names = [*RESERVED, *(landing.item.name for landing in landings.values()), item.name]
            landings[str(path)] = _Landing(replace(item, name=file_names(names)[-1]), signature, now_s)
        elif known.signature != signature:
            session = os.path.abspath(session)  # noqa: PTH100
            known.item, known.signature, known.since_s = replace(known.item, session=session), signature, now_s
    for path_gone in landings.keys() - seen:
        landings[path_gone].signature = landings[path_gone].handed or ()


def _has_landed(landing: _Landing, settled_s: float) -> bool:
    if landing.handed == landing.signature or not landing.signature:
        return False
    waited_s = time.monotonic() - landing.since_s
    if waited_s < settled_s:
        return False
    sounds = [Path(name) for name, _, _ in landing.signature if _sounds(name)]
    return waited_s > _LONGER * settled_s or all(map(is_audio, sounds))


def _session_at(path: Path) -> str | None:
    try:
        return session_at(path)
    except OSError:  # it goes at this very moment
        return None


def _signature(path: Path) -> Signature:
    paths = [path] if path.is_file() else [Path(place) / name for place, _, names in os.walk(path) for name in names]
    found = []
    for file in sorted(paths):
        try:
            status = file.stat()
        except OSError:  # it goes at this very moment; what is there then is another signature
            continue
        found.append((str(file), status.st_size, status.st_mtime_ns))
    return tuple(found)


def _sounds(name: str) -> bool:
    return Path(name).suffix.lower() in AUDIO_ENDINGS and not Path(name).name.startswith(".")


def _watchfiles() -> Any:
    try:
        return import_module("watchfiles")
    except ModuleNotFoundError as error:
        raise MixbridgeError(f"Watching a folder needs the package watchfiles: {install_command('watch')}.") from error
