"""The mixer of a REAPER project: where each track's sound goes, what acts on it on its way, and what is not rendered.

Fields of AUXRECV, MAINSEND and GROUP_FLAGS are those of ReaTeam's "State Chunk Definitions" and of Ultraschall's notes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from ....presets.errors import SessionError
from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.model import MOST_CLIPS, MOST_TRACKS, SessionGroup
from ..core.returned import MARK
from .chains import EFFECTS, state_of
from .faders import FaderReader, is_active
from .items import plugin_names, plugins_in
from .rpp import Block, ReaperDocument, RppLine, block_text, blocks

_TRACK_KEYS = frozenset(
    (
        *("NAME", "PEAKCOL", "VOLPAN", "MUTESOLO", "IPHASE", "ISBUS", "FREEMODE", "LANESOLO", "PLAYOFFS", "AUTOMODE"),
        *("PANMODE", "PANLAWFLAGS", "MAINSEND", "GROUP_FLAGS", "GROUP_FLAGS_HIGH", "FX"),
    )
)
_POST_FADER: Final = 0
_NO_AUDIO: Final = -1
STEREO_PAN, DUAL_PAN = 5, 6
# Fields of GROUP_FLAGS: groups in which a track leads or follows as in a VCA, a bit each.
_VCA_LEAD, _VCA_FOLLOW = 21, 22
_OTHER_ENVELOPES: Final = {
    "PANENV": Kind.ENVELOPE("pan"),
    "WIDTHENV": Kind.WIDTH_AUTOMATION(),
    "WIDTHENV2": Kind.WIDTH_AUTOMATION(),
    "DUALPANENVL": Kind.DUAL_PAN_AUTOMATION(),
    "DUALPANENV": Kind.DUAL_PAN_AUTOMATION(),
    "DUALPANENVL2": Kind.DUAL_PAN_AUTOMATION(),
    "DUALPANENV2": Kind.DUAL_PAN_AUTOMATION(),
}
_WITH_ITEMS: Final = {
    **{"VOLENV2": "volume", "PANENV2": "pan", "MUTEENV": "mute"},
    **{"VOLENV": "pre-FX volume", "VOLENV3": "trim"},
}
_SEND_ENVELOPES: Final = ("AUXVOLENV", "AUXPANENV", "AUXMUTEENV")
# All envelopes of a track, and what they move.
ENVELOPES: Final = {
    **_WITH_ITEMS,
    **{tag: tag.lower().partition("env")[0].replace("dualpan", "dual pan") for tag in _OTHER_ENVELOPES},
}


@dataclass(frozen=True)
class TrackBlock:
    """A track of a project as it stands in the file.

    Attributes:
        block: its lines.
        name: as REAPER shows it: without one, "Track 3".
        folder: order of the folder that it is in.
        order: among all of the project's, from 0.
        rows: its own lines, by key.
        has_items: whether anything lies on it.
    """

    block: Block
    name: str
    folder: int | None
    order: int
    rows: dict[str, RppLine]
    has_items: bool

    def row(self, key: str) -> RppLine:
        """Return its line of this key; one without values if it has none."""
        return self.rows.get(key) or RppLine(Path(), self.block.first, (key,))

    @property
    def is_folder(self) -> bool:
        """Whether tracks lie in it."""
        return self.row("ISBUS").whole(2) > 0

    @property
    def is_own(self) -> bool:
        """Whether a mix has added it: a group, or the return of an effect."""
        return self.name.endswith(MARK) and not self.has_items and not self.is_folder


@dataclass(frozen=True)
class Send:
    """A line AUXRECV, by which a track receives from another.

    Attributes:
        row: the line.
        source: order of the track that sends.
        target: order of the track that receives.
    """

    row: RppLine
    source: int
    target: int

    @property
    def is_heard(self) -> bool:
        """Whether sound goes through it."""
        return not self.row.whole(5) and self.row.number(3, 1.0) != 0 and self.row.whole(8) != _NO_AUDIO

    @property
    def is_key(self) -> bool:
        """Whether it goes to channels 3 and up, which plug-ins listen to."""
        return self.row.whole(9) & 1023 >= 2

    @property
    def is_plain(self) -> bool:
        """Whether it passes on what is behind the fader, in stereo and as it is but for its level."""
        row = self.row
        is_stereo = not (row.whole(6) or row.whole(8) or row.whole(9))
        return is_stereo and row.whole(2) == _POST_FADER and not row.number(4) and not row.whole(7)


@dataclass(frozen=True)
class Route:
    """Where a track's sound goes.

    Attributes:
        parent: order of the track that it goes to; None is the master.
        has_output: whether it goes there.
        send: the send by which it does, where that is no folder's or the master's input.
    """

    parent: int | None
    has_output: bool = True
    send: Send | None = None

    @property
    def send_db(self) -> float:
        """Level of the send."""
        return 0.0 if self.send is None else decibels(abs(self.send.row.number(3, 1.0)))


class Mixer:
    """The tracks of a project and how they are joined.

    Args:
        document: the project.

    Attributes:
        tracks: all of them, in their order.

    Raises:
        SessionError: there are too many of them, or too many items on them.
    """

    def __init__(self, document: ReaperDocument):
        self._document = document
        self._faders = FaderReader(document)
        self.tracks = list(_all_tracks(document))
        # Those that are heard, by the order of the track that sends and of the one that receives.
        self._sent: defaultdict[int, list[Send]] = defaultdict(list)
        self._arriving: defaultdict[int, list[Send]] = defaultdict(list)
        for send in (send for track in self.tracks for send in self._received(track) if send.is_heard):
            self._sent[send.source].append(send)
            self._arriving[send.target].append(send)
        self._routes = [self._route(track) for track in self.tracks]

    @property
    def shown(self) -> list[TrackBlock]:
        """The tracks that a session has: all but folders without items, and what a mix has added."""
        return [track for track in self.tracks if track.has_items or not (track.is_folder or track.is_own)]

    def route(self, order: int) -> Route:
        """Follow a track's sound: to its folder or the master, or by its first plain send where that is off."""
        return self._routes[order]

    @cached_property
    def groups(self) -> tuple[SessionGroup, ...]:
        """Folders and buses that tracks go through, and what leads VCAs; in the order of :meth:`group_tracks`."""
        through = tuple(self._group(self.tracks[order]) for order in self._through)
        return (*through, *(self._vca(self.tracks[order]) for order in self._leaders))

    @property
    def group_tracks(self) -> list[TrackBlock]:
        """The track that each of :attr:`groups` is."""
        return [self.tracks[order] for order in (*self._through, *self._leaders)]

    def parent(self, order: int) -> int | None:
        """Return the index of the group that a track goes to."""
        route = self.route(order)
        return None if route.parent is None else self._through.index(route.parent)

    def controls(self, order: int) -> tuple[int, ...]:
        """Return the indices of the VCAs that a track follows."""
        follows = _members(self.tracks[order], _VCA_FOLLOW)
        first = len(self._through)
        return tuple(
            first + index
            for index, leader in enumerate(self._leaders)
            if leader != order and follows & _members(self.tracks[leader], _VCA_LEAD)
        )

    def notes(self, track: TrackBlock) -> Iterator[str]:
        """List what a track does to its sound that is not rendered."""
        if track.row("FX").whole(1, 1):
            for chain in blocks(track.block, "FXCHAIN"):
                yield from (Kind.PLUGIN(name) for name in plugin_names(self._document, chain))
        yield from self._envelope_notes(track)
        yield from self._pan_notes(track)
        yield from self._send_notes(track.order)

    def pan_mode(self, track: TrackBlock) -> int:
        """Read the track's own pan mode, or the project's."""
        project = self._document.find(self._document.root, "PANMODE")
        return track.row("PANMODE").whole(1, -1 if project is None else project.whole(1, -1))

    def _route(self, track: TrackBlock) -> Route:
        main = track.row("MAINSEND")
        if main.whole(1, 1) and not main.whole(2):
            return Route(track.folder)
        plain = [send for send in self._sent[track.order] if send.is_plain]
        # What goes to a group of the mix goes nowhere else; to its effects it goes besides.
        groups = (send for send in plain if self.tracks[send.target].is_own and not self._is_effect(send.target))
        others = (send for send in plain if not self._is_effect(send.target))
        send = next(groups, next(others, None))
        return Route(None, has_output=False) if send is None else Route(send.target, send=send)

    def _is_effect(self, order: int) -> bool:
        """Tell whether a track is the return of an effect that a mix has added."""
        track = self.tracks[order]
        return track.is_own and any(state_of(self._document, track.block, kind) is not None for kind in EFFECTS)

    def sends_to(self, order: int) -> Iterator[Send]:
        """List the sends that a track hears."""
        yield from self._arriving[order]

    def _group(self, track: TrackBlock) -> SessionGroup:
        fader = self._faders.read(track.block, track.rows)
        route = self.route(track.order)
        return SessionGroup(
            track.name,
            "folder" if track.is_folder else "bus",
            self.parent(track.order),
            self.controls(track.order),
            fader.gain_db,
            fader.pan,
            fader.pan_law,
            mute=fader.mute,
            solo=fader.solo,
            polarity_inverted=fader.polarity_inverted,
            volume=fader.volume,
            pan_automation=fader.pan_automation,
            mute_automation=fader.mute_automation,
            trims=fader.trims,
            has_output=route.has_output,
            send_db=route.send_db,
            identity=self._identity(track),
        )

    def _vca(self, track: TrackBlock) -> SessionGroup:
        fader = self._faders.read(track.block, track.rows)
        return SessionGroup(
            track.name,
            "VCA",
            gain_db=fader.gain_db,
            mute=fader.mute,
            volume=fader.volume,
            mute_automation=fader.mute_automation,
            identity=self._identity(track),
        )

    def _identity(self, track: TrackBlock) -> str:
        return self._document.row(track.block.first).text(1) or str(track.order + 1)

    @cached_property
    def _through(self) -> list[int]:
        """Orders of the tracks that others go to."""
        parents = {self.route(track.order).parent for track in self.tracks}
        return sorted(order for order in parents if order is not None)

    @cached_property
    def _leaders(self) -> list[int]:
        followed = 0
        for track in self.tracks:
            followed |= _members(track, _VCA_FOLLOW)
        return [track.order for track in self.tracks if _members(track, _VCA_LEAD) & followed]

    def _received(self, track: TrackBlock) -> Iterator[Send]:
        for row in self._document.rows(track.block, ("AUXRECV",)):
            source = row.whole(1, -1)
            if 0 <= source < len(self.tracks) and source != track.order:
                yield Send(row, source, track.order)

    def _envelope_notes(self, track: TrackBlock) -> Iterator[str]:
        for block in blocks(track.block, *_OTHER_ENVELOPES):
            if is_active(self._document, block):
                yield _OTHER_ENVELOPES[block.tag]
        for block in blocks(track.block, *_WITH_ITEMS):
            if is_active(self._document, block) and self._document.find(block, "POOLEDENVINST") is not None:
                yield Kind.AUTOMATION_ITEM(_WITH_ITEMS[block.tag])
        for chain in blocks(track.block, "FXCHAIN"):
            for name, envelopes in plugins_in(self._document, chain):
                if any(is_active(self._document, envelope) for envelope in envelopes):
                    yield Kind.AUTOMATION_OF_PLUGIN(name)
        if any(self._is_automated(send) for send in self._sent[track.order]):
            yield Kind.AUTOMATION_OF_SEND()

    def _is_automated(self, send: Send) -> bool:
        """Tell whether a send follows an envelope: it stands between its line and that of the next."""
        block = self.tracks[send.target].block
        lines = [row.line for row in self._document.rows(block, ("AUXRECV",))]
        stop = min((line for line in lines if line > send.row.line), default=block.last)
        envelopes = (item for item in blocks(block, *_SEND_ENVELOPES) if send.row.line < item.first < stop)
        return any(is_active(self._document, envelope) for envelope in envelopes)

    def _pan_notes(self, track: TrackBlock) -> Iterator[str]:
        volpan, mode = track.row("VOLPAN"), self.pan_mode(track)
        left, right = volpan.number(4, -1.0), volpan.number(5, 1.0)
        if (left, right) == (-1, 1):
            return
        if mode == DUAL_PAN:
            yield Kind.DUAL_PAN()
        elif mode == STEREO_PAN:
            # Which of the two numbers has the width is not certain; the other is at rest.
            width = right if right != 1 else left
            yield Kind.WIDTH(f"{width:.0%}".replace("%", " %"))

    def _send_notes(self, order: int) -> Iterator[str]:
        way = self.route(order).send
        sent = (send for send in self._sent[order] if send is not way and not send.is_key)
        yield from (Kind.SEND(self.tracks[send.target].name) for send in sent)
        received = [send for send in self._arriving[order] if send is not self.route(send.source).send]
        for kind, is_key in ((Kind.RECEIVE, False), (Kind.SIDE_CHAIN, True)):
            names = dict.fromkeys(self.tracks[send.source].name for send in received if send.is_key == is_key)
            if names:
                yield kind(", ".join(names))
        for row in self._document.rows(self.tracks[order].block, ("HWOUT",)):
            if not row.whole(5) and row.number(3, 1.0):
                yield Kind.HARDWARE(row.whole(1) % 1024 + 1)


def _all_tracks(document: ReaperDocument) -> Iterator[TrackBlock]:
    all_blocks = list(blocks(document.root, "TRACK"))
    if len(all_blocks) > MOST_TRACKS:
        raise SessionError(f"{document.path} has {len(all_blocks)} tracks; {MOST_TRACKS} are the most.")
    items = sum(1 for block in all_blocks for _ in blocks(block, "ITEM"))
    if items > MOST_CLIPS:
        raise SessionError(f"{document.path} has {items} items; {MOST_CLIPS} are the most.")
    folders = list[int]()
    for order, block in enumerate(all_blocks):
        rows: dict[str, RppLine] = {}
        for row in document.rows(block, _TRACK_KEYS):
            rows.setdefault(row.key, row)
        written = rows["NAME"].text(1) if "NAME" in rows else block_text(document, block, "NAME")
        has_items = next(blocks(block, "ITEM"), None) is not None
        name = written.strip() or f"Track {order + 1}"
        track = TrackBlock(block, name, folders[-1] if folders else None, order, rows, has_items)
        yield track
        depth = track.row("ISBUS").whole(2)
        if depth > 0:
            folders.append(order)
        else:
            del folders[max(0, len(folders) + depth) :]


def _members(track: TrackBlock, field: int) -> int:
    """Return the groups in which a track has a role, a bit for each."""
    low, high = track.row("GROUP_FLAGS"), track.row("GROUP_FLAGS_HIGH")
    return low.whole(field) & 0xFFFFFFFF | (high.whole(field) & 0xFFFFFFFF) << 32
