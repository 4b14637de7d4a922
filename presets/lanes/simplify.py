"""Lanes with as few points as an engineer would draw: Ramer-Douglas-Peucker over time."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def simplified(points: Sequence[Point], most_off: float) -> list[Point]:
    """Leave out points that lie near the lines between those that stay.

    Args:
        points: (time, value) in order of time.
        most_off: no point that is left out is further from the line, in the value's unit.

    Returns:
        The first and the last point, and those between that are needed; a level course keeps its first alone.
    """
    if len(points) < 2:
        return list(points)
    kept = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        farthest, distance = first, most_off
        (start, low), (end, high) = points[first], points[last]
        for place in range(first + 1, last):
            time, value = points[place]
            off = abs(value - (low + (high - low) * (time - start) / (end - start)))
            if off > distance:
                farthest, distance = place, off
        if farthest != first:
            kept.add(farthest)
            spans += [(first, farthest), (farthest, last)]
    result = [points[place] for place in sorted(kept)]
    if max(value for _, value in result) - min(value for _, value in result) <= most_off:
        return result[:1]
    return result
