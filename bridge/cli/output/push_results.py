"""What the commands that change a desk say: plans, outcomes and snapshots, for people or as JSON.

The tables are made in :mod:`...push.tables`; here they are put in order and printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .saying import console, echo_json, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...push.plan import Plan
    from ...push.pulling import Pulled
    from ...push.pushing import PushResult
    from ...push.snapshots import Stored

FAILED = 1
# All that was sent stands, but tracks of the preset have no strip.
_LEFT_OUT = 3
INTERRUPTED = 130
_SVG_WIDTH = 108


def plan_parts(plan: Plan, *, diff: bool, also: RenderableType | None = None) -> list[RenderableType]:
    """A plan to be printed; with `diff`, each setting that changes; what else there is stands before its notes."""
    from rich.text import Text

    from ...push.tables import diff_table, plan_table, summary_lines

    parts: list[RenderableType] = [plan_table(plan)]
    if diff and plan.is_read and plan.changes:
        parts.append(diff_table(plan))
    if also is not None:
        parts.append(also)
    return [*parts, *map(Text, summary_lines(plan))]


def say_dry(plan: Plan, *, as_json: bool, svg: Path | None = None) -> None:
    """Shows what would be done; as a picture, too, if `svg` names a file."""
    from ...push.tables import plan_as_json

    if svg is not None:
        _write_svg(plan, svg)
    if as_json:
        echo_json({"dry_run": True, **plan_as_json(plan)})
        return
    print_all(plan_parts(plan, diff=True))
    say("Nothing was sent.")


def say_result(
    context: click.Context,
    result: PushResult,
    *,
    as_json: bool,
    quiet: bool,
    was_shown: bool,
    back: str = "mixbridge undo",
) -> None:
    """Tells what was done, and ends the command.

    Args:
        context: of the command; its exit code is 0 only if all of the preset stands, 3 if tracks were left out, 1 if
            anything that was sent does not stand, and 130 if it was broken off.
        result: of the push.
        as_json: for programs.
        quiet: only what went wrong, what was left out, and what the desk cannot do.
        was_shown: whether somebody saw the plan before.
        back: the command that takes it back.
    """
    from ...push.tables import result_as_json

    outcome = result.outcome
    if as_json:
        echo_json(result_as_json(result))
    elif outcome is None:
        say("Nothing was sent.")
    else:
        if not was_shown:
            _say_summary(result.plan, quiet=quiet)
        _say_outcome(result, quiet=quiet, back=back)
    if outcome is not None and outcome.cancelled:
        context.exit(INTERRUPTED)
    if outcome is not None and not result.is_done:
        context.exit(FAILED)
    if outcome is not None and not result.is_whole:
        context.exit(_LEFT_OUT)


def _say_summary(plan: Plan, *, quiet: bool) -> None:
    """Shows the plan that nobody was asked about; of it at least what the desk cannot do."""
    from ...push.tables import summary_lines

    if not quiet:
        print_all(plan_parts(plan, diff=False))
        return
    for line in summary_lines(plan, with_notes=False):
        say(line, err=True)


def _say_outcome(result: PushResult, *, quiet: bool, back: str) -> None:
    from ...push.tables import problem_lines, result_table

    outcome = result.outcome
    if outcome is None:
        return
    if not quiet:
        print_all([result_table(result)])
    for line in problem_lines(result):
        say(line, err=True)
    if outcome.problem:
        say(f"The connection broke: {outcome.problem}", err=True)
    if outcome.cancelled:
        say("Stopped: each value on the desk is a whole one; levels that are unconfirmed stand on their way.", err=True)
    if quiet:
        return
    if result.is_verified:
        changed, count = len(outcome.of("confirmed")), len(outcome.results)
        stand = "The setting stands" if count == 1 else f"All {count} settings stand"
        say(f"{stand}, read back from the desk; {changed} {'was' if changed == 1 else 'were'} changed.")
    elif result.is_done:
        say(f"{len(outcome.results)} settings were sent, not verified: this desk cannot be asked.")
    if result.manual:
        say(f"Switched to Manual, and left so: {'; '.join(result.manual)}.")
    if result.snapshot:
        say(f"To take it back: {back}   (kept in {result.snapshot})")


def say_snapshots(known: Sequence[Stored], *, as_json: bool) -> None:
    """What can be put back."""
    from ...push.snapshots import state_folder
    from ...push.tables import snapshots_table

    if as_json:
        echo_json(
            {
                "snapshots": [
                    {"file": str(item.path), **item.snapshot.model_dump(mode="json", exclude={"strips"})}
                    for item in known
                ]
            }
        )
    elif known:
        print_all([snapshots_table(known)])
        say(f"They are files in {state_folder()}.")
    else:
        say(f"Nothing has been kept in {state_folder()} yet.")


def say_lost(pulled: Pulled) -> None:
    """Lists what of a desk's settings the preset cannot hold."""
    from ...push.tables import merged

    for line in merged(f"{track}: {sentence}" for track, lost in pulled.lost.items() for sentence in lost):
        say(f"Note: {line}", err=True)


def _write_svg(plan: Plan, path: Path) -> None:
    """The picture in the README is made by this: see docs/push.md."""
    import io

    from .escaping_console import EscapingConsole

    screen = EscapingConsole(
        record=True, width=_SVG_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for part in plan_parts(plan, diff=False):
        screen.print(part)
    screen.save_svg(str(path), title="mixbridge push --dry-run", unique_id="push-plan")


def print_all(parts: Sequence[RenderableType]) -> None:
    """To standard output."""
    output = console()
    for part in parts:
        output.print(part)
