"""A preset into a copy of a DAW session: the writer that fits the formats, and what the copy is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...presets.errors import Hint, SessionError
from ...presets.names import unique_names
from ...presets.preset import Preset
from ..matching import match_names
from .core.model import Session
from .registry import FORMATS, format_named, format_of
from .writing import Written


def insert(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    told: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Written:
    """Write a copy of a session with a preset in it, as faders, pans, EQs and compressors that can be edited.

    Args:
        session: as it was read; its file is not changed.
        preset: the mix.
        output: the copy, in the session's own format; or a .dawproject, which any session can become, with its audio
            inside.
        told: session's track by preset's track, where their names are not alike.
        overwrite: replace a file that is there.

    Raises:
        SessionError: no track of the preset is in the session, or it cannot become this.
        OutputError: the copy cannot be written.
    """
    match = matches(session, preset, told or {})
    if becomes_new(session.path, output):
        return format_of(output).create(session, preset, output, match=match, overwrite=overwrite)
    return format_named(session.format).write(session, preset, output, match=match, overwrite=overwrite)


def becomes_new(session_path: Path, output: Path) -> bool:
    """Whether the output is a new file with the audio inside, and no copy of the session's own."""
    ending = output.suffix.lower()
    return ending != session_path.suffix.lower() and any(entry.creator and ending in entry.endings for entry in FORMATS)


def copy_of(session_path: Path) -> Path:
    """What the copy of a session is called: beside it, where its audio is found."""
    return session_path.with_name(f"{session_path.stem}-mixbridge{session_path.suffix}")


def matches(session: Session, preset: Preset, told: Mapping[str, str]) -> dict[str, str]:
    """The session's track for each of the preset's: as told, of the same name, or alike in letters and digits.

    Raises:
        SessionError: there is none for any of them.
    """
    names = unique_names(track.name for track in session.tracks)
    found = {match.track: match.stem for match in match_names([track.name for track in preset.tracks], names, told)}
    if not found:
        raise SessionError(
            f"{session.path}: no track is called like one of the preset. It has {', '.join(map(repr, names[:12]))}; "
            "assign tracks of the preset to tracks of the session.",
            hints=(Hint("assignments", '"Preset name=track"'),),
        )
    return found
