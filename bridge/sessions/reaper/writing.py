"""Writes a mix into a copy of a REAPER project: faders, pans, and ReaEQ and ReaComp on each track and the master.

All that is not one of these stays byte for byte. The plug-ins are put in front of those that are there, since a preset
is made for the raw track; they are called "mixbridge ..." in REAPER, and the next mix takes their place.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ....presets.console import Strip
from ....presets.errors import SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels, gain_factor
from ...fitting.abilities import clamp_words
from ..core.balance import from_daw, to_daw
from ..core.model import PanLaw, Session
from ..core.routing import acting
from ..writing import (
    Written,
    automation_off,
    group_to_rest,
    left_out,
    matched,
    moved_groups,
    plugins_stay,
    save,
    stem_channels,
    strip_left_out,
)
from .faders import FaderReader, is_active
from .items import plugin_names
from .mixer import DUAL_PAN, ENVELOPES, STEREO_PAN, Mixer, TrackBlock
from .reading import platform
from .rpp import Block, Edit, ReaperDocument, Row, blocks, load
from .states import PluginKind, PluginStates, master_of, state_in, state_lines, states_of, strip_of

_NAMES: Final[dict[PluginKind, str]] = {"eq": "mixbridge EQ", "compressor": "mixbridge compressor"}
_ID: Final[dict[PluginKind, str]] = {
    "eq": '"VST: ReaEQ (Cockos)" {file} 0 "mixbridge EQ" 1919247729<56535472656571726561657100000000> ""',
    "compressor": (
        '"VST: ReaComp (Cockos)" {file} 0 "mixbridge compressor" 1919247213<5653547265636D726561636F6D700000> ""'
    ),
}
_FILES: Final[dict[PluginKind, str]] = {"eq": "reaeq", "compressor": "reacomp"}
_ENDINGS: Final = {"windows": ".dll", "macos": ".vst.dylib", "linux": ".vst.so"}
_PLUGINS: Final = "REAPER's EQ and compressor"
_CHAINS: Final = ("FXCHAIN", "MASTERFXLIST")
_MASTER_ENVELOPES: Final = {
    "MASTERVOLENV": "volume",
    "MASTERVOLENV2": "volume",
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
_BOTH: Final = (
    "other tracks of the mix go through it, so its own audio is left at 0 dB; move its items to a track of their own."
)
# How far an EQ may be off before it is said.
_EQ_OFF_DB = 0.1
# So much of a name leaves room for a number in a preset's.
_NAME = 180
_IDENTITIES = uuid.UUID("6d697862-7269-4467-a500-726561706572")


def write(
    session: Session, preset: Preset, output: Path, *, match: Mapping[str, str], overwrite: bool = False
) -> Written:
    """Writes a copy of a project with a preset in it.

    Args:
        session: the project, as it was read; its file is not changed.
        preset: the mix.
        output: the copy; it finds its media only in the project's own folder.
        match: name of the preset's track to that of the project's; those that are in no pair stay as they are.
        overwrite: replace a file that is there.

    Raises:
        SessionError: the project cannot be read, or a track is missing.
        OutputError: the copy cannot be written.
    """
    document = load(session.path)
    mixer = Mixer(document)
    chosen = matched(session.path, [track.name for track in mixer.shown], preset, match)
    writer = _Writer(document, mixer, session.sample_rate_hz)
    resting = writer.groups(session, chosen)
    channels = stem_channels(session)
    for place, wanted in chosen.items():
        track = mixer.shown[place]
        if track.order in resting:
            writer.notes.append(f"{track.name}: {_BOTH}")
        else:
            writer.track(track, wanted, channels[place])
    writer.master(preset)
    writer.notes.extend(_general_notes(preset, match, session.path, output))
    save(session.path, output, document.changed(writer.edits), overwrite=overwrite)
    return Written(output, tuple(writer.notes))


def written_mix(path: Path) -> Preset:
    """The mix that was written into a project: its tracks that have mixbridge's plug-ins, in desk form.

    Raises:
        SessionError: it cannot be read, or the plug-ins were changed to something that no preset holds.
    """
    document = load(path)
    tracks = []
    named, laws = Mixer(document).shown, FaderReader(document)
    for track, name in zip(named, unique_names(track.name[:_NAME] for track in named), strict=True):
        states = _states_in(document, track.block)
        if states is None:
            continue
        volpan = track.row("VOLPAN")
        law = laws.law(volpan)
        level = _decibel(volpan.number(1, 1.0))
        setting = from_daw(level, min(1.0, max(-1.0, volpan.number(2))), 1 if law == _MONO.law else 2, law)
        strip = strip_of(*states, setting.gain_db, setting.pan)
        if strip is None:
            raise _changed(path, name)
        tracks.append(PresetTrack(name=name, strip=strip, mute=bool(track.row("MUTESOLO").whole(1))))
    preset = Preset(tracks=tuple(tracks))
    states = _states_in(document, document.root)
    if states is None:
        return preset
    volume = document.find(document.root, "MASTER_VOLUME")
    master = master_of(*states, _decibel(1.0 if volume is None else volume.number(1, 1.0)))
    if master is None:
        raise _changed(path, "master")
    return preset.model_copy(update={"master": master})


class _Writer:
    """Collects the changes of one project."""

    def __init__(self, document: ReaperDocument, mixer: Mixer, sample_rate_hz: int):
        self._document, self._mixer, self._rate_hz = document, mixer, sample_rate_hz
        self._end = document.line_end
        self._inserted: list[Edit] = []
        # Lines that are changed, once or more.
        self._changed: dict[int, bytes] = {}
        self.notes: list[str] = []

    @property
    def edits(self) -> list[Edit]:
        """All changes."""
        return [*self._inserted, *(Edit(line, line + 1, [text]) for line, text in self._changed.items())]

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
        """A track's fader, pan, mute and plug-ins.

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
        gain = _digits(sign * gain_factor(setting.gain_db))
        words = {1: gain, 2: _digits(setting.pan), 3: pan_law.word}
        if self._mixer.pan_mode(track) in (STEREO_PAN, DUAL_PAN):
            words |= {4: "-1", 5: "1"}
            self._set(block, "PANMODE", {1: _BALANCE}, "{}")
            self.notes.append(f"{track.name}: its stereo or dual pan becomes a balance, as the mix has it.")
        self._set(block, "VOLPAN", words, "{} {} {} -1 1")
        self._set(block, "PANLAWFLAGS", {1: pan_law.taper}, "{}")
        if bool(track.row("MUTESOLO").whole(1)) != wanted.mute:
            self._set(block, "MUTESOLO", {1: str(int(wanted.mute))}, "{} 0 0")
        self._straighten(track)
        before = next((item.first for item in blocks(block, "ITEM")), block.last)
        self._chain(block, "FXCHAIN", before, states)
        self._envelopes_off(block, track.name)
        self.notes.extend(f"{track.name}: {note}" for note in self._track_notes(track, wanted.strip, states))

    def _rest(self, track: TrackBlock) -> None:
        """A group at 0 dB, in the centre, unmuted, with its own output."""
        self._set(track.block, "VOLPAN", {1: "1", 2: "0"}, "{} {} -1 -1 1")
        for key, new in (("MUTESOLO", "{} 0 0"), ("IPHASE", "{}")):
            if track.row(key).whole(1):
                self._set(track.block, key, {1: "0"}, new)
        self._straighten(track)
        self._envelopes_off(track.block, None)

    def _straighten(self, track: TrackBlock) -> None:
        """The way to the master: an output that is off is switched on, a send on the way set to 0 dB."""
        route = self._mixer.route(track.order)
        if route.send is not None:
            self._change(route.send.row, {3: "1"})
        elif not route.has_output:
            self._set(track.block, "MAINSEND", {1: "1", 2: "0"}, "{} {}")
            self.notes.append(f"{track.name}: its output to the master was off; it is on in the copy.")

    def _envelopes_off(self, block: Block, name: str | None) -> None:
        """Envelopes that would move what was set are switched off; their points stay."""
        for envelope in blocks(block, *ENVELOPES, *_MASTER_ENVELOPES):
            if is_active(self._document, envelope):
                self._set(envelope, "ACT", {1: "0"}, "{} -1")
                if name is not None:
                    self.notes.append(automation_off(name, _ENVELOPE_NAMES[envelope.tag]))

    def master(self, preset: Preset) -> None:
        """The master's fader and plug-ins."""
        states = states_of(preset.master, self._rate_hz)
        root = self._document.root
        self._set(root, "MASTER_VOLUME", {1: _gain(states.fader_db), 2: "0"}, "{} {} -1 -1 1")
        mute = self._document.find(root, "MASTERMUTESOLO")
        if mute is not None and mute.whole(1) & 1:
            self._set(root, "MASTERMUTESOLO", {1: str(mute.whole(1) & ~1)}, "{}")
            self.notes.append("Master: it was muted; it is not in the copy.")
        self._envelopes_off(root, "Master")
        before = next((track.first for track in blocks(root, "TRACK")), root.last)
        self._chain(root, "MASTERFXLIST", before, states)
        switch = self._document.find(root, "MASTER_FX")
        if switch is not None and not switch.whole(1, 1):
            self.notes.append("Master: its plug-ins are switched off in the project; switch them on to hear the mix.")
        self.notes.extend(f"Master: {note}" for note in _plugin_notes(self._document, root, states))
        self.notes.extend(f"Master: {note}" for note in strip_left_out(preset.master, _PLUGINS))

    def _set(self, block: Block, key: str, words: Mapping[int, str], new: str) -> None:
        """Other words in a line, with the rest of it as it was; a line of its own where there is none."""
        row = self._document.find(block, key)
        if row is None:
            line = f"{key} {new.format(*words.values())}"
            self._insert(block.first + 1, [line], self._inside(block))
            return
        self._change(row, words)

    def _change(self, row: Row, words: Mapping[int, str]) -> None:
        """Other words in a line, with the rest of it as it was."""
        line = self._changed.get(row.line, self._document.lines[row.line])
        ending = line[len(line.rstrip()) :]
        pieces = re.split(rb"(\s+)", line.rstrip())
        # A line begins with white space: its words are every second piece behind that.
        offset = 0 if pieces[0] else 2
        for index, word in words.items():
            at = offset + 2 * index
            while len(pieces) <= at:
                pieces += [b" ", b"-1"]
            pieces[at] = word.encode("ascii")
        self._changed[row.line] = b"".join(pieces) + ending

    def _chain(self, owner: Block, tag: str, before: int, states: PluginStates) -> None:
        """The two plug-ins in a chain; a chain in front of a line where there is none."""
        chain = next(blocks(owner, tag), None)
        pair: tuple[tuple[PluginKind, bytes], ...] = (("eq", states.eq), ("compressor", states.compressor))
        if chain is None:
            lines = [f"<{tag}", "  SHOW 0", "  LASTSEL 0", "  DOCKED 0"]
            for kind, state in pair:
                lines += [f"  {line}" for line in self._plugin(owner, kind, state)]
            self._insert(before, [*lines, ">"], self._inside(owner))
            return
        place = self._first_plugin(chain)
        for kind, state in pair:
            own = _own_plugin(self._document, chain, kind)
            if own is None:
                self._insert(place, self._plugin(owner, kind, state), self._inside(chain))
                continue
            self._switch_on(chain, own)
            indent = self._inside(own)
            self._inserted.append(Edit(own.first + 1, own.last, self._lines(state_lines(kind, state), indent)))
            place = self._next_plugin(chain, own)

    def _plugin(self, owner: Block, kind: PluginKind, state: bytes) -> list[str]:
        """A plug-in's lines in a chain."""
        file = _FILES[kind] + _ENDINGS[platform(self._document)]
        identity = uuid.uuid5(_IDENTITIES, f"{self._document.row(owner.first).words} {owner.first} {kind}")
        return [
            "BYPASS 0 0 0",
            f"<VST {_ID[kind].format(file=file)}",
            *(f"  {line}" for line in state_lines(kind, state)),
            ">",
            "FLOATPOS 0 0 0 0",
            f"FXID {{{str(identity).upper()}}}",
            "WAK 0 0",
        ]

    def _first_plugin(self, chain: Block) -> int:
        """The line in front of which the first plug-in of a chain goes."""
        for child in chain.children:
            if isinstance(child, Block):
                return child.first
            if self._document.key(child) == "BYPASS":
                return child
        return chain.last

    def _next_plugin(self, chain: Block, own: Block) -> int:
        for child in chain.children[chain.children.index(own) + 1 :]:
            if isinstance(child, int) and self._document.key(child) == "BYPASS":
                return child
        return chain.last

    def _switch_on(self, chain: Block, own: Block) -> None:
        for child in reversed(chain.children[: chain.children.index(own)]):
            if isinstance(child, Block):
                return
            if self._document.key(child) == "BYPASS":
                if self._document.row(child).whole(1):
                    self._change(self._document.row(child), {1: "0"})
                return

    def _track_notes(self, track: TrackBlock, strip: Strip, states: PluginStates) -> Iterator[str]:
        yield from _plugin_notes(self._document, track.block, states)
        switch = self._document.find(track.block, "FX")
        if switch is not None and not switch.whole(1, 1):
            yield "its plug-ins are switched off in the project; switch them on to hear the mix."
        if track.row("MUTESOLO").whole(2):
            yield "it is soloed in the project: switch its solo off to hear the mix."
        if bool(track.row("IPHASE").whole(1)) != (track.row("VOLPAN").number(1, 1.0) < 0):
            yield "its polarity stays inverted, other than in the mix."
        yield from strip_left_out(strip, _PLUGINS)

    def _insert(self, before: int, lines: list[str], indent: bytes) -> None:
        self._inserted.append(Edit(before, before, self._lines(lines, indent)))

    def _lines(self, lines: list[str], indent: bytes) -> list[bytes]:
        return [indent + line.encode("ascii") + self._end for line in lines]

    def _inside(self, block: Block) -> bytes:
        """How far the lines in a block are indented."""
        line = self._document.lines[block.first]
        return line[: len(line) - len(line.lstrip())] + b"  "


def _plugin_notes(document: ReaperDocument, owner: Block, states: PluginStates) -> Iterator[str]:
    chains = blocks(owner, *_CHAINS)
    names = [name for chain in chains for name in plugin_names(document, chain, without=_NAMES.values())]
    yield from plugins_stay(names)
    for clamp in states.clamped:
        yield f"its {clamp_words(clamp)}, ReaComp's limit."
    if states.eq_error_db > _EQ_OFF_DB:
        yield f"its EQ is up to {states.eq_error_db:.1f} dB off: ReaEQ's bands are at most 4 octaves wide."


def _general_notes(preset: Preset, match: Mapping[str, str], session: Path, output: Path) -> Iterator[str]:
    yield from left_out(preset, match)
    if output.absolute().parent != session.absolute().parent:
        folder = session.absolute().parent
        yield f"{output.name} finds its audio in the project's own folder alone: move it to {folder}."


def _states_in(document: ReaperDocument, owner: Block) -> tuple[bytes, bytes] | None:
    """The states of both of mixbridge's plug-ins; None if one is missing."""
    for chain in blocks(owner, *_CHAINS):
        states = [_state(document, _own_plugin(document, chain, kind)) for kind in _NAMES]
        if states[0] is not None and states[1] is not None:
            return states[0], states[1]
    return None


def _state(document: ReaperDocument, block: Block | None) -> bytes | None:
    return None if block is None else state_in(document.lines[block.first + 1 : block.last])


def _own_plugin(document: ReaperDocument, chain: Block, kind: PluginKind) -> Block | None:
    """The plug-in in a chain that mixbridge put there: it bears its name."""
    for block in blocks(chain, "VST"):
        row = document.row(block.first)
        if row.text(4) == _NAMES[kind]:
            return block
    return None


def _changed(path: Path, name: str) -> SessionError:
    return SessionError(f"{path}: mixbridge's plug-ins on {name[:80]!r} were changed to what no preset holds.")


def _gain(level_db: float) -> str:
    return _digits(gain_factor(level_db))


def _digits(value: float) -> str:
    return f"{value + 0.0:.14g}"


def _decibel(gain: float) -> float:
    return decibels(max(abs(gain), 1e-9))
