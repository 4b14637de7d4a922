"""Where a batch puts its results: a folder of this machine, or an address (:mod:`.stores`).

For an address, each item is made in a folder of this machine's cache, its home, and brought to the address when it is
whole; the ledger grows in the home, and is brought there now and then. What could not be brought stays in the home, and
the next run brings it without rendering it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ...presets.errors import MixbridgeError, OutputError
from ...runtime.batch.items import BatchItem, BatchPlace
from ...runtime.batch.ledger import LEDGER, Status, is_locked, lock_file, read_status
from ...runtime.batch.retrying import with_retries
from .addresses import is_address, path_of
from .stores import Store, store_at

_LOCK = ".lock"
# The ledger is brought there as a whole.
_EVERY_S = 10.0


@dataclass
class BatchOutput:
    """Where results go.

    Attributes:
        home: a folder of this machine: of the results, or of what is on its way.
        address: of the results; empty where the home is their place.
    """

    home: Path
    address: str = ""
    _published_s: float = field(default=float("-inf"), init=False)
    _published_bytes: int = field(default=-1, init=False)

    def __str__(self) -> str:
        return self.address or str(self.home)

    @property
    def store(self) -> Store | None:
        """The store at the address."""
        return store_at(self.address) if self.address else None

    def within(self, name: str) -> str:
        """Say where a file or folder of the output is."""
        return f"{self.address}/{name}" if self.address else str(self.home / name)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Have the ledger of earlier runs in the home, and bring it back at the end; on a disk, do nothing.

        Raises:
            OutputError: the address cannot be written to, or another batch of this machine is at work there.
        """
        store = self.store
        if store is None:
            yield
            return
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / _LOCK).open("ab") as file:
            if not lock_file(file.fileno()):
                raise OutputError(f"{self.address} is in use by another batch: wait for it, or choose another address.")
            try:
                self._begin(store)
            except BaseException:
                (self.home / _LOCK).unlink(missing_ok=True)
                raise
            try:
                yield
            except BaseException:
                with contextlib.suppress(Exception):
                    self._end(store)
                raise
            self._end(store)

    def _begin(self, store: Store) -> None:
        """Write the ledger there at once, so that an address that cannot be written to is told before any work."""
        ledger = _joined(store.read(LEDGER) or b"", _content(self.home / LEDGER))
        store.write(LEDGER, ledger)
        (self.home / LEDGER).write_bytes(ledger)
        store.sweep()

    def _end(self, store: Store) -> None:
        """Bring the ledger to the address, and leave nothing in the home but results that could not be brought."""
        from .page import PAGE

        with_retries(self._publish)
        store.sweep()
        for name in (LEDGER, PAGE, _LOCK):
            (self.home / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.home.rmdir()

    def keeping_up(self, items: Iterable[BatchItem | None]) -> Iterator[BatchItem | None]:
        """Give items, and meanwhile bring the ledger to the address now and then; where it fails, later will do."""
        for item in items:
            is_due = bool(self.address) and time.monotonic() > self._published_s + _EVERY_S
            if is_due and (self.home / LEDGER).stat().st_size != self._published_bytes:
                with contextlib.suppress(MixbridgeError, OSError):
                    self._publish()
            yield item

    def _publish(self) -> None:
        from .page import PAGE, write_page

        store = self.store
        assert store is not None
        ledger = (self.home / LEDGER).read_bytes()
        self._published_s, self._published_bytes = time.monotonic(), len(ledger)
        store.write(LEDGER, ledger)
        store.write(PAGE, write_page(self.home).read_bytes())


def output_at(text: str) -> BatchOutput:
    """Give the output that somebody named: a folder, or an address; `file://` is a folder."""
    if not is_address(text):
        return BatchOutput(Path(path_of(text)))
    address = text.rstrip("/")
    return BatchOutput(_home_of(address), address)


def at_home(place: BatchPlace) -> BatchPlace:
    """Give a place with its home on this machine, where results go to an address."""
    if not place.address:
        return place
    home = _home_of(place.address)
    home.mkdir(parents=True, exist_ok=True)
    return replace(place, output=str(home))


def status_at(output: BatchOutput) -> Status:
    """Read the ledger of a batch, wherever its results are.

    Raises:
        OutputError: there is none, or it cannot be read.
    """
    store = output.store
    if store is None:
        return read_status(output.home)
    if _is_at_work(output.home):
        return read_status(output.home)
    content = store.read(LEDGER)
    if content is None:
        raise OutputError(f"{output} has no ledger: name the address that a batch was given with -o.")
    with TemporaryDirectory(prefix="mixbridge-") as folder:
        (Path(folder) / LEDGER).write_bytes(content)
        status = read_status(Path(folder))
    # Whether another machine is at work there, nobody here can know.
    return status if status.ended else replace(status, running=None)


def _home_of(address: str) -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("mixbridge") / "batches" / hashlib.sha256(address.encode()).hexdigest()[:16]


def _is_at_work(home: Path) -> bool:
    return (home / LEDGER).is_file() and is_locked(home / _LOCK)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _joined(there: bytes, here: bytes) -> bytes:
    """Join two copies of a ledger, in order of time: what was not brought there, and what another machine added."""
    lines = [line for line in there.split(b"\n") if line]
    known = set(lines)
    lines += [line for line in here.split(b"\n") if line and line not in known]
    return b"".join(line + b"\n" for line in sorted(lines, key=_time_of))


def _time_of(line: bytes) -> str:
    try:
        return str(json.loads(line)["time"])
    except (ValueError, KeyError, TypeError):
        return ""
