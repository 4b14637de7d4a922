"""Learning which control sets an address: the one that is moved next.

For a moment everything that comes in is gathered, and then it is told what kind of control that was: a pair of 14 bits
has two numbers, an endless encoder says the same small step again and again, and a fader that is only touched sends a
note, which is no fader's place.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from .mapping import MidiEntry, Relative
from .messages import FINE, MidiSource, Moved, decode_midi

# From the first message of the control to the last that is heard.
_LISTENING_S: Final = 0.5
_MOST_HEARD: Final = 2000
# After a control was learnt it has to rest for so long before it can be the next one, too.
_REST_S: Final = 1.0
_FEWEST_STEPS: Final = 3
# Of an encoder's steps; a knob that is turned does not stay so near to one of its places.
_LARGEST_STEP: Final = 8
_MIDDLE: Final = 64


class MidiLearner:
    """Waits for a control for each address, one after another."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bool]] = deque()
        self._heard: list[Moved] = []
        self._since_s = 0.0
        # What is still being moved is not the next control.
        self._spent: dict[MidiSource, float] = {}

    @property
    def wanted(self) -> str | None:
        """The address whose control is waited for; None for none."""
        return self._waiting[0][0] if self._waiting else None

    def want(self, address: str, *, is_switch: bool) -> None:
        """Wait for a control for this address, after those before it."""
        self._waiting.append((address, is_switch))

    def take(self, data: Sequence[int], now_s: float) -> None:
        """Hear a message."""
        moved = decode_midi(data)
        if moved is None or not self._waiting or len(self._heard) >= _MOST_HEARD:
            return
        is_switch = self._waiting[0][1]
        if moved.source.kind == "note" and not (is_switch and moved.value):
            return
        if now_s - self._spent.get(moved.source, -math.inf) < _REST_S:
            self._spent[moved.source] = now_s
            return
        if not self._heard:
            self._since_s = now_s
        self._heard.append(moved)

    def stop(self) -> None:
        """Wait for nothing more."""
        self._waiting.clear()
        self._heard.clear()

    def due(self, now_s: float) -> MidiEntry | None:
        """Tell what was learnt, once it is sure."""
        if not self._heard or now_s - self._since_s < _LISTENING_S:
            return None
        address, is_switch = self._waiting.popleft()
        heard, self._heard = self._heard, []
        self._spent = dict.fromkeys((moved.source for moved in heard), now_s)
        return _entry(address, is_switch, heard)


def _entry(address: str, is_switch: bool, heard: Sequence[Moved]) -> MidiEntry:
    counts = Counter(moved.source for moved in heard)
    source = heard[0].source if is_switch else max(counts, key=lambda one: counts[one])
    kind, number = source.kind, source.number
    if kind == "cc" and not is_switch:
        coarse = number - FINE if FINE <= number < 2 * FINE else number
        halves = [MidiSource("cc", source.channel, half) for half in (coarse, coarse + FINE)]
        if coarse < FINE and all(half in counts for half in halves):
            kind, number = "cc14", coarse
    relative = None
    if kind == "cc" and not is_switch:
        relative = relative_of([moved.value for moved in heard if moved.source == source])
    return MidiEntry(
        message=kind,
        channel=source.channel,
        number=None if kind == "pitchbend" else number,
        address=address,
        relative=relative,
    )


def relative_of(values: Iterable[int]) -> Relative | None:
    """Tell whether values are steps of an endless encoder (turned to the right at first), and how it writes them."""
    steps = list(values)
    is_repeated = any(one == after for one, after in pairwise(steps))
    if len(steps) < _FEWEST_STEPS or not is_repeated:
        return None
    small = set(range(1, _LARGEST_STEP + 1))
    if set(steps) <= {_MIDDLE + step for step in small} | {_MIDDLE - step for step in small} and steps[0] > _MIDDLE:
        return "offset"
    if steps[0] in small and set(steps) <= small | {_MIDDLE + step for step in small} | {128 - step for step in small}:
        return "signed"
    return None


def step_of(value: int, relative: Relative) -> int:
    """Read a step of an endless encoder: how far, and below 0 to the left.

    "signed" is both usual ways: 65, 66 are steps down where a bit is the sign, 127, 126 where it is two's complement.
    """
    if relative == "offset":
        return value - _MIDDLE
    if value < _MIDDLE:
        return value
    return _MIDDLE - value if value < _MIDDLE + 32 else value - 128
