"""Envelopes of volumes and pans that a mix puts into a REAPER project: of tracks, sends and the master."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from ...core.model import Automation
from ...core.moving import MovingFader
from ..chains import fresh_identity
from ..edits import ProjectEdits, digits
from ..rpp import Block, ReaperDocument, RppLine, blocks

# Behind the plug-ins: what the fader and the pan of the track are.
VOLUME: Final = "VOLENV2"
PAN: Final = "PANENV2"
MASTER_VOLUME: Final = "MASTERVOLENV2"
_SEND_VOLUME: Final = "AUXVOLENV"
_LINE, _SQUARE = 0, 1
# The envelopes take the place of fader and pan.
READ: Final = "1"


def put_envelopes(edits: ProjectEdits, track: Block, before: int, moving: MovingFader) -> Collection[str]:
    """Put envelopes into a track, in place of its own of this kind, and let it read them; what was put is given."""
    put = []
    for tag, automation in _tagged(moving):
        put.append(tag)
        _put(edits, track, before, tag, automation)
    if put:
        edits.set(track, "AUTOMODE", {1: READ}, "{}")
    return put


def put_master_envelope(edits: ProjectEdits, root: Block, before: int, volume: Automation) -> Collection[str]:
    """Put the envelope of the master's fader into a project, and let it be read; what was put is given."""
    _put(edits, root, before, MASTER_VOLUME, volume)
    edits.set(root, "MASTERAUTOMODE", {1: READ}, "{}")
    return (MASTER_VOLUME,)


def envelope_lines(moving: MovingFader, key: str) -> list[str]:
    """Write the envelopes of a track that is new; `key` names it, for identities that come out the same again."""
    return [line for tag, automation in _tagged(moving) for line in _lines(tag, automation, f"{key} {tag}")]


def send_envelope_lines(level: Automation, key: str) -> list[str]:
    """Write the envelope of a send's level; it stands behind the line of the send."""
    return _lines(_SEND_VOLUME, level, f"{key} {_SEND_VOLUME}")


def send_envelope(document: ReaperDocument, track: Block, send: RppLine) -> Block | None:
    """Find the envelope of a send's level: it stands between its line and that of the next send."""
    later = [row.line for row in document.rows(track, ("AUXRECV",)) if row.line > send.line]
    stop = min(later, default=track.last)
    return next((block for block in blocks(track, _SEND_VOLUME) if send.line < block.first < stop), None)


def _tagged(moving: MovingFader) -> Iterator[tuple[str, Automation]]:
    if moving.volume is not None:
        yield VOLUME, moving.volume
    if moving.pan is not None:  # its lane has left at the top
        yield PAN, _turned(moving.pan)


def _put(edits: ProjectEdits, owner: Block, before: int, tag: str, automation: Automation) -> None:
    lines = _lines(tag, automation, f"{owner.first} {tag}")
    old = next(blocks(owner, tag), None)
    if old is None:
        edits.insert(before, lines, edits.inside(owner))
    else:
        edits.replace(old.first, old.last + 1, lines, edits.inside(owner))


def _lines(tag: str, automation: Automation, key: str) -> list[str]:
    shape = _SQUARE if automation.interpolation == "hold" else _LINE
    points = [f"  PT {time_s:.9f} {digits(value)} {shape}" for time_s, value in automation.points]
    head = [f"  EGUID {fresh_identity(key)}", "  ACT 1 -1", "  VIS 1 1 1", "  LANEHEIGHT 0 0", "  ARM 0"]
    return [f"<{tag}", *head, f"  DEFSHAPE {shape} -1 -1", *points, ">"]


def _turned(automation: Automation) -> Automation:
    return Automation(tuple((time_s, 0.0 - value) for time_s, value in automation.points), automation.interpolation)
