"""Writes a mix into a copy of a REAPER project: faders, pans, REAPER's own plug-ins on tracks, groups and returns.

All that is not one of these stays byte for byte. The plug-ins are put in front of those that are there, since a preset
is made for the raw track; they are called "mixbridge ..." in REAPER, and the next mix takes their place. Groups and
returns are in :mod:`.added.returns`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ....presets.console import Strip
from ....presets.errors import SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels, gain_factor
from ..core.balance import from_daw, to_daw
from ..core.model import PanLaw, Session
from ..core.moving import MASTER, MASTER_FADER, Carried, lanes_left_out, moving_fader, moving_master
from ..core.plugged import PluggedTracks
from ..core.returned import ReturnAudio, return_files
from ..core.routing import acting
from ..writing import (
    Written,
    automation_off,
    bus_too,
    group_to_rest,
    left_out,
    matched,
    moved_groups,
    plugins_stay,
    save,
    solos_stay,
    stem_channels,
)
from .added.envelopes import put_envelopes, put_master_envelope
from .added.own import without_own
from .added.returned import put_return_audio
from .added.returns import ReaperReturnReader, ReaperReturnWriter
from .chains import CHAINS, NAMES, put_plugins, states_in
from .edits import ProjectEdits, digits
from .faders import FaderReader, is_active
from .items import plugin_names
from .mixer import DUAL_PAN, ENVELOPES, STEREO_PAN, Mixer, TrackBlock
from .notes import fitting_notes
from .plugged import plugged, without_plugged
from .rpp import Block, ReaperDocument, blocks, load
from .states import PluginStates, master_of, states_of, strip_of

_MASTER_ENVELOPES: Final = {
    "MASTERVOLENV": "volume",
    "MASTERVOLENV2": "volume",
    "MASTERVOLENV3": "trim",
    "MASTERPANENV": "pan",
    "MASTERPANENV2": "pan",
    "MASTERWIDTHENV": "width",
    "MASTERWIDTHENV2": "width",
}
_ENVELOPE_NAMES: Final = {**ENVELOPES, **_MASTER_ENVELOPES}


@dataclass(frozen=True)
class _PanLawWords:
    """A pan law, and the words in VOLPAN and PANLAWFLAGS that give a track that law, whatever the project's is."""

    law: PanLaw
    word: str
    taper: str


# At constant power, as the mix pans mono tracks; and without any change in the centre, linear on the far side.
_MONO: Final = _PanLawWords("constant_power", "0.70710678118655", "0")
_STEREO: Final = _PanLawWords("balance", "1", "2")
_BALANCE: Final = "3"
# So much of a name leaves room for a number in a preset's.
_NAME = 180


def write(
    session: Session,
    preset: Preset,
    output: Path,
    *,
    match: Mapping[str, str],
    returns: Sequence[ReturnAudio] = (),
    overwrite: bool = False,
) -> Written:
    """Writes a copy of a project with a preset in it.

    Args:
        session: the project, as it was read; its file is not changed.
        preset: the mix.
        output: the copy; it finds its media only in the project's own folder.
        match: name of the preset's track to that of the project's; those that are in no pair stay as they are.
        returns: of effects, as audio; a track for each, its file beside the copy.
        overwrite: replace a file that is there.

    Raises:
        SessionError: the project cannot be read, or a track is missing.
        OutputError: the copy cannot be written.
    """
    document = without_plugged(without_own(load(session.path)))
    mixer = Mixer(document)
    session = _routed_as(session, mixer)
    chosen = matched(session.path, [track.name for track in mixer.shown], preset, match)
    writer = _Writer(document, mixer, session.sample_rate_hz, has_returns=bool(returns))
    resting = writer.groups(session, chosen)
    channels = stem_channels(session)
    mixed: dict[int, PresetTrack] = {}
    for place, wanted in chosen.items():
        track = mixer.shown[place]
        if track.order in resting:
            writer.notes.append(bus_too(track.name))
        else:
            mixed[track.order] = wanted
            writer.track(track, wanted, channels[place])
    writer.master(preset)
    added = ReaperReturnWriter(writer.edits, mixer, session.sample_rate_hz, has_returns=bool(returns))
    carried = {*added.write(mixed, preset), (MASTER, MASTER_FADER)}
    writer.notes.extend(added.notes)
    writer.notes.extend(solos_stay(session))
    writer.notes.extend(_general_notes(preset, match, carried, session.path, output))
    files = return_files(returns, output)
    writer.notes.extend(put_return_audio(writer.edits, mixer, returns, files))
    audio = {files[item.effect]: item.path for item in returns}
    save(session.path, output, writer.edits.result(), overwrite=overwrite, audio=audio)
    return Written(output, tuple(writer.notes))


def put_plugged(source: Path, target: Path, tracks: PluggedTracks, channels: Mapping[str, int]) -> None:
    """Copy a project that a mix was written into, with plug-ins of the user's in it.

    Args:
        source: the project.
        target: the copy.
        tracks: by name, what their stages stand on.
        channels: of the stems, by track.

    Raises:
        SessionError: the project cannot be read.
        OSError: the copy cannot be written.
    """
    target.write_bytes(plugged(load(source), tracks, channels))


def written_mix(path: Path) -> Preset:
    """Read the mix that was written into a project: its tracks that have mixbridge's plug-ins, in desk form.

    Raises:
        SessionError: it cannot be read, or the plug-ins were changed to something that no preset holds.
    """
    document = load(path)
    tracks = []
    mixer, laws = Mixer(document), FaderReader(document)
    named, returns = mixer.shown, ReaperReturnReader(document, mixer)
    for track, name in zip(named, unique_names(track.name[:_NAME] for track in named), strict=True):
        states = states_in(document, track.block)
        if states is None:
            continue
        volpan = track.row("VOLPAN")
        law = laws.law(volpan)
        level = _decibel(volpan.number(1, 1.0))
        setting = from_daw(level, min(1.0, max(-1.0, volpan.number(2))), 1 if law == _MONO.law else 2, law)
        strip = strip_of(*states, setting.gain_db, setting.pan)
        if strip is None:
            raise _changed(path, name)
        mute = bool(track.row("MUTESOLO").whole(1))
        tracks.append(returns.track(track, PresetTrack(name=name, strip=strip, mute=mute)))
    preset = returns.preset(tracks)
    states = states_in(document, document.root)
    if states is None:
        return preset
    volume = document.find(document.root, "MASTER_VOLUME")
    master = master_of(*states[:2], _decibel(1.0 if volume is None else volume.number(1, 1.0)))
    if master is None:
        raise _changed(path, "master")
    return preset.model_copy(update={"master": master})


class _Writer:
    """Collects the changes of one project."""

    def __init__(self, document: ReaperDocument, mixer: Mixer, sample_rate_hz: int, *, has_returns: bool):
        self._document, self._mixer, self._rate_hz = document, mixer, sample_rate_hz
        self._has_returns = has_returns
        self.edits = ProjectEdits(document)
        self.notes: list[str] = []

    def groups(self, session: Session, chosen: Collection[int]) -> set[int]:
        """Set folders, buses and VCAs that the mix's tracks go through to rest; the orders of those are given back."""
        moved = moved_groups(session, chosen)
        for index, group in moved.items():
            self._rest(self._mixer.group_tracks[index])
            self.notes.append(group_to_rest(group))
        acting_on = {id(group) for place in chosen for group in acting(session, session.tracks[place])}
        orders = zip(self._mixer.group_tracks, session.groups, strict=True)
        return {track.order for track, group in orders if id(group) in acting_on}

    def track(self, track: TrackBlock, wanted: PresetTrack, channels: int) -> None:
        """Set a track's fader, pan, mute and plug-ins.

        Args:
            track: which.
            wanted: its settings.
            channels: of its stem: the mix pans mono and stereo tracks by different laws.
        """
        states = states_of(wanted.strip, self._rate_hz)
        block = track.block
        pan_law = _MONO if channels == 1 else _STEREO
        setting = to_daw(states.fader_db, states.pan, channels, pan_law.law)
        sign = -1 if track.row("VOLPAN").number(1, 1.0) < 0 else 1
        gain = digits(sign * gain_factor(setting.gain_db))
        words = {1: gain, 2: digits(setting.pan), 3: pan_law.word}
        if self._mixer.pan_mode(track) in (STEREO_PAN, DUAL_PAN):
            words |= {4: "-1", 5: "1"}
            self.edits.set(block, "PANMODE", {1: _BALANCE}, "{}")
            self.notes.append(f"{track.name}: its stereo or dual pan becomes a balance, as the mix has it.")
        self.edits.set(block, "VOLPAN", words, "{} {} {} -1 1")
        self.edits.set(block, "PANLAWFLAGS", {1: pan_law.taper}, "{}")
        if bool(track.row("MUTESOLO").whole(1)) != wanted.mute:
            self.edits.set(block, "MUTESOLO", {1: str(int(wanted.mute))}, "{} 0 0")
        if wanted.bus is None:
            self._straighten(track)
        before = next((item.first for item in blocks(block, "ITEM")), block.last)
        moving = put_envelopes(self.edits, block, before, moving_fader(wanted, channels, pan_law.law))
        put_plugins(self.edits, block, "FXCHAIN", before, states)
        self._envelopes_off(block, track.name, without=moving)
        self.notes.extend(f"{track.name}: {note}" for note in self._track_notes(track, wanted.strip, states))

    def _rest(self, track: TrackBlock) -> None:
        """Set a group to 0 dB, in the centre, unmuted, with its own output."""
        self.edits.set(track.block, "VOLPAN", {1: "1", 2: "0"}, "{} {} -1 -1 1")
        for key, new in (("MUTESOLO", "{} 0 0"), ("IPHASE", "{}")):
            if track.row(key).whole(1):
                self.edits.set(track.block, key, {1: "0"}, new)
        self._straighten(track)
        self._envelopes_off(track.block, None)

    def _straighten(self, track: TrackBlock) -> None:
        """Open the way to the master: switch an output on that is off, set a send on the way to 0 dB."""
        route = self._mixer.route(track.order)
        if route.send is not None:
            self.edits.change(route.send.row, {3: "1"})
        elif not route.has_output:
            self.edits.set(track.block, "MAINSEND", {1: "1", 2: "0"}, "{} {}")
            self.notes.append(f"{track.name}: its output to the master was off; it is on in the copy.")

    def _envelopes_off(self, block: Block, name: str | None, without: Collection[str] = ()) -> None:
        """Switch off envelopes that would move what was set; their points stay."""
        for envelope in blocks(block, *ENVELOPES, *_MASTER_ENVELOPES):
            if envelope.tag in without:
                self.notes.append(
                    f"{name}: the mix's lane takes the place of its {_ENVELOPE_NAMES[envelope.tag]} envelope."
                )
            elif is_active(self._document, envelope):
                self.edits.set(envelope, "ACT", {1: "0"}, "{} -1")
                if name is not None:
                    self.notes.append(automation_off(name, _ENVELOPE_NAMES[envelope.tag]))

    def master(self, preset: Preset) -> None:
        """Set the master's fader and plug-ins."""
        states = states_of(preset.master, self._rate_hz)
        root = self._document.root
        self.edits.set(root, "MASTER_VOLUME", {1: _gain(states.fader_db), 2: "0"}, "{} {} -1 -1 1")
        mute = self._document.find(root, "MASTERMUTESOLO")
        if mute is not None and mute.whole(1) & 1:
            self.edits.set(root, "MASTERMUTESOLO", {1: str(mute.whole(1) & ~1)}, "{}")
            self.notes.append("Master: it was muted; it is not in the copy.")
        before = next((track.first for track in blocks(root, "TRACK")), root.last)
        moving = moving_master(preset)
        put = () if moving is None else put_master_envelope(self.edits, root, before, moving)
        self._envelopes_off(root, MASTER, without=put)
        put_plugins(self.edits, root, "MASTERFXLIST", before, states)
        switch = self._document.find(root, "MASTER_FX")
        if switch is not None and not switch.whole(1, 1):
            self.notes.append("Master: its plug-ins are switched off in the project; switch them on to hear the mix.")
        self.notes.extend(f"Master: {note}" for note in _plugins_stay(self._document, root))
        self.notes.extend(f"Master: {note}" for note in fitting_notes(preset.master, states, self._rate_hz))

    def _track_notes(self, track: TrackBlock, strip: Strip, states: PluginStates) -> Iterator[str]:
        yield from _plugins_stay(self._document, track.block)
        switch = self._document.find(track.block, "FX")
        if switch is not None and not switch.whole(1, 1):
            yield "its plug-ins are switched off in the project; switch them on to hear the mix."
        if bool(track.row("IPHASE").whole(1)) != (track.row("VOLPAN").number(1, 1.0) < 0):
            yield "its polarity stays inverted, other than in the mix."
        yield from fitting_notes(strip, states, self._rate_hz, has_returns=self._has_returns)


def _routed_as(session: Session, mixer: Mixer) -> Session:
    """Let a session's tracks go where they go without what an earlier mix has added."""
    tracks = []
    for shown, track in zip(mixer.shown, session.tracks, strict=True):
        route = mixer.route(shown.order)
        moved = replace(track, parent=mixer.parent(shown.order), controls=mixer.controls(shown.order))
        tracks.append(replace(moved, has_output=route.has_output, send_db=route.send_db))
    return replace(session, tracks=tuple(tracks), groups=mixer.groups)


def _plugins_stay(document: ReaperDocument, owner: Block) -> Iterator[str]:
    chains = blocks(owner, *CHAINS)
    names = [name for chain in chains for name in plugin_names(document, chain, without=NAMES.values())]
    yield from plugins_stay(names)


def _general_notes(
    preset: Preset, match: Mapping[str, str], carried: Collection[Carried], session: Path, output: Path
) -> Iterator[str]:
    yield from left_out(preset, match)
    yield from lanes_left_out(preset, list(match), carried)
    if output.absolute().parent != session.absolute().parent:
        folder = session.absolute().parent
        yield f"{output.name} finds its audio in the project's own folder alone: move it to {folder}."


def _changed(path: Path, name: str) -> SessionError:
    return SessionError(f"{path}: mixbridge's plug-ins on {name[:80]!r} were changed to what no preset holds.")


def _gain(level_db: float) -> str:
    return digits(gain_factor(level_db))


def _decibel(gain: float) -> float:
    return decibels(max(abs(gain), 1e-9))
