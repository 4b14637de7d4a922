"""What the writers of sessions share: what they give back, which track is whose, and a new file beside the old one."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ...presets.console import Strip
from ...presets.edit import Bus, without_input_gain
from ...presets.errors import OutputError, SessionError
from ...presets.names import unique_names
from ...presets.preset import Preset, Track
from ...presets.sections import GROUPS, active_sections, described, is_active
from ...runtime.audio.output import OutputFolder
from ...runtime.audio.writing import is_signed
from ..fitting.match import PLUGIN_RATE_HZ, without_match
from ..fitting.stages import takes_db
from .core import returned
from .core.balance import FaderPan, from_daw, to_daw
from .core.kinds import Kind, Phrase, level, side
from .core.model import PanLaw, Session, SessionGroup, SessionTrack, gains_on_top
from .core.routing import acting
from .stems.material import FilePool
from .stems.mixdown import track_channels

# The sections whose loss can be said in dB.
_STAGES: Final = frozenset({"gate", "low_cut", "high_cut", "deesser", "saturation"})
# The sections that a copy has, as the DAW's own EQ, compressor, fader and pan.
WRITTEN: Final = frozenset({"trim", "eq", "compressor", "fader", "pan"})
MARK: Final = returned.MARK
NO_AUDIO: Final[Mapping[str, Path]] = MappingProxyType({})
_LISTED = 12
# What a copy has as the session had it, and the mix does not have.
_ACTING = frozenset({Kind.SEND, Kind.RECEIVE, Kind.SIDE_CHAIN, Kind.HARDWARE, Kind.INSERT, Kind.CHANNEL_POLARITY})


@dataclass(frozen=True)
class Written:
    """A session that was written.

    Attributes:
        path: its file.
        notes: what is not as the preset has it, or acts besides it, in sentences.
        rendered: names of the tracks that play returns of effects as audio.
    """

    path: Path
    notes: tuple[str, ...]
    rendered: tuple[str, ...] = ()


def matched(session: Path, names: Sequence[str], preset: Preset, match: Mapping[str, str]) -> dict[int, Track]:
    """Tell which track of a session gets which of the preset's.

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


def stem_channels(session: Session) -> tuple[int, ...]:
    """Count the channels of each track's stem, 1 or 2; those of the track itself where its audio is missing."""
    with FilePool() as pool:
        return tuple(_channels(track, pool) for track in session.tracks)


def in_terms_of(track: Track, channels: int, law: PanLaw) -> Track:
    """Put a track's fader and pan in terms of a DAW: both sides get the mix's gains.

    Args:
        track: of the mix.
        channels: of its stem, 1 or 2.
        law: what the DAW's pan means on this track.
    """
    there = to_daw(track.strip.fader_db, track.strip.pan, channels, law)
    return track.model_copy(update={"strip": _with_fader(track.strip, there)})


def in_terms_of_mix(strip: Strip, channels: int, law: PanLaw) -> Strip:
    """Put a strip's fader and pan in terms of the mix: the reverse of :func:`in_terms_of`."""
    return _with_fader(strip, from_daw(strip.fader_db, strip.pan, channels, law))


def solos_stay(session: Session) -> Iterator[str]:
    """Say which tracks and groups are soloed: the DAW plays these alone, where the mix has all."""
    items: tuple[SessionTrack | SessionGroup, ...] = (*session.tracks, *session.groups)
    names = [item.name[:80] for item in items if item.solo]
    if names:
        yield f"Solo stays on for {', '.join(names[:_LISTED])}: the DAW plays nothing else until you switch it off."


def acts_besides(session: Session, places: Iterable[int]) -> Iterator[str]:
    """Say what of a session's own acts on the mix's tracks in a copy, and not in the mix; plug-ins of tracks aside.

    Args:
        session: which.
        places: of the mix's tracks, in `session.tracks`.
    """
    tracks = [session.tracks[place] for place in places]
    groups = {group.name for track in tracks for group in acting(session, track)}
    names = {track.name for track in tracks}
    for note in session.unsupported:
        kind = note.what.kind if isinstance(note.what, Phrase) else None
        of_track = note.track in names and kind in _ACTING
        of_group = note.track in groups - names and (kind in _ACTING or kind is Kind.PLUGIN)
        is_ours = note.track.endswith(MARK) or note.what.endswith(MARK)
        if not note.clip and not is_ours and (of_track or of_group):
            yield f"{note.track}: {note.what} stays, and acts besides the mix."


def moved_groups(session: Session, places: Iterable[int]) -> dict[int, SessionGroup]:
    """Find the groups that would change the mix's balance: by index, those that act on its tracks and are not at rest.

    Args:
        session: which.
        places: of the mix's tracks, in `session.tracks`.
    """
    acting_groups = {id(group) for place in places for group in acting(session, session.tracks[place])}
    return {
        index: group
        for index, group in enumerate(session.groups)
        if id(group) in acting_groups and not is_at_rest(group)
    }


def is_at_rest(group: SessionGroup) -> bool:
    """Tell whether a group passes its tracks on as they are."""
    is_moved = any(curve is not None for curve in (group.volume, group.pan_automation, *gains_on_top(group)))
    is_off = group.mute or group.polarity_inverted or not group.has_output
    return not (is_moved or is_off or group.gain_db or group.pan or group.send_db)


def group_to_rest(group: SessionGroup) -> str:
    """Say that a group was set to 0 dB, the centre, and unmuted."""
    was = [
        *((f"fader at {level(group.gain_db)}",) if group.gain_db else ()),
        *((f"pan at {side(group.pan)}",) if group.pan else ()),
        *((f"send at {level(group.send_db)}",) if group.send_db else ()),
        *(("mute",) if group.mute else ()),
        *(("inverted polarity",) if group.polarity_inverted else ()),
        *(("volume automation",) if group.volume is not None else ()),
        *(("pan automation",) if group.pan_automation is not None else ()),
        *(("mute automation",) if group.mute_automation is not None else ()),
        *(trim.what for trim in group.trims),
        *(("output off",) if not group.has_output else ()),
    ]
    return (
        f"{group.name}: the {group.kind} is set to 0 dB and the centre, since the tracks have the mix's levels; "
        f"it had: {', '.join(was)}."
    )


def master_at_rest(pan: float, *, muted: bool) -> Iterator[str]:
    """Say that the master's pan is set to the centre and its mute is taken off, since the mix has neither."""
    if pan:
        yield f"its pan at {side(pan)} is set to the centre."
    if muted:
        yield "it was muted; it is not in the copy."


def left_out(preset: Preset, match: Mapping[str, str]) -> Iterator[str]:
    """Say which tracks of a preset are in no pair, and which links between those that are do not act in a DAW."""
    left = {track.name: None for track in preset.tracks if track.name not in match}
    if left:
        yield f"Tracks of the preset that are not in the session: {_some(left)}."
    links: dict[str, dict[str, None]] = {}
    for track in preset.tracks:
        is_moving = any(is_active(track.strip, section) for section in GROUPS["dynamics"])
        if track.link is not None and track.name in match and is_moving:
            links.setdefault(track.link, {})[track.name] = None
    for names in links.values():
        if len(names) > 1:
            yield f"{_some(names)} are linked in the mix; here the dynamics of each follow its own sound alone."


def strip_left_out(
    strip: Bus, daw: str, sample_rate_hz: int = PLUGIN_RATE_HZ, *, also: Iterable[str] = ()
) -> Iterator[str]:
    """Say what of a strip or master a DAW's copy does not have, in the desk form that a copy is in.

    Args:
        strip: which.
        daw: what has none of it.
        sample_rate_hz: of its plug-ins.
        also: sections that the copy has beside those that all have.
    """
    plain, match = without_match(without_input_gain(strip), sample_rate_hz)
    if match is not None:
        yield f"its {match.words}."
    for section in active_sections(plain, known=WRITTEN | set(also)):
        nothing = f"{daw} {'have' if ' and ' in daw else 'has'} none"
        remedy = "set up a reverb in the DAW" if section == "send" else nothing
        takes = f", which takes {takes_db(plain, section)}," if isinstance(plain, Strip) and section in _STAGES else ""
        yield f"its {described(plain, section)}{takes} is left out: {remedy}."


def bus_too(name: str) -> str:
    """Say that a track of the mix is one that others of it go through."""
    return (
        f"{name}: other tracks of the mix go through it, so its own audio is left at 0 dB; move its clips to a track "
        "of their own."
    )


def automation_off(name: str, what: str) -> str:
    """Say that an envelope that would move what was set does not act any more."""
    return f"{name}: the automation of its {what} is switched off, its points are kept."


def plugins_stay(names: Sequence[str]) -> Iterator[str]:
    """Say that plug-ins of the user's act behind the mix's."""
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = ", ".join(name[:80] for name in names[:_LISTED])
        yield (f"its own plug-ins stay on, behind mixbridge's: {listed}{more}. Bypass what the mix is to do without.")


def save(
    original: Path, output: Path, data: bytes, *, overwrite: bool = False, audio: Mapping[str, Path] = NO_AUDIO
) -> None:
    """Writes a session's file, all or nothing, and never over the one it was made of.

    Args:
        original: the one it was made of.
        output: the file.
        data: what it holds.
        overwrite: replace a file that is there.
        audio: files that belong to it, by their names in its folder.

    Raises:
        OutputError: it is the original, is there already, or cannot be written; or its audio would replace audio that
            mixbridge did not make.
    """
    if output.resolve() == original.resolve():
        raise OutputError(f"{output} is the session itself, which is never changed: choose another name.")
    for name in audio:
        place = output.parent / name
        if place.exists() and not is_signed(place):
            raise OutputError(f"{place} is no audio of mixbridge's, so it stays: give the copy another name.")
    with OutputFolder(output.parent, overwrite, [output.name, *audio]) as workplace:
        try:
            for name, path in audio.items():
                (workplace / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, workplace / name)
            (workplace / output.name).write_bytes(data)
        except (OSError, ValueError) as error:
            raise OutputError(f"{output} cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def _with_fader(strip: Strip, setting: FaderPan) -> Strip:
    return strip.model_copy(update={"fader_db": setting.gain_db, "pan": setting.pan})


def _channels(track: SessionTrack, pool: FilePool) -> int:
    if not track.clips:
        return track.channels
    try:
        return track_channels(track, pool)
    except SessionError:  # whoever renders it says what is wrong with the file
        return track.channels


def _some(names: Mapping[str, object]) -> str:
    listed = [repr(name[:80]) for name in names][:_LISTED]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(listed) or "none") + more
