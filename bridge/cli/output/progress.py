"""A progress bar on standard error, if a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .saying import console


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """Gives a function that takes the share done, 0..1, and what is being done; the bar goes at the end.

    Nothing is drawn if `quiet`, or if standard error is not a terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield _ignore
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)

        def show(share: float, text: str) -> None:
            bar.update(task, completed=share, description=text[:1].upper() + text[1:])

        yield show


def _ignore(_share: float, _text: str) -> None:
    pass
