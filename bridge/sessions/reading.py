"""A session from whatever the user points at: which format it has, and what all formats have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...presets.checking.arguments import checked_path
from ...presets.errors import SessionError
from .core.checks import checked
from .core.media import Resolver
from .core.model import Session
from .registry import FORMATS, format_of


def read_session(
    path: Path, *, allow_outside: bool = False, search: Sequence[Path] = (), lists_outside: bool = False
) -> Session:
    """Read a session.

    Args:
        path: a REAPER, Ardour or DAWproject file; a folder, which may hold one of these or just audio; or a WAV file of
            many channels.
        allow_outside: follow paths that lead out of the session's folder.
        search: folders where missing media may be.
        lists_outside: list paths that lead out as missing instead of refusing the session: for looking at it.

    Raises:
        SessionError: it is none of these, cannot be read, or holds what no session can; or a path leads out of its
            folder.
    """
    path = _session_file(checked_path(path, "a session", SessionError))
    resolver = Resolver(path if path.is_dir() else path.absolute().parent, allow_outside, tuple(search), lists_outside)
    session = format_of(path).read(path, resolver)
    missing = {item.written: item for item in (*session.missing, *resolver.missing.values())}
    return checked(replace(session, missing=tuple(missing.values())))


def _session_file(path: Path) -> Path:
    """Return the path; the session in it if it is a folder that holds just one."""
    try:
        if path.is_dir():
            sessions = sorted(item for item in path.iterdir() if _is_session(item))
            if len(sessions) > 1:
                raise SessionError(
                    f"{path} holds {len(sessions)} sessions, e.g. {sessions[0].name}: name the one that you mean."
                )
            return sessions[0] if sessions else path
        size = path.stat().st_size
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from error
    largest = format_of(path).largest_bytes
    if largest is not None and size > largest:
        raise SessionError(
            f"{path} is {size / 2**20:.0f} MiB long; session files of up to {largest // 2**20} MiB are read."
        )
    return path


def _is_session(path: Path) -> bool:
    ending = path.suffix.lower()
    known = any(entry.from_daw and ending in entry.endings and ending not in entry.backups for entry in FORMATS)
    return known and not path.name.startswith(".") and path.is_file()
