"""Warp markers of a DAWproject: which part of a file is heard when, in pieces of one speed each.

Markers tie times of a timeline to times of a recording. If they count in beats, the recording follows the tempo, too:
a step of tempo ends a piece, and a ramp becomes many short ones. Nothing here knows clips or files.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from .time import TimeScope

# A file that misses its own speed, or a straight line, by less than this over a piece does not miss it.
UNWARPED_S = 1e-4
# Neighbours whose speeds differ by less are one piece.
_SAME_SPEED = 1e-5
_SAME_S = 1e-9


@dataclass(frozen=True)
class Section:
    """A stretch of time in which a recording plays at one speed.

    Attributes:
        begin_s: in seconds of the arrangement.
        end_s: where it ends.
        content_s: which second of the recording is heard at `begin_s`.
        content_end_s: which one at `end_s`.
    """

    begin_s: float
    end_s: float
    content_s: float
    content_end_s: float

    @property
    def stretch(self) -> float:
        """Return how many times longer than recorded it is; 1 exactly if it is nearly so."""
        length_s, content_s = self.end_s - self.begin_s, self.content_end_s - self.content_s
        return 1.0 if abs(length_s - content_s) < UNWARPED_S else length_s / content_s

    @property
    def zero_s(self) -> float:
        """Return where the recording's first frame would fall."""
        return self.begin_s - self.content_s * self.stretch


def sections(
    markers: Sequence[tuple[float, float]], scope: TimeScope, begin_s: float, end_s: float
) -> list[Section] | None:
    """Cut the time between two times into pieces of one speed.

    Args:
        markers: (time in `scope`, second of the recording), in order of time. Before the first and behind the last the
            speed stays; a single one, or none, ties a recording that plays at its own speed.
        scope: the timeline that the markers lie on.
        begin_s: where to begin, in seconds of the arrangement.
        end_s: where to end.

    Returns:
        The pieces in order; None if time or the recording stands still or runs backwards between two markers.
    """
    if len(markers) < 2:
        time, content_s = markers[0] if markers else (0.0, 0.0)
        first_s = begin_s - scope.second(time) + content_s
        return [Section(begin_s, end_s, first_s, first_s + end_s - begin_s)]
    line = _Line(_used(markers, scope, begin_s, end_s))
    if not line.rises:
        return None
    bends = [scope.second(time) for time in line.times[1:-1]]
    if scope.unit == "beats":
        bends += scope.tempo.bends(begin_s, end_s)
    inside = sorted({bend for bend in bends if begin_s + _SAME_S < bend < end_s - _SAME_S})
    places = [(second, line.content(scope.time(second))) for second in (begin_s, *inside, end_s)]
    return _joined(places)


class _Line:
    """The recording's seconds over a timeline's times: straight between markers, and on beyond them."""

    def __init__(self, markers: Sequence[tuple[float, float]]):
        self.times = [time for time, _ in markers]
        self._contents = [content_s for _, content_s in markers]

    @property
    def rises(self) -> bool:
        """Tell whether time and recording both run on from each marker to the next."""
        return all(
            later > earlier for values in (self.times, self._contents) for earlier, later in itertools.pairwise(values)
        )

    def content(self, time: float) -> float:
        """Return the second of the recording at a time."""
        at = min(max(1, bisect_right(self.times, time)), len(self.times) - 1)
        (begin, end), (first, last) = self.times[at - 1 : at + 1], self._contents[at - 1 : at + 1]
        return first + (time - begin) / (end - begin) * (last - first)


def _used(
    markers: Sequence[tuple[float, float]], scope: TimeScope, begin_s: float, end_s: float
) -> Sequence[tuple[float, float]]:
    """Choose the markers from the last at or before the beginning to the first at or behind the end; two at least."""
    seconds = [scope.second(time) for time, _ in markers]
    first = max((n for n, second in enumerate(seconds[:-1]) if second <= begin_s + _SAME_S), default=0)
    last = next((n for n, second in enumerate(seconds) if n > first and second >= end_s - _SAME_S), len(markers) - 1)
    return markers[first : last + 1]


def _joined(places: Sequence[tuple[float, float]]) -> list[Section]:
    """Join places by sections, fewer where some lie on one line."""
    whole = Section(places[0][0], places[-1][0], places[0][1], places[-1][1])
    slope = (whole.content_end_s - whole.content_s) / (whole.end_s - whole.begin_s)
    if all(
        abs(whole.content_s + (second - whole.begin_s) * slope - content_s) < UNWARPED_S * slope
        for second, content_s in places
    ):
        return [whole]
    result: list[Section] = []
    for (begin_s, content_s), (end_s, content_end_s) in itertools.pairwise(places):
        section = Section(begin_s, end_s, content_s, content_end_s)
        last = result[-1] if result else None
        if last is not None and abs(_speed(last) / _speed(section) - 1) < _SAME_SPEED:
            result[-1] = Section(last.begin_s, end_s, last.content_s, content_end_s)
        else:
            result.append(section)
    return result


def _speed(section: Section) -> float:
    return (section.content_end_s - section.content_s) / (section.end_s - section.begin_s)
