"""The zip that a .dawproject is: looked at before anything is inflated, unpacked, copied with one file replaced.

What the XML in it means is not known here. Zips come from anywhere, so a name in one never becomes a path on disk, and
what a zip claims to hold is measured against what it has.
"""

from __future__ import annotations

import shutil
import stat
import struct
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from ....presets.errors import SessionError
from ....presets.inputs import open_regular
from ..core.media import shown

PROJECT, METADATA = "project.xml", "metadata.xml"
LARGEST_XML = 64 * 2**20
MOST_ENTRIES = 20_000
# Names of files are some 50 letters long, and each entry has 46 bytes more.
_LONGEST_DIRECTORY = 8 * 2**20
# Silence deflates to a thousandth, XML to a thirtieth. Up to these sizes any ratio is harmless.
_HIGHEST_RATIO, _ANY_RATIO, _ANY_RATIO_XML, _ANY_RATIO_ALL = 200, 2**30, 4 * 2**20, 4 * 2**30
_ROOM_LEFT = 256 * 2**20
_PIECE = 2**20
_LONGEST_NAME = 80
# Others can make gigabytes of a kilobyte before anything of it is seen.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(ArithmeticError, EOFError, LookupError, RuntimeError, ValueError),
)

if TYPE_CHECKING:
    _PathBase = Path
else:
    _PathBase = type(Path())


class ExtractedFile(_PathBase):
    """A file taken out of a zip; it is there as long as one such path of the same zip is kept."""

    keeper: _Folder | None = None


class Container:
    """A .dawproject file, open for reading.

    Args:
        path: which.

    Raises:
        SessionError: it cannot be read, is no zip, or one that no program would write: with paths that lead out of
            it, or far more in it than there is room for.
    """

    def __init__(self, path: Path):
        self.path = path
        self._folder: _Folder | None = None
        self._extracted: dict[str, ExtractedFile] = {}
        with self._complaining():
            self._file = open_regular(path)
            try:
                self._size = path.stat().st_size
                self._check_directory()
                self._zip = zipfile.ZipFile(self._file)
                self._entries = {_plain(entry.filename): entry for entry in self._zip.infolist()}
                self._check_entries()
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()
        if kind is not None and self._folder is not None:
            self._folder.remove()

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._entries

    def text(self, name: str) -> bytes:
        """Read an XML file of it.

        Raises:
            SessionError: it is missing, too long or damaged.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise SessionError(f"{self.path} is no DAWproject: there is no {name} in it.")
        if entry.file_size > LARGEST_XML:
            raise SessionError(f"{self.path}: its {name} has {entry.file_size / 2**20:.0f} MiB; 64 are the most.")
        if entry.file_size > max(_ANY_RATIO_XML, _HIGHEST_RATIO * entry.compress_size):
            raise self._bomb(entry)
        with self._complaining(), self._opened(entry) as source:
            return source.read(LARGEST_XML)

    def extracted(self, name: str) -> ExtractedFile:
        """Unpack a file of it to a private folder that goes when the last of its paths does.

        Raises:
            SessionError: it is damaged, or there is no room for it.
        """
        name = _plain(name)
        if name not in self._extracted:
            if self._folder is None:
                self._folder = _Folder()
            path = self._folder.path / str(len(self._extracted)) / _safe(name)
            self._extract(self._entries[name], path)
            extracted = ExtractedFile(path)
            extracted.keeper = self._folder
            self._extracted[name] = extracted
        return self._extracted[name]

    def copy_to(self, target: IO[bytes], project: bytes, files: Mapping[str, Path | None]) -> None:
        """Write the zip with another project.xml; every other entry as it is, byte for byte, packed as it was.

        Args:
            target: where it is written.
            project: the other project.xml.
            files: more files, by their names in the zip, or others in the place of those; None takes one out.

        Raises:
            SessionError: the zip is damaged.
            OSError: the target cannot be written.
        """
        with self._complaining():
            order = sorted(self._zip.infolist(), key=lambda entry: entry.header_offset)
            starts = [entry.header_offset for entry in order]
            ends = [*starts[1:], self._zip.start_dir]
            if any(end <= start for start, end in zip(starts, ends, strict=True)):
                raise zipfile.BadZipFile("entries overlap")
            out = zipfile.ZipFile(target, "w")
            out.comment = self._zip.comment
            for entry, start, end in zip(order, starts, ends, strict=True):
                if entry is self._entries[PROJECT]:
                    fresh = zipfile.ZipInfo(entry.filename, entry.date_time)
                    fresh.compress_type = zipfile.ZIP_DEFLATED
                    fresh.external_attr = entry.external_attr
                    out.writestr(fresh, project)
                elif entry.filename not in files:
                    _append(out, self._file, entry, start, end)
            for name, path in files.items():
                if path is not None:
                    out.write(path, name, zipfile.ZIP_STORED)
            out.close()

    def _extract(self, entry: zipfile.ZipInfo, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True)
            if entry.file_size + _ROOM_LEFT > shutil.disk_usage(path.parent).free:
                raise SessionError(
                    f"{self.path}: {shown(entry.filename)} takes {entry.file_size / 2**30:.1f} GiB, and there is no "
                    f"room for it in {tempfile.gettempdir()}: free some space, or set TMPDIR to another folder."
                )
            with self._complaining(), self._opened(entry) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, _PIECE)
        except OSError as error:
            raise SessionError(
                f"{self.path}: {shown(entry.filename)} cannot be unpacked to {path.parent}: {error.strerror or error}."
            ) from error

    def _opened(self, entry: zipfile.ZipInfo) -> IO[bytes]:
        if entry.compress_type not in _METHODS:
            raise zipfile.BadZipFile(f"{shown(entry.filename)} is packed in a way that no DAW uses")
        return self._zip.open(entry)

    def _check_directory(self) -> None:
        """Look at how long the list of entries is before it is read as a whole."""
        size = _directory_size(self._file, self._size)
        if size is not None and size > _LONGEST_DIRECTORY:
            raise SessionError(f"{self.path} lists more files than any DAW's project: {MOST_ENTRIES} are the most.")

    def _check_entries(self) -> None:
        entries = self._zip.infolist()
        if len(entries) > MOST_ENTRIES:
            raise SessionError(f"{self.path} holds {len(entries)} files; {MOST_ENTRIES} are the most.")
        if len(self._entries) < len(entries):
            raise SessionError(f"{self.path} holds two files of one name, so it is damaged: export it again.")
        for entry in entries:
            if _escapes(entry.filename) or stat.S_ISLNK(entry.external_attr >> 16):
                raise SessionError(
                    f"{self.path} holds {shown(entry.filename)!r}, which leads out of it: no DAW writes that, "
                    "so do not trust the file."
                )
            if entry.header_offset + entry.compress_size > self._size:
                raise SessionError(f"{self.path} is cut off: copy or export it again.")
            if entry.file_size > max(_ANY_RATIO, _HIGHEST_RATIO * entry.compress_size):
                raise self._bomb(entry)
        if sum(entry.file_size for entry in entries) > max(_ANY_RATIO_ALL, _HIGHEST_RATIO * self._size):
            raise self._bomb(max(entries, key=lambda entry: entry.file_size))

    def _bomb(self, entry: zipfile.ZipInfo) -> SessionError:
        return SessionError(
            f"{self.path}: {shown(entry.filename)} would be {entry.file_size / 2**20:.0f} MiB long, out of "
            f"{entry.compress_size / 2**20:.3g} MiB: no project is packed so tightly, so it is not unpacked."
        )

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        """Say what is wrong with the zip as a :class:`SessionError`."""
        try:
            yield
        except SessionError:
            raise
        except _FAULTS as error:
            raise SessionError(f"{self.path} is damaged, or no DAWproject ({error}): export it again.") from error
        except OSError as error:
            raise SessionError(f"{self.path} cannot be read: {error.strerror or error}.") from error


class _Folder:
    """A private folder that is removed with the last reference to it, or when the program ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="mixbridge-"))
        delete: Callable[..., object] = shutil.rmtree
        self.remove = weakref.finalize(self, delete, self.path, ignore_errors=True)


def _append(out: zipfile.ZipFile, source: IO[bytes], entry: zipfile.ZipInfo, start: int, end: int) -> None:
    """Copy an entry as it lies in the file: its header, its data and what may follow them."""
    target = out.fp
    if target is None:  # pragma: no cover - it was opened just now
        raise ValueError("the zip is closed")
    target.seek(out.start_dir)
    moved = copy(entry)
    moved.header_offset = target.tell()
    source.seek(start)
    while start < end:
        piece = source.read(min(_PIECE, end - start))
        if not piece:
            raise EOFError("an entry is cut off")
        target.write(piece)
        start += len(piece)
    out.start_dir = target.tell()
    out.filelist.append(moved)
    out.NameToInfo[moved.filename] = moved


def _directory_size(file: IO[bytes], size: int) -> int | None:
    """Read how long the zip's list of entries is; None if there is no sign of one."""
    tail = min(size, 22 + 0xFFFF + 20)
    file.seek(size - tail)
    data = file.read(tail)
    place = data.rfind(b"PK\5\6")
    if place < 0 or len(data) < place + 22:
        return None
    length: int = struct.unpack_from("<L", data, place + 12)[0]
    if length == 0xFFFFFFFF and place >= 20 and data[place - 20 : place - 16] == b"PK\6\7":
        file.seek(min(size, struct.unpack_from("<Q", data, place - 12)[0]))
        record = file.read(56)
        if len(record) == 56 and record.startswith(b"PK\6\6"):
            length = struct.unpack_from("<Q", record, 40)[0]
    return length


def _plain(name: str) -> str:
    """Return a name as it is looked up: some programs write backslashes, and "./" in front."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name


def _escapes(name: str) -> bool:
    plain = _plain(name)
    return plain.startswith("/") or plain[1:2] == ":" or "\0" in plain or ".." in plain.split("/")


def _safe(name: str) -> str:
    """Return a file name for the disk that still says which file it is."""
    base = name.rsplit("/", 1)[-1]
    stem, dot, ending = base.rpartition(".")
    if not dot:
        stem, ending = base, ""
    letters = "".join(letter if letter.isalnum() or letter in " -_()" else "_" for letter in stem)[:_LONGEST_NAME]
    ending = "".join(letter for letter in ending if letter.isalnum())[:8]
    return f"{letters.encode()[: 2 * _LONGEST_NAME].decode(errors='ignore') or 'audio'}.{ending or 'wav'}"
