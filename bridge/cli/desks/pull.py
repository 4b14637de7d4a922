"""The command `desk pull`: the settings of a desk as a preset. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path

import click

from ..declaring import takes
from ..options import PRESET_FILE, Writing
from ..output.saying import is_quiet


@click.command()
@click.option("--from", "target", required=True, metavar="DESK://HOST", help="The desk, e.g. x32://192.168.1.20.")
@takes(Writing, "writing", PRESET_FILE)
@click.option(
    "--tracks",
    metavar="1-4,7,master",
    help="Only these strips of the desk.  [default: those with a name, and the master]",
)
@click.option("--reverb", metavar="SLOT", help="Effect slot of the reverb.  [default: the only one]")
@click.option("--delay", metavar="SLOT", help="Effect slot of the delay.  [default: the only one]")
@click.option("--name", "names", multiple=True, metavar="NUMBER=NAME", help='Name of a track: "5=Lead Vox".')
def pull(
    *,
    target: str,
    writing: Writing,
    tracks: str | None,
    reverb: str | None,
    delay: str | None,
    names: tuple[str, ...],
) -> None:
    """Read the settings of a DAW or mixer into a preset."""
    from ....presets.errors import Hint, OutputError
    from ...desks.loading import load_desk
    from ...push.pulling import pull_preset
    from ...push.pushing import parsed
    from ...push.scope import parse_strips
    from ..output.progress import progress_bar
    from ..output.push_results import say_lost
    from ..preset import write_preset

    if writing.output != "-" and Path(writing.output).exists() and not writing.force:
        raise OutputError(
            f"{writing.output} is there already: choose another name, or allow it to be replaced.",
            hints=(Hint("overwrite"),),
        )
    desk = parsed(target)
    slots = {kind: slot for kind, slot in (("reverb", reverb), ("delay", delay)) if slot is not None}
    strips = parse_strips(tracks, load_desk(desk.desk))
    with progress_bar(quiet=is_quiet()) as progress:
        pulled = pull_preset(desk, strips, names=_names(names), slots=slots, on_progress=progress)
    write_preset(pulled.preset, writing.output, force=writing.force)
    if not is_quiet():
        say_lost(pulled)


def _names(entries: tuple[str, ...]) -> dict[int, str]:
    from ....presets.errors import DeskError

    names = {}
    for entry in entries:
        number, _, name = entry.partition("=")
        if not number.strip().isdecimal() or not name.strip():
            raise DeskError(f'--name {entry!r} is not of the form "NUMBER=NAME", e.g. "5=Lead Vox".')
        names[int(number)] = name.strip()
    return names
