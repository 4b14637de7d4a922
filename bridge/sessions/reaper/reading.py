"""Reads a REAPER project (.RPP): tracks, folders, items, faders, envelopes.

Certain, because several sources agree on it: the lines' fields, sections, takes, lanes, channel modes, the pan laws of
0 dB and -3 dB. From the memory of people who have REAPER, not measured here: the fades' curvature, the fader scale of
envelopes, that pan envelopes have left above 0. See :mod:`.curves` and :mod:`.items`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from ..core.kinds import Kind
from ..core.media import Resolver
from ..core.model import Clip, Session, SessionNote, SessionTrack, TempoPoint, is_one
from ..stems.material import FilePool
from .faders import FaderReader, is_active
from .items import ItemReader, plugin_names
from .mixer import Mixer, TrackBlock
from .rpp import Block, ReaperDocument, blocks, load
from .sources import ItemSources

DEFAULT_RATE_HZ = 44_100
_CUSTOM_COLOUR = 0x1000000
_FIXED_LANES = 2
_LANES_A_WORD = 32
# Flags of PLAYOFFS.
_OFFSET_OFF, _OFFSET_IN_SAMPLES = 1, 2


def read(path: Path, resolver: Resolver) -> Session:
    """Read the session in a project's file.

    Raises:
        SessionError: it is none, is damaged, or holds what no session can; or a path leads out of its folder.
    """
    document = load(path)
    tempo = document.find(document.root, "TEMPO")
    mixer = Mixer(document)
    notes = list(_project_notes(document))
    with FilePool() as pool:
        sources = ItemSources(document, resolver, pool, _recordings(document))
        rate_hz = _sample_rate(document, mixer, sources)
        reader = _TrackReader(document, mixer, ItemReader(document, sources, rate_hz), notes, rate_hz)
        tracks = tuple(reader.read(track) for track in mixer.shown)
    shown = {track.order for track in mixer.shown}
    for track in mixer.tracks:
        if track.order not in shown:
            notes.extend(SessionNote(track.name, "", what) for what in mixer.notes(track))
    return Session(
        path,
        "reaper",
        path.stem,
        rate_hz,
        tracks,
        tempo_bpm=120.0 if tempo is None else tempo.number(1, 120.0),
        unsupported=tuple(notes),
        groups=mixer.groups,
        tempo=_tempo(document),
        remarks=(*_remarks(document), *_frozen(mixer)),
        master=FaderReader(document).master(),
    )


class _TrackReader:
    """Makes tracks; what of them is not rendered goes to `notes`."""

    def __init__(
        self, document: ReaperDocument, mixer: Mixer, items: ItemReader, notes: list[SessionNote], rate_hz: int
    ):
        self._document, self._mixer, self._items, self._notes = document, mixer, items, notes
        self._rate_hz = rate_hz
        self._faders = FaderReader(document)

    def read(self, track: TrackBlock) -> SessionTrack:
        """Read the track of a block."""
        lanes = _playing_lanes(track)
        clips: list[Clip] = []
        for block in blocks(track.block, "ITEM"):
            clip, lacking = self._items.read(block, track.name, lanes)
            self._notes.extend(lacking)
            if clip is not None:
                clips.append(clip)
        self._notes.extend(SessionNote(track.name, "", what) for what in self._mixer.notes(track))
        clips = self._offset(track, clips)
        fader, route = self._faders.read(track.block, track.rows), self._mixer.route(track.order)
        return SessionTrack(
            track.name,
            track.order,
            tuple(clips),
            None if route.parent is None else self._mixer.tracks[route.parent].name,
            _colour(track.row("PEAKCOL").whole(1), self._document.platform),
            fader.gain_db,
            fader.pan,
            mute=fader.mute,
            polarity_inverted=fader.polarity_inverted,
            pan_law=fader.pan_law,
            volume=fader.volume,
            pan_automation=fader.pan_automation,
            mute_automation=fader.mute_automation,
            trims=fader.trims,
            identity=self._document.row(track.block.first).text(1) or str(track.order + 1),
            solo=fader.solo,
            parent=self._mixer.parent(track.order),
            controls=self._mixer.controls(track.order),
            has_output=route.has_output,
            send_db=route.send_db,
        )

    def _offset(self, track: TrackBlock, clips: list[Clip]) -> list[Clip]:
        """Move clips by the track's media playback offset: to the right where it is above 0."""
        row = track.row("PLAYOFFS")
        offset, flags = row.number(1), row.whole(2)
        if not offset or flags & _OFFSET_OFF:
            return clips
        frames = round(offset if flags & _OFFSET_IN_SAMPLES else offset * self._rate_hz)
        if any(clip.position + frames < 0 for clip in clips):
            unit = "samples" if flags & _OFFSET_IN_SAMPLES else "s"
            self._notes.append(SessionNote(track.name, "", Kind.PLAY_OFFSET(f"{offset:g}", unit)))
            return clips
        return [dataclasses.replace(clip, position=clip.position + frames) for clip in clips]


def _sample_rate(document: ReaperDocument, mixer: Mixer, sources: ItemSources) -> int:
    """Find the project's rate; that of most of its files if it leaves the choice to the sound card."""
    row = document.find(document.root, "SAMPLERATE")
    rate_hz = DEFAULT_RATE_HZ if row is None else row.whole(1, DEFAULT_RATE_HZ)
    if row is not None and row.whole(2, 1):
        return rate_hz
    files = (block for track in mixer.shown for block in blocks(track.block, "ITEM"))
    return sources.usual_rate_hz(files) or rate_hz


def _tempo(document: ReaperDocument) -> tuple[TempoPoint, ...]:
    """List where the tempo changes; none if it does not."""
    block = next(blocks(document.root, "TEMPOENVEX"), None)
    if block is None:
        return ()
    points = tuple(
        TempoPoint(row.number(1), row.number(2), ramp=not row.whole(3))
        for row in sorted(document.rows(block, ("PT",)), key=lambda row: row.number(1))
        if row.number(2) > 0
    )
    return points if len({point.bpm for point in points}) > 1 else ()


def _project_notes(document: ReaperDocument) -> Iterator[SessionNote]:
    rate = document.find(document.root, "PLAYRATE")
    if rate is not None and not is_one(rate.number(1, 1.0)):
        yield SessionNote("", "", Kind.PLAY_RATE(f"{rate.number(1):g}"))
    if any(_moves_speed(document, block) for block in blocks(document.root, "MASTERPLAYSPEEDENV")):
        yield SessionNote("", "", Kind.PLAY_RATE_AUTOMATION())
    for chain in blocks(document.root, "MASTERFXLIST"):
        for name in plugin_names(document, chain):
            yield SessionNote("", "", Kind.MASTER_PLUGIN(name))


def _moves_speed(document: ReaperDocument, envelope: Block) -> bool:
    """Tell whether a play rate envelope is on and leaves 1; what automation items do is not looked at."""
    points = document.rows(envelope, ("PT", "POOLEDENVINST"))
    return is_active(document, envelope) and any(
        row.key == "POOLEDENVINST" or not is_one(row.number(2, 1.0)) for row in points
    )


def _remarks(document: ReaperDocument) -> Iterator[SessionNote]:
    older = document.older_versions
    if older:
        yield SessionNote("", "", Kind.OLDER_VERSIONS(older, "s" if older > 1 else ""))


def _frozen(mixer: Mixer) -> Iterator[SessionNote]:
    for track in mixer.shown:
        if track.has_items and next(blocks(track.block, "FREEZE"), None) is not None:
            yield SessionNote(track.name, "", Kind.FROZEN())


def _playing_lanes(track: TrackBlock) -> int | None:
    """Return a bit for each lane that plays; None if the track has no lanes, or all play."""
    if track.row("FREEMODE").whole(1) != _FIXED_LANES or "LANESOLO" not in track.rows:
        return None
    row = track.rows["LANESOLO"]
    first, second = row.whole(1), row.whole(2)
    # Up to 32 lanes stand in the first number; more, in that alone as a larger one, or in the second.
    return first | second << _LANES_A_WORD if 0 <= first < 1 << _LANES_A_WORD else first


def _colour(number: int, system: str) -> str | None:
    """Read a colour in the system's own order of bytes: Windows has red lowest, the others highest."""
    if not number & _CUSTOM_COLOUR:
        return None
    value = (number & 0xFFFFFF).to_bytes(3, "little" if system == "windows" else "big")
    return f"#{value.hex()}"


def _recordings(document: ReaperDocument) -> str:
    """Find the folder inside the project's that recordings go to, if it is one."""
    row = document.find(document.root, "RECORD_PATH")
    folder = "" if row is None else row.text(1).replace("\\", "/")
    unsafe = PureWindowsPath(folder).is_absolute() or folder.startswith("/") or ".." in folder.split("/")
    return "" if unsafe or not re.fullmatch(r"[^\0:]{0,200}", folder) else folder
