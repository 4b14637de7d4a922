"""Tracks that a mix adds to a REAPER project, groups and returns of effects: writing them, and taking them out again.

Their names say that they are mixbridge's. They stand behind all others, so that no track's number changes, by which
sends name where they come from; a mix takes out those of the last one first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...core.model import Automation
from ...core.moving import STILL, MovingFader
from ...core.returned import MARK
from ..chains import States, fresh_identity, new_chain
from ..edits import ProjectEdits, digits
from ..mixer import Mixer, TrackBlock
from ..rpp import ReaperDocument, parse
from .envelopes import READ, envelope_lines, send_envelope, send_envelope_lines

_QUOTES: Final = "\"'`"
# A stereo track whose pan is a balance without any change in the centre: pan mode and taper.
_BALANCE: Final = ("PANMODE 3", "PANLAWFLAGS 2")


@dataclass(frozen=True)
class Receive:
    """A send to a track, behind the other's fader and pan.

    Attributes:
        source: order of the track that sends.
        gain: of the send, as a factor.
        moving: the same over time, in place of it; None where it stands still.
    """

    source: int
    gain: float
    moving: Automation | None = None


@dataclass(frozen=True)
class OwnTrack:
    """A track to be added.

    Attributes:
        name: with the mark.
        gain: of its fader, as a factor.
        pan: of its balance.
        mute: whether it is muted.
        plugins: their states, in the order of the chain.
        receives: what is sent to it.
        moving: its fader and pan over time.
    """

    name: str
    gain: float
    pan: float
    mute: bool
    plugins: States
    receives: Sequence[Receive]
    moving: MovingFader = STILL


def marked(name: str, taken: set[str]) -> str:
    """Name a track as mixbridge's, with a number if there is one of this name; the name is taken then."""
    plain, count = " ".join(name.split()), 1
    full = plain + MARK
    while full in taken:
        count += 1
        full = f"{plain} {count}{MARK}"
    taken.add(full)
    return full


def put_tracks(edits: ProjectEdits, mixer: Mixer, tracks: Sequence[OwnTrack]) -> None:
    """Put tracks behind all others, outside of all folders."""
    if not tracks:
        return
    document = edits.document
    before = mixer.tracks[-1].block.last + 1 if mixer.tracks else document.root.last
    close_folders(edits, mixer)
    for track in tracks:
        edits.insert(before, _lines(document, track), edits.inside(document.root))


def without_own(document: ReaperDocument) -> ReaperDocument:
    """Take out the tracks that a mix has added; what went to its groups goes to the master or its folder again."""
    mixer = Mixer(document)
    own = {track.order for track in mixer.tracks if track.is_own}
    if not own:
        return document
    edits = ProjectEdits(document)
    kept = [track for track in mixer.tracks if track.order not in own]
    places = {track.order: place for place, track in enumerate(kept)}
    for track in kept:
        _renumber(edits, track, places, own)
        route = mixer.route(track.order)
        if route.parent in own:
            edits.set(track.block, "MAINSEND", {1: "1"}, "{} 0")
    _hand_depths_on(edits, mixer, own)
    for order in sorted(own):
        block = mixer.tracks[order].block
        edits.replace(block.first, block.last + 1, [], b"")
    return parse(edits.result(), document.path)


def _renumber(edits: ProjectEdits, track: TrackBlock, places: Mapping[int, int], own: Collection[int]) -> None:
    """Give the sends to a track the new numbers of where they come from; those of tracks that go are taken out."""
    for row in edits.document.rows(track.block, ("AUXRECV",)):
        source = row.whole(1, -1)
        if source in own:
            edits.replace(row.line, row.line + 1, [], b"")
            envelope = send_envelope(edits.document, track.block, row)
            if envelope is not None:
                edits.replace(envelope.first, envelope.last + 1, [], b"")
        elif places.get(source, source) != source:
            edits.change(row, {1: str(places[source])})


def _hand_depths_on(edits: ProjectEdits, mixer: Mixer, own: set[int]) -> None:
    """Let the track before one that goes end the folders that it ends."""
    waiting = 0
    for track in reversed(mixer.tracks):
        depth = track.row("ISBUS").whole(2)
        if track.order in own:
            waiting += depth
        elif waiting:
            _set_depth(edits, track, depth + waiting)
            waiting = 0


def close_folders(edits: ProjectEdits, mixer: Mixer) -> None:
    """End the folders that the project leaves open, so that what comes behind the last track lies in none."""
    open_folders = 0
    for track in mixer.tracks:
        open_folders = max(0, open_folders + track.row("ISBUS").whole(2))
    if open_folders:
        last = mixer.tracks[-1]
        _set_depth(edits, last, last.row("ISBUS").whole(2) - open_folders)


def _set_depth(edits: ProjectEdits, track: TrackBlock, depth: int) -> None:
    kind = "0" if depth == 0 else "1" if depth > 0 else "2"
    edits.set(track.block, "ISBUS", {1: kind, 2: str(depth)}, "{} {}")


def _lines(document: ReaperDocument, track: OwnTrack) -> list[str]:
    identity = fresh_identity(track.name)
    receives = [f"  {line}" for receive in track.receives for line in _receive_lines(receive, track.name)]
    envelopes = envelope_lines(track.moving, track.name)
    chain = new_chain(document, "FXCHAIN", track.plugins, track.name)
    return [
        f"<TRACK {identity}",
        f"  NAME {_quoted(track.name)}",
        "  PEAKCOL 16576",
        "  BEAT -1",
        f"  AUTOMODE {READ if envelopes else 0}",
        *(f"  {line}" for line in _BALANCE),
        f"  VOLPAN {digits(track.gain)} {digits(track.pan)} 1 -1 1",
        f"  MUTESOLO {int(track.mute)} 0 0",
        "  IPHASE 0",
        "  PLAYOFFS 0 1",
        "  ISBUS 0 0",
        "  BUSCOMP 0 0 0 0 0",
        "  SHOWINMIX 1 0.6667 0.5 1 0.5 0 0 0",
        "  SEL 0",
        "  REC 0 0 1 0 0 0 0 0",
        "  NCHAN 2",
        "  FX 1",
        f"  TRACKID {identity}",
        "  PERF 0",
        *receives,
        "  MIDIOUT -1",
        "  MAINSEND 1 0",
        *(f"  {line}" for line in envelopes),
        *(f"  {line}" for line in chain),
        ">",
    ]


def _receive_lines(receive: Receive, track: str) -> list[str]:
    """Write a send, with the envelope of its level, which it then reads."""
    moving = receive.moving
    mode = "-1" if moving is None else READ
    line = f"AUXRECV {receive.source} 0 {digits(receive.gain)} 0 0 0 0 0 0 1:U 0 {mode} ''"
    return [line, *([] if moving is None else send_envelope_lines(moving, f"{track} {receive.source}"))]


def _quoted(name: str) -> str:
    """Put a name into quotes that it does not contain; one that has all of them loses the last kind."""
    for quote in _QUOTES:
        if quote not in name:
            return f"{quote}{name}{quote}"
    return f"`{name.replace('`', chr(39))}`"
