"""What `push` and `undo` share: a progress bar that lets a question through, and the question."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from ..output.push_results import plan_parts, print_all

if TYPE_CHECKING:
    from ...push.plan import Plan


class PausingBar:
    """A progress bar that is removed while a question is asked."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar = ExitStack()
        self._show: Callable[[float, str], None] = lambda _share, _text: None

    def __enter__(self) -> PausingBar:
        self._open()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

    def show(self, share: float, text: str) -> None:
        """Takes the share done, and what is being done."""
        self._show(share, text)

    def paused(self, confirm: Callable[[Plan], bool] | None) -> Callable[[Plan], bool] | None:
        """Wraps a question so that the bar is not drawn across it."""
        if confirm is None:
            return None

        def ask(plan: Plan) -> bool:
            self._bar.close()
            try:
                return confirm(plan)
            finally:
                self._open()

        return ask

    def _open(self) -> None:
        from ..output.progress import progress_bar

        self._show = self._bar.enter_context(progress_bar(quiet=self._quiet))


def asking(*, as_json: bool, diff: bool) -> Callable[[Plan], bool]:
    """Makes a function that shows a plan and asks whether to send it.

    Args:
        as_json: whether a program is reading.
        diff: show each setting that changes.

    Raises:
        UsageError: no one can answer.
    """
    if as_json or not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on: add --yes to send, or --dry-run to look")

    def ask(plan: Plan) -> bool:
        print_all(plan_parts(plan, diff=diff))
        if not plan.changes:
            return True
        return click.confirm(f"Change {len(plan.changes)} settings on {plan.desk.title} at {plan.where}?")

    return ask
