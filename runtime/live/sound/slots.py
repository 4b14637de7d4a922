"""A place in the console whose unit can be replaced while sound goes through it.

The new unit is made and fed with the latest past on another thread, so that its filters ring and its compressors hold
what they would. It is then offered together with the place up to which it has heard; the thread of the audio feeds it
what is missing, a block or two, and fades from one to the other. No lock: an offer is one assignment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...audio.reading import Samples
from .ramps import fade_in
from .ring import AudioRing
from .turns import AudioTurn
from .units import Unit

# What a new unit is fed with at a time, between two blocks of the audio.
_PIECE_FRAMES: Final = 2048
# What the audio itself feeds it with at most.
_LATEST_FRAMES: Final = 4096


class Successor:
    """A unit that is brought to where sound is now; for the thread that makes it.

    Args:
        make: makes the new one, whose first sample is the one at this place of the slot's past.
        slot: where it will stand.
        past_frames: how much of the past it hears.
        turn: of the audio, between whose blocks it is made and hears.
    """

    def __init__(self, make: Callable[[int], Unit], slot: UnitSlot, past_frames: int, turn: AudioTurn):
        self.slot, self._turn = slot, turn
        past = slot.past
        # Before its beginning the past is silent, and the song had not begun.
        self.heard = max(slot.origin, past.position - min(past_frames, past.frames - past.margin))
        turn.wait()
        self.unit = make(self.heard)

    def catch_up(self) -> int:
        """Hear what has been written since; how much that was."""
        end = self.slot.past.position
        missing: int = end - self.heard
        self.slot.feed(self.unit, self.heard, end, self._turn)
        self.heard = end
        return missing


@dataclass(frozen=True)
class _Offer:
    successor: Successor
    fade_frames: int


class UnitSlot:
    """A unit at work, and the one that comes in.

    Args:
        unit: to begin with.
        past: what its input was, and is; written before :meth:`process` is called with the same block.
        first_row: the rows of `past` that are its own, from here on.
        rows: how many.
        rows_out: rows of its output.
        most_frames: of a block.

    Attributes:
        unit: at work.
        past: what its input was.
        incoming: the one that sound fades to; None where there is none.
    """

    def __init__(self, unit: Unit, past: AudioRing, first_row: int, rows: int, rows_out: int, most_frames: int):
        self.unit, self.past = unit, past
        self._first_row, self._rows, self._rows_out = first_row, rows, rows_out
        self.origin = past.position
        self._offer: _Offer | None = None
        self.incoming: Unit | None = None
        self._curve = fade_in(1)
        self._done = 0
        self._scratch = np.empty((rows_out, most_frames), np.float32)

    @property
    def is_busy(self) -> bool:
        """Whether a successor is waiting or coming in."""
        return self._offer is not None or self.incoming is not None

    def offer(self, successor: Successor, fade_frames: int) -> None:
        """Have the next block begin to fade to another unit; the slot must not be busy."""
        self._offer = _Offer(successor, fade_frames)

    def feed(self, unit: Unit, begin: int, end: int, turn: AudioTurn | None = None) -> None:
        """Send a stretch of the past through a unit, whose output nobody hears; a turn is waited for."""
        while begin < end:
            if turn is not None:
                turn.wait()
            piece = np.empty((self._rows, min(_PIECE_FRAMES, end - begin)), np.float32)
            self.past.read_into(begin, piece, self._first_row)
            unit.process(piece, np.empty((self._rows_out, piece.shape[1]), np.float32))
            begin += piece.shape[1]

    def process(self, block: Samples, out: Samples) -> None:
        """Fill `out`, shape (rows out, n), from the block that was written to the past last, shape (rows, n)."""
        frames = block.shape[1]
        self.admit(frames)
        self.unit.process(block, out)
        if self.incoming is not None:
            new = self._scratch[:, :frames]
            self.incoming.process(block, new)
            self.blend(new, out)

    def admit(self, frames: int) -> None:
        """Let the unit that was offered, if any, come in from the block on that was written to the past last.

        Args:
            frames: of that block.
        """
        offer = self._offer
        if offer is None:
            return
        now = self.past.position - frames
        # Whoever prepared it may have been held up: then it hears the latest that there is time for.
        begin = max(offer.successor.heard, now - _LATEST_FRAMES)
        self.feed(offer.successor.unit, begin, now)
        self._curve, self._done = fade_in(offer.fade_frames), 0
        self.incoming, self._offer = offer.successor.unit, None

    def blend(self, new: Samples, out: Samples) -> None:
        """Fade from the block of the unit in `out` to that of the incoming one, which takes its place at the end."""
        curve = self._curve[self._done : self._done + out.shape[1]]
        fading = len(curve)
        old_part = out[:, :fading]
        old_part += (new[:, :fading] - old_part) * curve
        out[:, fading:] = new[:, fading:]
        self._done += fading
        if self._done >= len(self._curve) and self.incoming is not None:
            self.unit, self.incoming = self.incoming, None
