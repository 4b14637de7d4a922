"""A preset into a copy of a DAW session: the writer that fits the formats, and what the copy is called."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ...presets.checking.arguments import checked_kind, checked_path
from ...presets.console import Compressor, Equalizer
from ...presets.editing.changing_inserts import tracks_with_inserts, without_inserts
from ...presets.errors import Hint, OutputError, PresetError, SessionError
from ...presets.inserts.words import inserts_line
from ...presets.lanes.lane import Lane
from ...presets.names import unique_names
from ...presets.preset import Preset
from ...runtime.audio.output import check_output_file
from ..matching import match_names
from .core.model import Session
from .core.plugged import SessionPlugin
from .core.routing import silence
from .registry import FORMATS, SessionFormat, format_named, format_of
from .stems.render import session_files
from .stems.returns import ReturnSource, rendered_returns
from .writing import Written, acts_besides, stem_channels


def insert(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    assignments: Mapping[str, str] | None = None,
    muted: bool = False,
    overwrite: bool = False,
    sound: ReturnSource | None = None,
    plugged: Mapping[str, PluggedTrack] | None = None,
) -> Written:
    """Write a copy of a session with a preset in it, as faders, pans, EQs and compressors that can be edited.

    Args:
        session: as it was read; its file is not changed.
        preset: the mix.
        output: the copy, in the session's own format; or a .dawproject, which any session can become, with its audio
            inside.
        assignments: session's track by preset's track, where their names are not alike.
        muted: also change, and unmute, tracks that the DAW does not play; else they stay as they are.
        overwrite: replace a file that is there.
        sound: where the sound of effects comes from that the copy has none of: their returns are rendered.
            None: from the session's own audio.
        plugged: by the preset's track, plug-ins of the user's in the place of its EQ or compressor.

    Raises:
        SessionError: no track of the preset is in the session, or it cannot become this.
        OutputError: the copy cannot be written.
    """
    checked_kind(session, Session, "what a preset is inserted into", SessionError)
    checked_kind(preset, Preset, "what is inserted", PresetError)
    output = checked_path(output, "the copy", OutputError)
    check_output(session.path, output, overwrite=overwrite)
    match = matches(session, preset, assignments or {})
    reasons = {} if muted else unplayed(session)
    if all(name in reasons for name in match.values()):
        name = next(iter(match.values()))
        raise SessionError(
            f"{session.path}: the DAW plays none of the preset's tracks, e.g. {name[:80]!r} is not: {reasons[name]}.",
            hints=(Hint("muted"),),
        )
    present = without_inserts(_without(preset, [track for track, name in match.items() if name in reasons]))
    match = {track: name for track, name in match.items() if name not in reasons}
    check_output_file(output, overwrite=overwrite, inputs=session_files(session))
    is_new = becomes_new(session.path, output)
    entry = format_of(output) if is_new else format_named(session.format)
    act = entry.create if is_new else entry.write
    chosen = {name: item for name, item in (plugged or {}).items() if name in match}
    if chosen and not entry.takes_plugins:
        entry.put_plugged(output, output, {}, {})
    place = output.absolute().parent
    place = place if place.is_dir() else Path(tempfile.gettempdir())
    with rendered_returns(session, present, match, entry.lacks, place, sound or ReturnSource()) as returns:
        bare = _at_rest(present, chosen)
        written = act(session, bare, output, match=match, returns=returns.audio, overwrite=overwrite)
    if chosen:
        _plug(session, entry, output, {match[name]: item.plugins for name, item in chosen.items()})
    notes = [f"{name}: {reason} in the session, so it is left as it is." for name, reason in reasons.items()]
    notes += [
        f"{track.name}: what it goes through first ({inserts_line(track.inserts)}) is left out; the stems that "
        "`mixbridge apply` writes have it."
        for track in tracks_with_inserts(preset)
        if track.name in match
    ]
    notes += [
        f"{owner}: what it goes through first ({inserts_line(inserts)}) is left out; the mix that `mixbridge apply` "
        "makes has it."
        for owner, inserts in preset.bus_inserts()
    ]
    notes += [*written.notes, *(item.words for item in returns.audio), *returns.notes]
    if not is_new:
        names = unique_names(track.name for track in session.tracks)
        notes += acts_besides(session, [names.index(name) for name in match.values()])
    return replace(written, notes=tuple(notes), rendered=tuple(item.track_name for item in returns.audio))


@dataclass(frozen=True)
class PluggedTrack:
    """A track of a preset whose EQ or compressor stands on plug-ins.

    Attributes:
        plugins: in the order of the sound.
        gain_db: behind them, for the fader.
    """

    plugins: tuple[SessionPlugin, ...]
    gain_db: float = 0.0


def _at_rest(preset: Preset, plugged: Mapping[str, PluggedTrack]) -> Preset:
    """Take out of a preset what plug-ins do."""
    rests = {"eq": Equalizer(), "compressor": Compressor()}
    tracks = []
    for track in preset.tracks:
        item = plugged.get(track.name)
        if item is not None:
            update: dict[str, object] = {plugin.stage: rests[plugin.stage] for plugin in item.plugins}
            update["fader_db"] = track.strip.fader_db + item.gain_db
            lanes = tuple(_louder(lane, item.gain_db) for lane in track.lanes)
            tracks.append(track.model_copy(update={"strip": track.strip.model_copy(update=update), "lanes": lanes}))
        else:
            tracks.append(track)
    return preset.model_copy(update={"tracks": tuple(tracks)})


def _louder(lane: Lane, gain_db: float) -> Lane:
    """Move a fader's lane by a gain; others stay."""
    if lane.parameter != "fader_db":
        return lane
    points = tuple(point.model_copy(update={"value": point.value + gain_db}) for point in lane.points)
    return lane.model_copy(update={"points": points})


def _plug(
    session: Session, entry: SessionFormat, output: Path, tracks: Mapping[str, tuple[SessionPlugin, ...]]
) -> None:
    """Put plug-ins into a copy that was written; it is whole at any time."""
    names = unique_names(track.name for track in session.tracks)
    channels = dict(zip(names, stem_channels(session), strict=True))
    fresh = output.with_name(f".{output.name}.plugins")
    try:
        entry.put_plugged(output, fresh, tracks, channels)
        fresh.replace(output)
    except OSError as error:
        raise OutputError(f"{output} cannot be written: {error.strerror or error}.") from error
    finally:
        fresh.unlink(missing_ok=True)


def check_output(session_path: Path, output: Path, *, overwrite: bool = False) -> None:
    """Check that a copy of a session can be called so, before any work.

    Raises:
        SessionError: its ending is that of another format.
        OutputError: it is the session itself, or is there already.
    """
    entry = format_of(session_path)
    if not becomes_new(session_path, output) and entry.writer and output.suffix.lower() not in entry.endings:
        raise SessionError(
            f"{output}: a copy of a {entry.title} session is a {entry.endings[0]} file; any session can become a "
            ".dawproject, too."
        )
    if output.resolve() == session_path.resolve():
        raise OutputError(f"{output} is the session itself, which is never changed: choose another name.")
    if output.exists() and not overwrite:
        raise OutputError(
            f"{output} exists already: choose another name, or allow it to be replaced.", hints=(Hint("overwrite"),)
        )


def unplayed(session: Session) -> dict[str, str]:
    """Tell why the DAW does not play tracks, by their name; of those that have audio."""
    names = unique_names(track.name for track in session.tracks)
    reasons = {name: silence(session, track) for name, track in zip(names, session.tracks, strict=True) if track.clips}
    return {name: reason for name, reason in reasons.items() if reason}


def becomes_new(session_path: Path, output: Path) -> bool:
    """Tell whether the output is a new file with the audio inside, and no copy of the session's own."""
    ending = output.suffix.lower()
    return ending != session_path.suffix.lower() and any(entry.creator and ending in entry.endings for entry in FORMATS)


def copy_of(session_path: Path) -> Path:
    """Tell what the copy of a session is called: beside it, where its audio is found."""
    entry = format_of(session_path)
    # The copy of a backup is a session like any other.
    ending = entry.endings[0] if session_path.suffix.lower() in entry.backups else session_path.suffix
    return session_path.with_name(f"{session_path.stem}-mixbridge{ending}")


def matches(session: Session, preset: Preset, assignments: Mapping[str, str]) -> dict[str, str]:
    """Find the session's track for each of the preset's: as assigned, of the same name, or alike in letters and digits.

    Raises:
        SessionError: there is none for any of them.
    """
    names = unique_names(track.name for track in session.tracks)
    pairs = {
        match.track: match.stem for match in match_names([track.name for track in preset.tracks], names, assignments)
    }
    if not pairs:
        raise SessionError(
            f"{session.path}: no track is called like one of the preset. It has {', '.join(map(repr, names[:12]))}; "
            "assign tracks of the preset to tracks of the session.",
            hints=(Hint("assignments", '"Preset name=track"'),),
        )
    return pairs


def _without(preset: Preset, names: Collection[str]) -> Preset:
    return preset.model_copy(update={"tracks": tuple(track for track in preset.tracks if track.name not in names)})
