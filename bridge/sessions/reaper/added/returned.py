"""Returns of effects as audio on tracks of a REAPER project, where it has no such effect.

The tracks stand behind all others, so that no number of a track changes. The next mix takes their place; one that has
no such return any more leaves its track muted.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from ...core.returned import ReturnAudio, is_return_audio_name
from ..edits import ProjectEdits
from ..mixer import Mixer, TrackBlock
from ..rpp import blocks
from .own import close_folders

_IDENTITIES: Final = uuid.UUID("6d697862-7269-4467-a500-72657475726e")


def put_return_audio(
    edits: ProjectEdits, mixer: Mixer, returns: Sequence[ReturnAudio], files: Mapping[str, str]
) -> list[str]:
    """Add a track for each return, or give the one of an earlier mix its sound.

    Args:
        edits: of the project.
        mixer: its tracks.
        returns: which.
        files: names of their files in the project's folder, by effect.

    Returns:
        What became of tracks of an earlier mix, in sentences.
    """
    there = {track.name: track for track in mixer.tracks if is_return_audio_name(track.name)}
    notes = []
    fresh: list[str] = []
    for item in returns:
        lines = _item(item, files[item.effect])
        track = there.pop(item.track_name, None)
        if track is None:
            fresh += [*_track(item.track_name), *(f"  {line}" for line in lines), ">"]
        else:
            _renew(edits, track, lines)
    for track in there.values():
        edits.set(track.block, "MUTESOLO", {1: "1"}, "{} 0 0")
        notes.append(f"{track.name}: this mix has no such return; the track of an earlier one is muted.")
    if fresh:
        root = edits.document.root
        last = max((track.block.last for track in mixer.tracks), default=root.last - 1)
        close_folders(edits, mixer)
        edits.insert(last + 1, fresh, edits.inside(root))
    return notes


def _renew(edits: ProjectEdits, track: TrackBlock, lines: Sequence[str]) -> None:
    """Put the new sound in the place of the old one, at 0 dB, in the middle, and heard."""
    block = track.block
    edits.set(block, "VOLPAN", {1: "1", 2: "0", 3: "1", 4: "-1", 5: "1"}, "{} {} {} {} {}")
    edits.set(block, "MUTESOLO", {1: "0"}, "{} 0 0")
    old = list(blocks(block, "ITEM"))
    for item in old[1:]:
        edits.replace(item.first, item.last + 1, [], edits.inside(block))
    if old:
        edits.replace(old[0].first, old[0].last + 1, lines, edits.inside(block))
    else:
        edits.insert(block.last, lines, edits.inside(block))


def _track(name: str) -> list[str]:
    identity = _identity(name)
    return [
        f"<TRACK {identity}",
        f'  NAME "{name}"',
        "  VOLPAN 1 0 1 -1 1",  # the fourth number is the pan law: 0 dB in the middle
        "  PANLAWFLAGS 2",
        "  MUTESOLO 0 0 0",
        "  ISBUS 0 0",
        "  NCHAN 2",
        "  FX 1",
        f"  TRACKID {identity}",
        "  MAINSEND 1 0",
    ]


def _item(item: ReturnAudio, file: str) -> list[str]:
    name = item.track_name
    return [
        "<ITEM",
        "  POSITION 0",
        f"  LENGTH {item.frames / item.sample_rate_hz:.14g}",
        "  LOOP 0",
        "  FADEIN 1 0 0 1 0 0 0",
        "  FADEOUT 1 0 0 1 0 0 0",
        "  MUTE 0 0",
        f"  IGUID {_identity(f'item {name}')}",
        f'  NAME "{name}"',
        "  VOLPAN 1 0 1 -1",
        "  SOFFS 0",
        "  PLAYRATE 1 1 0 -1 0 0.0025",
        "  CHANMODE 0",
        f"  GUID {_identity(f'take {name}')}",
        "  <SOURCE WAVE",
        f"    FILE {_quoted(file)}",
        "  >",
        ">",
    ]


def _identity(name: str) -> str:
    return f"{{{str(uuid.uuid5(_IDENTITIES, name)).upper()}}}"


def _quoted(text: str) -> str:
    """Put a word into quotes that it does not hold."""
    return next(f"{quote}{text}{quote}" for quote in ('"', "'", "`") if quote not in text or quote == "`")
