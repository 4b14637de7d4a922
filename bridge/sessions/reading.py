"""A session from whatever the user points at: which reader it needs, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...presets.errors import SessionError
from .core.media import Resolver
from .core.model import Session, SessionFormat, checked

Reader = Callable[[Path, Resolver], Session]

LARGEST_FILE = 64 * 2**20
_FORMATS: dict[str, SessionFormat] = {
    ".rpp": "reaper",
    ".rpp-bak": "reaper",
    ".ardour": "ardour",
    ".dawproject": "dawproject",
    ".wav": "wav",
    ".wave": "wav",
    ".bwf": "wav",
    ".w64": "wav",
    ".rf64": "wav",
}
SESSION_ENDINGS = frozenset(ending for ending, kind in _FORMATS.items() if kind not in ("folder", "wav"))


def read_session(path: Path, *, allow_outside: bool = False, search: Sequence[Path] = ()) -> Session:
    """Reads a session.

    Args:
        path: a REAPER, Ardour or DAWproject file; a folder, which may hold one of these or just audio; or a WAV file of
            many channels.
        allow_outside: follow paths that lead out of the session's folder.
        search: folders where missing media may be.

    Raises:
        SessionError: it is none of these, cannot be read, or holds what no session can; or a path leads out of its
            folder.
    """
    path = _session_file(Path(path))
    kind = session_format(path)
    resolver = Resolver(path if path.is_dir() else path.absolute().parent, allow_outside, tuple(search))
    session = _reader(kind)(path, resolver)
    missing = {item.written: item for item in (*session.missing, *resolver.missing.values())}
    return checked(replace(session, missing=tuple(missing.values())))


def session_format(path: Path) -> SessionFormat:
    """Which kind of session a file or folder is, by its ending.

    Raises:
        SessionError: it is none that can be read.
    """
    if path.is_dir():
        return "folder"
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise SessionError(
            f"{path} is no session that can be read: give a .RPP, .ardour or .dawproject file, a folder of audio, "
            "or a WAV file of many channels."
        )
    return kind


def _session_file(path: Path) -> Path:
    """The path; the session in it if it is a folder that holds just one."""
    try:
        if path.is_dir():
            found = sorted(item for item in path.iterdir() if _is_session(item))
            if len(found) > 1:
                raise SessionError(
                    f"{path} holds {len(found)} sessions, e.g. {found[0].name}: name the one that you mean."
                )
            return found[0] if found else path
        size = path.stat().st_size
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from error
    if session_format(path) in ("reaper", "ardour") and size > LARGEST_FILE:
        raise SessionError(f"{path} is {size / 2**20:.0f} MiB long; session files of up to 64 MiB are read.")
    return path


def _is_session(path: Path) -> bool:
    return path.suffix.lower() in SESSION_ENDINGS - {".rpp-bak"} and not path.name.startswith(".") and path.is_file()


def _reader(kind: SessionFormat) -> Reader:
    # Loaded when needed: each brings a parser of its own.
    match kind:
        case "reaper":
            from .reaper import reading as reaper

            return reaper.read
        case "ardour":
            from .ardour import reading as ardour

            return ardour.read
        case "dawproject":
            from .dawproject import reading as dawproject

            return dawproject.read
        case "wav":
            from .audio import wav

            return wav.read
        case "folder":
            from .audio import folder

            return folder.read
