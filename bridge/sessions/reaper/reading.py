"""Reads a REAPER project (.RPP): tracks, folders, items, faders, envelopes.

Certain, because several sources agree on it: the lines' fields, sections, takes, lanes, channel modes, the pan laws of
0 dB and -3 dB. From the memory of people who have REAPER, not measured here: the fades' curvature, the fader scale of
envelopes, that pan envelopes have left above 0. See :mod:`.curves` and :mod:`.items`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final

from ....presets.errors import SessionError
from ....presets.units import decibels
from ..core.media import Resolver
from ..core.model import MOST_CLIPS, MOST_TRACKS, Automation, Clip, PanLaw, Session, SessionNote, SessionTrack
from ..stems.material import FilePool
from .curves import automation_of
from .items import ItemReader, plugin_names
from .rpp import Block, ReaperDocument, Row, blocks, load

DEFAULT_RATE_HZ = 44_100
_TRACK_KEYS = frozenset(
    (
        "NAME",
        "PEAKCOL",
        "VOLPAN",
        "MUTESOLO",
        "IPHASE",
        "ISBUS",
        "FREEMODE",
        "LANESOLO",
        "PLAYOFFS",
        "AUTOMODE",
        "PANMODE",
    )
)
# A pan law is the gain in the centre, against both sides.
_PAN_LAWS: Final[dict[float, PanLaw]] = {
    1.0: "balance",
    math.sqrt(0.5): "constant_power",
    0.5: "linear",
    math.sqrt(2): "constant_power_boosted",
}
_CUSTOM_COLOUR = 0x1000000
_DUAL_PAN, _FIXED_LANES = 6, 2
_TRIM_READ = 0
_OTHER_ENVELOPES = {
    "VOLENV": "volume envelope before the plug-ins",
    "VOLENV3": "trim envelope",
    "PANENV": "pan envelope before the plug-ins",
    "MUTEENV": "mute envelope",
    "WIDTHENV": "width envelope",
    "WIDTHENV2": "width envelope",
    "DUALPANENVL2": "dual pan envelope",
    "DUALPANENV2": "dual pan envelope",
}


@dataclass(frozen=True)
class TrackBlock:
    """A track of a project as it stands in the file.

    Attributes:
        block: its lines.
        name: as REAPER shows it: without one, "Track 3".
        group: the folder that it is in.
        order: among all of the project's, from 0.
        rows: its own lines, by key.
    """

    block: Block
    name: str
    group: str | None
    order: int
    rows: dict[str, Row]

    def row(self, key: str) -> Row:
        """Its line of this key; one without values if it has none."""
        return self.rows.get(key) or Row(Path(), self.block.first, (key,))


def read(path: Path, resolver: Resolver) -> Session:
    """The session in a project's file.

    Raises:
        SessionError: it is none, is damaged, or holds what no session can; or a path leads out of its folder.
    """
    document = load(path)
    rate = document.find(document.root, "SAMPLERATE")
    rate_hz = DEFAULT_RATE_HZ if rate is None else rate.whole(1, DEFAULT_RATE_HZ)
    tempo = document.find(document.root, "TEMPO")
    notes = list(_project_notes(document))
    with FilePool() as pool:
        items = ItemReader(document, rate_hz, resolver, pool, _recordings(document))
        tracks = tuple(_track(document, track, items, notes) for track in shown_tracks(document))
    return Session(
        path,
        "reaper",
        path.stem,
        rate_hz,
        tracks,
        tempo_bpm=120.0 if tempo is None else tempo.number(1, 120.0),
        unsupported=tuple(notes),
    )


def shown_tracks(document: ReaperDocument) -> list[TrackBlock]:
    """The tracks that a session has: all but folders without items.

    Raises:
        SessionError: there are too many of them, or too many items on them.
    """
    found = list(blocks(document.root, "TRACK"))
    if len(found) > MOST_TRACKS:
        raise SessionError(f"{document.path} has {len(found)} tracks; {MOST_TRACKS} are the most.")
    items = sum(1 for block in found for _ in blocks(block, "ITEM"))
    if items > MOST_CLIPS:
        raise SessionError(f"{document.path} has {items} items; {MOST_CLIPS} are the most.")
    tracks, folders = [], list[str]()
    for order, block in enumerate(found):
        rows: dict[str, Row] = {}
        for row in document.rows(block, _TRACK_KEYS):
            rows.setdefault(row.key, row)
        name = rows["NAME"].text(1).strip() if "NAME" in rows else ""
        track = TrackBlock(block, name or f"Track {order + 1}", folders[-1] if folders else None, order, rows)
        depth = track.row("ISBUS").whole(2)
        if depth <= 0 or next(blocks(block, "ITEM"), None) is not None:
            tracks.append(track)
        if depth > 0:
            folders.append(track.name)
        else:
            del folders[max(0, len(folders) + depth) :]
    return tracks


def platform(document: ReaperDocument) -> str:
    """What REAPER ran on when it wrote a project: "windows", "macos" or "linux"."""
    version = document.row(document.root.first).text(2).lower()
    if "linux" in version:
        return "linux"
    return "macos" if "mac" in version or "osx" in version else "windows"


def _track(document: ReaperDocument, track: TrackBlock, items: ItemReader, notes: list[SessionNote]) -> SessionTrack:
    lanes = _playing_lanes(track)
    clips: list[Clip] = []
    for block in blocks(track.block, "ITEM"):
        clip, lacking = items.read(block, track.name, lanes)
        notes.extend(lacking)
        if clip is not None:
            clips.append(clip)
    notes.extend(SessionNote(track.name, "", what) for what in _track_notes(document, track))
    volpan = track.row("VOLPAN")
    volume, pan = volpan.number(1, 1.0), volpan.number(2)
    law = volpan.number(3, -1.0)
    if law < 0:
        project = document.find(document.root, "PANLAW")
        law = 1.0 if project is None else project.number(1, 1.0)
    trims = track.row("AUTOMODE").whole(1) == _TRIM_READ
    return SessionTrack(
        track.name,
        track.order,
        tuple(clips),
        track.group,
        _colour(track.row("PEAKCOL").whole(1), platform(document)),
        decibels(abs(volume)),
        pan,
        mute=bool(track.row("MUTESOLO").whole(1)),
        polarity_inverted=bool(track.row("IPHASE").whole(1)) != (volume < 0),
        pan_law=_PAN_LAWS[min(_PAN_LAWS, key=lambda known: abs(known - law))],
        volume=_volume(document, track, abs(volume) if trims else 1.0),
        pan_automation=_pan(document, track, pan if trims else 0.0),
        identity=document.row(track.block.first).text(1) or str(track.order + 1),
    )


def _volume(document: ReaperDocument, track: TrackBlock, factor: float) -> Automation | None:
    """The envelope; in the mode trim/read the fader works behind it."""
    automation = _envelope(document, track, "VOLENV2")
    if automation is None:
        return None
    points = tuple((time, max(0.0, value) * factor) for time, value in automation.points)
    return Automation(points, automation.interpolation)


def _pan(document: ReaperDocument, track: TrackBlock, offset: float) -> Automation | None:
    automation = _envelope(document, track, "PANENV2")
    if automation is None:
        return None
    # Its lane has left at the top: values above 0 are to the left.
    points = tuple((time, min(1.0, max(-1.0, offset - value))) for time, value in automation.points)
    return Automation(points, automation.interpolation)


def _envelope(document: ReaperDocument, track: TrackBlock, tag: str) -> Automation | None:
    block = next(blocks(track.block, tag), None)
    return None if block is None else automation_of(document, block)


def _track_notes(document: ReaperDocument, track: TrackBlock) -> Iterator[str]:
    for chain in blocks(track.block, "FXCHAIN"):
        yield from (f"plug-in {name}" for name in plugin_names(document, chain))
    for block in blocks(track.block, *_OTHER_ENVELOPES):
        if automation_of(document, block) is not None:
            yield _OTHER_ENVELOPES[block.tag]
    offset = track.row("PLAYOFFS")
    if offset.number(1) and not offset.whole(2) & 1:
        yield f"playback offset of {offset.number(1):g} {'samples' if offset.whole(2) & 2 else 's'}"
    volpan = track.row("VOLPAN")
    if track.row("PANMODE").whole(1, -1) == _DUAL_PAN and (volpan.number(4, -1.0), volpan.number(5, 1.0)) != (-1, 1):
        yield "dual pan"


def _project_notes(document: ReaperDocument) -> Iterator[SessionNote]:
    rate = document.find(document.root, "PLAYRATE")
    if rate is not None and rate.number(1, 1.0) != 1:
        yield SessionNote("", "", f"the project's play rate of {rate.number(1):g}")
    for chain in blocks(document.root, "MASTERFXLIST"):
        for name in plugin_names(document, chain):
            yield SessionNote("", "", f"plug-in {name} on the master")


def _playing_lanes(track: TrackBlock) -> int | None:
    """A bit for each lane that plays; None if the track has no lanes, or all play."""
    if track.row("FREEMODE").whole(1) != _FIXED_LANES or "LANESOLO" not in track.rows:
        return None
    return track.row("LANESOLO").whole(1)


def _colour(number: int, system: str) -> str | None:
    """A colour in the system's own order of bytes: Windows has red lowest, the others highest."""
    if not number & _CUSTOM_COLOUR:
        return None
    value = (number & 0xFFFFFF).to_bytes(3, "little" if system == "windows" else "big")
    return f"#{value.hex()}"


def _recordings(document: ReaperDocument) -> str:
    """The folder inside the project's that recordings go to, if it is one."""
    row = document.find(document.root, "RECORD_PATH")
    folder = "" if row is None else row.text(1).replace("\\", "/")
    unsafe = PureWindowsPath(folder).is_absolute() or folder.startswith("/") or ".." in folder.split("/")
    return "" if unsafe or not re.fullmatch(r"[^\0:]{0,200}", folder) else folder
