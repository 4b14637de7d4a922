"""Settings of a desk that follow a song: sent as it plays, gliding where it is somewhere else at once.

Every 20 ms each setting is compared with what its course says now. Levels go there in steps of at most 1.4 dB, other
settings at once; where more is due than the desk takes in that time, what is furthest off comes first. Datagrams may
get lost: a value at rest is said twice more. Nothing is read while it plays: what stands is read when it is over.

A desk that takes values only now and then gets one for each time: what is right in the middle of the time for which it
will stand. Where a lane itself runs fast there, a step is what the lane does in that time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ....presets.errors import DeskError
from ...desks.profile import Setting
from ...desks.scales import WireValue
from ...osc.connection import Connection
from ...osc.ramp import MOST_STEP_DB, SLOW_STEP_DB, STEP_MS
from ...osc.song import DeskSong, SongPosition
from .courses import DeskCourse

_TICK_S: Final = STEP_MS / 1000.0
# Half of what is sent within a tick may be lost in the desk's pacing, which also carries the questions.
_PACING_SHARE: Final = 0.5
# So long before it moves a value is said again, at each tick: some blocks of a DAW, of which one may come late.
_AHEAD_S: Final = 6 * _TICK_S
# A value that stands is said again after so long, in case it got lost.
_REPEATS_S: Final = (0.1, 0.4)
# Behind the last point of the lanes the song is followed for so long; longer where a level is still gliding there.
AFTER_S: Final = 1.0
_MOST_AFTER_S: Final = 10.0
_SILENT_S: Final = 3.0
# Of the least time between two values: two estimates of one tick of the desk differ by less, two ticks by more.
_SAME_TICK: Final = 0.5
# A song that is so far from where it was going has been located.
_LOCATED_S: Final = 0.05
# Less than this is no reason to send one setting before another.
_DB_OF_FULL_RANGE: Final = 60.0


@dataclass
class FollowReport:
    """What was done while the song played.

    Attributes:
        moves: values that were sent.
        passes: how often the song began to play.
        locates: how often it was somewhere else at once.
        worst_late_s: the longest that a tick came late; the song went on meanwhile.
        worst_off_s: the farthest that the song was from where it was taken to be.
        slowest_s: the longest time from one answer of the desk to the next; they are asked for every 50 ms.
        problem: why it ended before its time; empty: it did not.
        is_lost: whether that is the connection, so that nothing can be read.
        cancelled: whether the user ended it.
    """

    moves: int = 0
    passes: int = 0
    locates: int = 0
    worst_late_s: float = 0.0
    worst_off_s: float = 0.0
    slowest_s: float = 0.0
    problem: str = ""
    is_lost: bool = False
    cancelled: bool = False


@dataclass(frozen=True)
class _Aim:
    """What a value that is sent now has to be right for.

    Attributes:
        time_s: in the song.
        at: when it is taken, by the monotonic clock.
        hold_s: how long it stands until another one can be taken; 0: no time.
    """

    time_s: float
    at: float
    hold_s: float = 0.0

    def follows(self, other: _Aim) -> bool:
        """Whether the song went on from there, as it plays."""
        return abs((self.time_s - other.time_s) - (self.at - other.at)) < _LOCATED_S


@dataclass
class _Follower:
    """One setting on its way.

    Attributes:
        course: where it goes.
        value: that was sent last, in its unit; what it had at the beginning.
        wire: the same as it was sent.
        sent_for: when that is taken, by the monotonic clock.
        repeats: how often the value that stands was said again.
        begins: whether it is to be said before it moves: what a DAW writes down begins with what it is told first.
    """

    course: DeskCourse
    value: float | str
    wire: WireValue
    sent_for: float = -math.inf
    repeats: int = len(_REPEATS_S)
    begins: bool = False
    due: tuple[float | str, WireValue] | None = field(default=None, repr=False)
    aimed: _Aim | None = field(default=None, repr=False)

    def aim(self, aim: _Aim, repeat_s: float) -> float:
        """Set what is due now, if anything; gives how urgent it is, 0 for nothing."""
        self.due = None
        if aim.at - self.sent_for < _SAME_TICK * repeat_s:
            return 0.0
        if self.begins:
            self.due = self.value, self.wire
            return 1.0
        wanted = self.course.at(aim.time_s)
        step = self._step(wanted, aim)
        wire = self.course.wire(step)
        if not self.course.setting.scale.same(wire, self.wire):
            self.due = step, wire
            return self._distance(wanted)
        if self._moves_by(aim.time_s + _AHEAD_S):
            # A DAW that writes draws a line from what it was told last: up to here it stood.
            self.due = self.value, self.wire
            return 1.0
        if self.repeats < len(_REPEATS_S) and aim.at - self.sent_for >= _REPEATS_S[self.repeats]:
            self.due = self.value, self.wire
            return 1e-6
        return 0.0

    def sent(self, at: float) -> Setting:
        """Take what was due as sent, to be taken at that time; gives it."""
        assert self.due is not None
        value, wire = self.due
        self.repeats = self.repeats + 1 if wire == self.wire else 0
        self.value, self.wire, self.sent_for, self.due, self.begins = value, wire, at, None, False
        setting = self.course.setting
        return Setting(setting.key, setting.strip, setting.address, setting.before, wire, setting.type, setting.scale)

    @property
    def has_arrived(self) -> bool:
        """Whether it was told the end of its course."""
        return self.course.setting.scale.same(self.course.wire(self.course.values[-1]), self.wire)

    def _moves_by(self, time_s: float) -> bool:
        return not self.course.setting.scale.same(self.course.wire(self.course.at(time_s)), self.wire)

    def _step(self, wanted: float | str, aim: _Aim) -> float | str:
        value, before, self.aimed = self.value, self.aimed, aim
        if not self.course.is_level or isinstance(wanted, str) or isinstance(value, str):
            return wanted
        most_db = SLOW_STEP_DB if aim.hold_s else MOST_STEP_DB
        if before is not None and aim.follows(before):
            moved_db = abs(wanted - float(self.course.at(before.time_s)))
            most_db = max(most_db, min(moved_db, MOST_STEP_DB * aim.hold_s / _TICK_S))
        return value + max(-most_db, min(wanted - value, most_db))

    def _distance(self, wanted: float | str) -> float:
        """How far off it is, 1 being as far as can be."""
        scale, value = self.course.setting.scale, self.value
        if isinstance(wanted, str) or isinstance(value, str) or scale.low is None or scale.high is None:
            return 1.0
        if self.course.is_level:
            return min(abs(wanted - value) / _DB_OF_FULL_RANGE, 1.0)
        if self.course.is_log and wanted > 0 and value > 0 and float(scale.low) > 0:
            return abs(math.log(wanted / value)) / math.log(float(scale.high) / float(scale.low))
        return abs(wanted - value) / max(float(scale.high) - float(scale.low), 1e-9)


class LaneFollower:
    """Sends courses to a desk in time with its song.

    Args:
        connection: to the desk.
        song: where it is.
        courses: how settings move.
        begin_writing: called each time the song has come to stand.
        on_position: called ten times a second with where the song is.
        now: this machine's clock.
    """

    def __init__(
        self,
        connection: Connection,
        song: DeskSong,
        courses: Sequence[DeskCourse],
        *,
        begin_writing: Callable[[], None] = lambda: None,
        on_position: Callable[[SongPosition | None], None] = lambda _position: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self.report = FollowReport()
        self._link, self._dialect, self._song = connection.link, connection.dialect, song
        self._followers = [
            _Follower(course, course.setting.scale.decode(course.setting.value), course.setting.value)
            for course in courses
        ]
        self._end_s = max(course.end_s for course in courses)
        self._begin_writing, self._on_position = begin_writing, on_position
        self._repeat_s = self._dialect.repeat_ms / 1000.0
        per_tick = _TICK_S * _PACING_SHARE / max(self._link.transport.gap_ms / 1000.0, 1e-4)
        self._most_per_tick = max(int(per_tick), 1)
        self._rolls: bool | None = None
        self._shown_at = -math.inf

    def ends(self) -> list[tuple[DeskCourse, WireValue]]:
        """List what each setting was told last."""
        return [(item.course, item.wire) for item in self._followers]

    def run(self, cancel: Callable[[], bool] = lambda: False) -> FollowReport:
        """Follow until the lanes are over, the song cannot be followed, or somebody ends it; Ctrl-C does, too."""
        due = self._now()
        try:
            while not cancel():
                self._song.listen()
                if self._song.heard_s() > _SILENT_S:
                    raise self._link.silence()
                self.report.problem = self._song.problem()
                if self.report.problem:
                    break
                now = self._now()
                position = self._song.clock.at(now)
                if position is not None:
                    self._tick(position, now)
                if now - self._shown_at > 0.1:
                    self._shown_at = now
                    self._on_position(position)
                if position is not None and position.rolls and self._is_over(position.time_s):
                    break
                due += _TICK_S
                left = due - self._now()
                if left > 0:
                    self._song.wait(left)
                else:
                    self.report.worst_late_s = max(self.report.worst_late_s, -left)
                    due = self._now()
            else:
                self.report.cancelled = True
        except KeyboardInterrupt:
            self.report.cancelled = True
        except DeskError as error:
            self.report.problem, self.report.is_lost = str(error), True
        self.report.locates, self.report.worst_off_s = self._song.clock.locates, self._song.clock.worst_off_s
        self.report.slowest_s = self._song.slowest_s
        return self.report

    def _tick(self, position: SongPosition, now: float) -> None:
        if position.rolls != self._rolls:
            if self._rolls:
                self._begin_writing()
            if position.rolls:
                self.report.passes += 1
                for item in self._followers:
                    item.begins = True
            self._rolls = position.rolls
        aim = self._aim(position, now)
        waiting = [(item.aim(aim, self._repeat_s), item) for item in self._followers]
        urgent = sorted((pair for pair in waiting if pair[1].due is not None), key=lambda pair: -pair[0])
        for _, item in urgent[: self._most_per_tick]:
            self._link.send(self._dialect.set(item.sent(aim.at)))
            self.report.moves += 1

    def _is_over(self, time_s: float) -> bool:
        behind_s = time_s - self._end_s
        return behind_s > _MOST_AFTER_S or (behind_s > AFTER_S and all(item.has_arrived for item in self._followers))

    def _aim(self, position: SongPosition, now: float) -> _Aim:
        ticks = self._song.ticks
        at = ticks.following(now)
        ahead_s = (at - now + ticks.period_s / 2) if position.rolls else 0.0
        return _Aim(position.time_s + ahead_s, at, ticks.period_s)
