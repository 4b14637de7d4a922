"""Inserts before a preset is played in real time: stems go through them first, what a device brings while it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from ..output.progress import progress_bar

if TYPE_CHECKING:
    from ....presets.preset import Preset
    from ....runtime.inserts.terms import InsertRules
    from ....runtime.live.inserting.worker import LiveInserts


@dataclass(frozen=True)
class Playable:
    """What is played where tracks go through inserts.

    Attributes:
        preset: without them.
        stems: that went through them, by track name; None where a server or device brings the tracks.
        other: preset B, without them; None for none.
        inserts: what the tracks of a device go through while they come; None for nothing.
    """

    preset: Preset
    stems: Mapping[str, Path] | None
    other: Preset | None
    inserts: LiveInserts | None = None


@contextmanager
def inserts_run(
    preset: Preset, stems: Mapping[str, Path] | None, other: Preset | None, rules: InsertRules, *, quiet: bool
) -> Iterator[Playable]:
    """Run a preset's inserts on its stems, as long as they are played; or say what tracks of a device go through.

    Args:
        preset: what is played.
        stems: by track name; None where a server or device brings the tracks.
        other: preset B; None for none.
        rules: what inserts may do.
        quiet: show no progress.

    Raises:
        PresetError: preset B has other inserts.
        InsertError: one cannot be run, or not in real time where there are no stems.
    """
    from ....presets.editing.changing_inserts import tracks_with_inserts, without_track_inserts
    from ....presets.errors import PresetError
    from ....runtime.audio.workplace import scratch_folder
    from ....runtime.inserts.stems import through_inserts

    inserts = {track.name: track.inserts for track in tracks_with_inserts(preset)}
    if other is not None and {track.name: track.inserts for track in tracks_with_inserts(other)} != inserts:
        raise PresetError(
            "preset B has other inserts than the one that is played, and tracks go through them once, before both: "
            "give both the same."
        )
    if not inserts:
        yield Playable(preset, stems, other)
        return
    bare = without_track_inserts(preset), None if other is None else without_track_inserts(other)
    if stems is None:
        yield Playable(bare[0], None, bare[1], _live(preset, rules))
        return
    with scratch_folder(Path(gettempdir())) as folder:
        with progress_bar(quiet=quiet) as progress:
            heard = through_inserts(stems, inserts, folder, rules, progress)
        yield Playable(bare[0], heard, bare[1])


def _live(preset: Preset, rules: InsertRules) -> LiveInserts:
    from ....presets.errors import InsertError
    from ....runtime.inserts.opening import check_insert
    from ....runtime.live.inserting.chain import check_live
    from ....runtime.live.inserting.worker import LiveInserts

    for track in preset.tracks:
        for insert in () if track.mute else track.inserts:
            try:
                check_live(insert)
                check_insert(insert, rules)
            except InsertError as error:
                raise InsertError(f'Track "{track.name}": {error}', hints=error.hints) from error
    return LiveInserts(tuple(() if track.mute else track.inserts for track in preset.tracks), rules)
