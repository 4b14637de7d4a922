"""The command `plugin save`: a preset as states of the user's plug-ins. Importing this loads click alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..declaring import takes
from ..options import FOLDER, Trying, Writing
from ..output.plugged import plugged_as_json, say_plugged
from ..output.saying import counted, echo_json, say
from ..preset import open_preset

if TYPE_CHECKING:
    from ...plugins.using.saving import SavedState

_HEARD_DB: Final = 0.05


@click.command()
@click.argument("preset_", metavar="PRESET")
@click.argument("stems", nargs=-1)
@click.option("--plugins", required=True, metavar="FILE", help="The plugins.toml that says which plug-ins.")
@click.option(
    "--sample-rate",
    type=int,
    default=48000,
    show_default=True,
    metavar="HZ",
    help="Rate of the session that they are for.",
)
@takes(Writing, "writing", FOLDER)
@takes(Trying, "saying")
def save_command(
    *, preset_: str, stems: tuple[str, ...], plugins: str, sample_rate: int, writing: Writing, saying: Trying
) -> None:
    """Write the settings of PRESET as .vstpreset files for your own plug-ins, one for each track, stage and plug-in.

    With STEMS, audio files or folders of them, compressors are fitted on what they turn down there; without, by their
    static curve.
    """
    from ....runtime.audio.arrays import checked_rate
    from ....runtime.audio.stems import stem_paths
    from ....runtime.plugins.stage import PluginHosts
    from ...matching import match_stems
    from ...plugins.using.choices import load_choices
    from ...plugins.using.fitting import fit_tracks, unplugged
    from ...plugins.using.saving import save_states, saved_as_json

    checked_rate(sample_rate)
    preset, choices, folder = open_preset(preset_), load_choices(Path(plugins)), Path(writing.output)
    audio = None
    if stems:
        matched = match_stems(preset, stem_paths([Path(stem) for stem in stems]))
        preset, audio = matched.preset, matched.stems
    tracks = [track for track in preset.tracks if not track.mute]
    if saying.dry_run:
        with PluginHosts() as hosts:
            fits = tuple(fit_tracks(hosts, choices, tracks, sample_rate, audio))
        saved: tuple[SavedState, ...] = ()
    else:
        saved = save_states(choices, tracks, folder, stems=audio, sample_rate_hz=sample_rate, overwrite=writing.force)
        fits = tuple({(item.fit.track, item.fit.stage): item.fit for item in saved}.values())
    notes = [*unplugged(choices, tracks, sample_rate), *(note for fit in fits for note in fit.notes)]
    notes += [
        f"{fit.track}: turn the track up by {fit.gain_db:+.1f} dB behind its compressor, which has no such make-up."
        for fit in fits
        if abs(fit.gain_db) >= _HEARD_DB
    ]
    if saying.as_json:
        files = list(saved_as_json(saved))
        result = {"dry_run": saying.dry_run, "folder": str(folder), "files": files}
        echo_json(result | {"plugins": plugged_as_json(fits), "notes": notes})
        return
    if saying.is_quiet:
        return
    say_plugged(fits)
    if not fits:
        say("Nothing in this preset needs a plug-in: its EQs and compressors are at rest, or mixbridge's own.")
    for item in saved:
        say(f"  {folder / item.file}")
    for note in notes:
        say(f"Note: {note}", err=True)
    if saying.dry_run:
        say(f"Nothing was written. {counted(sum(len(fit.plugins) for fit in fits), 'file')} would be in {folder}.")
    elif saved:
        say(f"{counted(len(saved), 'file')}; each was loaded into a fresh plug-in and sounds as it was fitted.")
