"""States of the user's plug-ins from the page: .vstpreset files, in a zip to be downloaded.

A plugins.toml that comes to the page names profiles that mixbridge ships, and no files: what a page could name would be
run.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ....presets.errors import PluginError
from ....presets.files import write_text
from ...plugins.using.choices import PluginChoices, load_choices, read_choices
from ...plugins.using.fitting import unplugged
from ...plugins.using.saving import save_states
from ..studio import PageStudio

STATES: Final = "vstpresets"  # folder of the files, in the work folder
ZIP: Final = "vstpresets.zip"
MOST_BYTES: Final = 2**18
_FILE: Final = "plugins.toml"
_HEARD_DB: Final = 0.05
_USUAL_RATE_HZ: Final = 48000


class PagePlugins:
    """Writes states of plug-ins for the page.

    Args:
        studio: whose preset is written.
        choices: which plug-ins; None takes those that came to the page last, if any did.
    """

    def __init__(self, studio: PageStudio, choices: PluginChoices | None = None):
        self._studio, self._jobs = studio, studio.jobs
        kept = studio.place / _FILE
        self._choices = choices
        if choices is None and kept.is_file():
            try:
                self._choices = load_choices(kept)
            except PluginError:  # it is not installed any more; the page says that none is chosen
                kept.unlink(missing_ok=True)

    @property
    def names(self) -> Sequence[str] | None:
        """Name the plug-ins that were chosen; None if none were."""
        if self._choices is None:
            return None
        return self._choices.content.names

    def take(self, text: str) -> None:
        """Take a plugins.toml from the page.

        Raises:
            PluginError: it cannot be used, or names files.
        """
        place = self._studio.place / _FILE
        draft = place.with_name("draft.toml")
        write_text(draft, text, overwrite=True)
        try:
            choices = _without_files(draft)
        except PluginError as error:
            raise PluginError(str(error).replace(str(draft), _FILE)) from None
        finally:
            draft.unlink(missing_ok=True)
        write_text(place, text, overwrite=True)
        self._choices = choices
        self._studio.tell_all()

    def start(self) -> None:
        """Write the states.

        Raises:
            PluginError: no plug-ins were chosen.
        """
        choices, preset, stems = self._choices, self._studio.preset, self._studio.material.stems
        if choices is None:
            raise PluginError("no plug-ins were chosen: drop a plugins.toml on the page, or start with one.")
        tracks = [track for track in preset.tracks if not track.mute]
        rate_hz = self._studio.material.sample_rate_hz or _USUAL_RATE_HZ

        def job() -> tuple[str, dict[str, Any]]:
            folder = self._studio.place / STATES
            shutil.rmtree(folder, ignore_errors=True)
            saved = save_states(choices, tracks, folder, stems=stems or None, sample_rate_hz=rate_hz)
            archive = self._studio.place / ZIP
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
                for item in saved:
                    file.write(folder / item.file, item.file)
            fits = {(item.fit.track, item.fit.stage): item.fit for item in saved}.values()
            notes = [*unplugged(choices, tracks, rate_hz), *(note for fit in fits for note in fit.notes)]
            notes += [
                f"{fit.track}: turn the track up by {fit.gain_db:+.1f} dB behind its compressor, which has no such "
                "make-up."
                for fit in fits
                if abs(fit.gain_db) >= _HEARD_DB
            ]
            if not saved:
                notes.append("Nothing in this preset needs a plug-in.")
            return " ".join(notes), {"file": ZIP, "files": [item.file for item in saved]}

        self._jobs.start("plugins", job)


def _without_files(path: Path) -> PluginChoices:
    """Load choices that name profiles of mixbridge's own, and let plug-ins be found where systems have them.

    Raises:
        PluginError: it cannot be used, or names files.
    """
    content = read_choices(path)
    if content.paths or any(name.lower().endswith(".toml") or "/" in name or "\\" in name for name in content.names):
        raise PluginError("plugins.toml names files of this machine, which no page may: start mixbridge web with it.")
    return load_choices(path)
