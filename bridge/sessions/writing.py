"""What the writers of sessions share: what they give back, which track is whose, and a new file beside the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...presets.console import SEND_OFF_DB, Strip
from ...presets.errors import OutputError, SessionError
from ...presets.names import unique_names
from ...presets.preset import Preset, Track
from ...presets.units import quantity
from ...runtime.audio.output import OutputFolder

_LISTED = 12


@dataclass(frozen=True)
class Written:
    """A session that was written.

    Attributes:
        path: its file.
        notes: what is not as the preset has it, or acts besides it, in sentences.
    """

    path: Path
    notes: tuple[str, ...]


def matched(session: Path, names: Sequence[str], preset: Preset, match: Mapping[str, str]) -> dict[int, Track]:
    """Which track of a session gets which of the preset's.

    Args:
        session: for messages.
        names: of the session's tracks, in their order; one that comes again is called as its stem is, "Vox (2)".
        preset: the mix.
        match: name of the preset's track to that of the session's.

    Returns:
        The preset's tracks by place in `names`.

    Raises:
        SessionError: a name that one of them does not have, or two tracks for one.
    """
    places = {name: place for place, name in enumerate(unique_names(names))}
    tracks = {track.name: track for track in preset.tracks}
    result: dict[int, Track] = {}
    for wanted, given in match.items():
        if wanted not in tracks:
            raise SessionError(f"the preset has no track {wanted[:80]!r}; it has {_some(tracks)}.")
        if given not in places:
            raise SessionError(f"{session} has no track {given[:80]!r}; it has {_some(places)}.")
        if places[given] in result:
            raise SessionError(
                f"two tracks of the preset are meant for the track {given[:80]!r} of {session}: name one."
            )
        result[places[given]] = tracks[wanted]
    return result


def left_out(preset: Preset, match: Mapping[str, str]) -> Iterator[str]:
    """Say which tracks of a preset are in no pair."""
    left = {track.name: None for track in preset.tracks if track.name not in match}
    if left:
        yield f"Tracks of the preset that are not in the session: {_some(left)}."


def strip_left_out(strip: Strip, daw: str) -> Iterator[str]:
    """Say what of a strip no DAW's copy has."""
    if strip.saturation.drive > 0:
        yield f"its saturation is left out: {daw} has none."
    if strip.fx_send_db > SEND_OFF_DB:
        yield f"its send to the reverb of {quantity(strip.fx_send_db, 'dB')} is left out: set up a reverb in the DAW."


def plugins_stay(names: Sequence[str]) -> Iterator[str]:
    """Say that plug-ins of the user's act behind the mix's."""
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = ", ".join(name[:80] for name in names[:_LISTED])
        yield (f"its own plug-ins stay on, behind mixbridge's: {listed}{more}. Bypass what the mix is to do without.")


def save(original: Path, output: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Writes a session's file, all or nothing, and never over the one it was made of.

    Raises:
        OutputError: it is the original, is there already, or cannot be written.
    """
    if output.resolve() == original.resolve():
        raise OutputError(f"{output} is the session itself, which is never changed: choose another name.")
    with OutputFolder(output.parent, overwrite, [output.name]) as workplace:
        try:
            (workplace / output.name).write_bytes(data)
        except (OSError, ValueError) as error:
            raise OutputError(f"{output} cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def _some(names: Mapping[str, object]) -> str:
    listed = [repr(name[:80]) for name in names][:_LISTED]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(listed) or "none") + more
