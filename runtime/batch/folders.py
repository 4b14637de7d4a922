"""Which sessions a folder holds: DAW sessions, folders of stems, and folders in which there are several of them.

Nothing of a session is opened here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from ...presets.errors import SessionError
from ..audio.stem_folders import AUDIO_ENDINGS, DAW_ENDINGS
from .ledger import LEDGER

_DEEPEST = 4
# Names that tracks of one song have in several folders: Guitars/L.wav, Keys/L.wav.
_SIDES = frozenset({"l", "r", "left", "right", "mono", "stereo", "mid", "side"})


@dataclass
class Sessions:
    """The sessions of a folder.

    Attributes:
        found: each with its name, and where it is.
        left_out: what is no session, and why.
    """

    found: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def sessions_in(folder: Path, apart: Collection[str] = ()) -> Sessions:
    """Find the sessions in a folder.

    Args:
        folder: where each has a folder of its own, or is a DAW session; or folders of such folders.
        apart: real paths of what is no session: the output, the references.

    Raises:
        SessionError: the folder cannot be read.
    """
    sessions = Sessions()
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise SessionError(f"{folder} cannot be read: {error.strerror or error}.") from error
    for path in entries:
        _find(path, (), apart, sessions)
    return sessions


def session_at(path: Path) -> str | None:
    """Say which session is at a path: the DAW session itself, a folder of stems; None if there is none."""
    if _is_hidden(path):
        return None
    if path.is_file():
        return os.fspath(path) if path.suffix.lower() in DAW_ENDINGS else None
    if not path.is_dir():
        return None
    sessions = _daw_sessions(path)
    if len(sessions) == 1:
        return os.fspath(sessions[0])
    # Several sessions of one folder are one song's versions: which is meant, only a person knows.
    return os.fspath(path) if not sessions and _holds(path, AUDIO_ENDINGS) else None


def _find(
    path: Path, parents: tuple[str, ...], apart: Collection[str], sessions: Sessions, name: str | None = None
) -> None:
    if _is_hidden(path) or os.path.realpath(path) in apart:
        return
    names = (*parents, name or (path.name if path.is_dir() else path.stem))
    inner = _nested(path) if path.is_dir() and len(names) < _DEEPEST else []
    session = session_at(path)
    if path.is_dir() and (path / LEDGER).is_file():
        sessions.left_out.append(f"{path}: results of a batch")
    elif inner and not _daw_sessions(path):
        for place in inner:
            if len(inner) == 1:
                _find(place, parents, apart, sessions, names[-1])
            else:
                _find(place, names, apart, sessions)
        others = [place.name for place in _folders(path) if place not in inner and _holds(place, AUDIO_ENDINGS)]
        sessions.left_out += [f"{path / name}: lies beside a DAW session" for name in others]
    elif session is not None:
        sessions.found.append((" - ".join(names), session))
    elif path.is_dir():
        several = len(_daw_sessions(path)) > 1
        why = "several DAW sessions: list the one you mean" if several else "no audio in it"
        sessions.left_out.append(f"{path}: {why}")
    elif path.suffix.lower() in AUDIO_ENDINGS:
        sessions.left_out.append(f"{path}: a single file; stems of a session are in a folder of their own")


def _nested(folder: Path) -> list[Path]:
    """Give the folders inside of one that are sessions themselves, such as the songs of an album; else none.

    They are, if one holds a DAW session, or if tracks of the same names are in several. A folder with audio of its own
    is one session, with all that is in it; so is one whose folders hold the drums, the guitars and so on.
    """
    if any(_sounds(path.name) for path in folder.iterdir() if path.is_file()):
        return []
    inner = [path for path in _folders(folder) if _holds(path, AUDIO_ENDINGS | DAW_ENDINGS)]
    of_daws = [path for path in inner if _holds(path, DAW_ENDINGS)]
    if of_daws:
        return inner if len(of_daws) > 1 else of_daws
    return inner if _names_come_again(inner) else []


def _names_come_again(folders: Sequence[Path]) -> bool:
    """Whether two folders share half of the track names of the one with fewer."""
    names = [{Path(name).stem.casefold() for name in _audio(folder)} for folder in folders]
    told = [{name for name in some if name not in _SIDES and not name.isdigit()} for some in names]
    return any(
        one and other and 2 * len(one & other) >= min(len(one), len(other)) for one, other in combinations(told, 2)
    )


def _daw_sessions(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in DAW_ENDINGS and path.is_file()]


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not _is_hidden(path)]


def _holds(folder: Path, endings: Collection[str]) -> bool:
    return any(Path(name).suffix.lower() in endings for name in _files(folder))


def _audio(folder: Path) -> Iterator[str]:
    return (name for name in _files(folder) if _sounds(name))


def _files(folder: Path) -> Iterator[str]:
    for _, _, names in os.walk(folder):
        yield from (name for name in names if not name.startswith("."))


def _sounds(name: str) -> bool:
    return Path(name).suffix.lower() in AUDIO_ENDINGS and not name.startswith(".")


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"
