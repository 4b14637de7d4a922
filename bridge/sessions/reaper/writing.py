"""Writes a mix into a copy of a REAPER project: faders, pans, and ReaEQ and ReaComp on each track and the master.

All that is not one of these stays byte for byte. The plug-ins are put in front of those that are there, since a preset
is made for the raw track; they are called "mixbridge ..." in REAPER, and the next mix takes their place.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ....presets.console import Strip
from ....presets.errors import SessionError
from ....presets.names import unique_names
from ....presets.preset import Preset
from ....presets.preset import Track as PresetTrack
from ....presets.units import decibels, gain_factor
from ...fitting.abilities import clamp_words
from ..core.model import Session
from ..writing import Written, left_out, matched, plugins_stay, save, strip_left_out
from .items import plugin_names
from .reading import DEFAULT_RATE_HZ, TrackBlock, platform, shown_tracks
from .rpp import Block, Edit, ReaperDocument, blocks, load
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
    session_path = session.path
    document = load(session_path)
    tracks = shown_tracks(document)
    chosen = matched(session_path, [track.name for track in tracks], preset, match)
    row = document.find(document.root, "SAMPLERATE")
    rate_hz = DEFAULT_RATE_HZ if row is None else row.whole(1, DEFAULT_RATE_HZ)
    if not 8000 <= rate_hz <= 192_000:
        raise SessionError(f"{session_path}: its sample rate is {rate_hz} Hz, which is not between 8000 and 192000.")
    writer = _Writer(document, rate_hz)
    for place, wanted in chosen.items():
        writer.track(tracks[place], wanted)
    writer.master(preset)
    writer.notes.extend(_general_notes(preset, match, session_path, output))
    save(session_path, output, document.changed(writer.edits), overwrite=overwrite)
    return Written(output, tuple(writer.notes))


def written_mix(path: Path) -> Preset:
    """The mix that was written into a project: its tracks that have mixbridge's plug-ins, in desk form.

    Raises:
        SessionError: it cannot be read, or the plug-ins were changed to something that no preset holds.
    """
    document = load(path)
    tracks = []
    named = shown_tracks(document)
    for track, name in zip(named, unique_names(track.name[:_NAME] for track in named), strict=True):
        states = _states_in(document, track.block)
        if states is None:
            continue
        volpan = track.row("VOLPAN")
        strip = strip_of(*states, _decibel(volpan.number(1, 1.0)), volpan.number(2))
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

    def __init__(self, document: ReaperDocument, sample_rate_hz: int):
        self._document, self._rate_hz = document, sample_rate_hz
        self._end = document.line_end
        self.edits: list[Edit] = []
        self.notes: list[str] = []

    def track(self, track: TrackBlock, wanted: PresetTrack) -> None:
        """A track's fader, pan, mute and plug-ins."""
        states = states_of(wanted.strip, self._rate_hz)
        block = track.block
        self._set(block, "VOLPAN", {1: _gain(states.fader_db), 2: _digits(states.pan)}, "{} {} -1 -1 1")
        if bool(track.row("MUTESOLO").whole(1)) != wanted.mute:
            self._set(block, "MUTESOLO", {1: str(int(wanted.mute))}, "{} 0 0")
        before = next((item.first for item in blocks(block, "ITEM")), block.last)
        self._chain(block, "FXCHAIN", before, states)
        self.notes.extend(f"{track.name}: {note}" for note in self._track_notes(track, wanted.strip, states))

    def master(self, preset: Preset) -> None:
        """The master's fader and plug-ins."""
        states = states_of(preset.master, self._rate_hz)
        root = self._document.root
        self._set(root, "MASTER_VOLUME", {1: _gain(states.fader_db)}, "{} 0 -1 -1 1")
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
        pieces = re.split(rb"(\s+)", self._document.lines[row.line])
        # A line begins with white space: its words are every second piece behind that.
        offset = 0 if pieces[0] else 2
        for index, word in words.items():
            at = offset + 2 * index
            if at >= len(pieces) or not pieces[at]:
                raise SessionError(f"{row.path}, line {row.line + 1}: {key} has no value {index}: it is damaged.")
            pieces[at] = word.encode("ascii")
        self.edits.append(Edit(row.line, row.line + 1, [b"".join(pieces)]))

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
            self.edits.append(Edit(own.first + 1, own.last, self._lines(state_lines(kind, state), indent)))
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
                    line = re.sub(rb"(BYPASS\s+)\S+", rb"\g<1>0", self._document.lines[child], count=1)
                    self.edits.append(Edit(child, child + 1, [line]))
                return

    def _track_notes(self, track: TrackBlock, strip: Strip, states: PluginStates) -> Iterator[str]:
        yield from _plugin_notes(self._document, track.block, states)
        switch = self._document.find(track.block, "FX")
        if switch is not None and not switch.whole(1, 1):
            yield "its plug-ins are switched off in the project; switch them on to hear the mix."
        for tag, what in (("VOLENV2", "volume"), ("PANENV2", "pan")):
            if _is_active(self._document, track.block, tag):
                yield f"its {what} envelope stays, and acts besides the mix."
        yield from strip_left_out(strip, _PLUGINS)

    def _insert(self, before: int, lines: list[str], indent: bytes) -> None:
        self.edits.append(Edit(before, before, self._lines(lines, indent)))

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


def _is_active(document: ReaperDocument, owner: Block, tag: str) -> bool:
    block = next(blocks(owner, tag), None)
    if block is None:
        return False
    active = document.find(block, "ACT")
    return active is None or bool(active.whole(1))


def _changed(path: Path, name: str) -> SessionError:
    return SessionError(f"{path}: mixbridge's plug-ins on {name[:80]!r} were changed to what no preset holds.")


def _gain(level_db: float) -> str:
    return _digits(gain_factor(level_db))


def _digits(value: float) -> str:
    return f"{value + 0.0:.14g}"


def _decibel(gain: float) -> float:
    return decibels(max(abs(gain), 1e-9))
