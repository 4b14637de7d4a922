"""Levels that glide to their new value instead of jumping, for a desk that is on air.

All levels move together, evenly in dB. Each step begins with reading where the level is: a step that got lost is
repeated, one that came late and set the level back is made up for in small steps, and a level that somebody else moves
meanwhile is let go. So no step is larger than its share, whatever the network does. Which levels glide is for the
caller to say.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ...presets.errors import DeskError
from ..desks.profile import Setting
from ..desks.scales import WireValue
from . import pipeline
from .connection import Connection
from .exchange import Cancel, Outcome, Progress, Result, State, push
from .pipeline import Wait

STEP_MS: Final = 20.0
# A level has arrived when it was read there so often, with this time between: a late step may still take it back.
_ARRIVALS: Final = 3
_REST_S: Final = 0.05
# Off lies at -90 dB or lower on a desk. Nobody hears the first and last 30 dB of that way: it is taken in one step, so
# that the time is spent where it is audible.
SILENCE_DB: Final = -60.0
# Two steps that a late one takes back are still less than 3 dB; where that was seen to happen, steps are smaller.
MOST_STEP_DB: Final = 1.4
_CAREFUL_STEP_DB: Final = 0.7
# A desk that takes a value so seldom has no late ones.
_SLOW_S: Final = 0.1
SLOW_STEP_DB: Final = 2.8


def ramp(
    connection: Connection,
    settings: Iterable[Setting],
    over_ms: float = 500.0,
    *,
    on_progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Move levels from where they are to where they shall be, each step read back.

    A level takes a step every 20 ms, or less often if the link's pacing has to be shared by many or the desk takes
    fewer values a second; then all take longer rather than larger steps, and so they do where a step would be larger
    than 1.4 dB. Off counts as -60 dB on the way.

    Args:
        connection: made by `connection.connect`.
        settings: levels, no two for the same address.
        over_ms: how long it shall take; 0 sets them at once, and so does a desk that cannot be asked.
        on_progress: called with the share done, 0..1, and what is being done.
        cancel: asked between datagrams; True ends it where the levels are then. Ctrl-C does the same.

    Returns:
        For each level: `confirmed` or `same` where it stands, `changed` where somebody else moved it, `unconfirmed`
        where the desk stopped telling it.

    Raises:
        DeskError: a setting is no level, the desk refuses messages, or does not answer.
    """
    targets = tuple(settings)
    for target in targets:
        _level_db(target, target.value)
    if connection.is_blind or over_ms <= 0:
        return push(connection, targets, known={}, on_progress=on_progress, cancel=cancel)
    before = connection.link.sent
    rounds = _Rounds(connection, [_Glide(target, over_ms) for target in targets], cancel or (lambda: False))
    try:
        ended = rounds.run(on_progress)
    except KeyboardInterrupt:
        ended = False
    return Outcome(
        tuple(glide.result() for glide in rounds.glides),
        cancelled=not ended,
        datagrams=connection.link.sent - before,
        repeats=sum(glide.lost for glide in rounds.glides),
    )


@dataclass
class _Glide:
    """A level on its way.

    Attributes:
        target: what is set at last.
        over_ms: how long it shall take.
        found: what the desk last told; None: nothing yet.
        ours: values that we sent or that it had at the beginning; what it has besides is somebody else's.
        at_db: where it is on its way, not rounded to the desk's grid.
        step_db: how far it moves at once.
        state: how it ended; None: it is moving.
        sent: whether any step was sent.
        heard_at: when it was last told, by the monotonic clock.
        lost: steps that had to be repeated.
        arrivals: readings in a row that showed the target.
        due: the earliest time of the next step, by the monotonic clock.
    """

    target: Setting
    over_ms: float
    found: WireValue | None = None
    ours: list[WireValue] = field(default_factory=list)
    at_db: float = 0.0
    step_db: float = 0.0
    state: State | None = None
    sent: bool = False
    heard_at: float = field(default_factory=time.monotonic)
    lost: int = 0
    arrivals: int = 0
    due: float = -math.inf

    def result(self) -> Result:
        """What became of it; one that is still moving is not proven."""
        return Result(self.target, self.state or ("unconfirmed" if self.sent else "unsent"), self.found)

    def next_value(self, found: WireValue, most_step_db: float) -> WireValue | None:
        """What is to be sent now that the level was read; None: nothing, it has arrived or is let go."""
        self.found, self.heard_at = found, time.monotonic()
        if not self.ours:
            self._begin(found, most_step_db)
        if self._same(found, self.target.value):
            if self.sent and self.ours[-1] != self.target.value:  # near enough to be taken for it, and not it
                self.ours.append(self.target.value)
                return self.target.value
            self.arrivals += 1
            if not self.sent or self.arrivals >= _ARRIVALS:
                self.state = "confirmed" if self.sent else "same"
            return None
        self.arrivals = 0
        if not any(self._same(found, value) for value in self.ours):
            self.state = "changed"
            return None
        if not self._same(found, self.ours[-1]):  # the last step got lost, or an older one came after it
            self.lost += 1
            self.step_db = min(self.step_db, _CAREFUL_STEP_DB)
            self.at_db = _level_db(self.target, found)
            # From here on, even where the grid is coarser than a step and nothing is sent for a while.
            self.ours.append(found)
        value = self._after_a_step()
        if self._same(value, found):  # the desk's grid is coarser than this step
            return None
        if not self._same(value, self.ours[-1]):
            self.ours.append(value)
        self.sent = True
        return value

    def ends(self) -> bool:
        """Whether it does not move any more."""
        return self.state is not None

    def _begin(self, found: WireValue, most_step_db: float) -> None:
        self.ours = [found]
        self.at_db = _level_db(self.target, found)
        way_db = abs(_level_db(self.target, self.target.value) - self.at_db)
        steps = max(math.ceil(self.over_ms / STEP_MS), 1)
        self.step_db = min(way_db / steps, most_step_db)

    def _after_a_step(self) -> WireValue:
        """The next value of the way that the desk's grid tells from the last one."""
        end_db = _level_db(self.target, self.target.value)
        left_db = end_db - self.at_db
        if abs(left_db) <= self.step_db * 1.001:
            return self.target.value
        self.at_db += math.copysign(self.step_db, left_db)
        return self.target.scale.encode(self.at_db)

    def _same(self, a: WireValue, b: WireValue) -> bool:
        return self.target.scale.same(a, b)


class _Rounds:
    """All levels, a step at a time: they are asked where they are, and each gets its next step with its answer."""

    def __init__(self, connection: Connection, glides: Sequence[_Glide], cancel: Cancel) -> None:
        self.glides = glides
        self._link = connection.link
        self._dialect = connection.dialect
        self._cancel = cancel
        self._wait = Wait(self._dialect.reply_ms / 1000.0)
        self._every = self._link.transport.barrier_every
        self._interval_s = max(STEP_MS, self._dialect.repeat_ms, self._link.transport.settle_ms) / 1000.0
        self._most_step_db = SLOW_STEP_DB if self._interval_s >= _SLOW_S else MOST_STEP_DB

    def run(self, on_progress: Progress | None) -> bool:
        """Whether all levels ended; False if it was cancelled."""
        shown = 0.0
        while moving := [glide for glide in self.glides if not glide.ends()]:
            for group in _groups(moving, self._every):
                if not self._round(group):
                    return False
            if on_progress is not None:
                shown = max(shown, self._share())
                on_progress(shown, "moving levels")
        return True

    def _round(self, glides: Sequence[_Glide]) -> bool:
        """Asks, and answers each answer with a step; False if it was cancelled."""
        while self._link.receive(0.0) is not None:
            pass  # answers to older questions: a step has to begin where the level is now
        asked: dict[Setting, tuple[_Glide, float]] = {}
        for glide in glides:
            if self._cancel():
                return False
            _sleep_until(glide.due)
            self._link.send(self._dialect.query(glide.target))
            asked[glide.target] = glide, time.monotonic()
            self._hear(asked, 0.0)
        deadline = time.monotonic() + self._wait.seconds
        while asked and (left_s := deadline - time.monotonic()) > 0:
            if self._cancel():
                return False
            self._hear(asked, left_s)
        self._require_life([glide for glide, _ in asked.values()])
        return True

    def _require_life(self, silent: Sequence[_Glide]) -> None:
        """Lets go of levels that were not told for long."""
        since = time.monotonic() - pipeline.SILENCE_S
        if all(glide.heard_at < since for glide in self.glides):
            raise self._link.silence()
        for glide in silent:
            if glide.heard_at < since:
                glide.state = "unconfirmed" if glide.sent else "unsent"

    def _hear(self, asked: dict[Setting, tuple[_Glide, float]], timeout_s: float) -> None:
        """Takes what arrives next; an answer to a question gets the next step."""
        message = self._link.receive(timeout_s)
        answer = None if message is None else self._dialect.answer(message, list(asked))
        if answer is not None:
            glide, asked_at = asked.pop(answer[0])
            self._wait.timed(time.monotonic() - asked_at)
            self._step(glide, answer[1])

    def _step(self, glide: _Glide, found: WireValue) -> None:
        value = glide.next_value(found, self._most_step_db)
        if value is not None:
            self._link.send(self._dialect.set(replace(glide.target, value=value)))
        # By the time it left, not by that of the round: however late it was, the next one keeps its distance.
        glide.due = time.monotonic() + (max(_REST_S, self._interval_s) if glide.arrivals else self._interval_s)

    def _share(self) -> float:
        """How much of the way is done, the one that has the most left."""
        shares = []
        for glide in self.glides:
            if glide.ends() or not glide.ours:
                shares.append(1.0 if glide.ends() else 0.0)
                continue
            start_db = _level_db(glide.target, glide.ours[0])
            whole_db = abs(_level_db(glide.target, glide.target.value) - start_db) or 1.0
            shares.append(min(abs(glide.at_db - start_db) / whole_db, 1.0))
        return min(shares, default=1.0)


def _groups(glides: Sequence[_Glide], most: int | None) -> list[Sequence[_Glide]]:
    """As many at a time as the desk may have unanswered, a question and a step each."""
    size = len(glides) if most is None else max(most // 2, 1)
    return [glides[start : start + size] for start in range(0, len(glides), size)]


def _level_db(setting: Setting, wire: WireValue) -> float:
    level = setting.scale.decode(wire)
    if isinstance(level, str):
        raise DeskError(f"{setting.strip}: {setting.key} is no level and cannot glide; push it instead.")
    return max(level, SILENCE_DB)


def _sleep_until(due: float) -> None:
    left = due - time.monotonic()
    if left > 0:
        time.sleep(left)
