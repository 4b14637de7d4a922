"""A session as a preset: faders, pans and mutes of its tracks as they stand, and what moves them as lanes.

What mixbridge wrote into it (EQ, compressor, gate, cuts) is read back, too; what other plug-ins do is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...presets.console import Master, Strip, parameters
from ...presets.lanes.lane import MOST_LANE_POINTS, MOST_POINTS, Lane
from ...presets.names import unique_names
from ...presets.preset import Preset, Track
from .core.balance import from_daw
from .core.model import Session, SessionGroup, SessionTrack
from .core.moving import MASTER_FADER, MOVABLE, lanes_of, level_lane
from .core.returned import is_return_audio
from .registry import format_named
from .writing import MARK, stem_channels

_NAME = 180
_SILENT_DB = -120.0


@dataclass(frozen=True)
class SessionPreset:
    """What was read.

    Attributes:
        preset: tracks of the session's names.
        notes: what of its automation no lane has, in sentences.
    """

    preset: Preset
    notes: tuple[str, ...]


def preset_of(session: Session) -> SessionPreset:
    """Make a preset of a session.

    Raises:
        SessionError: what mixbridge wrote into it cannot be read any more.
    """
    entry = format_named(session.format)
    mix = entry.read_back(session.path) if entry.writer else Preset(tracks=())
    ours = {track.name: track for track in mix.tracks}
    names = unique_names(track.name[:_NAME] for track in session.tracks)
    tracks: list[Track] = []
    notes: list[str] = []
    for name, track, channels in zip(names, session.tracks, stem_channels(session), strict=True):
        if is_return_audio(track):  # the effect itself is in the preset
            continue
        own = ours.get(name, Track(name=name))
        lanes = (*lanes_of(track, channels), *(item for item in own.lanes if item.parameter not in MOVABLE))
        notes += [f"{name}: {note}" for note in _not_read(track, lanes)]
        kept = tuple(item for item in lanes if len(item.points) <= MOST_LANE_POINTS)
        strip = _with_fader(own.strip, track, channels)
        tracks.append(Track(name=name, strip=strip, lanes=kept, mute=track.mute, bus=own.bus))
    while sum(map(_points, tracks)) > MOST_POINTS:
        most = max(tracks, key=_points)
        notes.append(f"{most.name}: all lanes together have too many points; its own are left out.")
        tracks[tracks.index(most)] = most.model_copy(update={"lanes": ()})
    notes += [note for group in session.groups if not group.name.endswith(MARK) for note in _of_group(group)]
    preset = mix.model_copy(update={"name": session.name[:200], "tracks": tuple(tracks)})
    return SessionPreset(_with_master(preset, session.master), tuple(notes))


def _with_master(preset: Preset, master: SessionGroup | None) -> Preset:
    """Give a preset the master's fader as it stands, and what moves it."""
    if master is None:
        return preset
    row = parameters(Master)[MASTER_FADER]
    level_db = row.clamp(master.gain_db - preset.master.input_gain_db)
    others = [item for item in preset.master_lanes if item.parameter != MASTER_FADER]
    fader = None if master.volume is None else level_lane(MASTER_FADER, row, master.volume)
    lanes = (*others, *(() if fader is None or len(fader.points) > MOST_LANE_POINTS else (fader,)))
    changed = preset.master.model_copy(update={MASTER_FADER: level_db})
    return preset.model_copy(update={"master": changed, "master_lanes": lanes})


def _with_fader(strip: Strip, track: SessionTrack, channels: int) -> Strip:
    setting = from_daw(max(track.gain_db, _SILENT_DB), track.pan, channels, track.pan_law)
    fader_db = parameters(Strip)["fader_db"].clamp(setting.gain_db)
    return strip.model_copy(update={"fader_db": fader_db, "pan": setting.pan})


def _points(track: Track) -> int:
    return sum(len(item.points) for item in track.lanes)


def _not_read(track: SessionTrack, lanes: Sequence[Lane]) -> Iterator[str]:
    if track.mute_automation is not None:
        yield "its mute automation becomes moves of its fader, down to silence."
    for item in lanes:
        if len(item.points) > MOST_LANE_POINTS:
            yield f"its automation of {item.parameter} has more than {MOST_LANE_POINTS} points and is left out."


def _of_group(group: SessionGroup) -> Iterator[str]:
    for what, automation in (
        ("volume", group.volume),
        ("pan", group.pan_automation),
        ("mute", group.mute_automation),
    ):
        if automation is not None:
            yield f"{group.name}: the {what} automation of the {group.kind} is left out."
