"""Moves finished results from a hidden folder to their place in one step, or so that a broken-off move can be finished.

A new folder, or a single file, is one rename. A folder that is there already is exchanged for a new one that holds the
results and links to everything else, in one call of the system. Where that is not possible, files are moved one by
one, and a journal says which: an error moves them back, and after a kill the next run in that place moves the rest.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from .workplace import RESULTS, Workplace

_JOURNAL = "journal.json"
_LONGEST_JOURNAL = 2**24
_REPLACED = "replaced"
# A folder with more in it than this is no folder of results; nobody waits for so many links.
_MOST_ENTRIES = 5000
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def deliver(workplace: Workplace, folder: Path, dropped: Collection[str] = ()) -> None:
    """Moves all that was made in a workplace into a folder.

    Args:
        workplace: on the same disk; beside the folder, in it, or where its first missing part will be.
        folder: made if need be; files of the same names are replaced, all others stay.
        dropped: names of those others that do not stay.

    Raises:
        OSError: it cannot be done; everything is as it was.
    """
    target = Path(os.path.realpath(folder))
    made = files_in(workplace.results)
    if not os.path.lexists(target):
        _move_whole(workplace.results, target)
    elif len(made) == 1:
        _move_one(workplace.results / made[0], target / made[0])
    elif not _exchanged(workplace, target, made, frozenset(dropped)):
        _move_each(workplace, target, made)
        _remove_each(target, frozenset(dropped).difference(made))


def finish_broken_off(leftover: Path) -> None:
    """Brings to its end what a dead process had begun to move out of its workplace.

    The journal of a stranger can name nothing outside of the folder that the leftover is in.
    """
    journal, results = leftover / _JOURNAL, leftover / RESULTS
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        if not stat.S_ISREG(journal.lstat().st_mode) or journal.stat().st_size > _LONGEST_JOURNAL:
            return
        order = json.loads(journal.read_text(encoding="utf-8"))
        folder = leftover.parent / _part(order["folder"]) if order["folder"] else leftover.parent
        home = os.path.realpath(leftover.parent)
        for name in map(_inside, order["files"]):
            source, target = results / name, folder / name
            if not source.is_file() or not Path(os.path.realpath(target.parent)).is_relative_to(home):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)


def files_in(folder: Path) -> list[str]:
    """All files in a folder and the folders in it, relative to it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def folders_to(target: Path) -> list[Path]:
    """The folders that are missing for a path, outer ones first."""
    return [folder for folder in reversed((target, *target.parents)) if not folder.exists()]


def _move_whole(results: Path, target: Path) -> None:
    with _made_folders(target.parent):
        results.rename(target)


def _move_one(source: Path, target: Path) -> None:
    with _made_folders(target.parent):
        source.replace(target)


@contextlib.contextmanager
def _made_folders(folder: Path) -> Iterator[None]:
    """Makes a folder and those around it; removes them again after an error."""
    missing = folders_to(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in reversed(missing):
            with contextlib.suppress(OSError):
                made.rmdir()
        raise


# --- in one step


def _exchanged(workplace: Workplace, target: Path, made: Sequence[str], dropped: frozenset[str]) -> bool:
    """Exchanges the folder for the results and what else was in it; does nothing, and says False, where it cannot."""
    others = _others(workplace, target, dropped.union(made))
    if others is None:
        return False
    linked: list[str] = []
    try:
        for name in others:
            _link(target / name, workplace.results / name)
            linked.append(name)
        _copy_permissions(target, workplace.results)
        _exchange(workplace.results, target)
    except (OSError, AttributeError, ValueError):
        for name in linked:
            (workplace.results / name).unlink(missing_ok=True)
        return False
    _rescue(workplace.results, target, {*made, *linked, *dropped})
    return True


def _others(workplace: Workplace, target: Path, results: Collection[str]) -> list[str] | None:
    """What is in the folder besides results; None where it must stay the same folder, or holds too much."""
    is_beside = workplace.path.parent == target.parent
    if not is_beside or sys.platform != "linux" or os.path.ismount(target) or _is_current(target):
        return None
    others: list[str] = []
    for number, path in enumerate(target.rglob("*")):
        status = path.lstat()
        if number > _MOST_ENTRIES or status.st_uid != os.geteuid() or os.path.ismount(path):
            return None
        name = path.relative_to(target).as_posix()
        if stat.S_ISDIR(status.st_mode):
            (workplace.results / name).mkdir(exist_ok=True)
        elif name not in results:
            others.append(name)
    return others if target.stat().st_uid == os.geteuid() else None


def _is_current(target: Path) -> bool:
    """Whether this process stands in the folder: a shell that does would be left in a folder that is gone."""
    try:
        return Path.cwd().is_relative_to(target)
    except OSError:
        return False


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target, follow_symlinks=False)


def _copy_permissions(source: Path, target: Path) -> None:
    """Gives the new folder, and those in it, the permissions of the old ones."""
    for old in (source, *(path for path in source.rglob("*") if path.is_dir() and not path.is_symlink())):
        shutil.copystat(old, target / old.relative_to(source))


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _rescue(old: Path, new: Path, known: set[str]) -> None:
    """Takes over what another program put into the old folder at the last moment."""
    for name in files_in(old):
        if name not in known and not os.path.lexists(new / name):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (old / name).rename(new / name)


# --- one by one


def _move_each(workplace: Workplace, target: Path, made: Sequence[str]) -> None:
    """Moves files one by one; an error moves them back, and a kill leaves the journal to :func:`finish_broken_off`."""
    _write_journal(workplace, target, made)
    moves: list[tuple[Path, Path]] = []
    missing = sorted({folder for name in made for folder in folders_to((target / name).parent)})
    try:
        for name in made:
            _move_aside(target / name, workplace.path / _REPLACED / name, moves)
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            moves.append((workplace.results / name, target / name))
            (workplace.results / name).replace(target / name)
    except BaseException:
        (workplace.path / _JOURNAL).unlink(missing_ok=True)
        for source, place in reversed(moves):
            if place.exists():
                place.replace(source)
        for folder in reversed(missing):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _remove_each(target: Path, names: Collection[str]) -> None:
    """Removes results of an earlier run; one that cannot be removed harms nobody."""
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            (target / _inside(name)).unlink()


def _move_aside(path: Path, backup: Path, moves: list[tuple[Path, Path]]) -> None:
    if not path.exists():
        return
    backup.parent.mkdir(parents=True, exist_ok=True)
    moves.append((path, backup))
    path.replace(backup)


def _write_journal(workplace: Workplace, target: Path, made: Sequence[str]) -> None:
    """Says on the disk which files go where, before the first is moved."""
    home = workplace.path.parent
    if home not in (target, target.parent):
        raise OSError(errno.EXDEV, "the folder was moved meanwhile")
    order = {"folder": "" if target == home else target.name, "files": list(made)}
    unfinished = workplace.path / f"{_JOURNAL}.new"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(order, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(workplace.path / _JOURNAL)


def _part(name: str) -> str:
    """A single part of a path."""
    (part,) = PurePosixPath(_inside(name)).parts
    return part


def _inside(name: str) -> str:
    """A relative path that leads nowhere else."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise ValueError(name)
    return str(path)
