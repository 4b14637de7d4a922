"""Whether the numbers of a session can be used: finite, in order, within what any session has."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ....presets.errors import SessionError
from ....presets.units import gain_factor
from .model import (
    LONGEST_S,
    LOUDEST_DB,
    MOST_CLIPS,
    MOST_STRETCH,
    MOST_TRACKS,
    Automation,
    Clip,
    Fade,
    Session,
    SessionGroup,
    SessionTrack,
)

_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 8_000, 192_000


def checked(session: Session) -> Session:
    """Check a session, and give it back if its numbers can be used.

    Raises:
        SessionError: one is no number, negative or beyond all measure; the message names track and clip.
    """
    if not _LOWEST_RATE_HZ <= session.sample_rate_hz <= _HIGHEST_RATE_HZ:
        raise SessionError(
            f"{session.path}: its sample rate is {session.sample_rate_hz} Hz, which is not between 8000 and 192000."
        )
    if len(session.tracks) > MOST_TRACKS:
        raise SessionError(f"{session.path} has {len(session.tracks)} tracks; {MOST_TRACKS} are the most.")
    clips = sum(len(track.clips) for track in session.tracks)
    if clips > MOST_CLIPS:
        raise SessionError(f"{session.path} has {clips} clips; {MOST_CLIPS} are the most.")
    channels: tuple[SessionTrack | SessionGroup, ...] = (*session.tracks, *session.groups)
    for item in channels:
        fault = next(_track_faults(item, len(session.groups)), None)
        if fault:
            raise SessionError(f"{session.path}, track {item.name[:80]!r}: {fault}.")
    for track in session.tracks:
        for clip in track.clips:
            fault = next(_clip_faults(clip, session.sample_rate_hz), None)
            if fault:
                raise SessionError(f"{session.path}, track {track.name[:80]!r}, clip {clip.label[:80]!r}: {fault}.")
    return session


def _track_faults(track: SessionTrack | SessionGroup, groups: int) -> Iterator[str]:
    if not all(0 <= index < groups for index in (*track.controls, *(() if track.parent is None else (track.parent,)))):
        yield "it lies in a group that the session does not have"
    for gain_db in (track.gain_db, track.send_db):
        if not (math.isfinite(gain_db) or gain_db == -math.inf) or gain_db > LOUDEST_DB:
            yield f"a fader at {gain_db} dB is no usable gain"
    if not -1 <= track.pan <= 1:
        yield f"a pan of {track.pan} is not between -1 and 1"
    yield from _automation_faults(track.volume, 0, gain_factor(LOUDEST_DB), "volume")
    yield from _automation_faults(track.pan_automation, -1, 1, "pan")
    yield from _automation_faults(track.mute_automation, 0, 1, "mute")
    for trim in track.trims:
        yield from _automation_faults(trim.gains, 0, gain_factor(LOUDEST_DB), trim.what)


def _clip_faults(clip: Clip, rate_hz: int) -> Iterator[str]:
    longest = LONGEST_S * rate_hz
    if clip.length < 0:
        yield f"its length is negative ({clip.length / rate_hz:.3f} s)"
    if not (-longest <= clip.position <= longest and clip.end <= longest):
        yield f"it ends {clip.end / rate_hz / 3600:.4g} h after the session's beginning; 24 h are the most"
    if not (math.isfinite(clip.gain_db) or clip.gain_db == -math.inf) or clip.gain_db > LOUDEST_DB:
        yield f"{clip.gain_db} dB is no usable gain"
    if not (math.isfinite(clip.source_offset) and abs(clip.source_offset) < LONGEST_S * _HIGHEST_RATE_HZ):
        yield f"its offset into the file ({clip.source_offset} frames) is no usable number"
    if not (1 / MOST_STRETCH <= clip.stretch <= MOST_STRETCH):
        yield f"a time-stretch of {clip.stretch} is no usable factor"
    if clip.loop_frames is not None and not (
        math.isfinite(clip.loop_frames) and clip.loop_frames >= 1 and math.isfinite(clip.loop_start)
    ):
        yield f"a loop of {clip.loop_frames} frames has no usable length"
    if clip.channels is not None and (not clip.channels or min(clip.channels) < 0):
        yield f"it takes channels {clip.channels}, which no file has"
    yield from _fade_faults(clip.fade_in, "fade-in")
    yield from _fade_faults(clip.fade_out, "fade-out")
    yield from _automation_faults(clip.envelope, 0, gain_factor(LOUDEST_DB), "gain")


def _fade_faults(fade: Fade, what: str) -> Iterator[str]:
    # Longer than the clip is possible: DAWs keep a fade when they cut its clip.
    if not 0 <= fade.length <= LONGEST_S * _HIGHEST_RATE_HZ:
        yield f"its {what} is {fade.length} frames long, which cannot be"
    if fade.shape == "points" and fade.length and len(fade.points) < 2:
        yield f"its {what} has no curve"
    for curve in (fade.points, fade.under):
        yield from _curve_faults(curve, 0, gain_factor(LOUDEST_DB), what)


def _automation_faults(automation: Automation | None, low: float, high: float, what: str) -> Iterator[str]:
    if automation is not None:
        if not automation.points:
            yield f"its {what} automation has no points"
        yield from _curve_faults(automation.points, low, high, f"{what} automation")


def _curve_faults(points: tuple[tuple[float, float], ...], low: float, high: float, what: str) -> Iterator[str]:
    last = -math.inf
    for time, value in points:
        if not math.isfinite(time) or time < last:
            yield f"the points of its {what} are not in order"
        if not low <= value <= high:
            yield f"a point of its {what} is {value}, which is not between {low:g} and {high:g}"
        last = time
