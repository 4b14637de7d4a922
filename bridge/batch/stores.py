"""Results at an address: `s3://`, `gs://` and what else fsspec can write to.

An object store has no folder that could be moved into place. So a folder of results is whole where its record stands,
and only there: the record goes first and comes last, and a journal beside it names what is on its way, for who cleans
up. One object appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ...presets.errors import Hint, MixbridgeError, OutputError
from ...runtime.audio.delivery import files_in
from ...runtime.batch.records import RECORD, Record, files_of, record_of
from .addresses import file_system

JOURNAL: Final = ".mixbridge-delivery.json"
_BUCKETS: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "obs", "cos", "oci"})


class Store:
    """A folder at an address, in which each item has its own.

    Args:
        address: of it.

    Raises:
        MixbridgeError: fsspec, or its part for this kind of address, is not installed.
    """

    def __init__(self, address: str):
        self.address = address.rstrip("/")
        self._system, root = file_system(self.address)
        self._root = root.rstrip("/")
        kinds = self._system.protocol
        self._has_folders = _BUCKETS.isdisjoint({kinds} if isinstance(kinds, str) else kinds)

    def address_of(self, name: str) -> str:
        """Give the address of a file or folder in it."""
        return f"{self.address}/{name}"

    def read(self, name: str) -> bytes | None:
        """Read a small file; None if there is none.

        Raises:
            OutputError: it cannot be read.
        """
        with self._saying(name, "read"):
            return self._read(self._path(name))

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        with self._saying(name, "written"):
            self._write(self._path(name), content)

    def figures(self, item: str, key: str) -> Mapping[str, Any] | None:
        """Give the figures of results that have this key; None if there are none, or one of their files is missing.

        Raises:
            OutputError: the store cannot be read.
        """
        with self._saying(item, "read"):
            record = self._record(item)
            return record.figures if record is not None and record.key == key else None

    def holds(self, item: str) -> bool:
        """Tell whether there is anything in the place of an item.

        Raises:
            OutputError: the store cannot be read.
        """
        with self._saying(item, "read"):
            return bool(self._sizes(item))

    def deliver(self, folder: Path, item: str, *, overwrite: bool) -> None:
        """Bring a folder of results into the place of an item; what stood there of an earlier run goes.

        Args:
            folder: with its record.
            item: whose results they are.
            overwrite: replace files that no earlier run of a batch has made.

        Raises:
            OutputError: it cannot be written, or other files stand there; nothing of these results is there then.
        """
        made = [name for name in files_in(folder) if name != RECORD]
        with self._saying(item, "written"):
            earlier = self._earlier(item)
            standing = [] if overwrite else self._standing(item, made, earlier)
            if standing:
                raise OutputError(
                    f"{self.address_of(item)}/{standing[0]} exists already, and is of no batch: choose another folder, "
                    "or allow it to be replaced.",
                    hints=(Hint("overwrite"),),
                )
            ours = sorted({*made, *earlier})
            self._write(self._path(item, JOURNAL), json.dumps(ours).encode())
            self._remove(self._path(item, RECORD))
            try:
                for name in made:
                    self._put(folder / name, self._path(item, name))
                for name in set(earlier).difference(made):
                    self._remove(self._path(item, name))
                self._put(folder / RECORD, self._path(item, RECORD))
            except BaseException:
                with contextlib.suppress(Exception):
                    self._clear(item, ours)
                raise
            self._remove(self._path(item, JOURNAL))

    def sweep(self) -> None:
        """Remove what broken-off deliveries left; nobody may be delivering.

        Raises:
            OutputError: the store cannot be read or written.
        """
        with self._saying("", "written"):
            for path in self._system.glob(f"{self._root}/*/{JOURNAL}"):
                item = str(path).rpartition("/")[0].rpartition("/")[2]
                if self._record(item) is None:
                    self._clear(item, self._earlier(item))
                else:
                    self._remove(self._path(item, JOURNAL))

    def _record(self, item: str) -> Record | None:
        content = self._read(self._path(item, RECORD))
        sizes = self._sizes(item) if content is not None else {}
        return record_of(content, sizes.get) if content is not None else None

    def _earlier(self, item: str) -> Sequence[str]:
        """Name what earlier runs have made, also of deliveries that were broken off."""
        names: set[str] = set()
        for name, read in ((RECORD, files_of), (JOURNAL, _journal_of)):
            content = self._read(self._path(item, name))
            names.update(filter(_is_inside, (read(content) if content is not None else None) or ()))
        return sorted(names)

    def _standing(self, item: str, made: Sequence[str], earlier: Collection[str]) -> list[str]:
        known = {*earlier, RECORD, JOURNAL}
        there = self._sizes(item)
        return [name for name in made if name in there and name not in known]

    def _sizes(self, item: str) -> dict[str, int]:
        """Give the size of each file of an item, by name."""
        self._system.invalidate_cache()
        try:
            found = self._system.find(self._path(item), detail=True)
        except FileNotFoundError:
            return {}
        begin = f"{self._path(item)}/"
        return {
            str(path).partition(begin)[2]: int(entry["size"]) for path, entry in found.items() if begin in str(path)
        }

    def _clear(self, item: str, names: Sequence[str]) -> None:
        for name in (RECORD, *names, JOURNAL):
            self._remove(self._path(item, name))
        if self._has_folders:
            self._remove_folders(item, names)

    def _remove_folders(self, item: str, names: Sequence[str]) -> None:
        """Remove folders that have become empty; one that has not is somebody's."""
        folders = {str(folder) for name in names for folder in PurePosixPath(name).parents} - {"."}
        for path in [*(self._path(item, folder) for folder in sorted(folders, reverse=True)), self._path(item)]:
            with contextlib.suppress(OSError, NotImplementedError):
                self._system.rmdir(path)

    def _path(self, *parts: str) -> str:
        return "/".join([self._root, *(part for part in parts if part)])

    def _read(self, path: str) -> bytes | None:
        try:
            return bytes(self._system.cat_file(path))
        except FileNotFoundError:
            return None

    def _write(self, path: str, content: bytes) -> None:
        self._make_room(path)
        self._system.pipe_file(path, content)

    def _put(self, file: Path, path: str) -> None:
        self._make_room(path)
        self._system.put_file(str(file), path)

    def _make_room(self, path: str) -> None:
        # A store of objects has no folders, and would make the bucket.
        if self._has_folders:
            self._system.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._system.rm_file(path)

    @contextlib.contextmanager
    def _saying(self, name: str, what: str) -> Iterator[None]:
        """Word errors of the store; what may pass is known by its cause."""
        try:
            yield
        except MixbridgeError:
            raise
        except Exception as error:  # each kind of store has errors of its own
            where = self.address_of(name) if name else self.address
            said = " ".join(str(error).split())[:300] or type(error).__name__
            raise OutputError(
                f"{where} cannot be {what}: {said}. Check the address, the credentials and what they allow."
            ) from error


@lru_cache(maxsize=4)
def store_at(address: str) -> Store:
    """Give the store at an address, the same in all of a process."""
    return Store(address)


def _journal_of(content: bytes) -> Sequence[str]:
    try:
        names = json.loads(content)
    except ValueError:
        return ()
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()


def _is_inside(name: str) -> bool:
    """Whether a name leads to nothing outside of the folder that it is in."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name not in ("", RECORD, JOURNAL)
