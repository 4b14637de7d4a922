"""Runs a batch: hands items to a pool, keeps the ledger, counts, and stops where too many fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..audio.output import finish_earlier
from .items import BatchItem, Failure, ItemEvent, ItemOutcome
from .ledger import Ledger


class Pool(Protocol):
    """Who does the items."""

    def run(self, items: Iterable[BatchItem | None]) -> Iterator[ItemEvent]:
        """Do items, and tell what happens to them; None among them stands for "nothing yet, ask again"."""
        ...


@dataclass
class BatchTally:
    """How far a batch is.

    Attributes:
        total: items; None where nobody knows, since more may come.
        begun_s: when it began, by the clock that only goes forward.
        results: what became of items, in the order in which they ended.
        at_work: names of items that are being done.
    """

    total: int | None
    begun_s: float = field(default_factory=time.monotonic)
    results: list[ItemEvent] = field(default_factory=list)
    at_work: dict[str, BatchItem] = field(default_factory=dict)

    def count(self, state: str) -> int:
        """Count items that were rendered, kept or failed."""
        return sum(state_of(event) == state for event in self.results)

    @property
    def rendered_per_s(self) -> float | None:
        """Items rendered in a second, on average; None before the first."""
        rendered = self.count("rendered")
        return rendered / max(1e-9, time.monotonic() - self.begun_s) if rendered else None

    @property
    def left_s(self) -> float | None:
        """Seconds until the end at this rate; None where nobody knows."""
        rate = self.rendered_per_s
        return None if self.total is None or rate is None else (self.total - len(self.results)) / rate


@dataclass(frozen=True)
class FinishedBatch:
    """A finished batch.

    Attributes:
        output: its folder.
        results: what became of items, in the order in which they ended.
        seconds: how long it took.
        unfinished: items that were not begun, since too many had failed.
    """

    output: Path
    results: tuple[ItemEvent, ...]
    seconds: float
    unfinished: int = 0

    @property
    def failed(self) -> tuple[ItemEvent, ...]:
        """What was set aside."""
        return tuple(event for event in self.results if isinstance(event.result, Failure))


def state_of(event: ItemEvent) -> str:
    """Say in a word what became of an item."""
    if isinstance(event.result, ItemOutcome):
        return event.result.state
    return "failed" if isinstance(event.result, Failure) else "begun"


def run_batch(
    items: Iterable[BatchItem | None],
    output: Path,
    pool: Pool,
    *,
    total: int | None = None,
    max_failures: int | None = None,
    told: Callable[[BatchTally, ItemEvent], None] | None = None,
    facts: dict[str, Any] | None = None,
) -> FinishedBatch:
    """Do all items of a batch.

    Args:
        items: None among them stands for "nothing yet, ask again".
        output: folder in which each item has its own, and where the ledger is.
        pool: who does them.
        total: how many there are; None where more may come.
        max_failures: no more items are begun once so many have failed.
        told: is told of each event.
        facts: about the run, for the ledger.

    Raises:
        OutputError: the output cannot be written to, or another batch is at work in it.
    """
    tally = BatchTally(total)
    taken = 0

    def feed() -> Iterator[BatchItem | None]:
        nonlocal taken
        for item in items:
            if max_failures is not None and tally.count("failed") >= max_failures:
                return
            taken += item is not None
            yield item

    with Ledger(output) as ledger:
        finish_earlier(output)
        ledger.begin(total or 0, **(facts or {}))
        ended = "stopped"
        try:
            with closing(_events(pool, feed())) as events:
                for event in events:
                    ledger.note(event)
                    _count(tally, event)
                    if told is not None:
                        told(tally, event)
            ended = "done"
        finally:
            ledger.end(ended)
            finish_earlier(output)  # what killed processes left
    seconds = time.monotonic() - tally.begun_s
    return FinishedBatch(output, tuple(tally.results), seconds, 0 if total is None else total - taken)


def _events(pool: Pool, items: Iterator[BatchItem | None]) -> Generator[ItemEvent, None, None]:
    yield from pool.run(items)


def _count(tally: BatchTally, event: ItemEvent) -> None:
    if event.result is None:
        tally.at_work[event.item.name] = event.item
    else:
        tally.at_work.pop(event.item.name, None)
        tally.results.append(event)
