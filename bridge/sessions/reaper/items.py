"""A REAPER item as a clip: its active take, its fades, gains and envelope, and what of it is not rendered.

The fields of an item's lines are those of ReaTeam's "State Chunk Definitions".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from pathlib import Path

from ....presets.errors import AudioError, SessionError
from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.model import Automation, Clip, SessionNote, is_one
from ..core.muting import Muting, muting
from ..stems.material import FileInfo
from .curves import HEARD, automation_of, fade_of, frames_of, knows_fade
from .rpp import Block, ReaperDocument
from .sources import AUDIO, ItemSource, ItemSources, Take, active_take, looped, silenced, window_of, with_channels

_TAKE_ENVELOPES = {"PANENV": "pan", "PITCHENV": "pitch"}
_PLUGIN_TAGS = ("VST", "AU", "CLAP", "JS", "DX", "LV2", "VIDEO_EFFECT")
_MOST_WORDS = 200
# How an item's solo overrides its mute.
_SOLOED, _NOT_SOLOED = -1, 1


class ItemReader:
    """Makes clips of a project's items.

    Args:
        document: the project.
        sources: finds their takes and files.
        sample_rate_hz: of the session.
    """

    def __init__(self, document: ReaperDocument, sources: ItemSources, sample_rate_hz: int):
        self._document, self._sources, self._rate_hz = document, sources, sample_rate_hz

    def read(self, block: Block, track: str, playing_lanes: int | None) -> tuple[Clip | None, list[SessionNote]]:
        """Make the clip of an item, or notes where it is none.

        Args:
            block: an ITEM.
            track: its name, for messages.
            playing_lanes: of a track with lanes, a bit for each that plays; None for any other.

        Raises:
            SessionError: a number or path cannot be used, or the file cannot be read.
        """
        takes = self._sources.takes(block)
        item, active = takes[0], active_take(takes)
        name = self._sources.name(active)[:_MOST_WORDS]
        source = self._sources.source(active)
        if source is None or active.empty or source.kind == "EMPTY":
            return None, []
        rendered = self._sources.rendered_project(source) if source.kind == "RPP_PROJECT" else None
        if rendered is None and (source.kind not in AUDIO or not source.file):
            return None, [SessionNote(track, name, _unplayed(source.kind))]
        path = rendered or self._sources.path(source)
        if path is None:
            return None, []
        try:
            clip = self._clip(item, active, source, path, self._sources.info(path))
        except (AudioError, SessionError) as error:
            raise SessionError(f"track {track[:80]!r}, clip {(name or path.name)[:80]!r}: {error}") from error
        notes = (*clip.notes, *self._notes(item, active, len(takes)))
        muted = clip.mute or (playing_lanes is not None and not _plays(item, playing_lanes))
        return dataclasses.replace(clip, name=name, notes=tuple(dict.fromkeys(notes)), mute=muted), []

    def _clip(self, item: Take, take: Take, source: ItemSource, path: Path, info: FileInfo) -> Clip:
        start_s, length_s = item.number("POSITION", 1), item.number("LENGTH", 1)
        position = self._frames(item, "POSITION", start_s)
        rate = _rate(take)
        if rate <= 0:
            raise SessionError(f"it has a play rate of {rate:g}.")
        first, muted = take is item, self._muting(take, rate)
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
            mute=_is_muted(item) or muted.always,
            stretch=1 / rate,
            polarity=(item.number("VOLPAN", 1, 1.0) * volume) < 0,
            envelope=self._envelope(take, "VOLENV", rate) or muted.automation,
            notes=(Kind.CLIP_PAN(),) if pan else (),
        )
        clip = with_channels(clip, take.whole("CHANMODE", 1), info.channels)
        offset = take.number("SOFFS", 1) * info.sample_rate_hz
        needed = length_s * rate * info.sample_rate_hz
        window = window_of(source, info)
        if window.inside(offset, needed):
            return dataclasses.replace(clip, source_offset=window.base + offset)
        if item.whole("LOOP", 1):
            return looped(clip, window, offset)
        clip = dataclasses.replace(clip, source_offset=window.base + offset)
        return clip if window.is_file else silenced(clip, window, offset, rate * info.sample_rate_hz)

    def _frames(self, item: Take, key: str, seconds: float) -> int:
        row = item.rows.get(key)
        if row is None and key == "LENGTH":
            raise SessionError(f"it has no {key}: the project is damaged.")
        return 0 if row is None else frames_of(row, seconds, self._rate_hz)

    def _muting(self, take: Take, rate: float) -> Muting:
        """Read when a take is muted: its envelope has 1 where it is heard."""
        automation = self._envelope(take, "MUTEENV", rate)
        if automation is None:
            return Muting(False)
        return muting((time, value < HEARD) for time, value in automation.points)

    def _envelope(self, take: Take, tag: str, rate: float) -> Automation | None:
        block = next((block for block in take.blocks if block.tag == tag), None)
        return None if block is None else automation_of(self._document, block, time_scale=1 / rate)

    def _notes(self, item: Take, take: Take, takes: int) -> Iterator[str]:
        if takes > 1:
            kind = Kind.ALL_TAKES if item.whole("ALLTAKES", 1) else Kind.OTHER_TAKES
            yield kind(takes - 1, "s" if takes > 2 else "")
        rate, pitch = _rate(take), take.number("PLAYRATE", 3)
        if rate != 1 and take.whole("PLAYRATE", 2):
            yield Kind.TIME_STRETCH(f"{rate:g}")
        if pitch:
            yield Kind.PITCH_SHIFT(f"{pitch:g}")
        if "SM" in take.rows:
            yield Kind.STRETCH_MARKERS()
        if not (knows_fade(item.rows.get("FADEIN")) and knows_fade(item.rows.get("FADEOUT"))):
            yield Kind.FADE_SHAPE()
        for block in take.blocks:
            if block.tag == "TAKEFX":
                yield from (Kind.PLUGIN(name) for name in plugin_names(self._document, block))
            elif block.tag in _TAKE_ENVELOPES and automation_of(self._document, block) is not None:
                yield Kind.CLIP_AUTOMATION(_TAKE_ENVELOPES[block.tag])
        # One curve of a clip's gain is rendered: that of its volume, where it has both.
        if self._envelope(take, "VOLENV", 1.0) is not None and self._muting(take, 1.0).automation is not None:
            yield Kind.CLIP_AUTOMATION("mute")


def plugin_names(document: ReaperDocument, chain: Block, *, without: Collection[str] = ()) -> Iterator[str]:
    """List the plug-ins of a chain that are not bypassed, as REAPER shows them, those in containers, too.

    Args:
        document: the project.
        chain: its block.
        without: names that a user can give a VST; those that have one of these are left out.
    """
    for name, _ in plugins_in(document, chain, without=without):
        yield name


def plugins_in(
    document: ReaperDocument, chain: Block, *, without: Collection[str] = ()
) -> Iterator[tuple[str, list[Block]]]:
    """List the same plug-ins with the envelopes of their parameters, which stand behind them."""
    waiting = [chain]
    while waiting:
        block = waiting.pop()
        bypassed = False
        found: list[tuple[str, list[Block]]] = []
        envelopes: list[Block] = []
        for child in block.children:
            if isinstance(child, int):
                if document.key(child) == "BYPASS":
                    bypassed, envelopes = bool(document.row(child).whole(1)), []
            elif child.tag == "CONTAINER":
                waiting.append(child)
            elif child.tag == "PARMENV":
                envelopes.append(child)
            elif child.tag in _PLUGIN_TAGS and not bypassed:
                row = document.row(child.first)
                if child.tag != "VST" or row.text(4) not in without:
                    found.append((row.text(1, child.tag)[:_MOST_WORDS], envelopes))
        yield from found


def _rate(take: Take) -> float:
    """Read the play rate, without what rounding left of 1."""
    rate = take.number("PLAYRATE", 1, 1.0)
    return 1.0 if is_one(rate) else rate


def _is_muted(item: Take) -> bool:
    """Tell whether an item does not play: it is muted or another is soloed, unless it is soloed itself."""
    solo = item.whole("MUTE", 2)
    return solo == _NOT_SOLOED or (solo != _SOLOED and bool(item.whole("MUTE", 1)))


def _plays(item: Take, lanes: int) -> bool:
    """Tell whether an item lies on a lane that plays: YPOS has its top edge and its height, in parts of the track's."""
    height = item.number("YPOS", 2)
    if height <= 0:
        return True
    lane = round(item.number("YPOS", 1) / height)
    return lane < 0 or bool(lanes >> lane & 1)


def _unplayed(kind: str) -> str:
    if kind.startswith("_OFFLINE"):
        return Kind.OFFLINE()
    known = {"MIDI": Kind.MIDI, "MIDIPOOL": Kind.MIDI, "RPP_PROJECT": Kind.NESTED_PROJECT, "VIDEO": Kind.VIDEO}
    return known[kind]() if kind in known else Kind.UNKNOWN_SOURCE(kind[:40] or "unknown")
