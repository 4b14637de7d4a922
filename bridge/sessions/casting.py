"""What the tracks of a session are: told from their names and from a passage of their longest clip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...presets.errors import AudioError
from ...presets.names import unique_names
from ...presets.roles import told_roles
from ...runtime.audio.reading import Samples, probe, read_passage
from ...runtime.roles.decide import RoleGuess, decide_roles
from .core.model import Session, SessionTrack

_HEARD_S: Final = 6.0
_RATE_HZ: Final = 44100
_NOTHING_TOLD: Final[Mapping[str, str]] = {}


def cast(session: Session, told: Mapping[str, str] = _NOTHING_TOLD) -> dict[str, RoleGuess]:
    """Decide the role of each track, by its name; one that comes again has a number.

    Args:
        session: which; a track whose audio is missing is judged by its name.
        told: roles that are known.

    Raises:
        PresetError: a role that there is not, or of a track that there is not.
    """
    names = unique_names(track.name for track in session.tracks)
    known = told_roles(told, names)
    audio = {
        name: heard
        for name, track in zip(names, session.tracks, strict=True)
        if name not in known and (heard := _passage(track, session.sample_rate_hz)) is not None
    }
    return decide_roles(names, audio, _RATE_HZ, known)


def _passage(track: SessionTrack, session_rate_hz: int) -> Samples | None:
    """The middle of the longest clip; None where there is none that can be read."""
    clips = [clip for clip in track.clips if not clip.mute] or list(track.clips)
    if not clips:
        return None
    clip = max(clips, key=lambda item: item.length)
    try:
        info = probe(clip.source)
        begin_s = 0.0 if clip.reverse else clip.source_offset / info.sample_rate_hz
        length_s = min(clip.length / session_rate_hz, info.duration_s - begin_s)
        start_s = begin_s + max(0.0, (length_s - _HEARD_S) / 2)
        audio = read_passage(clip.source, start_s, _HEARD_S, _RATE_HZ)
    except (AudioError, OSError):
        return None
    return audio if audio.shape[0] <= 2 else audio[:1]
