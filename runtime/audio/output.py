"""The folder of results: mix, stems, preset and report appear in it together, or not at all.

Whoever is called by the user opens it, once; everything else only makes files in its workplace, and names them relative
to it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from ...presets.errors import Hint, OutputError
from .delivery import deliver, files_in, finish_broken_off
from .workplace import Workplace, leftovers
from .writing import cannot_write

_MEBIBYTE = 2**20


class OutputFolder:
    """A hidden folder to make files in, which become the contents of `folder` when the `with` block ends well.

        with OutputFolder(Path("my-mix"), overwrite=False) as workplace:
            render_files(stems, preset, workplace)
            (workplace / "report.html").write_text(report)

    By an error, Ctrl-C or SIGTERM nothing is left: `folder` is as it was, not even made. What a killed process left is
    removed by the next run in that place.

    Args:
        folder: where results go; made if need be.
        overwrite: replace files that are there; those of other names stay.
        expected: names in it that are refused from the start, before any work, unless `overwrite` is on.
        inputs: files that are read, and may be neither replaced nor among the results.

    Attributes:
        folder: as above.
        workplace: the hidden folder, while the `with` block lasts.

    Raises:
        OutputError: a result is there already, is no regular file, or an input; or the folder cannot be made or
            written to.
    """

    def __init__(self, folder: Path, overwrite: bool, expected: Sequence[str] = (), inputs: Iterable[Path] = ()):
        self.folder = folder
        self.workplace = folder
        self._overwrite = overwrite
        self._expected = tuple(expected)
        self._inputs = tuple(inputs)
        self._dropped: tuple[str, ...] = ()
        self._check_inputs()
        self._home = _home(folder, self._expected)
        self._check_standing(self._expected)

    def __enter__(self) -> Path:
        _finish(_places(self.folder, self._home))
        self._check_standing(self._expected)  # the leftover may have brought some
        self._hidden = Workplace(self._home)
        self.workplace = self._hidden.results
        return self.workplace

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._deliver()
        finally:
            self._hidden.remove()
        if isinstance(error, OutputError) and error.path is not None and error.path.is_relative_to(self.workplace):
            # Who made the file knew only the workplace.
            raise error.at(self.folder / error.path.relative_to(self.workplace)) from error

    @property
    def scratch(self) -> Path:
        """A folder for what is needed until the results are delivered, and is none of them."""
        path = self._hidden.path / "scratch"
        path.mkdir(exist_ok=True)
        return path

    def drop(self, names: Iterable[str]) -> None:
        """Say which files in the folder are results of an earlier run, and go if they are not made again."""
        self._dropped = tuple(names)

    def _deliver(self) -> None:
        made = files_in(self.workplace)
        self._check_standing(made)
        try:
            deliver(self._hidden, self.folder, self._dropped)
        except OSError as failure:
            raise cannot_write(self.folder / (made[0] if made else ""), failure) from failure

    def _check_inputs(self) -> None:
        target = Path(os.path.realpath(self.folder))
        for path in self._inputs:
            if Path(os.path.realpath(path)) == target and not target.is_dir():
                raise OutputError(
                    "is a file that is read, and the results go into a folder: name one that does not exist yet, "
                    'e.g. "my-mix".',
                    self.folder,
                )
            if Path(os.path.realpath(path)).is_relative_to(target):
                raise OutputError(
                    f"holds {path}, which is read: results and recordings are kept apart. Choose another folder.",
                    self.folder,
                )

    def _check_standing(self, names: Sequence[str]) -> None:
        """Refuses to replace what may not be replaced."""
        inputs = {_identity(path) for path in self._inputs}
        for name in names:
            path = self.folder / name
            for folder in list(path.parents)[: len(Path(name).parts) - 1]:
                _check_folder(folder)
            status = _status(path)
            if status is None:
                continue
            if (status.st_dev, status.st_ino) in inputs:
                raise OutputError("is a file that is read: choose another folder.", path)
            check_replaceable(path, status, overwrite=self._overwrite)


@contextmanager
def output_file(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Makes one file, whole or not at all: what is written at the path given out becomes `path`.

    Args:
        path: where it goes.
        overwrite: replace a file that is there.
        inputs: files that are read, and may not be replaced.

    Raises:
        OutputError: it is there already, no regular file, an input, or cannot be written.
    """
    check_output_file(path, overwrite=overwrite, inputs=inputs)
    with OutputFolder(path.parent, overwrite, [path.name]) as workplace:
        yield workplace / path.name


def finish_earlier(folder: Path) -> None:
    """Brings to its end what a killed run had begun to move into a folder, before it is looked at what stands there."""
    if folder.is_dir():
        _finish(_places(folder, folder))


def check_output_file(path: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Checks, before any work, that a file may be written; arguments and errors as for :func:`output_file`."""
    own = _identity(path)
    source = next((source for source in inputs if own is not None and _identity(source) == own), None)
    if source is not None:
        raise OutputError(f"is {source}, which is read and never changed: choose another name.", path)
    status = _status(path)
    if status is not None:
        check_replaceable(path, status, overwrite=overwrite)


def write_text(path: Path, text: str) -> None:
    """Writes a text file among the results.

    Args:
        path: in the workplace of an :class:`OutputFolder`, which makes it appear whole.
        text: what it holds, as UTF-8.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def check_room(folder: Path, size: int) -> None:
    """Checks that a folder's disk has room for so many bytes.

    Raises:
        OutputError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OutputError(
            f"cannot be written: it takes {size / _MEBIBYTE:.0f} MiB, and the disk has {free / _MEBIBYTE:.0f} MiB "
            "left. Free some space or choose another folder.",
            folder,
        )


def check_replaceable(path: Path, status: os.stat_result, *, overwrite: bool) -> None:
    """Checks that what stands at a path may be replaced.

    Raises:
        OutputError: it may not, or is no regular file.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OutputError(f"is {_kind(status.st_mode)}, which is never replaced: choose another name.", path)
    if not overwrite:
        raise OutputError(
            "exists already: choose another folder, or allow it to be replaced.", path, hints=(Hint("overwrite"),)
        )


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a link" if stat.S_ISLNK(mode) else "a device or pipe"


def _check_folder(folder: Path) -> None:
    """Refuses a folder of results that is a link, or a file."""
    status = _status(folder)
    if status is None or stat.S_ISDIR(status.st_mode):
        return
    if stat.S_ISLNK(status.st_mode):
        raise OutputError("is a link to another place, where results are never put: choose another folder.", folder)
    raise OutputError("is a file, so no folder can be made there: choose another folder.", folder)


def _home(folder: Path, expected: Sequence[str]) -> Path:
    """Where the hidden folder is made: beside the folder, if that can be and is not for one file alone; else in it."""
    target = Path(os.path.realpath(folder))
    existing = _nearest_folder(target, folder)
    if existing != target or len(expected) == 1:
        return existing
    parent = target.parent
    is_one_disk = parent != target and parent.stat().st_dev == target.stat().st_dev
    return parent if is_one_disk and os.access(parent, os.W_OK | os.X_OK) else target


def _finish(places: Sequence[Path]) -> None:
    for leftover in leftovers(places):
        finish_broken_off(leftover)
        shutil.rmtree(leftover, ignore_errors=True)


def _places(folder: Path, home: Path) -> list[Path]:
    """Where a run for this folder may have left a hidden one."""
    target = Path(os.path.realpath(folder))
    return [home, *(place for place in (target, target.parent) if place.is_dir())]


def _nearest_folder(target: Path, folder: Path) -> Path:
    """The folder itself, or the innermost one around it that exists."""
    for candidate in (target, *target.parents):
        if candidate.is_dir():
            return candidate
        if os.path.lexists(candidate):
            shown = folder if candidate == target else candidate
            raise OutputError("is a file, so no folder can be made there: choose another name.", shown)
    raise OutputError("no part of this path exists.", folder)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever it is called."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
