"""A preset into a copy of a DAW session: the writer that fits the formats, and what the copy is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...presets.errors import SessionError
from ...presets.preset import Preset
from ..matching import bare_name
from .model import Session
from .planning import stem_names
from .reading import read_session
from .writing import Written

_DAWPROJECT = ".dawproject"


def insert(
    session_path: Path,
    preset: Preset,
    output: Path | None = None,
    *,
    told: Mapping[str, str] | None = None,
    allow_outside: bool = False,
    search: Sequence[Path] = (),
    overwrite: bool = False,
) -> Written:
    """Write a copy of a session with a preset in it, as faders, pans, EQs and compressors that can be edited.

    Args:
        session_path: a REAPER, Ardour or DAWproject file; it is not changed. For a new .dawproject also a folder of
            audio, or a WAV file of many channels.
        preset: the mix.
        output: the copy, in the session's own format; or a .dawproject, which any session can become, with its audio
            inside. None for :func:`copy_of`.
        told: session's track by preset's track, where their names are not alike.
        allow_outside: take audio from outside the session's folder into a .dawproject.
        search: folders where missing audio may be.
        overwrite: replace a file that is there.

    Raises:
        SessionError: the session cannot be read, no track of the preset is in it, or it cannot become this.
        OutputError: the copy cannot be written.
    """
    output = output or copy_of(session_path)
    becomes_new = output.suffix.lower() == _DAWPROJECT != session_path.suffix.lower()
    # A copy has no audio in it, so it does not matter where the audio is.
    session = read_session(session_path, allow_outside=allow_outside or not becomes_new, search=search)
    match = matches(session, preset, told or {})
    if becomes_new:
        from .dawproject_new import create

        return create(session, preset, output, match=match, overwrite=overwrite)
    if session.format == "reaper":
        from .reaper_write import write
    elif session.format == "ardour":
        from .ardour_write import write
    elif session.format == "dawproject":
        from .dawproject_write import write
    else:
        raise SessionError(
            f"{session_path}: settings can be put into REAPER (.RPP), Ardour (.ardour) and DAWproject (.dawproject) "
            "sessions; this can become a new .dawproject: name one with -o."
        )
    return write(session_path, preset, output, match=match, overwrite=overwrite)


def copy_of(session_path: Path) -> Path:
    """What the copy of a session is called: beside it, where its audio is found."""
    return session_path.with_name(f"{session_path.stem}-mixbridge{session_path.suffix}")


def matches(session: Session, preset: Preset, told: Mapping[str, str]) -> dict[str, str]:
    """The session's track for each of the preset's: as told, of the same name, or alike in letters and digits.

    Raises:
        SessionError: there is none for any of them.
    """
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
            f"{session.path}: no track is called like one of the preset. It has {', '.join(map(repr, names[:12]))}; "
            'say which is which with --map "Preset name=track".'
        )
    return found
