"""What a controller says and is told, as bytes of MIDI: which control stands where. All else is passed over.

A pair of controllers n and n + 32 is one of 14 bits, coarse first. The fine half follows at once, or not at all where
it did not change: the coarse one alone waits a moment for it, so that no value is seen that nobody set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

MidiKind = Literal["cc", "cc14", "pitchbend", "note"]

_NOTE_OFF, _NOTE_ON, _CC, _PITCH_BEND = 0x80, 0x90, 0xB0, 0xE0
# What is above tells a synthesizer to be silent and the like.
_LAST_CC: Final = 119
# Coarse halves are 0 to 31, fine ones 32 more.
FINE: Final = 32
# A serial cable takes 1 ms for a message.
_HALVES_S: Final = 0.005


@dataclass(frozen=True)
class MidiSource:
    """A control of a controller.

    Attributes:
        kind: controller of 7 or 14 bits, pitch bend, or note.
        channel: 1 to 16.
        number: of the controller (of a pair the coarse one) or note; 0 for pitch bend.
    """

    kind: MidiKind
    channel: int
    number: int = 0

    @property
    def steps(self) -> int:
        """The highest value."""
        return 16383 if self.kind in ("cc14", "pitchbend") else 127

    def __str__(self) -> str:
        match self.kind:
            case "cc":
                name = f"CC {self.number}"
            case "cc14":
                name = f"CC {self.number} and {self.number + FINE}"
            case "pitchbend":
                name = "pitch bend"
            case "note":
                name = f"note {self.number}"
        return f"{name}, channel {self.channel}"


@dataclass(frozen=True)
class Moved:
    """A control that was moved, and where it stands."""

    source: MidiSource
    value: int


def decode_midi(data: Sequence[int]) -> Moved | None:
    """Read a message; None for one that is no control's, or broken. A note's value is its velocity, 0 when released."""
    if len(data) != 3 or not all(0 <= byte < 128 for byte in data[1:]):
        return None
    status, channel = data[0] & 0xF0, 1 + (data[0] & 0x0F)
    first, second = data[1], data[2]
    if status == _CC and first <= _LAST_CC:
        return Moved(MidiSource("cc", channel, first), second)
    if status == _PITCH_BEND:
        return Moved(MidiSource("pitchbend", channel), first + 128 * second)
    if status in (_NOTE_ON, _NOTE_OFF):
        return Moved(MidiSource("note", channel, first), second if status == _NOTE_ON else 0)
    return None


def encode_midi(source: MidiSource, value: int) -> list[bytes]:
    """Write the messages that move a control, or light it, as the controller itself would send them."""
    channel = source.channel - 1
    coarse, fine = value >> 7, value & 127
    match source.kind:
        case "cc":
            return [bytes((_CC | channel, source.number, value))]
        case "cc14":
            return [
                bytes((_CC | channel, source.number, coarse)),
                bytes((_CC | channel, source.number + FINE, fine)),
            ]
        case "pitchbend":
            return [bytes((_PITCH_BEND | channel, fine, coarse))]
        case "note":
            return [bytes((_NOTE_ON | channel, source.number, value))]


class MidiReader:
    """Puts the halves of 14-bit controllers together.

    Args:
        pairs: controls of the kind "cc14"; everything else passes as it is.
    """

    def __init__(self, pairs: Iterable[MidiSource] = ()) -> None:
        self._pairs = {(pair.channel, pair.number): pair for pair in pairs if pair.kind == "cc14"}
        self._coarse: dict[MidiSource, int] = {}
        self._waiting: dict[MidiSource, float] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether a half is there whose other one may still come."""
        return bool(self._waiting)

    def take(self, data: Sequence[int], now_s: float) -> list[Moved]:
        """Read a message: what moved, at most one."""
        moved = decode_midi(data)
        if moved is None:
            return []
        source = moved.source
        if source.kind != "cc":
            return [moved]
        if (pair := self._pairs.get((source.channel, source.number))) is not None:
            self._coarse[pair] = moved.value
            self._waiting[pair] = now_s
            return []
        if (pair := self._pairs.get((source.channel, source.number - FINE))) is not None:
            self._waiting.pop(pair, None)
            # A fine half before any coarse one says nothing.
            return [Moved(pair, 128 * self._coarse[pair] + moved.value)] if pair in self._coarse else []
        return [moved]

    def due(self, now_s: float) -> list[Moved]:
        """Take coarse halves that were sent alone: the fine one is 0 then."""
        alone = [pair for pair, then_s in self._waiting.items() if now_s - then_s >= _HALVES_S]
        for pair in alone:
            del self._waiting[pair]
        return [Moved(pair, 128 * self._coarse[pair]) for pair in alone]
