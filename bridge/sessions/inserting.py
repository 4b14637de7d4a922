"""A preset into a copy of a DAW session: the writer that fits the session's format, and what the copy is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ...presets.errors import SessionError
from ...presets.preset import Preset
from ..matching import bare_name
from .planning import stem_names
from .reading import read_session, session_format
from .writing import Written

_WRITTEN = ("ardour", "dawproject", "reaper")


def insert(
    session_path: Path,
    preset: Preset,
    output: Path | None = None,
    *,
    told: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Written:
    """Write a copy of a session with a preset in it, as faders, pans, EQs and compressors that can be edited.

    Args:
        session_path: a REAPER, Ardour or DAWproject file; it is not changed.
        preset: the mix.
        output: the copy; None for :func:`copy_of`.
        told: session's track by preset's track, where their names are not alike.
        overwrite: replace a file that is there.

    Raises:
        SessionError: the session cannot be read, or no track of the preset is in it.
        OutputError: the copy cannot be written.
    """
    match = matches(session_path, preset, told or {})
    output, kind = output or copy_of(session_path), session_format(session_path)
    if kind == "reaper":
        from .reaper_write import write
    elif kind == "ardour":
        from .ardour_write import write
    else:
        from .dawproject_write import write
    return write(session_path, preset, output, match=match, overwrite=overwrite)


def copy_of(session_path: Path) -> Path:
    """What the copy of a session is called: beside it, where its audio is found."""
    return session_path.with_name(f"{session_path.stem}-mixbridge{session_path.suffix}")


def matches(session_path: Path, preset: Preset, told: Mapping[str, str]) -> dict[str, str]:
    """The session's track for each of the preset's: as told, of the same name, or alike in letters and digits.

    Raises:
        SessionError: there is none for any of them, or settings cannot be put into this session.
    """
    if session_format(session_path) not in _WRITTEN:
        raise SessionError(
            f"{session_path}: settings can be put into REAPER (.RPP), Ardour (.ardour) and DAWproject (.dawproject) "
            "sessions, not into this."
        )
    # Media may be missing or elsewhere: settings are put in all the same.
    session = read_session(session_path, allow_outside=True)
    names = stem_names(track.name for track in session.tracks)
    found = dict(told)
    for track in preset.tracks:
        if track.name in found:
            continue
        free = [name for name in names if name not in found.values()]
        alike = [name for name in free if bare_name(name) == bare_name(track.name)]
        if track.name in free:
            found[track.name] = track.name
        elif len(alike) == 1:
            found[track.name] = alike[0]
    if not found:
        raise SessionError(
            f"{session_path}: no track is called like one of the preset. It has {', '.join(map(repr, names[:12]))}; "
            'say which is which with --map "Preset name=track".'
        )
    return found
