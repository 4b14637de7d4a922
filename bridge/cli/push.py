"""The commands `push`, `pull` and `undo`: click parses, :mod:`.push` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .output.push_results import plan_parts, print_all, say_dry, say_result, say_snapshots
from .output.saying import is_quiet

if TYPE_CHECKING:
    from ..push.plan import Plan
    from ..push.pushing import PushOptions

Command = TypeVar("Command", bound=Callable[..., None])

_LONGEST_RAMP_MS = 60_000


class Milliseconds(click.ParamType[float]):
    """A short time: 500ms, 0.5s."""

    name = "500ms|1s"
    _WRITTEN = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>ms|s)")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """From what was typed to milliseconds."""
        if isinstance(value, float):
            return value
        found = self._WRITTEN.fullmatch(str(value).strip().lower())
        time_ms = float(found["number"]) * (1000 if found["unit"] == "s" else 1) if found else -1.0
        if not 0 <= time_ms <= _LONGEST_RAMP_MS:
            self.fail(f"{value!r} is no time up to a minute; write it as 500ms or 1s", param, ctx)
        return time_ms


def _sends(command: Command) -> Command:
    """The options of a command that changes a desk."""
    options = (
        click.option("--ramp", "ramp_ms", type=Milliseconds(), default="500ms", show_default=True, help="Of levels."),
        click.option("--no-ramp", is_flag=True, help="Set levels at once: for a desk that nobody hears."),
        click.option(
            "--snapshot", type=click.Path(path_type=Path), metavar="FILE", help="Keep what stood before in this file."
        ),
        click.option("--to-manual", is_flag=True, help="Ardour: switch controls under automation to Manual."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and send nothing."),
        click.option("--yes", is_flag=True, help="Do not ask before sending."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.option(
    "--to", "target", required=True, metavar="DESK://HOST", help="e.g. x32://192.168.1.20, ardour://localhost"
)
@click.option("--only", metavar="eq,compressor,...", help="Of trim, eq, compressor, fader, pan, send, mute, name.")
@click.option("--tracks", metavar="1-4,7,master", help="The only strips of the desk that may be touched.")
@click.option("--map", "told", multiple=True, metavar="TRACK=STRIP", help='Where a track goes: "Lead Vox=ch/05" or =5.')
@click.option("--by-order", is_flag=True, help="Put tracks that no name matches on the strips that are free, in order.")
@click.option("--faders", is_flag=True, help="Move faders and sends, too.")
@click.option("--mutes", is_flag=True, help="Set mutes, too.")
@click.option(
    "--insert-plugins",
    "script",
    type=click.IntRange(1, 99),
    metavar="ROW",
    help="Ardour: have the script in this row of its Script Manager insert what is missing.",
)
@click.option("--offline", is_flag=True, help="With --dry-run: plan for a desk that is not there.")
@click.option("--svg", type=click.Path(path_type=Path), hidden=True, help="Write the plan as a picture.")
@_sends
@click.pass_context
def push(context: click.Context, /, *, preset_: str, target: str, **given: Any) -> None:
    """Set a DAW or mixer to PRESET, prove that it stands, and keep a way back (`mixbridge undo`).

    PRESET is a file or the name of a factory preset. Faders and mutes are left alone unless they are asked for.
    """
    from ..push.pushing import plan_push, push_preset
    from .output.progress import progress_bar
    from .preset import open_preset

    if given["offline"] and not given["dry_run"]:
        raise click.UsageError("--offline is for plans: add --dry-run")
    preset = open_preset(preset_)
    options = _push_options(target, given)
    quiet = is_quiet(context, given)
    if given["dry_run"]:
        with progress_bar(quiet=quiet) as progress:
            plan = plan_push(preset, target, options, offline=given["offline"], on_progress=progress)
        say_dry(plan, given)
        return
    confirm = None if given["yes"] else _asks(given, diff=False)
    with _Bar(quiet=quiet) as bar:
        result = push_preset(preset, target, options, confirm=bar.paused(confirm), on_progress=bar.show)
    say_result(context, result, given, quiet=quiet)


@click.command()
@click.argument("snapshot_", metavar="[SNAPSHOT]", required=False)
@click.option("--to", "target", metavar="DESK://HOST", help="The desk.  [default: that of the snapshot]")
@click.option("--list", "listing", is_flag=True, help="List what can be put back.")
@click.option("--redo", is_flag=True, help="Take the last undo back.")
@click.option("--by-number", is_flag=True, help="Put values on strips that are called otherwise now.")
@_sends
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
    **given: Any,
) -> None:
    """Put back what a desk had before the last push, and prove that it stands.

    Each undo goes one push further back; SNAPSHOT names another one (see --list).
    """
    from ..push import snapshots
    from ..push.pushing import parsed
    from ..push.undoing import UndoOptions, plan_undo
    from ..push.undoing import undo as put_back

    known, broken = snapshots.stored()
    for path in broken:
        click.echo(f"Note: {path} cannot be read; it is left out.", err=True)
    if listing:
        say_snapshots(known, given)
        return
    there = parsed(target) if target else None
    if snapshot_ is not None and redo:
        raise click.UsageError("name a snapshot, or use --redo, not both")
    found = snapshots.named(snapshot_, known) if snapshot_ else snapshots.next_undo(known, there, redo=redo)
    options = UndoOptions(there, _ramp_ms(given), given["to_manual"], by_number, given["snapshot"])
    quiet = is_quiet(context, given)
    if given["dry_run"]:
        say_dry(plan_undo(found, options), given)
        return
    confirm = None if given["yes"] else _asks(given, diff=True)
    with _Bar(quiet=quiet) as bar:
        result = put_back(found, options, confirm=bar.paused(confirm), on_progress=bar.show)
    again = "mixbridge undo" if found.snapshot.purpose == "undo" else "mixbridge undo --redo"
    say_result(context, result, given, quiet=quiet, back=again)


@click.command()
@click.option("--from", "target", required=True, metavar="DESK://HOST", help="e.g. x32://192.168.1.20")
@click.option("-o", "--out", required=True, metavar="FILE", help="Preset to write; - for standard output.")
@click.option("--tracks", metavar="1-4,7,master", help="Strips to read.  [default: those with a name, and the master]")
@click.option("--name", "names", multiple=True, metavar="NUMBER=NAME", help='What to call a track: "5=Lead Vox".')
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_context
def pull(
    context: click.Context,
    /,
    *,
    target: str,
    out: str,
    tracks: str | None,
    names: tuple[str, ...],
    force: bool,
) -> None:
    """Make a preset of what a DAW or mixer has now."""
    from ...presets.errors import OutputError
    from ..desks.loading import load_desk
    from ..push.pulling import pull_preset
    from ..push.pushing import parsed
    from ..push.scope import parse_strips
    from ..push.tables import merged
    from .output.progress import progress_bar
    from .preset import write_preset

    if out != "-" and Path(out).exists() and not force:
        raise OutputError(f"{out} is there already. Choose another name, or add --force to replace it.")
    quiet = bool(getattr(context.obj, "quiet", False))
    there = parsed(target)
    strips = parse_strips(tracks, load_desk(there.desk))
    with progress_bar(quiet=quiet) as progress:
        pulled = pull_preset(there, strips, names=_names(names), on_progress=progress)
    write_preset(pulled.preset, out, force=force)
    if not quiet:
        for line in merged(f"{track}: {sentence}" for track, lost in pulled.lost.items() for sentence in lost):
            click.echo(f"Note: {line}", err=True)


class _Bar:
    """A progress bar that gets out of the way while a question is asked."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar = ExitStack()
        self._show: Callable[[float, str], None] = lambda _share, _text: None

    def __enter__(self) -> _Bar:
        self._open()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

    def show(self, share: float, text: str) -> None:
        """Takes the share done, and what is being done."""
        self._show(share, text)

    def paused(self, confirm: Callable[[Plan], bool] | None) -> Callable[[Plan], bool] | None:
        """The question, without a bar across it."""
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
        from .output.progress import progress_bar

        self._show = self._bar.enter_context(progress_bar(quiet=self._quiet))


def _push_options(target: str, given: Mapping[str, Any]) -> PushOptions:
    from ..desks.loading import load_desk
    from ..push.pushing import PushOptions, parsed
    from ..push.scope import Scope, parse_sections, parse_strips

    desk = load_desk(parsed(target).desk)
    sections = parse_sections(given["only"], faders=given["faders"], mutes=given["mutes"])
    return PushOptions(
        scope=Scope(sections, parse_strips(given["tracks"], desk)),
        told=given["told"],
        by_order=given["by_order"],
        ramp_ms=_ramp_ms(given),
        snapshot=given["snapshot"],
        to_manual=given["to_manual"],
        script=given["script"],
    )


def _ramp_ms(given: Mapping[str, Any]) -> float:
    return 0.0 if given["no_ramp"] else float(given["ramp_ms"])


def _names(entries: tuple[str, ...]) -> dict[int, str]:
    from ...presets.errors import DeskError

    names = {}
    for entry in entries:
        number, _, name = entry.partition("=")
        if not number.strip().isdecimal() or not name.strip():
            raise DeskError(f'--name {entry!r} is not of the form "NUMBER=NAME", e.g. "5=Lead Vox".')
        names[int(number)] = name.strip()
    return names


def _asks(given: Mapping[str, Any], *, diff: bool) -> Callable[[Plan], bool]:
    """Shows the plan and asks; where nobody can answer, that has to be said before."""
    if given["as_json"] or not sys.stdin.isatty():
        raise click.UsageError("nobody is there to be asked: add --yes to send, or --dry-run to look")

    def ask(plan: Plan) -> bool:
        print_all(plan_parts(plan, diff=diff))
        if not plan.changes:
            return True
        return click.confirm(f"Change {len(plan.changes)} settings on {plan.desk.title} at {plan.where}?")

    return ask
