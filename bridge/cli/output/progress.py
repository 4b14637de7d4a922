"""A progress bar on standard error, if a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .saying import console

_BAR_WIDTH = 24


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """Gives a function that takes the share done, 0..1, and what is being done; the bar goes at the end.

    Nothing is drawn if `quiet`, or if standard error is not a terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield _ignore
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        BarColumn(_BAR_WIDTH),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        # Last, because it is what is cut where the terminal is narrow.
        TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
    )
    with Progress(*columns, console=console(stderr=True), transient=True, expand=True) as bar:
        # Without a total the bar moves by itself, until the first share is known.
        task = bar.add_task("Starting", total=None)

        def show(share: float, text: str) -> None:
            total = 1.0 if share > 0 else None
            bar.update(task, total=total, completed=share, description=text[:1].upper() + text[1:])

        yield show


def _ignore(_share: float, _text: str) -> None:
    pass
