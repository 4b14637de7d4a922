"""The commands `session stems` and `session inspect`: what is in a DAW session, and its tracks as audio files.

Click parses, :mod:`.sessions` does it, and what was done is said here. Importing this loads click alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .declaring import takes
from .options import FOLDER, FormatOptions, RoleOptions, Saying, SessionAudio, Trying, Writing
from .output.saying import console, counted, echo_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...presets.preset import Preset
    from ...runtime.roles.decide import RoleGuess
    from ..sessions.core.model import Automation, Clip, Session, SessionGroup, SessionTrack
    from ..sessions.stems.planning import StemsPlan

_LISTED = 40
_SURE = 0.6
_NUMBERS = re.compile(r"(?P<first>\d{1,4})(?:-(?P<last>\d{1,4}))?")


@click.command()
@click.argument("session_", metavar="SESSION")
@takes(Writing, "writing", {"output": {**FOLDER["output"], "help": "Folder for the stems."}})
@click.option(
    "--tracks", multiple=True, metavar="1-4,7,NAME", help="Only these tracks: numbers or names.  [default: all]"
)
@click.option("--post-fader", is_flag=True, help="Apply the session's faders, pans, mutes and their automation.")
@click.option("--strict", is_flag=True, help="Refuse a session if anything in it cannot be rendered, or is missing.")
@takes(
    FormatOptions,
    "audio",
    {
        "audio_format": {"default": "wav32f"},
        "sample_rate": {"old": "--rate", "help": "Sample rate of the stems.  [default: the session's]"},
    },
)
@takes(SessionAudio, "session_audio")
@takes(Trying, "saying")
def stems(
    *,
    session_: str,
    writing: Writing,
    tracks: tuple[str, ...],
    post_fader: bool,
    strict: bool,
    audio: FormatOptions,
    session_audio: SessionAudio,
    saying: Trying,
) -> None:
    """Write the tracks of SESSION as audio files of equal length.

    SESSION is a REAPER (.RPP), Ardour (.ardour) or DAWproject (.dawproject) file, a folder of audio files, or a WAV
    file of many channels. Stems are raw, before plug-ins and faders, unless you add --post-fader.
    """
    from ..sessions.stems.planning import plan_stems
    from ..sessions.stems.planning import strict as all_of
    from ..sessions.stems.render import render_plan
    from .output.progress import progress_bar

    session = _opened(session_, session_audio)
    plan = plan_stems(
        session,
        tracks=_chosen(session, tracks),
        post_fader=post_fader,
        sample_rate_hz=audio.sample_rate,
        audio_format=audio.audio_format,
    )
    if strict:
        all_of(plan)
    folder = Path(writing.output)
    if not saying.dry_run:
        with progress_bar(quiet=saying.is_quiet) as progress:
            render_plan(plan, folder, overwrite=writing.force, progress=progress)
    if saying.as_json:
        echo_json(stems_as_json(plan, folder, dry_run=saying.dry_run))
    elif not saying.is_quiet:
        _say_stems(plan, folder, dry_run=saying.dry_run)


@click.command()
@click.argument("session_", metavar="SESSION")
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the timeline into a .png, .svg or .pdf file (needs matplotlib: the extra `picture`).",
)
@takes(RoleOptions, "role_options")
@takes(SessionAudio, "session_audio")
@takes(Saying, "saying")
@click.pass_context
def inspect(
    context: click.Context,
    /,
    *,
    session_: str,
    picture: Path | None,
    role_options: RoleOptions,
    session_audio: SessionAudio,
    saying: Saying,
) -> None:
    """List the tracks of SESSION, what each is, what of them will be used, and what is missing.

    SESSION is what `mixbridge session stems` takes. The exit code is 1 if no stems can be made of it.
    """
    from ...presets.errors import MixbridgeError
    from ..sessions.casting import cast
    from ..sessions.core.media import refused
    from ..sessions.stems.planning import plan_stems
    from ..sessions.timeline import draw_timeline

    session = _opened(session_, session_audio, lists_outside=True)
    try:
        plan, fault = plan_stems(session), None
    except MixbridgeError as error:
        plan, fault = None, str(error)
    outside = next((item for item in session.missing if item.is_outside), None)
    if outside is not None:
        fault = f"{refused(session.path.parent, outside.written)} (--allow-outside, --search FOLDER)"
    roles = cast(session, role_options.told)
    if picture is not None:
        draw_timeline(session, picture, _moving(session))
    if saying.as_json:
        echo_json(session_as_json(session, plan, fault, roles))
    else:
        _say_session(session, plan, roles)
        if picture is not None:
            say(f"  {picture}")
        if fault:
            say(f"No stems can be made: {fault}", err=True)
    context.exit(1 if fault else 0)


def stems_as_json(plan: StemsPlan, folder: Path, *, dry_run: bool) -> dict[str, Any]:
    """Describe what was made, for machines."""
    return {
        "dry_run": dry_run,
        "output": str(folder),
        "sample_rate_hz": plan.sample_rate_hz,
        "frames": plan.file_frames,
        "post_fader": plan.post_fader,
        "stems": {stem.name: {"file": str(folder / stem.file), "channels": stem.channels} for stem in plan.stems},
        **notes_as_json(plan.session, plan),
    }


def session_as_json(
    session: Session, plan: StemsPlan | None, fault: str | None, roles: Mapping[str, RoleGuess]
) -> dict[str, Any]:
    """Describe all of a session, for machines; levels of silence are null."""
    return {
        "session": str(session.path),
        "format": session.format,
        "name": session.name,
        "sample_rate_hz": session.sample_rate_hz,
        "tempo_bpm": session.tempo_bpm,
        "frames": plan.frames if plan else session.frames,
        "time_reference": session.time_reference,
        "tempo": [{"time_s": point.time_s, "bpm": point.bpm, "ramp": point.ramp} for point in session.tempo],
        "tracks": [_track_as_json(track) for track in session.tracks],
        "groups": [_group_as_json(group) for group in session.groups],
        "roles": {name: {"role": guess.role, "weight": guess.weight, "by": guess.by} for name, guess in roles.items()},
        "stems": {stem.name: stem.file for stem in plan.stems} if plan else {},
        "fault": fault,
        **notes_as_json(session, plan),
    }


def _moving(session: Session) -> Preset | None:
    """What moves in a session; None where that cannot be told, which no picture is to fail for."""
    from ...presets.errors import MixbridgeError
    from ..sessions.preset_of import preset_of

    try:
        return preset_of(session).preset
    except MixbridgeError:
        return None


def _opened(path: str, audio: SessionAudio, *, lists_outside: bool = False) -> Session:
    from ...presets.errors import SessionError
    from ...runtime.audio.stems import is_text
    from ..sessions.reading import read_session

    if not is_text(path):
        raise SessionError(f"{path}: this name is not UTF-8 text. Rename the file or its folder.")
    search = [Path(folder) for folder in audio.search]
    for folder in search:
        if not folder.is_dir():
            raise SessionError(f"--search {folder}: there is no such folder.")
    return read_session(Path(path), allow_outside=audio.allow_outside, search=search, lists_outside=lists_outside)


def _chosen(session: Session, given: Sequence[str]) -> list[str] | None:
    """Reads names and numbers of tracks with commas between them; a name may have a comma, or be a number."""
    from ...presets.names import unique_names

    if not given:
        return None
    known = unique_names(track.name for track in session.tracks)
    parts = [[item] if item in known else [part.strip() for part in item.split(",") if part.strip()] for item in given]
    return [name for several in parts for part in several for name in _named(part, known)]


def _named(part: str, known: Sequence[str]) -> list[str]:
    """Gives the names that a part means: itself, or those of the tracks 3 or 1-4."""
    from ...presets.errors import SessionError

    numbers = None if part in known else _NUMBERS.fullmatch(part)
    if numbers is None:
        return [part]
    first, last = int(numbers["first"]), int(numbers["last"] or numbers["first"])
    if not 1 <= first <= last <= len(known):
        raise SessionError(f"tracks {part!r}: this session has the tracks 1 to {len(known)}.")
    return list(known[first - 1 : last])


def _say_stems(plan: StemsPlan, folder: Path, *, dry_run: bool) -> None:
    from ..sessions.timeline import clock

    length = clock(plan.file_frames / plan.sample_rate_hz)
    kind = "with faders" if plan.post_fader else "raw"
    done = "Nothing was written. These stems would be" if dry_run else counted(len(plan.stems), "stem")
    say(f"{done}, {kind}, {length} at {plan.sample_rate_hz} Hz" + (":" if dry_run else ""))
    for stem in plan.stems[:_LISTED]:
        say(f"  {folder / stem.file} ({'mono' if stem.channels == 1 else 'stereo'})")
    if len(plan.stems) > _LISTED:
        say(f"  and {len(plan.stems) - _LISTED} more")
    say_notes(plan.session, plan)


def _say_session(session: Session, plan: StemsPlan | None, roles: Mapping[str, RoleGuess]) -> None:
    import sys

    from ..sessions.registry import format_named
    from ..sessions.timeline import clock, printable, terminal_timeline, track_key, track_table

    frames = plan.frames if plan else session.frames
    title = format_named(session.format).title
    say(
        f"{printable(session.name)}: {title} session, {counted(len(session.tracks), 'track')}, "
        f"{clock(frames / session.sample_rate_hz)} at {session.sample_rate_hz} Hz, {session.tempo_bpm:g} bpm"
    )
    files = {track_key(stem.track): f"{stem.file}, {stem.channels} ch" for stem in plan.stems} if plan else {}
    screen = console()
    screen.print(track_table(session, files, [_said_role(guess) for guess in roles.values()], screen.width))
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    for line in terminal_timeline(session, screen.width, plain=plain):
        screen.print(line)
    say_notes(session, plan)


def _said_role(guess: RoleGuess) -> str:
    """What a track is, with a question mark where that is hardly sure."""
    return "" if guess.role is None else guess.role if guess.weight >= _SURE else f"{guess.role}?"


def say_notes(session: Session, plan: StemsPlan | None) -> None:
    """Say what is not rendered, what is missing and what is worth knowing: one list, on standard error."""
    from ..sessions.stems.planning import said, said_missing
    from ..sessions.timeline import printable

    lines = [f"Missing: {said_missing(item)}" for item in session.missing]
    lines += [f"Not rendered: {said(note)}" for note in (plan.not_rendered if plan else session.unsupported)]
    lines += [f"Note: {said(note)}" for note in (plan.remarks if plan else ())]
    for line in lines[:_LISTED]:
        say(printable(line), err=True)
    if len(lines) > _LISTED:
        say(f"and {len(lines) - _LISTED} more; --json lists all", err=True)


def notes_as_json(session: Session, plan: StemsPlan | None) -> dict[str, Any]:
    """Lists what is not rendered, what is missing and what is worth knowing, for programs."""

    def listed(notes: Iterable[Any]) -> list[dict[str, str]]:
        return [{"track": note.track, "clip": note.clip, "what": note.what} for note in notes]

    return {
        "not_rendered": listed(plan.not_rendered if plan else session.unsupported),
        "remarks": listed(plan.remarks if plan else ()),
        "missing": [
            {"path": item.written, "looked_in": [str(place) for place in item.looked_in]} for item in session.missing
        ],
    }


def _track_as_json(track: SessionTrack) -> dict[str, Any]:
    return {
        "name": track.name,
        "order": track.order,
        "identity": track.identity,
        "group": track.group,
        "colour": track.colour,
        "channels": track.channels,
        "gain_db": _number(track.gain_db),
        "pan": track.pan,
        "pan_law": track.pan_law,
        "mute": track.mute,
        "solo": track.solo,
        "polarity_inverted": track.polarity_inverted,
        "parent": track.parent,
        "controls": track.controls,
        "has_output": track.has_output,
        "send_db": _number(track.send_db),
        "volume": _automation_as_json(track.volume),
        "pan_automation": _automation_as_json(track.pan_automation),
        "clips": [_clip_as_json(clip) for clip in track.clips],
    }


def _group_as_json(group: SessionGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "kind": group.kind,
        "identity": group.identity,
        "parent": group.parent,
        "controls": group.controls,
        "gain_db": _number(group.gain_db),
        "pan": group.pan,
        "mute": group.mute,
        "solo": group.solo,
        "polarity_inverted": group.polarity_inverted,
        "has_output": group.has_output,
        "send_db": _number(group.send_db),
        "volume": _automation_as_json(group.volume),
        "pan_automation": _automation_as_json(group.pan_automation),
    }


def _clip_as_json(clip: Clip) -> dict[str, Any]:
    return {
        "name": clip.label,
        "files": [str(path) for path in (clip.source, *clip.split)],
        "position": clip.position,
        "length": clip.length,
        "source_offset": clip.source_offset,
        "gain_db": _number(clip.gain_db),
        "fade_in": {"length": clip.fade_in.length, "shape": clip.fade_in.shape},
        "fade_out": {"length": clip.fade_out.length, "shape": clip.fade_out.shape},
        "channels": clip.channels,
        "reverse": clip.reverse,
        "mute": clip.mute,
        "loop_frames": clip.loop_frames,
        "stretch": clip.stretch,
        "layer": clip.layer,
    }


def _automation_as_json(automation: Automation | None) -> dict[str, Any] | None:
    if automation is None:
        return None
    return {"interpolation": automation.interpolation, "points": automation.points}


def _number(value: float) -> float | None:
    return round(value, 6) + 0.0 if math.isfinite(value) else None
