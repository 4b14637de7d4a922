"""What stems a session gives, and what they will not have: known before anything is rendered.

All files of all clips are looked at here, so that a wrong one is named at once and not after an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....presets.errors import Hint, OutputError, SessionError
from ....presets.names import unique_names
from ....runtime.audio.naming import file_names
from ....runtime.audio.reading import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from ....runtime.audio.writing import FORMATS, AudioFormat
from ..core.checks import checked
from ..core.kinds import Kind, level, side
from ..core.media import shown
from ..core.model import MissingMedia, Session, SessionGroup, SessionNote, SessionTrack
from ..core.returned import is_return_audio
from ..core.routing import acting, silence
from .material import FilePool, clip_channels, naming, sounding_frames
from .mixdown import track_channels

# A clip may end this much behind its file's last frame without a word: DAWs round.
_ROUNDING_S = 0.05
_LISTED = 12
# Less than these of a group's fader and pan is not said.
_SHOWN_DB, _SHOWN_PAN = 0.01, 0.005


@dataclass(frozen=True)
class PlannedStem:
    """A stem to be made.

    Attributes:
        name: the track's, with a number if another has it.
        track: what it is made of.
        file: its name in the folder.
        channels: 1 or 2.
    """

    name: str
    track: SessionTrack
    file: str
    channels: int


@dataclass(frozen=True)
class StemsPlan:
    """What :func:`.render.render_stems` makes.

    Attributes:
        session: of which.
        stems: in the session's order.
        frames: of each, at the session's rate: where the last clip of the session ends; returns of earlier mixes only
            count where they are stems.
        sample_rate_hz: of the files.
        audio_format: of the files.
        post_fader: with the faders.
        not_rendered: everything that the DAW would play and the stems do not have.
        remarks: what one may want to know besides.
        unplayed: names of tracks that are left out, as the DAW does not play them.
    """

    session: Session
    stems: tuple[PlannedStem, ...]
    frames: int
    sample_rate_hz: int
    audio_format: AudioFormat
    post_fader: bool
    not_rendered: tuple[SessionNote, ...]
    remarks: tuple[SessionNote, ...]
    unplayed: tuple[str, ...] = ()

    @property
    def file_frames(self) -> int:
        """Frames of each file."""
        return max(1, round(self.frames * self.sample_rate_hz / self.session.sample_rate_hz))

    @property
    def size(self) -> int:
        """Bytes of all files, before any packing."""
        return self.file_frames * self.audio_format.bytes_per_sample * sum(stem.channels for stem in self.stems)


def plan_stems(
    session: Session,
    *,
    tracks: Sequence[str] | None = None,
    post_fader: bool = False,
    muted: bool = True,
    sample_rate_hz: int | None = None,
    audio_format: str = "wav32f",
) -> StemsPlan:
    """Look at all files and say what :func:`.render.render_stems` would make; arguments and errors as there.

    Args:
        session: which.
        tracks: names of those that are wanted; None for all.
        post_fader: with faders.
        muted: also the tracks that the DAW does not play: muted, by themselves or by a group, or without an output.
        sample_rate_hz: of the files; None for the session's.
        audio_format: of the files.
    """
    checked(session)
    rate_hz = sample_rate_hz or session.sample_rate_hz
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise OutputError(f"a sample rate of {rate_hz} Hz cannot be written: choose one from 8000 to 192000.")
    named = list(zip(unique_names(track.name for track in session.tracks), session.tracks, strict=True))
    wanted = [(name, track) for name, track in named if track.clips and _is_wanted(name, track, tracks, post_fader)]
    _check_choice(session, named, wanted, tracks)
    unplayed = () if muted else _unplayed(session, wanted)
    chosen = [(name, track) for name, track in wanted if name not in unplayed]
    suffix = FORMATS[audio_format].suffix
    with FilePool() as pool:
        files = file_names(name for name, _ in chosen)
        stems = tuple(
            PlannedStem(name, track, f"{file}{suffix}", 2 if post_fader else track_channels(track, pool))
            for (name, track), file in zip(chosen, files, strict=True)
        )
        # The tail of an earlier mix's return is no part of the song: each mix of the last one's copy would be longer.
        heard = [track for name, track in named if not is_return_audio(track) or (name, track) in chosen]
        frames, short = _sounding_end(heard, session.sample_rate_hz, pool)
        wide = list(_channel_notes(session, pool))
    kind = _silent_kind(post_fader=post_fader, muted=muted)
    return StemsPlan(
        session,
        stems,
        frames,
        rate_hz,
        FORMATS[audio_format],
        post_fader,
        tuple(dict.fromkeys((*_not_rendered(session, post_fader=post_fader), *wide))),
        (*session.remarks, *short, *_remarks(session, kind, post_fader=post_fader)),
        unplayed,
    )


def strict(plan: StemsPlan) -> StemsPlan:
    """Give back the plan, if it renders everything.

    Raises:
        SessionError: something is not rendered, or missing.
    """
    faults = [said(note) for note in plan.not_rendered] + [said_missing(item) for item in plan.session.missing]
    if faults:
        more = f"; and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
        raise SessionError(f"{plan.session.path}: not all of it can be rendered: {'; '.join(faults[:_LISTED])}{more}.")
    return plan


def _is_wanted(name: str, track: SessionTrack, tracks: Sequence[str] | None, post_fader: bool) -> bool:
    """Tell whether a track is to be a stem; a return that a mix put there is no raw one unless it is asked for."""
    return post_fader or not is_return_audio(track) if tracks is None else name in tracks


def said(note: SessionNote) -> str:
    """Write a note in a line: where, and what."""
    return ": ".join(part for part in (note.track, note.clip, note.what) if part)


def said_missing(item: MissingMedia) -> str:
    """Write a missing file in a line: which, and where it was looked for."""
    if item.is_outside:
        return f"{shown(item.written)} lies outside the session's folder"
    places = ", ".join(str(place) for place in item.looked_in)
    return f"{item.written} is missing" + (f" (looked in {places})" if places else "")


def _unplayed(session: Session, wanted: Sequence[tuple[str, SessionTrack]]) -> tuple[str, ...]:
    """Name the tracks that the DAW does not play.

    Raises:
        SessionError: it plays none of them.
    """
    reasons = {name: reason for name, track in wanted if (reason := silence(session, track))}
    if len(reasons) == len(wanted):
        name, reason = next(iter(reasons.items()))
        raise SessionError(
            f"{session.path}: no track with audio is played, e.g. {name[:80]!r}: {reason}. "
            "Unmute what you want to hear.",
            hints=(Hint("muted"),),
        )
    return tuple(reasons)


def _check_choice(
    session: Session,
    named: Sequence[tuple[str, SessionTrack]],
    chosen: Sequence[tuple[str, SessionTrack]],
    tracks: Sequence[str] | None,
) -> None:
    for wanted in tracks or ():
        track = dict(named).get(wanted)
        if track is None:
            known = ", ".join(repr(name[:80]) for name, _ in named[:_LISTED])
            raise SessionError(f"{session.path} has no track {wanted!r}; it has {known or 'none'}.")
        if not track.clips:
            raise SessionError(f"{session.path}: the track {wanted!r} has no audio that can be rendered.")
    if not chosen:
        missing = f" {said_missing(session.missing[0])}." if session.missing else ""
        raise SessionError(f"{session.path} has no track with audio that can be rendered.{missing}")


def _sounding_end(tracks: Sequence[SessionTrack], rate_hz: int, pool: FilePool) -> tuple[int, list[SessionNote]]:
    """Find where the last clip that has something ends, and the clips that claim to be longer than their files."""
    end, short = 1, []
    for track in tracks:
        for clip in track.clips:
            if clip.mute:
                # It takes its time in the session, as silence.
                end = max(end, clip.end)
                continue
            with naming(track, clip):
                sounding = sounding_frames(clip, pool, rate_hz)
            end = max(end, clip.position + sounding)
            lacking_s = (clip.length - sounding) / rate_hz
            if lacking_s > _ROUNDING_S:
                short.append(SessionNote(track.name, clip.label, Kind.FILE_ENDS(f"{lacking_s:.2f}")))
    return end, short


def _channel_notes(session: Session, pool: FilePool) -> Iterator[SessionNote]:
    """List what of the channels of clips and their files is not heard."""
    for track in session.tracks:
        for clip in track.clips:
            with naming(track, clip):
                has = sum(pool.info(path).channels for path in (clip.source, *clip.split))
                wide = clip_channels(clip, pool)
            for channel in clip.channels or ():
                if channel >= has:
                    yield SessionNote(track.name, clip.label, Kind.NO_CHANNEL(channel + 1, has))
            if wide > 2:
                yield SessionNote(track.name, clip.label, Kind.TOO_WIDE(wide))


def _not_rendered(session: Session, *, post_fader: bool) -> Iterator[SessionNote]:
    yield from session.unsupported
    for track in session.tracks:
        if track.clips and not post_fader:
            mute = () if track.mute_automation is None else (Kind.MUTE_AUTOMATION(),)
            yield from (SessionNote(track.name, "", what) for what in (*mute, *(trim.what for trim in track.trims)))
        for clip in track.clips:
            yield from (SessionNote(track.name, clip.label, what) for what in clip.notes)


def _silent_kind(*, post_fader: bool, muted: bool) -> Kind:
    """Choose what is said of a track that the DAW does not play."""
    if not muted:
        return Kind.LEFT_OUT
    return Kind.SILENT_STEM if post_fader else Kind.NOT_PLAYED


def _remarks(session: Session, silent_kind: Kind, *, post_fader: bool) -> Iterator[SessionNote]:
    for track in session.tracks:
        silent = silence(session, track)
        if is_return_audio(track) and not post_fader:
            yield SessionNote(track.name, "", Kind.RETURN_AUDIO())
        elif not track.clips:
            yield SessionNote(track.name, "", Kind.NO_AUDIO())
        elif silent:
            yield SessionNote(track.name, "", silent_kind(silent))
        if track.polarity_inverted and track.clips and not post_fader:
            yield SessionNote(track.name, "", Kind.POLARITY())
        if track.solo:
            yield SessionNote(track.name, "", Kind.SOLO())
    yield from _group_remarks(session, post_fader)
    muted = sum(clip.mute for track in session.tracks for clip in track.clips)
    if muted:
        yield SessionNote("", "", Kind.MUTED_CLIPS(muted, "s are" if muted > 1 else " is"))


def _group_remarks(session: Session, post_fader: bool) -> Iterator[SessionNote]:
    """List what groups with audible tracks do to them and raw stems do not have."""
    used = {id(group) for track in session.tracks if track.clips for group in acting(session, track)}
    for group in (group for group in session.groups if id(group) in used):
        if group.solo:
            yield SessionNote(group.name, "", Kind.SOLO())
        if not post_fader:
            yield from (SessionNote(group.name, "", what) for what in _group_settings(group))


def _group_settings(group: SessionGroup) -> Iterator[str]:
    curves = ("volume", group.volume), ("pan", group.pan_automation), ("mute", group.mute_automation)
    for what, automation in curves:
        if automation is not None:
            yield Kind.GROUP_AUTOMATION(group.kind, what)
    if group.trims:
        yield Kind.GROUP_AUTOMATION(group.kind, "trim")
    if group.volume is None and abs(group.gain_db) >= _SHOWN_DB:
        yield Kind.GROUP_FADER(group.kind, level(group.gain_db))
    if group.pan_automation is None and abs(group.pan) >= _SHOWN_PAN:
        yield Kind.GROUP_PAN(group.kind, side(group.pan))
    if group.polarity_inverted:
        yield Kind.GROUP_POLARITY(group.kind)
