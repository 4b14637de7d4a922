"""The command `session insert`: a preset's settings into a copy of a DAW session. Importing this loads click alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..declaring import takes
from ..options import SessionAudio, SessionTracks, Trying
from ..output.mix_results import say_written
from ..output.plugged import plugged_as_json, say_plugged
from ..output.saying import echo_json, say

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ...plugins.using.fitting import PluggedStage
    from ...sessions.writing import Written


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("session_", metavar="SESSION")
@click.option("-o", "--output", metavar="FILE", help="The copy.  [default: SESSION-mixbridge, beside it]")
@click.option("--force", is_flag=True, help="Replace a copy that is there already.")
@click.option(
    "--map", "assignments", multiple=True, metavar="TRACK=TRACK", help='Assign preset to session: "Lead Vox=Audio 3".'
)
@takes(
    SessionAudio,
    "audio",
    {"allow_outside": {"help": "Put audio from outside the session's folder into a .dawproject."}},
)
@takes(SessionTracks, "tracks", {"muted": {"help": "Also change, and unmute, tracks that are muted in the session."}})
@click.option("--plugins", metavar="FILE", help="Put your own plug-ins there, as this plugins.toml says.")
@takes(Trying, "saying", {"dry_run": {"help": "Show which track would get which settings, and write nothing."}})
def insert(
    *,
    preset_: str,
    session_: str,
    output: str | None,
    force: bool,
    assignments: tuple[str, ...],
    plugins: str | None,
    audio: SessionAudio,
    tracks: SessionTracks,
    saying: Trying,
) -> None:
    """Write PRESET into a copy of SESSION, as faders, pans, EQs and compressors that you can edit in the DAW.

    SESSION is a REAPER (.RPP), Ardour (.ardour) or DAWproject (.dawproject) file. It is not changed; the copy differs
    from it in these settings only. An effect that its format has none of comes as audio, on a track of its own. With
    -o song.dawproject, any session (or a folder of audio) becomes one, with its audio inside.
    """
    from ....presets.names import unique_names
    from ...matching import parse_map
    from ...sessions import inserting
    from ...sessions.core.media import OutsideFolderError
    from ...sessions.plugging import notes_of, plugged_tracks
    from ...sessions.reading import read_session
    from ...sessions.stems.returns import ReturnSource
    from ..output.progress import progress_bar
    from ..preset import open_preset

    preset, path = open_preset(preset_), Path(session_)
    # A copy has no audio in it but for returns of effects, so it does not matter where the audio is.
    takes_audio = output is not None and inserting.becomes_new(path, Path(output))
    search = [Path(folder) for folder in audio.search]
    barred = None
    try:
        session = read_session(path, allow_outside=audio.allow_outside, search=search)
    except OutsideFolderError:
        if takes_audio:
            raise
        session = read_session(path, allow_outside=True, search=search)
        barred = "its sound lies outside the session's folder (--allow-outside lets it in)"
    pairs = parse_map(assignments, preset, unique_names(track.name for track in session.tracks))
    target = Path(output) if output else inserting.copy_of(session.path)
    matches = inserting.matches(session, preset, pairs)
    reasons = {} if tracks.muted else inserting.unplayed(session)
    left = [track.name for track in preset.tracks if track.name not in matches]
    written = None
    fits = _fitted(preset, list(matches), plugins, session.sample_rate_hz) if plugins is not None else ()
    if not saying.dry_run:
        with progress_bar(quiet=saying.is_quiet) as progress:
            sound = ReturnSource(barred=barred, progress=progress)
            written = inserting.insert(
                session,
                preset,
                target,
                assignments=pairs,
                muted=tracks.muted,
                overwrite=force,
                sound=sound,
                plugged=plugged_tracks(fits),
            )
    if saying.as_json:
        notes = [*notes_of(fits), *(written.notes if written else ())]
        result = {
            "dry_run": saying.dry_run,
            "session": str(target),
            "tracks": matches,
            "left_out": left,
            "notes": notes,
            "rendered": list(written.rendered) if written else [],
            "plugins": plugged_as_json(fits),
        }
        echo_json(result)
        return
    if not saying.is_quiet:
        say_plugged(fits)
        for note in [note for fit in fits for note in fit.notes]:
            say(f"Note: {note}", err=True)
        _say_inserted(matches, reasons, left, written, target)


def _fitted(preset: Preset, names: Sequence[str], plugins: str, sample_rate_hz: int) -> tuple[PluggedStage, ...]:
    """Fit plug-ins to the tracks that go into the session."""
    from ....runtime.plugins.stage import PluginHosts
    from ...plugins.using.choices import load_choices
    from ...plugins.using.fitting import fit_tracks

    choices, tracks = load_choices(Path(plugins)), [track for track in preset.tracks if track.name in names]
    with PluginHosts() as hosts:
        return tuple(fit_tracks(hosts, choices, tracks, sample_rate_hz))


def _say_inserted(
    matches: Mapping[str, str], reasons: Mapping[str, str], left: Sequence[str], written: Written | None, target: Path
) -> None:
    """Say which track got which settings, and what was left out."""
    for track, name in matches.items():
        say(f"  {track} -> {name}" + (f" (left as it is: {reasons[name]})" if name in reasons else ""))
    for name in left:
        say(f"Note: the session has no track for {name!r}; it is left out.", err=True)
    if written is not None:
        say_written(written)
    else:
        say(f"Nothing was written. This file would be: {target}")
