"""Time in a DAWproject: beats and seconds, a tempo that may change, and timelines that lie in others.

Everything comes out in seconds since the arrangement's beginning. Warps are :mod:`.warps`'s.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..core.model import Session, TempoPoint
from .xml import MalformedError

TimeUnit = Literal["beats", "seconds"]

SLOWEST_BPM, FASTEST_BPM = 1.0, 2000.0
# A ramp of tempo is cut into lines that miss it by no more than this.
_RAMP_S = 1e-4
MOST_BENDS = 100_000


class TempoMap:
    """Which second a beat falls on.

    Args:
        points: (place, beats per minute, whether it runs on in a line to the next), in order; the first holds before
            it, the last behind it.
        unit: of the places.

    Raises:
        MalformedError: a tempo is no tempo, or the points are not in order.
    """

    def __init__(self, points: Sequence[tuple[float, float, bool]], unit: TimeUnit = "beats"):
        self._segments = [_Segment(0.0, 0.0, points[0][1], 0.0, unit)]
        for (place, bpm, linear), following in zip(points, (*points[1:], None), strict=True):
            if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
                raise MalformedError(f"a tempo of {bpm:g} beats per minute cannot be")
            last = self._segments[-1]
            beat, second = (place, last.second(place)) if unit == "beats" else (last.beat(place), place)
            if beat < last.first_beat:
                raise MalformedError("its changes of tempo are not in order")
            slope = 0.0
            if linear and following is not None and following[0] > place:
                slope = (following[1] - bpm) / (following[0] - place)
            self._segments.append(_Segment(beat, second, bpm, slope, unit))
        self._beats = [segment.first_beat for segment in self._segments[1:]]
        self._seconds = [segment.first_second for segment in self._segments[1:]]

    def second(self, beat: float) -> float:
        """Return the second of a beat."""
        return self._segments[bisect_right(self._beats, beat)].second(beat)

    def beat(self, second: float) -> float:
        """Return the beat that a time falls on."""
        return self._segments[bisect_right(self._seconds, second)].beat(second)

    def points(self) -> tuple[TempoPoint, ...]:
        """List where the tempo changes, in lines over time; none if it does not."""
        changes = self._segments[1:]
        if len({segment.bpm for segment in changes}) < 2:
            return ()
        result = []
        for segment, until_s in zip(changes, (*self._seconds[1:], math.inf), strict=True):
            begin_s = segment.first_second
            result.append(TempoPoint(begin_s, segment.bpm, bool(segment.slope)))
            if segment.slope and segment.unit == "beats":
                result += [
                    TempoPoint(second, segment.bpm_at(second), True)
                    for second in self.bends(begin_s, until_s)
                    if begin_s < second < until_s
                ]
        return tuple(result)

    def bends(self, begin_s: float, end_s: float) -> Iterator[float]:
        """List the seconds between two times at which lines of beats over time meet: at steps, and often in ramps.

        Raises:
            MalformedError: there are more than any project has.
        """
        first, last = bisect_right(self._seconds, begin_s), bisect_right(self._seconds, end_s)
        count = 0
        for index in range(first, last + 1):
            from_s = max(begin_s, self._segments[index].first_second) if index else begin_s
            until_s = end_s if index == last else self._seconds[index]
            if from_s > begin_s:
                yield from_s
            parts = self._segments[index].parts(from_s, until_s)
            count += parts
            if count > MOST_BENDS:
                raise MalformedError("its tempo changes more often than any project's")
            yield from (from_s + (until_s - from_s) * part / parts for part in range(1, parts))


def tempo_lines(session: Session) -> list[tuple[float, float, bool]]:
    """List the changes of a session's tempo: (beat, beats per minute, whether it runs in a line to the next).

    A tempo that runs in a line over time does so over beats only nearly, so that its line is cut into short ones.
    """
    if not session.tempo:
        return []
    first = session.tempo[0]
    start = () if first.time_s <= 0 else (TempoPoint(0.0, session.tempo_bpm),)
    points = [(point.time_s, _held(point.bpm), point.ramp) for point in (*start, *session.tempo)]
    tempo = TempoMap(points, "seconds")
    result = []
    for (second, bpm, is_line), following in zip(points, (*points[1:], None), strict=True):
        result.append((tempo.beat(second), bpm, is_line))
        if is_line and following is not None and following[0] > second:
            slope = (following[1] - bpm) / (following[0] - second)
            result += [
                (tempo.beat(bend_s), bpm + slope * (bend_s - second), True)
                for bend_s in tempo.bends(second, following[0])
                if second < bend_s < following[0]
            ]
    return result


def _held(bpm: float) -> float:
    return min(FASTEST_BPM, max(SLOWEST_BPM, bpm))


@dataclass(frozen=True)
class TimeScope:
    """A timeline within the arrangement's: the same speed, its zero elsewhere.

    Attributes:
        tempo: of the arrangement.
        unit: of its times.
        zero: where its zero is in the arrangement, in that unit.
    """

    tempo: TempoMap
    unit: TimeUnit = "beats"
    zero: float = 0.0

    def second(self, time: float) -> float:
        """Convert one of its times to seconds of the arrangement."""
        place = self.zero + time
        return self.tempo.second(place) if self.unit == "beats" else place

    def time(self, second: float) -> float:
        """Convert a second of the arrangement to one of its times."""
        return (self.tempo.beat(second) if self.unit == "beats" else second) - self.zero

    def inside(self, time: float, content_time: float, unit: TimeUnit) -> TimeScope:
        """Return the timeline of which `content_time` falls on `time` of this one."""
        if unit == self.unit:
            return TimeScope(self.tempo, unit, self.zero + time - content_time)
        second = self.second(time)
        place = self.tempo.beat(second) if unit == "beats" else second
        return TimeScope(self.tempo, unit, place - content_time)

    def measured_in(self, unit: TimeUnit) -> TimeScope:
        """Return the timeline with the same zero, in another unit."""
        return self.inside(0.0, 0.0, unit)


@dataclass(frozen=True)
class _Segment:
    """From one change of tempo to the next; `slope` is beats per minute more for each unit of place."""

    first_beat: float
    first_second: float
    bpm: float
    slope: float
    unit: TimeUnit

    def second(self, beat: float) -> float:
        beats = beat - self.first_beat
        if not self.slope:
            return self.first_second + beats * 60 / self.bpm
        if self.unit == "beats":
            return self.first_second + 60 / self.slope * math.log1p(self.slope * beats / self.bpm)
        # Half the slope times t squared, and bpm times t, make 60 times the beats.
        root = math.sqrt(max(0.0, self.bpm**2 + 120 * self.slope * beats))
        return self.first_second + (root - self.bpm) / self.slope

    def bpm_at(self, second: float) -> float:
        """Return the tempo at a time."""
        place = self.beat(second) - self.first_beat if self.unit == "beats" else second - self.first_second
        return self.bpm + self.slope * place

    def parts(self, begin_s: float, end_s: float) -> int:
        """Count the lines into which its beats between two times are cut: none is off by more than `_RAMP_S`."""
        if not self.slope:
            return 1
        # The part of its speed by which it grows in a second, where that is largest; a chord's error is an eighth of
        # it times the square of the chord's length.
        growth = abs(self.slope) / 60
        if self.unit == "seconds":
            slowest = min(self.bpm + self.slope * (second - self.first_second) for second in (begin_s, end_s))
            growth = abs(self.slope) / max(SLOWEST_BPM, slowest)
        return max(1, math.ceil((end_s - begin_s) * math.sqrt(growth / (8 * _RAMP_S))))

    def beat(self, second: float) -> float:
        seconds = second - self.first_second
        if not self.slope:
            return self.first_beat + seconds * self.bpm / 60
        if self.unit == "beats":
            return self.first_beat + self.bpm / self.slope * math.expm1(seconds * self.slope / 60)
        return self.first_beat + (self.bpm * seconds + self.slope * seconds**2 / 2) / 60
