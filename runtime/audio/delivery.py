"""A folder of results that appears whole or not at all.

Files are made in a hidden folder on the same disk. When all are there they are moved to their places, and if
that is broken off, moved back; the hidden folder goes in any case. File names for track names are made here,
too.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from ...presets.errors import Hint, OutputError
from ...presets.names import free_name
from .writing import cannot_write

# In bytes of UTF-8: no file system takes more than 255, and endings and numbers need some.
_LONGEST_NAME = 160
_FORBIDDEN = set('<>:"/\\|?*')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_MEBIBYTE = 2**20


class Delivery:
    """A place to make files in, which become results when the `with` block ends well.

    Args:
        folder: where the results go; made if need be.
        files: their paths in it, e.g. "stems/Vox.wav".
        overwrite: replace those that are there.

    Attributes:
        workplace: the hidden folder; the caller makes each file under the same relative path in it.

    Raises:
        OutputError: a file is there already, or the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, files: Sequence[str], overwrite: bool):
        self.folder = folder
        self._files = files
        standing = [name for name in files if (folder / name).exists()]
        if standing and not overwrite:
            raise OutputError(
                f"{folder / standing[0]} exists already: choose another folder, or allow it to be replaced.",
                hints=(Hint("overwrite"),),
            )
        self._home = _nearest_folder(folder)
        self.workplace = self._home

    def __enter__(self) -> Delivery:
        try:
            self.workplace = Path(tempfile.mkdtemp(prefix=".mixbridge-", suffix=".partial", dir=self._home))
            for name in self._files:
                (self.workplace / name).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(cannot_write(self._home / self.folder.name, error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        except OSError as failure:
            raise OutputError(cannot_write(self.folder / self._files[0], failure)) from failure
        finally:
            shutil.rmtree(self.workplace, ignore_errors=True)

    def need(self, size: int) -> None:
        """Checks that the disk has room for `size` bytes.

        Raises:
            OutputError: it has not.
        """
        free = shutil.disk_usage(self._home).free
        if size > free:
            raise OutputError(
                f"{self.folder} cannot be written: it takes {size / _MEBIBYTE:.0f} MiB, and the disk has "
                f"{free / _MEBIBYTE:.0f} MiB left. Free some space or choose another folder."
            )

    def _publish(self) -> None:
        replaced = self.workplace / ".replaced"
        moves: list[tuple[Path, Path]] = []
        made = [folder for folder in _folders(self.folder, self._files) if not folder.exists()]
        try:
            for folder in made:
                folder.mkdir(parents=True, exist_ok=True)
            for name in self._files:
                target = self.folder / name
                if target.exists():
                    backup = replaced / name
                    backup.parent.mkdir(parents=True, exist_ok=True)
                    moves.append((target, backup))
                    target.replace(backup)
                moves.append((self.workplace / name, target))
                (self.workplace / name).replace(target)
        except BaseException:
            for source, target in reversed(moves):
                if target.exists():
                    target.replace(source)
            for folder in reversed(made):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise


def file_names(names: Iterable[str]) -> list[str]:
    """A file name without ending for each name: close to it, allowed everywhere, and all different."""
    result: list[str] = []
    taken: set[str] = set()
    for name in names:
        plain = "".join("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in name)
        plain = plain.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .") or "track"
        if plain.split(".")[0].casefold() in _RESERVED:
            plain = f"_{plain}"
        candidate = free_name(plain, taken, key=str.casefold)
        taken.add(candidate.casefold())
        result.append(candidate)
    return result


def _nearest_folder(folder: Path) -> Path:
    """The folder itself, or the innermost one around it that exists."""
    for candidate in (folder, *folder.absolute().parents):
        if candidate.is_dir():
            return candidate
        if candidate.exists():
            raise OutputError(f"{candidate} is a file, so no folder can be made there: choose another name.")
    raise OutputError(f"{folder}: no part of this path exists.")


def _folders(folder: Path, files: Sequence[str]) -> list[Path]:
    """All folders that the files need, outer ones first."""
    needed = {parent for name in files for parent in (folder / name).absolute().parents}
    return sorted(needed, key=lambda path: len(path.parts))
