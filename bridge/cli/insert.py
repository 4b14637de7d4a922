"""The command `insert`: a preset's settings into a copy of a DAW session. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path

import click

from .output.mix_results import say_written
from .output.saying import echo_json


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("session_", metavar="SESSION")
@click.option("-o", "--output", metavar="FILE", help="The copy.  [default: SESSION-mixbridge, beside it]")
@click.option("--map", "told", multiple=True, metavar="TRACK=TRACK", help="Which track of the preset is which one.")
@click.option("--allow-outside", is_flag=True, help="Take audio from outside the session's folder into a .dawproject.")
@click.option("--search", multiple=True, metavar="FOLDER", help="Look for a session's missing audio here, too.")
@click.option("--force", is_flag=True, help="Replace a copy that is there.")
@click.option("--dry-run", is_flag=True, help="Say which track would get what, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
@click.pass_context
def insert(
    context: click.Context,
    /,
    *,
    preset_: str,
    session_: str,
    output: str | None,
    told: tuple[str, ...],
    allow_outside: bool,
    search: tuple[str, ...],
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put PRESET into a copy of SESSION, as faders, pans, EQs and compressors that can be edited in the DAW.

    SESSION is a REAPER (.RPP), Ardour (.ardour) or DAWproject (.dawproject) file; it is not changed, and nothing else
    in the copy is. With -o song.dawproject, any session (or a folder of audio) becomes one, with its audio inside.
    """
    from ...presets.names import unique_names
    from ..matching import parse_map
    from ..sessions import inserting
    from ..sessions.reading import read_session
    from .preset import open_preset

    preset, path = open_preset(preset_), Path(session_)
    # A copy has no audio in it, so it does not matter where the audio is.
    takes_audio = output is not None and inserting.becomes_new(path, Path(output))
    places = [Path(folder) for folder in search]
    session = read_session(path, allow_outside=allow_outside or not takes_audio, search=places)
    pairs = parse_map(told, preset, unique_names(track.name for track in session.tracks))
    target = Path(output) if output else inserting.copy_of(session.path)
    matches = inserting.matches(session, preset, pairs)
    left = [track.name for track in preset.tracks if track.name not in matches]
    written = None
    if not dry_run:
        written = inserting.insert(session, preset, target, told=pairs, overwrite=force)
    if as_json:
        notes = list(written.notes) if written else []
        result = {"dry_run": dry_run, "session": str(target), "tracks": matches, "left_out": left, "notes": notes}
        echo_json(result)
        return
    if getattr(context.obj, "quiet", False):
        return
    for track, name in matches.items():
        click.echo(f"  {track} -> {name}")
    for name in left:
        click.echo(f"Note: the session has no track for {name!r}; it is left out.", err=True)
    if written is not None:
        say_written(written)
    else:
        click.echo(f"Nothing was written. This file would be: {target}")
