"""A REAPER item as a clip: its active take, the part of a file that it plays, and what of it is not rendered.

The fields of an item's lines are those of ReaTeam's "State Chunk Definitions".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ....presets.errors import AudioError, SessionError
from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.media import Resolver
from ..core.model import Automation, Clip, SessionNote
from ..stems.material import FileInfo, FilePool
from .curves import automation_of, fade_of, frames_of, knows_fade
from .rpp import Block, ReaperDocument, Row, blocks

# What REAPER decodes with its own readers and libsndfile can, too; AIFF is a WAVE to it.
_AUDIO = frozenset({"WAVE", "FLAC", "MP3", "VORBIS", "OPUS"})
_KEYS = frozenset(
    (
        *("POSITION", "LENGTH", "LOOP", "ALLTAKES", "MUTE", "FADEIN", "FADEOUT", "YPOS", "TAKE", "NAME", "VOLPAN"),
        *("TAKEVOLPAN", "SOFFS", "PLAYRATE", "CHANMODE", "SM"),
    )
)
_TAKE_ENVELOPES = {"PANENV": "pan envelope", "PITCHENV": "pitch envelope", "MUTEENV": "mute envelope"}
_PLUGIN_TAGS = ("VST", "AU", "CLAP", "JS", "DX", "LV2", "VIDEO_EFFECT")
_WHOLE_SOURCE, _REVERSED = 1, 2
_MOST_WORDS = 200
# Less does not count: REAPER keeps times with 14 digits, in seconds.
_ROUNDING_FRAMES = 1.0


@dataclass
class _Take:
    """The lines and blocks of one take; those of the first have the item's among them."""

    rows: dict[str, Row] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    selected: bool = False
    empty: bool = False

    def number(self, key: str, index: int, default: float = 0.0) -> float:
        row = self.rows.get(key)
        return default if row is None else row.number(index, default)

    def whole(self, key: str, index: int, default: int = 0) -> int:
        row = self.rows.get(key)
        return default if row is None else row.whole(index, default)


@dataclass(frozen=True)
class _Source:
    """What a SOURCE block says."""

    kind: str
    file: str
    start_s: float = 0.0
    length_s: float | None = None
    reverse: bool = False


@dataclass(frozen=True)
class _Window:
    """Which part of the file a source is, in frames of the file; counted from its end if it is turned round."""

    base: float
    length: float
    is_file: bool

    def inside(self, offset: float, frames: float) -> bool:
        """Whether it has so many frames from there on."""
        return offset >= 0 and offset + frames <= self.length + _ROUNDING_FRAMES


class ItemReader:
    """Makes clips of a project's items.

    Args:
        document: the project.
        sample_rate_hz: of the project.
        resolver: finds the files.
        pool: opens them.
        under: folder inside the project's, where its recordings go.
    """

    def __init__(self, document: ReaperDocument, sample_rate_hz: int, resolver: Resolver, pool: FilePool, under: str):
        self._document, self._rate_hz = document, sample_rate_hz
        self._resolver, self._pool = resolver, pool
        self._under = (under,) if under else ()

    def read(self, block: Block, track: str, playing_lanes: int | None) -> tuple[Clip | None, list[SessionNote]]:
        """The clip, and notes where it is none.

        Args:
            block: an ITEM.
            track: its name, for messages.
            playing_lanes: of a track with lanes, a bit for each that plays; None for any other.

        Raises:
            SessionError: a number or path cannot be used, or the file cannot be read.
        """
        takes = self._takes(block)
        item = takes[0]
        active = next((take for take in takes if take.selected), item)
        name = self._name(active)
        source = self._source(active)
        if source is None or active.empty:
            return None, []
        if source.kind not in _AUDIO or not source.file:
            return None, [SessionNote(track, name, _unplayed(source.kind))]
        path = self._resolver.find(source.file, under=self._under)
        if path is None:
            return None, []
        info = self._info(path, track, name or source.file)
        try:
            clip = self._clip(item, active, source, path, info)
        except SessionError as error:
            raise SessionError(f"track {track[:80]!r}, clip {(name or path.name)[:80]!r}: {error}") from error
        notes = (*clip.notes, *self._notes(item, active, len(takes)))
        muted = clip.mute or (playing_lanes is not None and not _plays(item, playing_lanes))
        return dataclasses.replace(clip, name=name, notes=tuple(dict.fromkeys(notes)), mute=muted), []

    def _takes(self, block: Block) -> list[_Take]:
        takes = [_Take()]
        for child in block.children:
            if isinstance(child, Block):
                takes[-1].blocks.append(child)
                continue
            if self._document.key(child) not in _KEYS:
                continue
            row = self._document.row(child)
            if row.key == "TAKE":
                options = row.words[1:]
                takes.append(_Take(selected="SEL" in options, empty="NULL" in options))
            else:
                takes[-1].rows.setdefault(row.key, row)
        return takes

    def _name(self, take: _Take) -> str:
        row = take.rows.get("NAME")
        return "" if row is None else row.text(1)[:_MOST_WORDS]

    def _source(self, take: _Take) -> _Source | None:
        block = next((block for block in take.blocks if block.tag == "SOURCE"), None)
        if block is None:
            return None
        kind = self._document.row(block.first).text(1)
        if kind != "SECTION":
            return _Source(kind, self._file(block))
        inner = next(blocks(block, "SOURCE"), None)
        if inner is None:
            return None
        inner_kind = self._document.row(inner.first).text(1)
        rows = {row.key: row for row in self._document.rows(block, ("LENGTH", "STARTPOS", "MODE"))}
        mode = rows["MODE"].whole(1) if "MODE" in rows else 0
        start_s = rows["STARTPOS"].number(1) if "STARTPOS" in rows else 0.0
        length_s = rows["LENGTH"].number(1) if "LENGTH" in rows else 0.0
        reverse = bool(mode & _REVERSED)
        if mode & _WHOLE_SOURCE:
            return _Source(inner_kind, self._file(inner), reverse=reverse)
        return _Source(inner_kind, self._file(inner), start_s, length_s if length_s > 0 else None, reverse)

    def _file(self, block: Block) -> str:
        row = self._document.find(block, "FILE")
        return "" if row is None else row.text(1)

    def _info(self, path: Path, track: str, name: str) -> FileInfo:
        try:
            return self._pool.info(path)
        except AudioError as error:
            raise SessionError(f"track {track[:80]!r}, clip {name[:80]!r}: {error}") from error

    def _clip(self, item: _Take, take: _Take, source: _Source, path: Path, info: FileInfo) -> Clip:
        start_s, length_s = item.number("POSITION", 1), item.number("LENGTH", 1)
        position = self._frames(item, "POSITION", start_s)
        rate = take.number("PLAYRATE", 1, 1.0)
        if rate <= 0:
            raise SessionError(f"it has a play rate of {rate:g}.")
        first = take is item
        volume = take.number("VOLPAN", 3, 1.0) if first else take.number("TAKEVOLPAN", 2, 1.0)
        pan = take.number("VOLPAN", 2) if first else take.number("TAKEVOLPAN", 1)
        clip = Clip(
            path,
            position,
            self._frames(item, "LENGTH", start_s + length_s) - position,
            gain_db=decibels(abs(item.number("VOLPAN", 1, 1.0) * volume)),
            fade_in=fade_of(item.rows.get("FADEIN"), self._rate_hz, rising=True),
            fade_out=fade_of(item.rows.get("FADEOUT"), self._rate_hz, rising=False),
            reverse=source.reverse,
            mute=bool(item.whole("MUTE", 1)),
            stretch=1 / rate,
            polarity=(item.number("VOLPAN", 1, 1.0) * volume) < 0,
            envelope=self._envelope(take, rate),
            notes=("pan of the item",) if pan else (),
        )
        clip = _with_channels(clip, take.whole("CHANMODE", 1), info.channels)
        offset = take.number("SOFFS", 1) * info.sample_rate_hz
        needed = length_s * rate * info.sample_rate_hz
        window = _window(source, info)
        if window.inside(offset, needed):
            return dataclasses.replace(clip, source_offset=window.base + offset)
        if item.whole("LOOP", 1):
            return _looped(clip, window, offset)
        clip = dataclasses.replace(clip, source_offset=window.base + offset)
        return clip if window.is_file else _silenced(clip, window, offset, rate * info.sample_rate_hz)

    def _frames(self, item: _Take, key: str, seconds: float) -> int:
        row = item.rows.get(key)
        if row is None:
            raise SessionError(f"it has no {key}: the project is damaged.")
        return frames_of(row, seconds, self._rate_hz)

    def _envelope(self, take: _Take, rate: float) -> Automation | None:
        block = next((block for block in take.blocks if block.tag == "VOLENV"), None)
        return None if block is None else automation_of(self._document, block, time_scale=1 / rate)

    def _notes(self, item: _Take, take: _Take, takes: int) -> Iterator[str]:
        if takes > 1:
            others = f"{takes - 1} other take{'s' if takes > 2 else ''}"
            yield f"{others}, played by REAPER, too" if item.whole("ALLTAKES", 1) else others
        rate, pitch = take.number("PLAYRATE", 1, 1.0), take.number("PLAYRATE", 3)
        if rate != 1 and take.whole("PLAYRATE", 2):
            yield f"play rate {rate:g} with its pitch kept; rendered like a tape, with the pitch changed"
        if pitch:
            yield f"pitch shift of {pitch:g} semitones"
        if "SM" in take.rows:
            yield "stretch markers"
        if not (knows_fade(item.rows.get("FADEIN")) and knows_fade(item.rows.get("FADEOUT"))):
            yield "a fade of a shape that is not known, taken for a line"
        for block in take.blocks:
            if block.tag == "TAKEFX":
                yield from (f"plug-in {name}" for name in plugin_names(self._document, block))
            elif block.tag in _TAKE_ENVELOPES and automation_of(self._document, block) is not None:
                yield _TAKE_ENVELOPES[block.tag]


def plugin_names(document: ReaperDocument, chain: Block, *, without: Collection[str] = ()) -> Iterator[str]:
    """The plug-ins of a chain that are not bypassed, as REAPER shows them, those in containers, too.

    Args:
        document: the project.
        chain: its block.
        without: names that a user can give a VST; those that have one of these are left out.
    """
    waiting = [chain]
    while waiting:
        block = waiting.pop()
        bypassed = False
        for child in block.children:
            if isinstance(child, int):
                if document.key(child) == "BYPASS":
                    bypassed = bool(document.row(child).whole(1))
            elif child.tag == "CONTAINER":
                waiting.append(child)
            elif child.tag in _PLUGIN_TAGS and not bypassed:
                row = document.row(child.first)
                if child.tag != "VST" or row.text(4) not in without:
                    yield row.text(1, child.tag)[:_MOST_WORDS]


def _window(source: _Source, info: FileInfo) -> _Window:
    """Where a source lies in its file."""
    start = source.start_s * info.sample_rate_hz
    length = info.frames - start if source.length_s is None else source.length_s * info.sample_rate_hz
    base = info.frames - start - length if source.reverse else start
    return _Window(base, length, is_file=base == 0 and length == info.frames)


def _looped(clip: Clip, window: _Window, offset: float) -> Clip:
    if window.length < 1:
        raise SessionError("its source has no length to be looped.")
    return dataclasses.replace(
        clip,
        source_offset=window.base + offset % window.length,
        loop_start=window.base,
        loop_frames=window.length,
    )


def _silenced(clip: Clip, window: _Window, offset: float, frames_per_s: float) -> Clip:
    """The clip without what lies in its file around the section that it plays."""
    if clip.envelope is not None:
        return dataclasses.replace(clip, notes=(*clip.notes, "silence outside its section"))
    begin_s, end_s = -offset / frames_per_s, (window.length - offset) / frames_per_s
    begin_s = max(begin_s, 0.0)
    points = ((0.0, 0.0 if begin_s else 1.0), (begin_s, 1.0), (max(begin_s, end_s), 0.0))
    return dataclasses.replace(clip, envelope=Automation(points, "hold"))


def _with_channels(clip: Clip, mode: int, channels: int) -> Clip:
    """What CHANMODE takes of a file."""
    match mode:
        case 0:
            return clip
        case 1:
            return dataclasses.replace(clip, channels=(1, 0)) if channels == 2 else clip
        case 2:
            return dataclasses.replace(clip, downmix=True)
        case _ if channels == 1:
            return clip
    chosen = _channels(mode)
    if not chosen or max(chosen) >= channels:
        raise SessionError(f"it takes channels (mode {mode}) that its file, with {channels}, does not have.")
    return dataclasses.replace(clip, channels=chosen)


def _channels(mode: int) -> tuple[int, ...]:
    """Left, right, further single channels, and pairs; each in two ranges of numbers."""
    if 3 <= mode <= 66:
        return (mode - 3,)
    if 131 <= mode <= 194:
        return (mode - 131 + 64,)
    if 67 <= mode <= 130:
        return (mode - 67, mode - 66)
    if 195 <= mode <= 257:
        return (mode - 195 + 64, mode - 194 + 64)
    return ()


def _plays(item: _Take, lanes: int) -> bool:
    """Whether an item lies on a lane that plays: YPOS has its top edge and its height, in parts of the track's."""
    height = item.number("YPOS", 2)
    if height <= 0:
        return True
    lane = round(item.number("YPOS", 1) / height)
    return not 0 <= lane < 64 or bool(lanes >> lane & 1)


def _unplayed(kind: str) -> str:
    if kind.startswith("_OFFLINE"):
        return Kind.OFFLINE()
    known = {"MIDI": Kind.MIDI, "MIDIPOOL": Kind.MIDI, "RPP_PROJECT": Kind.NESTED_PROJECT, "VIDEO": Kind.VIDEO}
    return known[kind]() if kind in known else Kind.UNKNOWN_SOURCE(kind[:40] or "unknown")
