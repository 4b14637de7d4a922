"""Inserts before a preset is played in real time: stems go through them first, and what is played needs none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from ..output.progress import progress_bar

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.inserts.terms import InsertRules

Prepared = tuple["Preset", "Mapping[str, Path] | None", "Preset | None"]


@contextmanager
def inserts_run(
    preset: Preset, stems: Mapping[str, Path] | None, other: Preset | None, rules: InsertRules, *, quiet: bool
) -> Iterator[Prepared]:
    """Run a preset's inserts on its stems, as long as they are played.

    Args:
        preset: what is played.
        stems: by track name; None where a server or device brings the tracks.
        other: preset B; None for none.
        rules: what inserts may do.
        quiet: show no progress.

    Yields:
        The preset, the stems and preset B as they are played: without inserts.

    Raises:
        PresetError: a preset has inserts and there are no stems, or preset B has others.
        InsertError: one cannot be run.
    """
    from ....presets.editing.changing_inserts import tracks_with_inserts, without_inserts
    from ....presets.errors import PresetError
    from ....runtime.audio.workplace import scratch_folder
    from ....runtime.inserts.stems import through_inserts

    inserts = {track.name: track.inserts for track in tracks_with_inserts(preset)}
    if other is not None and {track.name: track.inserts for track in tracks_with_inserts(other)} != inserts:
        raise PresetError(
            "preset B has other inserts than the one that is played, and stems go through them once, before both: give "
            "both the same."
        )
    if stems is None or not inserts:
        yield preset, stems, other
        return
    with scratch_folder(Path(gettempdir())) as folder:
        with progress_bar(quiet=quiet) as progress:
            heard = through_inserts(stems, inserts, folder, rules, progress)
        yield without_inserts(preset), heard, None if other is None else without_inserts(other)
