"""The command `undo`: click parses, :mod:`..push.undoing` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import click

from ..declaring import takes
from ..options import Sending, Trying
from ..output.push_results import say_dry, say_result, say_snapshots
from ..output.saying import say
from .sending import PausingBar, asking


@click.command()
@click.argument("snapshot_", metavar="[SNAPSHOT]", required=False)
@click.option("--to", "target", metavar="DESK://HOST", help="The desk.  [default: that of the snapshot]")
@click.option("--list", "listing", is_flag=True, help="List the snapshots that can be restored.")
@click.option("--redo", is_flag=True, help="Take the last undo back.")
@click.option("--by-number", is_flag=True, help="Also restore strips that have another name now.")
@takes(Sending, "sending")
@takes(Trying, "saying", {"dry_run": {"help": "Show what would change, and send nothing."}})
@click.pass_context
def undo(
    context: click.Context,
    /,
    *,
    snapshot_: str | None,
    target: str | None,
    listing: bool,
    redo: bool,
    by_number: bool,
    sending: Sending,
    saying: Trying,
) -> None:
    """Restore what a desk had before the last push, and verify it.

    Each undo goes one push further back; SNAPSHOT names another one (see --list).
    """
    from ...push import snapshots
    from ...push.pushing import parsed
    from ...push.undoing import UndoOptions, plan_undo
    from ...push.undoing import undo as restore

    known, broken = snapshots.stored()
    for path in broken:
        say(f"Note: {path} cannot be read; it is left out.", err=True)
    if listing:
        say_snapshots(known, as_json=saying.as_json)
        return
    desk = parsed(target) if target else None
    if snapshot_ is not None and redo:
        raise click.UsageError("name a snapshot, or use --redo, not both")
    stored = snapshots.named(snapshot_, known) if snapshot_ else snapshots.next_undo(known, desk, redo=redo)
    options = UndoOptions(desk, sending.glide_ms, sending.to_manual, by_number, sending.snapshot)
    if saying.dry_run:
        say_dry(plan_undo(stored, options), as_json=saying.as_json)
        return
    confirm = None if sending.yes else asking(as_json=saying.as_json, diff=True)
    with PausingBar(quiet=saying.is_quiet) as bar:
        result = restore(stored, options, confirm=bar.paused(confirm), on_progress=bar.show)
    again = "mixbridge undo" if stored.snapshot.purpose == "undo" else "mixbridge undo --redo"
    say_result(
        context, result, as_json=saying.as_json, quiet=saying.is_quiet, back=again, was_shown=confirm is not None
    )
