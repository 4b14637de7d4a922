"""Levels that glide to their new value instead of jumping, for a desk that is on air.

All levels move together, evenly in dB, in steps; the last one is exactly the target, and it is proven like every
push. What is to glide (faders, and a trim or makeup that a preset moves) and from where is for the caller to say.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...presets.errors import DeskError
from ..desks.profile import Setting
from ..desks.scales import WireValue
from .connection import Connection
from .exchange import Cancel, Outcome, Progress, Result, push

STEP_MS: Final = 20.0
# Off lies at -90 dB or lower on a desk. Nobody hears the first and last 30 dB of that way: it is taken in one step, so
# that the time is spent where it is audible.
SILENCE_DB: Final = -60.0
# After the last step, for those that come late over a bad network: the proof must not precede them.
_REST_S: Final = 0.05
_BARRIER_S: Final = 0.4
_STEPS: Final = 0.8


@dataclass(frozen=True)
class Glide:
    """One level on its way.

    Attributes:
        setting: the target; its scale is in dB.
        start: the wire value that the desk has now.
    """

    setting: Setting
    start: WireValue


def ramp(
    connection: Connection,
    glides: Iterable[Glide],
    over_ms: float = 500.0,
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Move levels from where they are to where they shall be, then proves that they stand there.

    A level takes a step every 20 ms, or less often if the link's pacing has to be shared by many or the desk takes
    fewer values a second; then all take longer rather than larger steps. Off counts as -60 dB on the way.

    Args:
        connection: made by `connection.connect`.
        glides: levels, no two for the same address.
        over_ms: how long it shall take; 0 sets them at once.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it where the levels are then. Ctrl-C does the same.

    Raises:
        DeskError: a setting is no level, the desk refuses messages, or does not answer.
    """
    moving = [_Way.of(glide, over_ms) for glide in glides]
    link, dialect = connection.link, connection.dialect
    before = link.sent
    interval_s = max(STEP_MS, dialect.repeat_ms) / 1000.0
    stopped = cancel or (lambda: False)
    try:
        ended = _move(connection, moving, interval_s, stopped, on_progress)
        if ended:
            time.sleep(_REST_S + link.transport.settle_ms / 1000.0)
    except KeyboardInterrupt:
        ended = False
    if not ended:
        results = (Result(way.target, "unconfirmed" if way.sent else "unsent") for way in moving)
        return Outcome(tuple(results), cancelled=True, datagrams=link.sent - before)
    proof = push(
        connection,
        [way.target for way in moving],
        known={},
        on_progress=_after(on_progress),
        cancel=cancel,
    )
    return replace(proof, datagrams=link.sent - before)


@dataclass
class _Way:
    """A level with all its steps.

    Attributes:
        target: what is set at last.
        values: wire values still to be sent; the same one is not sent twice.
        due: the earliest time of the next, by the monotonic clock.
        sent: whether any step was begun.
    """

    target: Setting
    values: list[WireValue]
    due: float = -math.inf
    sent: bool = False

    @classmethod
    def of(cls, glide: Glide, over_ms: float) -> _Way:
        start_db, end_db = (_level_db(glide.setting, wire) for wire in (glide.start, glide.setting.value))
        steps = max(math.ceil(over_ms / STEP_MS), 1) if start_db != end_db else 1
        path = [start_db + (end_db - start_db) * step / steps for step in range(1, steps)]
        wires = [glide.setting.scale.encode(level_db) for level_db in path]
        return cls(glide.setting, [*wires, glide.setting.value])

    def moves_at(self, index: int) -> bool:
        """Whether a round has a step for it: the grid may be coarser than the steps."""
        if index >= len(self.values):
            return False
        return index in {0, len(self.values) - 1} or self.values[index] != self.values[index - 1]


def _move(
    connection: Connection,
    ways: Sequence[_Way],
    interval_s: float,
    cancel: Cancel,
    on_progress: Progress | None,
) -> bool:
    """Takes all steps, a round of all levels at a time; False if it was cancelled."""
    rounds = max((len(way.values) for way in ways), default=0)
    link, dialect = connection.link, connection.dialect
    barrier = _Barrier(connection)
    for index in range(rounds):
        for way in ways:
            if cancel():
                return False
            if not way.moves_at(index):
                continue
            _sleep_until(way.due)
            way.sent = True
            step = replace(way.target, value=way.values[index])
            link.send(dialect.set(step))
            # By the time it left, not by that of the round: however late it was, the next one keeps its distance.
            way.due = time.monotonic() + interval_s
            barrier.after(step)
        if on_progress is not None:
            on_progress((index + 1) / rounds * _STEPS, "moving levels")
    return True


class _Barrier:
    """Waits for an answer after as many messages as the profile says, so that the desk keeps up."""

    def __init__(self, connection: Connection) -> None:
        self._link = connection.link
        self._dialect = connection.dialect
        self._every = None if connection.is_blind else self._link.transport.barrier_every
        self._since = self._link.sent

    def after(self, setting: Setting) -> None:
        """Count a setting that was sent."""
        if self._every is None or self._link.sent - self._since < self._every - 1:
            return
        while self._link.receive(0.0) is not None:  # older answers are none to this
            pass
        self._link.send(self._dialect.query(setting))
        self._link.receive(_BARRIER_S)
        self._since = self._link.sent


def _level_db(setting: Setting, wire: WireValue) -> float:
    level = setting.scale.decode(wire)
    if isinstance(level, str):
        raise DeskError(f"{setting.strip}: {setting.key} is no level and cannot glide; push it instead.")
    return max(level, SILENCE_DB)


def _sleep_until(due: float) -> None:
    left = due - time.monotonic()
    if left > 0:
        time.sleep(left)


def _after(on_progress: Progress | None) -> Callable[[float, str], None] | None:
    if on_progress is None:
        return None
    return lambda share, text: on_progress(_STEPS + share * (1 - _STEPS), text)
