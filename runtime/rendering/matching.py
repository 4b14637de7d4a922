"""Which tracks of a preset are rendered from which stems."""

from __future__ import annotations

from collections.abc import Iterable

from ...presets.errors import PresetError
from ...presets.preset import Preset, Track


def matched(preset: Preset, stems: Iterable[str]) -> list[Track]:
    """The tracks to render, in the preset's order.

    Raises:
        PresetError: tracks and stems do not match.
    """
    given = set(stems)
    missing = [track.name for track in preset.tracks if not track.mute and track.name not in given]
    unknown = sorted(given - {track.name for track in preset.tracks})
    if missing or unknown:
        raise PresetError(
            "the preset's tracks and the stems do not match. "
            f"Tracks without a stem: {_listed(missing)}. Stems without a track: {_listed(unknown)}. "
            "Give both the same names, or mute tracks that have no stem."
        )
    tracks = [track for track in preset.tracks if not track.mute]
    waiting = [track.name for track in tracks if track.inserts]
    if waiting:
        raise PresetError(
            f"the inserts of {_listed(waiting)} were not run here: they are on files, before a mix is rendered. Apply "
            "the preset (`mixbridge apply`), or remove them (`mixbridge preset insert`)."
        )
    if not tracks:
        raise PresetError("there is nothing to mix: the preset has no track that is not muted.")
    return tracks


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
