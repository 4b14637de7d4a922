"""Where a REAPER item's sound is: its takes, the source of the active one, and its part and channels of a file."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ....presets.errors import AudioError, SessionError
from ..core.kinds import Kind
from ..core.media import Resolver
from ..core.model import Automation, Clip
from ..stems.material import FileInfo, FilePool
from .rpp import Block, ReaperDocument, RppLine, block_text, blocks

# What REAPER decodes with its own readers and libsndfile can, too; AIFF is a WAVE to it.
AUDIO = frozenset({"WAVE", "FLAC", "MP3", "VORBIS", "OPUS"})
_KEYS = frozenset(
    (
        *("POSITION", "LENGTH", "LOOP", "ALLTAKES", "MUTE", "FADEIN", "FADEOUT", "YPOS", "TAKE", "NAME", "VOLPAN"),
        *("TAKEVOLPAN", "SOFFS", "PLAYRATE", "CHANMODE", "SM"),
    )
)
_WHOLE_SOURCE, _REVERSED = 1, 2
# REAPER renders a project in a project to an audio file beside it, and plays that.
_RENDERED_PROJECT = "-PROX"
# Less does not count: REAPER keeps times with 14 digits, in seconds.
_ROUNDING_FRAMES = 1.0


@dataclass
class Take:
    """The lines and blocks of one take; those of the first have the item's among them.

    Attributes:
        rows: lines by key.
        blocks: those that are the take's.
        selected: it is the one that plays.
        empty: it has no sound.
    """

    rows: dict[str, RppLine] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    selected: bool = False
    empty: bool = False

    def number(self, key: str, index: int, default: float = 0.0) -> float:
        """Return a number of a line; the default where the line or the number is missing."""
        row = self.rows.get(key)
        return default if row is None else row.number(index, default)

    def whole(self, key: str, index: int, default: int = 0) -> int:
        """Return the same as a whole number."""
        row = self.rows.get(key)
        return default if row is None else row.whole(index, default)


@dataclass(frozen=True)
class ItemSource:
    """What a SOURCE block says.

    Attributes:
        kind: "WAVE", "MIDI" and so on.
        file: as written.
        start_s: where the part that is played begins in the file.
        length_s: of that part; None is up to the end.
        reverse: turned round.
    """

    kind: str
    file: str
    start_s: float = 0.0
    length_s: float | None = None
    reverse: bool = False


@dataclass(frozen=True)
class SourceWindow:
    """Which part of the file a source is, in frames of the file; counted from its end if it is turned round."""

    base: float
    length: float
    is_file: bool

    def inside(self, offset: float, frames: float) -> bool:
        """Tell whether it has so many frames from there on."""
        return offset >= 0 and offset + frames <= self.length + _ROUNDING_FRAMES


class ItemSources:
    """Finds the takes of items, and the files of takes.

    Args:
        document: the project.
        resolver: finds the files.
        pool: opens them.
        under: folder inside the project's, where its recordings go.
    """

    def __init__(self, document: ReaperDocument, resolver: Resolver, pool: FilePool, under: str):
        self._document = document
        self._resolver, self._pool = resolver, pool
        self._under = (under,) if under else ()

    def usual_rate_hz(self, items: Iterable[Block]) -> int | None:
        """Find the sample rate that most of the items' files have; None if none can be read."""
        rates: Counter[int] = Counter()
        for block in items:
            source = self.source(active_take(self.takes(block)))
            path = self.path(source) if source is not None and source.kind in AUDIO and source.file else None
            if path is not None:
                try:
                    rates[self._pool.info(path).sample_rate_hz] += 1
                except AudioError:  # whoever reads the item says what is wrong
                    continue
        return rates.most_common(1)[0][0] if rates else None

    def path(self, source: ItemSource) -> Path | None:
        """Find the file of a source; None if it is missing.

        Raises:
            SessionError: its path leads out of the project's folder.
        """
        return self._resolver.find(source.file, under=self._under)

    def rendered_project(self, source: ItemSource) -> Path | None:
        """Find what REAPER has rendered of a project in the project, when it saved that; None if it is not there."""
        written = f"{source.file}{_RENDERED_PROJECT}"
        return self._resolver.find_optional(written, under=self._under) if source.file else None

    def info(self, path: Path) -> FileInfo:
        """Tell what a file has.

        Raises:
            AudioError: it cannot be read.
        """
        return self._pool.info(path)

    def takes(self, block: Block) -> list[Take]:
        """Read all takes of an item; the first has the item's own lines, too."""
        takes = [Take()]
        for child in block.children:
            if isinstance(child, Block):
                takes[-1].blocks.append(child)
                continue
            if self._document.key(child) not in _KEYS:
                continue
            row = self._document.row(child)
            if row.key == "TAKE":
                options = row.words[1:]
                takes.append(Take(selected="SEL" in options, empty="NULL" in options))
            else:
                takes[-1].rows.setdefault(row.key, row)
        return takes

    def name(self, take: Take) -> str:
        """Tell what REAPER shows on the take."""
        row = take.rows.get("NAME")
        if row is not None:
            return row.text(1)
        return next((block_text(self._document, block) for block in take.blocks if block.tag == "NAME"), "")

    def source(self, take: Take) -> ItemSource | None:
        """Read what a take plays; None if it has no source."""
        block = next((block for block in take.blocks if block.tag == "SOURCE"), None)
        if block is None:
            return None
        kind = self._document.row(block.first).text(1)
        if kind != "SECTION":
            return ItemSource(kind, self._file(block))
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
            return ItemSource(inner_kind, self._file(inner), reverse=reverse)
        return ItemSource(inner_kind, self._file(inner), start_s, length_s if length_s > 0 else None, reverse)

    def _file(self, block: Block) -> str:
        row = self._document.find(block, "FILE")
        return block_text(self._document, block, "FILE") if row is None else row.text(1)


def active_take(takes: list[Take]) -> Take:
    """Return the take that plays."""
    return next((take for take in takes if take.selected), takes[0])


def window_of(source: ItemSource, info: FileInfo) -> SourceWindow:
    """Tell where a source lies in its file."""
    start = source.start_s * info.sample_rate_hz
    length = info.frames - start if source.length_s is None else source.length_s * info.sample_rate_hz
    base = info.frames - start - length if source.reverse else start
    return SourceWindow(base, length, is_file=base == 0 and length == info.frames)


def looped(clip: Clip, window: SourceWindow, offset: float) -> Clip:
    """Play the source of a clip over and over."""
    if window.length < 1:
        raise SessionError("its source has no length to be looped.")
    return dataclasses.replace(
        clip,
        source_offset=window.base + offset % window.length,
        loop_start=window.base,
        loop_frames=window.length,
    )


def silenced(clip: Clip, window: SourceWindow, offset: float, frames_per_s: float) -> Clip:
    """Silence what lies in a clip's file around the section that it plays."""
    if clip.envelope is not None:
        return dataclasses.replace(clip, notes=(*clip.notes, Kind.OUTSIDE_SECTION()))
    begin_s, end_s = -offset / frames_per_s, (window.length - offset) / frames_per_s
    begin_s = max(begin_s, 0.0)
    points = ((0.0, 0.0 if begin_s else 1.0), (begin_s, 1.0), (max(begin_s, end_s), 0.0))
    return dataclasses.replace(clip, envelope=Automation(points, "hold"))


def with_channels(clip: Clip, mode: int, channels: int) -> Clip:
    """Take what CHANMODE means of a file."""
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
    if not chosen:
        return dataclasses.replace(clip, notes=(*clip.notes, Kind.CHANNEL_MODE(mode)))
    # Channels that the file lacks are silent; the plan says so.
    return dataclasses.replace(clip, channels=chosen)


def _channels(mode: int) -> tuple[int, ...]:
    """List the channels of a mode: left, right, further single channels, and pairs; each in two ranges of numbers."""
    if 3 <= mode <= 66:
        return (mode - 3,)
    if 131 <= mode <= 194:
        return (mode - 131 + 64,)
    if 67 <= mode <= 130:
        return (mode - 67, mode - 66)
    if 195 <= mode <= 257:
        return (mode - 195 + 64, mode - 194 + 64)
    return ()
