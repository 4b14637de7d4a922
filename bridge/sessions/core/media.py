"""From a path as a session has it to a file that may be read: inside the session's folder, or allowed by the user.

A session comes from anywhere, so the paths in it are not trusted: whatever leads out of its folder, by "..", as an
absolute path, over the network or through a link, is refused unless the user allows it or names the folder to search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ....presets.errors import Hint, SessionError
from .model import MissingMedia

_LONGEST_PATH = 4096
_SHOWN = 200
_WINDOWS_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


class _Names:
    """Finds files whose names differ in case or Unicode form alone: other systems do not tell those apart."""

    def __init__(self) -> None:
        self._listings: dict[Path, dict[str, str | None]] = {}

    def find(self, start: Path, parts: Sequence[str]) -> Path | None:
        """Find the file at these steps from a folder; of names that are alike, the very one, else the only one."""
        path = start
        for part in parts:
            if not _is_there(path / part):
                name = self._listing(path).get(_folded(part))
                if name is None:
                    return None
                path = path / name
            else:
                path = path / part
        return path if _is_file(path) else None

    def _listing(self, folder: Path) -> dict[str, str | None]:
        """List the names in a folder by their folded form; None where several have the same."""
        if folder not in self._listings:
            listing: dict[str, str | None] = {}
            try:
                for item in folder.iterdir():
                    folded = _folded(item.name)
                    listing[folded] = None if folded in listing else item.name
            except (OSError, ValueError):  # no folder, or one that may not be read
                listing = {}
            self._listings[folder] = listing
        return self._listings[folder]


@dataclass
class Resolver:
    """Finds the media of one session, and remembers what was not found.

    Attributes:
        folder: the session's.
        allow_outside: follow paths that lead out of it.
        search: more folders to look in, by file name; the user named them, so they are trusted.
        lists_outside: a path that leads out and may not is listed as missing, not refused: for looking, not for use.
        missing: what was not found so far, each path once.
    """

    folder: Path
    allow_outside: bool = False
    search: Sequence[Path] = ()
    lists_outside: bool = False
    missing: dict[str, MissingMedia] = field(default_factory=dict)
    _found: dict[str, Path] = field(default_factory=dict)
    _names: _Names = field(default_factory=_Names)

    def find(self, written: str, *, under: Sequence[str] = ()) -> Path | None:
        """Find the file; None if it is missing (it then stands in `missing`).

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
        try:
            path = self._located(written, under, looked)
        except OutsideFolderError:
            if not self.lists_outside:
                raise
            self.missing[written] = MissingMedia(written, is_outside=True)
            return None
        if path is None:
            self.missing[written] = MissingMedia(written, tuple(dict.fromkeys(looked)))
        else:
            self._found[written] = path
        return path

    def find_optional(self, written: str, *, under: Sequence[str] = ()) -> Path | None:
        """Find a file that need not be there, as :meth:`find` does; None if it is missing or may not be used."""
        try:
            return self._located(written, under, [])
        except OutsideFolderError:
            return None

    def _located(self, written: str, under: Sequence[str], looked_in: list[Path]) -> Path | None:
        relative = _relative(self.folder, written)
        if relative is not None:
            for place in ("", *under):
                looked_in.append((self.folder / place / relative).parent)
                if path := self._inside(PurePosixPath(place) / relative, written):
                    return path
        elif self.allow_outside and (path := self._outside(written, looked_in)):
            return path
        name = _file_name(written)
        for searched in self.search:
            looked_in.append(searched)
            if name and (path := self._names.find(searched, (name,))):
                return path
        if relative is None and not self.allow_outside:
            raise refused(self.folder, written)
        return None

    def _inside(self, relative: PurePosixPath, written: str) -> Path | None:
        """Return the path if it is a file that really lies in the folder, links followed."""
        path = self._names.find(self.folder, relative.parts)
        if path is not None and not self.allow_outside and not path.resolve().is_relative_to(self.folder.resolve()):
            raise refused(self.folder, written)
        return path

    def _outside(self, written: str, looked_in: list[Path]) -> Path | None:
        path = Path(written)
        if not path.is_absolute():
            path = self.folder / written.replace("\\", "/")
        looked_in.append(path.parent)
        return path if _is_file(path) else self._names.find(Path(path.anchor), path.parts[1:])


class OutsideFolderError(SessionError):
    """A path of a session leads out of its folder, and that is not allowed."""


def refused(folder: Path, written: str) -> OutsideFolderError:
    """Make the error for a path that leads out of a session's folder."""
    return OutsideFolderError(
        f"{shown(written)} lies outside the session's folder {folder}. If you trust the session, allow audio from "
        "outside of it; or name the folder that holds the file.",
        hints=(Hint("allow_outside"), Hint("search", "FOLDER")),
    )


def shown(written: str) -> str:
    """Write a path as messages show it: printable, and not without end."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in written)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."


def _relative(folder: Path, written: str) -> PurePosixPath | None:
    """Return a path below the folder; None if it leads elsewhere."""
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


def _file_name(written: str) -> str:
    name = re.split(r"[\\/]", written)[-1]
    return "" if name in {".", ".."} else name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
