"""The progress of a batch on standard error, if a person is watching: items done, failures, rate, time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..output.saying import console

if TYPE_CHECKING:
    from ....runtime.batch.driver import BatchTally
    from ....runtime.batch.items import ItemEvent

_BAR_WIDTH = 24
_NAMES = 3


@contextmanager
def batch_progress(*, quiet: bool) -> Iterator[Callable[[BatchTally, ItemEvent], None] | None]:
    """Give a function that is told of each event; the bar goes at the end."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        BarColumn(_BAR_WIDTH),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
    )
    with Progress(*columns, console=console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task("Starting", total=None)

        def show(tally: BatchTally, _event: ItemEvent) -> None:
            bar.update(task, total=tally.total, completed=len(tally.results), description=progress_words(tally))

        yield show


def progress_words(tally: BatchTally) -> str:
    """Say how fast a batch is, when it will be done, what failed, and what is being done."""
    words = []
    if tally.rendered_per_s is not None:
        words.append(f"{60 * tally.rendered_per_s:.1f} a minute")
    if tally.left_s is not None and len(tally.results) < (tally.total or 0):
        words.append(f"{_time(tally.left_s)} left")
    if tally.count("failed"):
        words.append(f"{tally.count('failed')} set aside")
    names = list(tally.at_work)
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return "; ".join([*words, ", ".join(names[:_NAMES]) + more])


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
