"""The commands `desk snapshot`, `diff` and `restore`: what a desk has, as a file. Importing this loads click alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ....presets.escaping import escaped
from ..declaring import takes
from ..options import Saying, Sending, Trying, Writing
from ..output.push_results import print_all, say_dry, say_result
from ..output.saying import echo_json, is_quiet, say
from .sending import PausingBar, asking

if TYPE_CHECKING:
    from ...push.archive import Difference
    from ...push.scope import Scope
    from ...push.snapshots import Snapshot

_DIFFERENT = 1


@click.command()
@click.option("--from", "target", required=True, metavar="DESK://HOST", help="The desk, e.g. x32://192.168.1.20.")
@takes(Writing, "writing", {"output": {"old": None, "help": "File to write."}})
def snapshot(*, target: str, writing: Writing) -> None:
    """Write all settings of a desk that mixbridge knows into a file."""
    from ....presets.files import write_text
    from ...push.archive import take_snapshot
    from ..output.progress import progress_bar

    with progress_bar(quiet=is_quiet()) as progress:
        taken = take_snapshot(target, on_progress=progress)
    text = json.dumps(taken.model_dump(mode="json", exclude_none=True), indent=1, ensure_ascii=False) + "\n"
    write_text(Path(writing.output), text, overwrite=writing.force)
    if not is_quiet():
        say(f"{taken.size} values of {len(taken.strips)} strips in {writing.output}.")
        if taken.unread:
            say(f"Note: the desk did not tell {taken.unread} values; they are not in the file.", err=True)


@click.command()
@click.argument("first", metavar="FILE|DESK://HOST")
@click.argument("second", metavar="FILE|DESK://HOST")
@click.option("--only", metavar="eq,compressor,...", help="Only these sections.")
@click.option("--tracks", metavar="1-4,7,master", help="Only these strips of the desk.")
@takes(Saying, "saying")
@click.pass_context
def diff(
    context: click.Context, /, *, first: str, second: str, only: str | None, tracks: str | None, saying: Saying
) -> None:
    """List what differs between a FIRST and a SECOND snapshot or desk. The exit code is 1 if anything does."""
    from ...push.archive import differences

    before, after = _opened(first), _opened(second)
    scope = _scope(before, only, tracks)
    items = [item for item in differences(before, after) if _is_in(scope, item)]
    if saying.as_json:
        echo_json({"differences": [_as_json(item) for item in items]})
    elif items:
        print_all([_table(items)])
    else:
        say("No difference.")
    if items:
        context.exit(_DIFFERENT)


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--to", "target", metavar="DESK://HOST", help="The desk.  [default: that of the snapshot]")
@click.option("--only", metavar="eq,compressor,...", help="Only these sections.  [default: all]")
@click.option("--tracks", metavar="1-4,7,master", help="Only these strips of the desk.")
@click.option("--by-number", is_flag=True, help="Also restore strips that have another name now.")
@takes(Sending, "sending")
@takes(Trying, "saying", {"dry_run": {"help": "Show what would change, and send nothing."}})
@click.pass_context
def restore(
    context: click.Context,
    /,
    *,
    file: str,
    target: str | None,
    only: str | None,
    tracks: str | None,
    by_number: bool,
    sending: Sending,
    saying: Trying,
) -> None:
    """Set a desk to what FILE, a snapshot, holds, and verify it. `mixbridge undo` takes it back."""
    from ...push import snapshots
    from ...push.archive import chosen
    from ...push.pushing import parsed
    from ...push.undoing import UndoOptions, plan_undo, undo

    kept = snapshots.load(Path(file))
    stored = snapshots.Stored(Path(file), chosen(kept, _scope(kept, only, tracks)))
    options = UndoOptions(
        parsed(target) if target else None, sending.glide_ms, sending.to_manual, by_number, sending.snapshot
    )
    if saying.dry_run:
        say_dry(plan_undo(stored, options), as_json=saying.as_json)
        return
    confirm = None if sending.yes else asking(as_json=saying.as_json, diff=True)
    with PausingBar(quiet=saying.is_quiet) as bar:
        result = undo(stored, options, confirm=bar.paused(confirm), on_progress=bar.show)
    say_result(context, result, as_json=saying.as_json, quiet=saying.is_quiet, was_shown=confirm is not None)


def _opened(source: str) -> Snapshot:
    from ...push import snapshots
    from ...push.archive import take_snapshot
    from ..output.progress import progress_bar

    if "://" not in source:
        return snapshots.load(Path(source))
    with progress_bar(quiet=is_quiet()) as progress:
        return take_snapshot(source, on_progress=progress)


def _scope(kept: Snapshot, only: str | None, tracks: str | None) -> Scope:
    from ...desks.loading import load_desk
    from ...push.scope import SECTIONS, Scope, parse_sections, parse_strips

    sections = frozenset(SECTIONS) if only is None else parse_sections(only)
    return Scope(sections, parse_strips(tracks, load_desk(kept.desk)))


def _is_in(scope: Scope, item: Difference) -> bool:
    from ...push.scope import MASTER, TRACK

    if not scope.holds(item.row.setting.key):
        return False
    strip = item.row.setting.strip
    if scope.strips is None:
        return True
    if strip == MASTER:
        return scope.strips.master
    kind, _, number = strip.rpartition(" ")
    return kind == TRACK and int(number) in scope.strips.numbers


def _table(items: list[Difference]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ...push.tables import row_words

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("strip", "setting", "first", "second"):
        table.add_column(heading)
    for item in items:
        first, second = row_words(item.row)
        strip = escaped(f"{item.label} {item.name}".strip())
        table.add_row(Text(strip), item.row.setting.key, Text(first), Text(second))
    return table


def _as_json(item: Difference) -> dict[str, Any]:
    row = item.row
    return {
        "strip": item.label,
        "name": item.name,
        "key": row.setting.key,
        "first": row.now_value,
        "second": row.then_value,
    }
