"""Settings of a preset set by name, as a program does that has its own idea of a mix."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from ..checking.arguments import real_number
from ..console import Strip, parameters
from ..console import replace as with_values
from ..errors import PresetError
from ..preset import Preset, linked_with


def edited(preset: Preset, track: str, settings: Mapping[str, float]) -> Preset:
    """Set something on a track by hand; the preset that was given stays as it is, which is the undo.

    Args:
        preset: the mix.
        track: which of its tracks; what it shares with those that are linked with it is set on them, too.
        settings: values by their names in the preset, e.g. `{"fader_db": -3.0, "compressor.ratio": 3}`.

    Returns:
        Another preset.

    Raises:
        PresetError: there is no such track or setting, or the value is no number or out of its range.

    Example:
        softer = mixbridge.edited(result.preset, "Vox", {"fader_db": -3.0})
    """
    rows = parameters(Strip)
    places = [place for place, each in enumerate(preset.tracks) if each.name == track]
    if not places:
        names = [each.name for each in preset.tracks]
        raise PresetError(f"the preset has no track {track!r}; {_hint(track, names)}")
    tracks = list(preset.tracks)
    for path, given in settings.items():
        if path not in rows:
            raise PresetError(f"a track has no setting {path!r}; {_hint(path, rows)}")
        row, value = rows[path], real_number(given)
        if value is None or not row.low <= value <= row.high:
            raise PresetError(f"{path} is a number from {row.low:g} to {row.high:g} {row.unit}".rstrip() + ".")
        for place in linked_with(preset, places[0], path.partition(".")[0]):
            changed = with_values(tracks[place].strip, {path: value})
            tracks[place] = tracks[place].model_copy(update={"strip": changed})
    return preset.model_copy(update={"tracks": tuple(tracks)})


def _hint(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known) or 'none'}."
