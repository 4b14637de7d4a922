"""From a path as a session has it to a file that may be read: inside the session's folder, or allowed by the user.

A session comes from anywhere, so the paths in it are not trusted: whatever leads out of its folder, by "..", as an
absolute path, over the network or through a link, is refused unless the user allows it or names the folder to search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ....presets.errors import Hint, SessionError
from .model import MissingMedia

_LONGEST_PATH = 4096
_SHOWN = 200
_WINDOWS_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


@dataclass
class Resolver:
    """Finds the media of one session, and remembers what was not found.

    Attributes:
        folder: the session's.
        allow_outside: follow paths that lead out of it.
        search: more folders to look in, by file name; the user named them, so they are trusted.
        missing: what was not found so far, each path once.
    """

    folder: Path
    allow_outside: bool = False
    search: Sequence[Path] = ()
    missing: dict[str, MissingMedia] = field(default_factory=dict)
    _found: dict[str, Path] = field(default_factory=dict)

    def find(self, written: str, *, under: Sequence[str] = ()) -> Path | None:
        """The file, or None if it is missing (it then stands in `missing`).

        Args:
            written: the path as the session has it, relative to its folder.
            under: folders inside the session's folder where it may be, too (e.g. "Media").

        Raises:
            SessionError: the path leads out of the session's folder, and that is not allowed.
        """
        if written in self._found:
            return self._found[written]
        if written in self.missing:
            return None
        looked: list[Path] = []
        path = locate(
            self.folder, written, allow_outside=self.allow_outside, search=self.search, under=under, looked_in=looked
        )
        if path is None:
            self.missing[written] = MissingMedia(written, tuple(dict.fromkeys(looked)))
        else:
            self._found[written] = path
        return path


def resolve(folder: Path, written: str, *, allow_outside: bool = False, search: Sequence[Path] = ()) -> Path:
    """The one file that a path of a session means.

    Raises:
        SessionError: it leads out of the session's folder and that is not allowed, or there is no such file.
    """
    looked: list[Path] = []
    path = locate(folder, written, allow_outside=allow_outside, search=search, looked_in=looked)
    if path is None:
        places = ", ".join(str(place) for place in dict.fromkeys(looked))
        raise SessionError(
            f"{shown(written)} is missing; it was looked for in {places}. Name its folder.",
            hints=(Hint("search", "FOLDER"),),
        )
    return path


def locate(
    folder: Path,
    written: str,
    *,
    allow_outside: bool = False,
    search: Sequence[Path] = (),
    under: Sequence[str] = (),
    looked_in: list[Path] | None = None,
) -> Path | None:
    """As :func:`resolve`, but None for a file that is missing.

    Args:
        folder: the session's.
        written: the path as the session has it.
        allow_outside: follow paths that lead out of the folder.
        search: folders in which a file of this name is taken, if it is not where the session says.
        under: folders inside `folder` where it may be, too.
        looked_in: gets the folders that were looked in.
    """
    looked_in = [] if looked_in is None else looked_in
    relative = _relative(folder, written)
    if relative is None:
        if allow_outside and (found := _outside(folder, written, looked_in)):
            return found
    else:
        for place in ("", *under):
            found = _inside(folder, folder / place / relative, written, allow_outside)
            looked_in.append((folder / place / relative).parent)
            if found:
                return found
    name = _file_name(written)
    for searched in search:
        looked_in.append(searched)
        if name and _is_file(searched / name):
            return searched / name
    if relative is None and not allow_outside:
        raise _refused(folder, written)
    return None


def shown(written: str) -> str:
    """A path as messages show it: printable, and not without end."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in written)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def _relative(folder: Path, written: str) -> PurePosixPath | None:
    """A path below the folder; None if it leads elsewhere."""
    if not written.strip() or len(written) > _LONGEST_PATH or "\0" in written:
        raise SessionError(f"{folder}: a file name in the session ({shown(written)!r}) is none that a file can have.")
    if written.startswith(("\\\\", "//")) or "://" in written:
        return None
    if _WINDOWS_DRIVE.match(written) or written.startswith("\\"):
        return None
    path = PurePosixPath(written.replace("\\", "/"))
    if path.is_absolute():
        # A DAW writes absolute paths for files in the session's own folder, too.
        try:
            path = PurePosixPath(Path(path).relative_to(folder.absolute()).as_posix())
        except ValueError:
            return None
    steps: list[str] = []
    for part in path.parts:
        if part != "..":
            steps.append(part)
        elif steps:
            steps.pop()
        else:
            return None
    return PurePosixPath(*steps)


def _inside(folder: Path, path: Path, written: str, allow_outside: bool) -> Path | None:
    """The path if it is a file that really lies in the folder, links followed."""
    if not _is_file(path):
        return None
    if not allow_outside and not path.resolve().is_relative_to(folder.resolve()):
        raise _refused(folder, written)
    return path


def _outside(folder: Path, written: str, looked_in: list[Path]) -> Path | None:
    path = Path(written)
    if not path.is_absolute():
        path = folder / written.replace("\\", "/")
    looked_in.append(path.parent)
    return path if _is_file(path) else None


def _file_name(written: str) -> str:
    name = re.split(r"[\\/]", written)[-1]
    return "" if name in {".", ".."} else name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _refused(folder: Path, written: str) -> SessionError:
    return SessionError(
        f"{shown(written)} lies outside the session's folder {folder}. If you trust the session, allow audio from "
        "outside of it; or name the folder that holds the file.",
        hints=(Hint("allow_outside"), Hint("search", "FOLDER")),
    )
