"""A session as a preset: faders, pans and mutes of its tracks as they stand, and what moves them as lanes.

A preset has no folders, buses and VCAs: their levels and mutes act in the faders and mutes of their tracks. What
mixbridge wrote into it (EQ, compressor, gate, cuts, groups) is read back, too; what other plug-ins do is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ...presets.console import Master, Strip, parameters
from ...presets.lanes.lane import MOST_LANE_POINTS, MOST_POINTS, Lane
from ...presets.names import unique_names
from ...presets.preset import Preset, Track
from ...presets.units import decibels, gain_factor
from .core.balance import from_daw
from .core.model import Automation, Session, SessionGroup, SessionTrack, gains_on_top
from .core.moving import MASTER_FADER, MOVABLE, lanes_of, level_lane
from .core.returned import is_return_audio
from .core.routing import acting, silence
from .registry import format_named
from .writing import MARK, stem_channels

Item = TypeVar("Item", SessionTrack, SessionGroup)

_NAME = 180
_SILENT_DB = -120.0
_TOLD_DB = 0.05


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
    for name, there, channels in zip(names, session.tracks, stem_channels(session), strict=True):
        track = _settled(there)
        if is_return_audio(track):  # the effect itself is in the preset
            continue
        own = ours.get(name, Track(name=name))
        behind = _behind(session, track)
        lanes = (
            *lanes_of(track, channels, behind.level_db, behind.moving),
            *(item for item in own.lanes if item.parameter not in MOVABLE),
        )
        reason = silence(session, track)
        if reason is not None and not track.mute:
            notes.append(f"{name}: muted, since it is {reason}." if "muted" in reason else f"{name}: muted: {reason}.")
        notes += [f"{name}: {note}" for note in _not_read(track, lanes)]
        kept = tuple(item for item in lanes if len(item.points) <= MOST_LANE_POINTS)
        strip, wanted_db = _with_fader(own.strip, track, channels, behind.level_db)
        if wanted_db > strip.fader_db + _TOLD_DB:
            notes.append(f"{name}: its level of {wanted_db:+.1f} dB is beyond a fader's {strip.fader_db:+.1f} dB.")
        tracks.append(Track(name=name, strip=strip, lanes=kept, mute=reason is not None, bus=own.bus))
    while sum(map(_points, tracks)) > MOST_POINTS:
        most = max(tracks, key=_points)
        notes.append(f"{most.name}: all lanes together have too many points; its own are left out.")
        tracks[tracks.index(most)] = most.model_copy(update={"lanes": ()})
    notes += [note for group in session.groups if not group.name.endswith(MARK) for note in _of_group(_settled(group))]
    preset = mix.model_copy(update={"name": session.name[:200], "tracks": tuple(tracks)})
    return SessionPreset(_with_master(preset, session.master), tuple(notes))


def _with_master(preset: Preset, master: SessionGroup | None) -> Preset:
    """Give a preset the master's fader as it stands, and what moves it."""
    if master is None:
        return preset
    row = parameters(Master)[MASTER_FADER]
    level_db = row.clamp(master.gain_db - preset.master.input_gain_db)
    others = [item for item in preset.master_lanes if item.parameter != MASTER_FADER]
    volume = master.volume or Automation(((0.0, gain_factor(master.gain_db)),))
    fader = level_lane(MASTER_FADER, row, volume, on_top=[trim.gains for trim in master.trims])
    lanes = (*others, *(() if fader is None or len(fader.points) > MOST_LANE_POINTS else (fader,)))
    changed = preset.master.model_copy(update={MASTER_FADER: level_db})
    return preset.model_copy(update={"master": changed, "master_lanes": lanes})


@dataclass(frozen=True)
class _Behind:
    """What acts on a track between its fader and the master: a level that stands still, and gains that move."""

    level_db: float
    moving: tuple[Automation, ...]


def _behind(session: Session, track: SessionTrack) -> _Behind:
    """Gather what folders, buses and VCAs do with the level of a track; those of mixbridge are in the preset."""
    groups = [_settled(group) for group in acting(session, track) if not group.name.endswith(MARK)]
    level_db = track.send_db + sum(group.send_db + (group.gain_db if group.volume is None else 0.0) for group in groups)
    moving = [item for group in groups for item in (group.volume, *gains_on_top(group)) if item is not None]
    return _Behind(level_db, tuple(moving))


def _settled(item: Item) -> Item:
    """Take automation that never changes for what it is: a fader that stands still."""
    values = {value for _, value in item.volume.points} if item.volume is not None else set()
    if len(values) != 1:
        return item
    return replace(item, volume=None, gain_db=max(decibels(values.pop()), _SILENT_DB))


def _with_fader(strip: Strip, track: SessionTrack, channels: int, more_db: float) -> tuple[Strip, float]:
    """The strip with fader and pan of a track, and what its fader should be."""
    setting = from_daw(max(track.gain_db + more_db, _SILENT_DB), track.pan, channels, track.pan_law)
    fader_db = parameters(Strip)["fader_db"].clamp(setting.gain_db)
    return strip.model_copy(update={"fader_db": fader_db, "pan": setting.pan}), setting.gain_db


def _points(track: Track) -> int:
    return sum(len(item.points) for item in track.lanes)


def _not_read(track: SessionTrack, lanes: Sequence[Lane]) -> Iterator[str]:
    if track.polarity_inverted:
        yield "its polarity is left out."
    if track.mute_automation is not None:
        yield "its mute automation becomes moves of its fader, down to silence."
    for item in lanes:
        if len(item.points) > MOST_LANE_POINTS:
            yield f"its automation of {item.parameter} has more than {MOST_LANE_POINTS} points and is left out."


def _of_group(group: SessionGroup) -> Iterator[str]:
    named = (("volume", group.volume), ("mute", group.mute_automation), *(("trim", trim) for trim in group.trims))
    moving = list(dict.fromkeys(what for what, item in named if item is not None))
    if group.gain_db or group.send_db or moving:
        what = f"{' and '.join(moving)} automation" if moving else f"level of {_level(group)}"
        yield f"{group.name}: the {what} of the {group.kind} is in the faders of its tracks."
    if group.pan_automation is not None:
        yield f"{group.name}: the pan automation of the {group.kind} is left out."
    elif group.pan:
        yield f"{group.name}: the pan of the {group.kind} is left out."
    if group.polarity_inverted:
        yield f"{group.name}: the polarity of the {group.kind} is left out."


def _level(group: SessionGroup) -> str:
    level_db = group.gain_db + group.send_db
    return f"{level_db:+.1f} dB" if level_db > _SILENT_DB else "silence"
