"""Inserts of groups and of the master, as far as rendering knows them: what a sum becomes, which was put aside first.

A network may want a sum whole before it gives anything back. So the sums of the strips are kept until the last track is
through, those of such groups are taken out and handed in, and only then comes what is behind the strips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ...presets.errors import PresetError
from ...presets.preset import Preset
from ..audio.reading import Samples
from ..console.buses import DrySums
from ..console.streams import Feed


class BusInserts(Protocol):
    """Runs what stands in front of groups and the master."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that go through something first."""

    @property
    def has_master(self) -> bool:
        """Whether the whole sum goes through something before the master."""

    def played(
        self, group: str | None, blocks: Iterable[Samples], sample_rate_hz: int, scratch: Path
    ) -> Iterator[Samples]:
        """What the sum of a group becomes, or of None, the whole: as many samples, shape (2, n), in other blocks.

        Raises:
            InsertError: an insert fails.
        """


def check_bus_inserts(preset: Preset, inserts: BusInserts | None) -> None:
    """Refuse a preset whose groups or master go through something that is not run here.

    Raises:
        PresetError: they do.
    """
    waiting = ", ".join(owner for owner, _ in preset.bus_inserts())
    if waiting and inserts is None:
        raise PresetError(
            f"the inserts of {waiting} were not run here: they are on whole files. Apply the preset (`mixbridge "
            "apply`), or remove them (`mixbridge preset insert`)."
        )


def through_groups(
    dry: Callable[[], Iterable[DrySums]], inserts: BusInserts, sample_rate_hz: int, scratch: Path
) -> Iterator[DrySums]:
    """Give the sums of strips with those of groups as they come out of their inserts.

    Args:
        dry: gives the sums of all strips, block by block; asked once for each group, and once more.
        inserts: what groups go through.
        sample_rate_hz: of them.
        scratch: a folder for what is put aside.
    """

    def of_group(name: str) -> Iterator[Samples]:
        return (sums[name] for sums in dry())

    feeds: Mapping[str, Feed] = {
        name: Feed(inserts.played(name, of_group(name), sample_rate_hz, scratch), 2) for name in inserts.groups
    }
    for sums in dry():
        frames = next(iter(sums.values())).shape[1]
        yield {name: feeds[name].take(frames) if name in feeds else block for name, block in sums.items()}
