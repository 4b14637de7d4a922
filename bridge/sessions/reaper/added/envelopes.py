"""Envelopes of a track's volume and pan that a mix puts into a REAPER project."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ...core.model import Automation
from ...core.moving import MovingFader
from ..chains import fresh_identity
from ..edits import ProjectEdits
from ..rpp import Block, blocks
from .own import digits

# Behind the plug-ins: what the fader and the pan of the track are.
VOLUME: Final = "VOLENV2"
PAN: Final = "PANENV2"
_LINE, _SQUARE = 0, 1
# The envelopes take the place of fader and pan.
_READ: Final = "1"


def put_envelopes(edits: ProjectEdits, track: Block, before: int, moving: MovingFader) -> Collection[str]:
    """Put envelopes into a track, in place of its own of this kind, and let it read them; what was put is given."""
    put = []
    # Its lane has left at the top.
    pan = None if moving.pan is None else _turned(moving.pan)
    for tag, automation in ((VOLUME, moving.volume), (PAN, pan)):
        if automation is None:
            continue
        put.append(tag)
        lines = _lines(tag, automation, f"{track.first} {tag}")
        old = next(blocks(track, tag), None)
        if old is None:
            edits.insert(before, lines, edits.inside(track))
        else:
            edits.replace(old.first, old.last + 1, lines, edits.inside(track))
    if put:
        edits.set(track, "AUTOMODE", {1: _READ}, "{}")
    return put


def _lines(tag: str, automation: Automation, key: str) -> list[str]:
    shape = _SQUARE if automation.interpolation == "hold" else _LINE
    points = [f"  PT {time_s:.9f} {digits(value)} {shape}" for time_s, value in automation.points]
    head = [f"  EGUID {fresh_identity(key)}", "  ACT 1 -1", "  VIS 1 1 1", "  LANEHEIGHT 0 0", "  ARM 0"]
    return [f"<{tag}", *head, f"  DEFSHAPE {shape} -1 -1", *points, ">"]


def _turned(automation: Automation) -> Automation:
    return Automation(tuple((time_s, 0.0 - value) for time_s, value in automation.points), automation.interpolation)
