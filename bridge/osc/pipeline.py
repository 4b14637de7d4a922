"""Many settings asked for, or set and read back, at once over a link that may lose, double and reorder datagrams.

A window of settings is under way; whatever is not answered in time is sent again, later and later, a bounded number of
times. Since values are absolute, saying one twice does no harm, and an answer that comes late or twice is as good as
another: one that shows what was wanted settles the matter, one that shows something else may be older than the set
and is no more than a reason to send again. How datagrams look is the dialect's, what the results mean `exchange.py`'s.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..desks.profile import Setting
from ..desks.scales import WireValue
from .connection import Connection
from .packets import Message

# Failed attempts after which a setting is given up. As many are allowed as the losses among those that were answered
# call for, so that of a whole mixer's settings none is given up by bad luck.
LEAST_FAILURES: Final = 6
MOST_FAILURES: Final = 48
_BAD_LUCK: Final = 1e-7

# Without a sign of life for so long the desk is taken to be gone. Well before, it is asked for something that it did
# answer: what is left may be what it never answers.
SILENCE_S: Final = 3.0
_PROBE_S: Final = 0.2

_FIRST_WINDOW: Final = 8
_WINDOW: Final = 32.0
_LEAST_WINDOW: Final = 16.0
_MOST_WINDOW: Final = 128.0
_SHRINK: Final = 0.7

_LEAST_WAIT_S: Final = 0.03
_MOST_WAIT_S: Final = 1.0
_MOST_PAUSE_S: Final = 0.4
_JITTER: Final = 0.25
# Messages that are looked at before it is our turn again, should somebody flood us.
_AT_ONCE: Final = 256
_IDLE_S: Final = 0.1
_SHOW_S: Final = 0.05


@dataclass(eq=False)
class Errand:
    """A setting on its way.

    Attributes:
        setting: what is asked for, or set.
        topic: what its answers have in common.
        attempts: how often so far.
        failures: those of them that speak against it, and not for a network that is down.
        found: what the desk last answered; None: nothing yet.
        done: whether that is what was wanted.
        given_up: it never came to that, in all attempts.
        asked_at: when the question of this attempt left; None: not yet.
    """

    setting: Setting
    topic: Hashable
    attempts: int = 0
    failures: int = 0
    found: WireValue | None = None
    done: bool = False
    given_up: bool = False
    asked_at: float | None = field(default=None, repr=False)


class Lost(Exception):  # noqa: N818 (not an error of the user's: `exchange.py` says what it means)
    """The desk does not answer any more, or never did."""


class Pipeline:
    """Runs errands over a link until each is done or given up.

    Args:
        connection: to the desk.
        settings: one for each address.
        write: set them and read them back; otherwise any answer will do.
        on_progress: called now and then with the share of errands that are over.
        cancel: asked between datagrams; True ends the run.

    Attributes:
        errands: in the order of the settings.
        heard: whether the desk said anything.
    """

    def __init__(
        self,
        connection: Connection,
        settings: Sequence[Setting],
        *,
        write: bool,
        on_progress: Callable[[float], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> None:
        dialect = connection.dialect
        self.errands = [Errand(setting, dialect.topic(setting)) for setting in settings]
        self.heard = False
        self._link = connection.link
        self._dialect = dialect
        self._write = write
        self._on_progress = on_progress or (lambda _share: None)
        self._cancel = cancel or (lambda: False)
        self._settle_s = self._link.transport.settle_ms / 1000.0 if write else 0.0
        self._wait = Wait(dialect.reply_ms / 1000.0)
        self._window = _Window(self._link.transport.barrier_every)
        self._losses = _Losses()
        # Where errands stand: not begun; waiting for their next attempt; to be asked; the one asked of each topic, and
        # those that wait for it. What was begun and is not over stays in `_begun`, since a late answer counts as well.
        self._fresh = deque(self.errands)
        self._again: deque[Errand] = deque()
        self._to_ask: deque[Errand] = deque()
        self._asked: dict[Hashable, Errand] = {}
        self._behind: dict[Hashable, deque[Errand]] = {}
        self._begun: dict[Errand, None] = {}
        self._under_way: set[Errand] = set()
        self._over = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._known: Errand | None = None
        self._heard_at = self._probed_at = self._held_at = time.monotonic()
        self._sent_when_heard = self._link.sent
        self._shown_at = 0.0

    @property
    def repeats(self) -> int:
        """Attempts beyond the first ones."""
        return sum(max(errand.attempts - 1, 0) for errand in self.errands)

    def run(self) -> bool:
        """Whether it came to its end; False if it was cancelled.

        Raises:
            Lost: the desk does not answer.
            DeskError: the connection failed.
        """
        self._heard_at = self._probed_at = time.monotonic()
        self._sent_when_heard = self._link.sent
        while self._over < len(self.errands):
            if self._cancel():
                return False
            self._listen()
            self._keep_time()
            self._require_life()
            if not self._act() and self._over < len(self.errands):
                self._idle()
        return True

    def listen_on(self, seconds: float) -> None:
        """Hears the answers that are still under way, without sending anything."""
        until = time.monotonic() + seconds
        while self._asked and (left := until - time.monotonic()) > 0:
            message = self._link.receive(left)
            if message is not None:
                self._hear(message)

    def _act(self) -> bool:
        """Sends the next thing that is due, if there is any."""
        if self._must_hold():
            return False
        if self._to_ask:
            self._ask(self._to_ask.popleft())
            return True
        queue = self._again or self._fresh
        if not queue or len(self._under_way) >= (self._window.size if self.heard else _FIRST_WINDOW):
            return False
        self._begin(queue.popleft())
        return True

    def _must_hold(self) -> bool:
        """Whether the desk has to answer before more is sent to it; if it does not, it gets one more now and then."""
        barrier = self._link.transport.barrier_every
        if barrier is None or self._link.sent - self._sent_when_heard < barrier:
            return False
        now = time.monotonic()
        if now - self._held_at < _MOST_PAUSE_S:
            return True
        self._held_at = now
        return False

    def _begin(self, errand: Errand) -> None:
        if errand.done:  # by a late answer
            return
        errand.attempts += 1
        errand.asked_at = None
        self._begun[errand] = None
        self._under_way.add(errand)
        if self._write:
            self._link.send(self._dialect.set(errand.setting))
        if self._settle_s:
            self._at(self._settle_s, lambda: self._to_ask.append(errand))
        else:
            self._ask(errand)

    def _ask(self, errand: Errand) -> None:
        if errand.done:
            return
        if errand.topic in self._asked:
            self._behind.setdefault(errand.topic, deque()).append(errand)
            return
        attempt = errand.attempts
        self._asked[errand.topic] = errand
        errand.asked_at = time.monotonic()
        self._link.send(self._dialect.query(errand.setting))
        self._at(self._wait.seconds, lambda: self._miss(errand, attempt))

    def _listen(self) -> None:
        for _ in range(_AT_ONCE):
            message = self._link.receive(0.0)
            if message is None:
                return
            self._hear(message)

    def _hear(self, message: Message) -> None:
        self.heard = True
        self._heard_at = self._probed_at = time.monotonic()
        self._sent_when_heard = self._link.sent
        # Those that were asked come first, where an answer does not say to which of a topic it belongs.
        first = list(self._asked.values())
        others = (errand for errand in self._begun if self._asked.get(errand.topic) is not errand)
        waiting = {id(errand.setting): errand for errand in itertools.chain(first, others)}
        answer = self._dialect.answer(message, [errand.setting for errand in waiting.values()])
        if answer is not None:
            self._take(waiting[id(answer[0])], answer[1])

    def _take(self, errand: Errand, found: WireValue) -> None:
        errand.found = found
        if not self._write or errand.setting.scale.same(errand.setting.value, found):
            if errand.attempts == 1 and errand.asked_at is not None:
                self._wait.timed(time.monotonic() - errand.asked_at)
            errand.done = True
            self._known = errand
            self._losses.succeeded(errand.attempts)
            self._window.grow()
            self._leave(errand)
            self._end(errand)
        elif errand in self._under_way and errand.asked_at is not None:
            # Set and not taken, or not yet; or this is older than the set.
            errand.failures += 1
            self._leave(errand)
            self._retry(errand)

    def _miss(self, errand: Errand, attempt: int) -> None:
        if errand.attempts == attempt and errand in self._under_way:
            self._window.shrink(self._wait.seconds)
            if self._known is None or time.monotonic() - self._heard_at < 2 * _PROBE_S:
                errand.failures += 1
            self._leave(errand)
            self._retry(errand)

    def _leave(self, errand: Errand) -> None:
        """Makes room in the window and for the next of the same topic."""
        self._under_way.discard(errand)
        if self._asked.get(errand.topic) is errand:
            del self._asked[errand.topic]
            self._to_ask.extend(self._behind.pop(errand.topic, ()))

    def _retry(self, errand: Errand) -> None:
        if errand.failures >= self._losses.most_failures:
            errand.given_up = True
            self._end(errand)
            return
        pause = min(self._wait.seconds * (2 ** (errand.attempts - 1) - 1), _MOST_PAUSE_S)
        pause = max(pause * random.uniform(1 - _JITTER, 1 + _JITTER), self._dialect.repeat_ms / 1000.0)
        self._at(pause, lambda: self._again.append(errand))

    def _end(self, errand: Errand) -> None:
        self._begun.pop(errand, None)
        self._over += 1
        now = time.monotonic()
        if now - self._shown_at > _SHOW_S or self._over == len(self.errands):
            self._shown_at = now
            self._on_progress(self._over / len(self.errands))

    def _at(self, delay_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time.monotonic() + delay_s, next(self._order), event))

    def _keep_time(self) -> None:
        while self._events and self._events[0][0] <= time.monotonic():
            heapq.heappop(self._events)[2]()

    def _require_life(self) -> None:
        now = time.monotonic()
        if now - self._heard_at > SILENCE_S + 4 * self._link.transport.gap_ms / 1000.0:
            raise Lost
        known = self._known
        if known is not None and now - self._probed_at > _PROBE_S and known.topic not in self._asked:
            self._probed_at = now
            self._link.send(self._dialect.query(known.setting))

    def _idle(self) -> None:
        next_s = self._events[0][0] - time.monotonic() if self._events else _IDLE_S
        message = self._link.receive(min(max(next_s, 0.0), _IDLE_S))
        if message is not None:
            self._hear(message)


class Wait:
    """How long an answer is waited for: its usual time and four times what that varies (as RFC 6298 does)."""

    def __init__(self, first_s: float) -> None:
        self.seconds = first_s
        self._usual_s: float | None = None
        self._varies_s = 0.0

    def timed(self, seconds: float) -> None:
        """An answer that is certainly that of a first question took so long."""
        if self._usual_s is None:
            self._usual_s, self._varies_s = seconds, seconds / 2
        else:
            self._varies_s += (abs(seconds - self._usual_s) - self._varies_s) / 4
            self._usual_s += (seconds - self._usual_s) / 8
        self.seconds = min(max(self._usual_s + 4 * self._varies_s, _LEAST_WAIT_S), _MOST_WAIT_S)


class _Window:
    """How many settings may be under way; it shrinks when answers are missing, since the desk may be swamped."""

    def __init__(self, barrier_every: int | None) -> None:
        # Each is a set and a query, so that no more than the barrier's number is ever unanswered.
        self._most = _MOST_WINDOW if barrier_every is None else max(min(_MOST_WINDOW, barrier_every / 2), 1.0)
        self.size = min(_WINDOW, self._most)
        self._shrunk_at = -math.inf

    def grow(self) -> None:
        """An answer came."""
        self.size = min(self.size + 1 / self.size, self._most)

    def shrink(self, wait_s: float) -> None:
        """One did not; several at a time are one mishap."""
        now = time.monotonic()
        if now - self._shrunk_at > wait_s:
            self._shrunk_at = now
            self.size = max(self.size * _SHRINK, min(_LEAST_WINDOW, self._most))


class _Losses:
    """How many failures a setting is allowed, by how many attempts those needed that succeeded."""

    def __init__(self) -> None:
        self._successes = 0
        self._attempts = 0

    def succeeded(self, attempts: int) -> None:
        """One took so many."""
        self._successes += 1
        self._attempts += attempts

    @property
    def most_failures(self) -> int:
        """So many that all of them are bad luck once in ten million times."""
        # Before anything is known a quarter is taken to be lost; a few answers are no proof that nothing is.
        lost = (self._attempts - self._successes + 0.5) / (self._attempts + 2)
        return min(max(math.ceil(math.log(_BAD_LUCK) / math.log(lost)), LEAST_FAILURES), MOST_FAILURES)
