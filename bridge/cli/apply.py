"""The command `apply`: click parses, :mod:`..jobs` does it, and what was done is said here.

Importing this loads click alone, so that `--help` is quick.
"""

from __future__ import annotations

import click

from .declaring import takes
from .inserts.options import AllowingCode
from .kinds import OF_REFERENCE
from .options import FOLDER, FormatOptions, PluginOptions, Rendering, SessionAudio, SessionTracks, Trying, Writing
from .rendering import deliver, output_folder, render_options, session_stems, user_plugins


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("stems", nargs=-1, required=True)
@click.option(
    "--map", "assignments", multiple=True, metavar="TRACK=STEM", help='Assign a stem to a track: "Lead Vox=vox_03".'
)
@takes(AllowingCode, "allowing")
@takes(Writing, "writing", FOLDER)
@takes(Rendering, "rendering")
@takes(PluginOptions, "plugin_options")
@takes(FormatOptions, "audio")
@takes(SessionAudio, "session_audio")
@takes(SessionTracks, "session_tracks")
@takes(Trying, "saying")
@click.pass_context
def apply(
    context: click.Context,
    /,
    *,
    preset_: str,
    stems: tuple[str, ...],
    assignments: tuple[str, ...],
    allowing: AllowingCode,
    writing: Writing,
    rendering: Rendering,
    plugin_options: PluginOptions,
    audio: FormatOptions,
    session_audio: SessionAudio,
    session_tracks: SessionTracks,
    saying: Trying,
) -> None:
    """Mix STEMS with the settings of PRESET, a file or the name of a factory preset.

    STEMS are audio files and folders of them (with the folders inside), or one DAW session; they are matched to the
    preset's tracks by name. A preset of one track is applied to every stem.
    """
    from ..jobs import fit_alone, run_apply
    from ..matching import match_stems, mute_unplayed, parse_map
    from .output.mix_results import say_matches, say_plan
    from .output.progress import progress_bar
    from .preset import open_preset

    if rendering.loudness == OF_REFERENCE:
        raise click.UsageError("--loudness reference needs a reference, which apply has not: give a number of LUFS")
    preset = open_preset(preset_)
    own = user_plugins(plugin_options)
    how, output = render_options(rendering, audio, writing, own), output_folder(writing)
    with session_stems(stems, writing, rendering, session_audio, session_tracks, (), quiet=saying.is_quiet) as source:
        if source.plan is not None:
            preset = mute_unplayed(preset, list(source.stems), source.plan.unplayed)
        matched = match_stems(preset, source.stems, parse_map(assignments, preset, source.stems))
        if not saying.is_quiet:
            say_matches(matched)
        if saying.dry_run:
            if own is not None:
                fit_alone(own, matched.preset, matched.stems, how)
            say_plan(matched.preset, how, output, report=not rendering.no_report, as_json=saying.as_json)
            return
        with progress_bar(quiet=saying.is_quiet) as progress:
            done = run_apply(
                matched.preset,
                matched.stems,
                output,
                render_options=how,
                rules=allowing.rules(preset_),
                report=not rendering.no_report,
                inputs=source.inputs,
                progress=progress,
            )
    pairs = {match.track: match.stem for match in matched.matches if match.how != "one for all"}
    deliver(done, source, rendering, writing, saying, pairs)
