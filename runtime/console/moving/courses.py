"""Lanes over samples: what a setting is at each of them, and where settings stand still.

A held value is reached within a hundredth of a second, in a straight line, so that nothing clicks. Everything follows
from the number of a sample alone, not from the blocks in which audio comes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ....presets.console import Master, Parameter, Strip, get, parameters
from ....presets.editing.gain import moved, without_input_gain
from ....presets.lanes.lane import Lane
from ....presets.lanes.values import from_straight, settled, straight
from ....presets.parts.table import unchecked

Values = NDArray[np.float64]
Bus = TypeVar("Bus", Strip, Master)

# How long a held value takes to the next.
HOLD_RAMP_S: Final = 0.010
# Settings of filters and dynamics move by about so much from one sub-block to the next, in dB.
_STEP_DB = 0.006
_SHORTEST, _LONGEST = 4, 128
# What counts as much as dB: an octave is 12 of them, the whole of another range 24.
_PER_NEPER = 12 / math.log(2)
_WHOLE_RANGE = 24.0


class Course:
    """One lane over samples.

    Args:
        item: the lane.
        row: of its setting.
        sample_rate_hz: of the audio.

    Attributes:
        frames: where its straight pieces meet, rising.
    """

    def __init__(self, item: Lane, row: Parameter, sample_rate_hz: int):
        points = [(point.time_s * sample_rate_hz, point.value) for point in item.points]
        if item.shape == "hold":
            points = _with_ramps(points, HOLD_RAMP_S * sample_rate_hz)
        self._row = row
        self.frames = [frame for frame, _ in points]
        self._values = [value for _, value in points]
        self._positions = [straight(row, value) for value in self._values]

    def at(self, frame: float) -> float:
        """The value at a sample."""
        after = bisect_right(self.frames, frame)
        if after == 0:
            return self._values[0]
        if after == len(self.frames) or self._positions[after] == self._positions[after - 1]:
            return self._values[after - 1]
        begin, end = self.frames[after - 1 : after + 1]
        share = (frame - begin) / (end - begin)
        low, high = self._positions[after - 1 : after + 1]
        return from_straight(self._row, (1 - share) * low + share * high)

    def between(self, begin: int, end: int) -> Values:
        """The values of samples, shape (n,)."""
        positions = np.interp(np.arange(begin, end), self.frames, self._positions)
        values: Values = np.exp(positions) if self._row.scale == "log" else positions
        return np.clip(values, self._row.low, self._row.high)

    def speed(self, begin: int, end: int) -> float:
        """How fast it moves between two samples that stand in one piece: about dB a sample; 0 where it stands."""
        low, high = np.interp([begin, end], self.frames, self._positions)
        if low == high or end <= begin:
            return 0.0
        row = self._row
        weight = 1.0 if row.unit == "dB" else _PER_NEPER if row.scale == "log" else _WHOLE_RANGE / (row.high - row.low)
        return float(abs(high - low)) / (end - begin) * weight


class Motion:
    """A strip or master whose settings move, in the desk form (see :func:`without_input_gain`).

    Args:
        bus: its settings.
        lanes: which of them move. Those of one value only are taken as settings.
        sample_rate_hz: of the audio.
    """

    def __init__(self, bus: Strip | Master, lanes: Sequence[Lane], sample_rate_hz: int):
        kind: type[Strip] | type[Master] = type(bus)
        self._table = parameters(kind)
        still: Any = bus
        self._bus, moving = settled(still, lanes)
        self.desk = without_input_gain(self._bus)
        self._courses = {item.parameter: Course(item, self._table[item.parameter], sample_rate_hz) for item in moving}
        self._gain = self._courses.get("input_gain_db")
        gained = {path for path, row in self._table.items() if row.with_gain != "stays"} if self._gain else set()
        self.paths = frozenset({*self._courses, *gained} - {"input_gain_db"})

    def moving(self, *sections: str) -> tuple[str, ...]:
        """List the settings of stages, by name ("eq", "low_cut"), that move."""
        return tuple(path for path in self._table if path in self.paths and path.partition(".")[0] in sections)

    def value(self, path: str, frame: float) -> float:
        """A setting at a sample."""
        course = self._courses.get(path)
        value = get(self._bus, path) if course is None else course.at(frame)
        gain_db = self._bus.input_gain_db if self._gain is None else self._gain.at(frame)
        return moved(self._table[path], value, -gain_db)

    def levels_db(self, path: str, begin: int, end: int) -> Values:
        """A fader, gain, pan or send over samples, shape (n,)."""
        course, row = self._courses.get(path), self._table[path]
        values = np.full(end - begin, get(self._bus, path)) if course is None else course.between(begin, end)
        if row.with_gain != "subtracts":
            return values
        return values + (self._bus.input_gain_db if self._gain is None else self._gain.between(begin, end))

    def extremes(self, path: str) -> tuple[float, float]:
        """The lowest and the highest value of a setting."""
        frames = {frame for course in self._of([path]) for frame in course.frames} or {0.0}
        values = [self.value(path, frame) for frame in frames]
        return min(values), max(values)

    def part(self, name: str, frame: float) -> Any:
        """A stage's settings at a sample."""
        return self._changed(name, {path: self.value(path, frame) for path in self.moving(name)})

    def widest(self, name: str) -> Any:
        """A stage's settings where it does most: what it has to be built for."""
        values = {}
        for path in self.moving(name):
            low, high = self.extremes(path)
            values[path] = low if path.endswith("threshold_db") or path == "high_cut.freq_hz" else high
        return self._changed(name, values)

    def stretches(self, paths: Iterable[str]) -> Stretches:
        """Where these settings stand still, and how finely they move elsewhere."""
        return Stretches(self._of(paths))

    def _of(self, paths: Iterable[str]) -> list[Course]:
        courses = [self._courses[path] for path in paths if path in self._courses]
        gained = self._gain is not None and any(self._table[path].with_gain != "stays" for path in paths)
        return [*courses, self._gain] if gained and self._gain is not None else courses

    def _changed(self, name: str, values: Mapping[str, float]) -> Any:
        inner = {path.partition(".")[2]: value for path, value in values.items()}
        return unchecked(getattr(self.desk, name), inner)


class Stretches:
    """The stretches of a song in which settings stand still, and those in which they move."""

    def __init__(self, courses: Sequence[Course]):
        frames = sorted({math.ceil(frame) for course in courses for frame in course.frames})
        self._frames = [frame for frame in frames if frame >= 0]
        self._steps: list[int] = []
        for begin, end in zip(self._frames, self._frames[1:], strict=False):
            speed = max((course.speed(begin, end) for course in courses), default=0.0)
            self._steps.append(_sub_block(speed) if speed else 0)

    def pieces(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Cut a range of samples where stretches meet.

        Yields:
            First sample, end, the beginning of the stretch, and the length of its sub-blocks: 0 where all stands still.
        """
        while begin < end:
            after = bisect_right(self._frames, begin)
            stop = min(end, self._frames[after]) if after < len(self._frames) else end
            is_inside = 0 < after < len(self._frames)
            stretch = self._frames[after - 1] if after else 0
            yield begin, stop, stretch, self._steps[after - 1] if is_inside else 0
            begin = stop

    def spans(self, begin: int, end: int) -> Iterator[tuple[int, int, float]]:
        """Cut a range of samples into spans of one setting.

        Yields:
            First sample, end, and at which sample the settings are to be taken.
        """
        for first, stop, stretch, step in self.pieces(begin, end):
            if not step:
                yield first, stop, float(stretch)
                continue
            for number in range((first - stretch) // step, -(-(stop - stretch) // step)):
                grid = stretch + number * step
                yield max(first, grid), min(stop, grid + step), grid + step / 2


def _with_ramps(points: Sequence[tuple[float, float]], ramp: float) -> list[tuple[float, float]]:
    """The points of a held lane as straight pieces: a value stays up to the next point, and then runs there."""
    drawn = [points[0]]
    for place, (frame, value) in enumerate(points[1:], 1):
        until = points[place + 1][0] if place + 1 < len(points) else math.inf
        drawn.append((frame, drawn[-1][1]))
        drawn.append((min(frame + ramp, (frame + until) / 2), value))
    return drawn


def _sub_block(speed: float) -> int:
    """The length of sub-blocks, a power of two."""
    wanted = max(_SHORTEST, min(_LONGEST, _STEP_DB / speed))
    return int(2 ** math.floor(math.log2(wanted)))
