"""Inserts of groups and of the master: the sum goes into a file, through them, and on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ...presets.editing.changing_inserts import buses_with_inserts
from ...presets.inserts.insert import Insert
from ...presets.preset import Preset
from ..audio.reading import AudioReader, Samples
from .opening import check_insert
from .stems import through_chain, write_float
from .terms import InsertRules


class BusInsertRuns:
    """Runs what stands in front of groups and the master; a :class:`..rendering.bus_inserts.BusInserts`.

    Args:
        preset: whose groups and master.
        rules: what inserts may do.

    Raises:
        InsertError: one cannot be run; nothing was.
    """

    def __init__(self, preset: Preset, rules: InsertRules):
        self._rules = rules
        self._inserts: dict[str | None, Sequence[Insert]] = {
            bus.name: bus.inserts for bus in buses_with_inserts(preset)
        }
        if preset.master_inserts:
            self._inserts[None] = preset.master_inserts
        for insert in (insert for several in self._inserts.values() for insert in several):
            check_insert(insert, rules)

    @classmethod
    def of(cls, preset: Preset, rules: InsertRules) -> BusInsertRuns | None:
        """Make what runs them; None where there are none."""
        return cls(preset, rules) if any(True for _ in preset.bus_inserts()) else None

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that go through something first."""
        return tuple(name for name in self._inserts if name is not None)

    @property
    def has_master(self) -> bool:
        """Whether the whole sum goes through something before the master."""
        return None in self._inserts

    def played(
        self, group: str | None, blocks: Iterable[Samples], sample_rate_hz: int, scratch: Path
    ) -> Iterator[Samples]:
        """What a sum becomes; see :class:`..rendering.bus_inserts.BusInserts`."""
        owner = "The master" if group is None else f'Group "{group}"'
        with TemporaryDirectory(prefix="bus-", dir=scratch) as place:
            source = Path(place) / "sum.wav"
            write_float(source, sample_rate_hz, 2, blocks)
            yield from AudioReader(through_chain(source, self._inserts[group], Path(place), self._rules, owner))
