"""What `push` and `undo` share: a progress bar that lets a question through, and the question."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..output.push_results import plan_parts, print_all
from ..signals import ended_as_interrupt

if TYPE_CHECKING:
    from ...push.plan import Plan

# A plan, of whatever kind.
Shown = TypeVar("Shown")


class PausingBar:
    """A progress bar that is removed while a question is asked; SIGTERM breaks off what it shows as Ctrl-C does."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar, self._signals = ExitStack(), ExitStack()
        self._show: Callable[[float, str], None] = lambda _share, _text: None

    def __enter__(self) -> PausingBar:
        self._signals.enter_context(ended_as_interrupt())
        self.open()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
        self._signals.close()

    def show(self, share: float, text: str) -> None:
        """Takes the share done, and what is being done."""
        self._show(share, text)

    def paused(self, confirm: Callable[[Shown], bool] | None) -> Callable[[Shown], bool] | None:
        """Wraps a question so that the bar is not drawn across it."""
        if confirm is None:
            return None

        def ask(plan: Shown) -> bool:
            self.close()
            try:
                return confirm(plan)
            finally:
                self.open()

        return ask

    def close(self) -> None:
        """Removes it, so that something can be said."""
        self._bar.close()

    def open(self) -> None:
        """Draws it, again too."""
        from ..output.progress import progress_bar

        self._show = self._bar.enter_context(progress_bar(quiet=self._quiet))


def require_terminal(*, as_json: bool) -> None:
    """Refuses to ask where no one can answer.

    Raises:
        UsageError: a program is reading, or there is no terminal.
    """
    if as_json or not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on: add --yes to send, or --dry-run to look")


def asking(*, as_json: bool, diff: bool) -> Callable[[Plan], bool]:
    """Makes a function that shows a plan and asks whether to send it.

    Args:
        as_json: whether a program is reading.
        diff: show each setting that changes.

    Raises:
        UsageError: no one can answer.
    """
    require_terminal(as_json=as_json)

    def ask(plan: Plan) -> bool:
        print_all(plan_parts(plan, diff=diff))
        if not plan.changes:
            return True
        return click.confirm(f"Change {len(plan.changes)} settings on {plan.desk.title} at {plan.where}?")

    return ask
