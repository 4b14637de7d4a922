"""The command `session read`: a DAW session's faders as a preset with lanes. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path

import click

from ..declaring import takes
from ..options import PRESET_FILE, SessionAudio, Writing
from ..output.saying import say


@click.command("read")
@click.argument("session_", metavar="SESSION")
@takes(Writing, "writing", PRESET_FILE)
@takes(SessionAudio, "audio")
def session_read(session_: str, *, writing: Writing, audio: SessionAudio) -> None:
    """Write the faders, pans and mutes of SESSION as a preset, with their automation as lanes.

    SESSION is a REAPER (.RPP), Ardour (.ardour) or DAWproject (.dawproject) file. `mixbridge session insert` puts the
    preset into a session of another DAW, `mixbridge apply` plays it on the stems of this one.
    """
    from ...sessions.preset_of import preset_of
    from ...sessions.reading import read_session
    from ..preset import write_preset

    search = [Path(folder) for folder in audio.search]
    session = read_session(Path(session_), allow_outside=audio.allow_outside, search=search)
    read = preset_of(session)
    write_preset(read.preset, writing.output, force=writing.force)
    for note in (*(f"{item.track}: not read: {item.what}" for item in session.unsupported), *read.notes):
        say(f"Note: {note}", err=True)
