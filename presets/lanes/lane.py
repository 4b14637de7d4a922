"""What a lane is: one setting of the table, and the points that its value runs through.

A lane takes the place of the setting's own value, which counts where lanes are not played (a desk without automation).
Before its first point it has that one's value, behind its last point that one's. Times are seconds from the beginning
of the stems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from ..console import LANELESS_SECTIONS, LANELESS_SETTINGS, Master, Parameter, Part, Strip, parameters
from ..units import allowed, quantity

MOST_LANE_POINTS: Final = 5_000
MOST_POINTS: Final = 25_000
LATEST_S: Final = 86_400.0
# Nearer together than this they are a jump, which is drawn as two points a millisecond apart.
SHORTEST_GAP_S: Final = 1e-4
# What a file keeps of a time.
TIME_DIGITS: Final = 6
_ROUNDING_S: Final = 1e-9

Shape = Literal["linear", "hold"]


class LanePoint(Part):
    """One point of a lane."""

    time_s: Annotated[float, Field(ge=0, le=LATEST_S, allow_inf_nan=False, description="from the beginning")]
    value: Annotated[float, Field(allow_inf_nan=False, description="in the setting's unit")]


class Lane(Part):
    """How one setting moves.

    Attributes:
        parameter: path of the table, e.g. "fader_db" or "eq.band1.gain_db".
        shape: "linear" runs straight from point to point, in dB, octaves of frequency, ratios of time; "hold" keeps a
            value up to the next point, and gets there within a hundredth of a second.
        points: in the order of time.
    """

    parameter: str = Field(min_length=1, max_length=100, description="path of the setting, e.g. eq.band1.gain_db")
    shape: Shape = Field("linear", description="linear: straight to the next point; hold: up to the next point")
    points: tuple[LanePoint, ...] = Field(min_length=1, max_length=MOST_LANE_POINTS, description="in order of time")

    @model_validator(mode="after")
    def _in_order(self) -> Lane:
        for earlier, later in zip(self.points, self.points[1:], strict=False):
            if later.time_s - earlier.time_s < SHORTEST_GAP_S - _ROUNDING_S:
                raise ValueError(
                    f"the lane of {self.parameter} has a point at {later.time_s:g} s behind one at "
                    f"{earlier.time_s:g} s: times must rise, by {SHORTEST_GAP_S:g} s at least"
                )
        return self


def lane_of(lanes: Sequence[Lane], parameter: str) -> Lane | None:
    """Find the lane of a setting; None where it has none."""
    return next((lane for lane in lanes if lane.parameter == parameter), None)


def lane(parameter: str, points: Sequence[tuple[float, float]], shape: Shape = "linear") -> Lane:
    """Make a lane of times in seconds and values.

    >>> lane("fader_db", [(0, -6), (12.5, 0)]).points[1].value
    0.0
    """
    made = tuple(LanePoint(time_s=round(time_s, TIME_DIGITS), value=value) for time_s, value in points)
    return Lane(parameter=parameter, shape=shape, points=made)


def movable(part: type[Strip] | type[Master]) -> Mapping[str, Parameter]:
    """List the settings of a strip or the master that may have a lane, by path."""
    return {path: row for path, row in parameters(part).items() if not _is_set_once(path, row)}


def check_lanes(lanes: Sequence[Lane], part: type[Strip] | type[Master]) -> None:
    """Refuse lanes that a strip or master cannot play.

    Raises:
        ValueError: a setting that does not exist, does not move, or has two lanes; or a value out of its range.
    """
    table, seen = parameters(part), set()
    for item in lanes:
        row = table.get(item.parameter)
        if row is None:
            raise ValueError(_unknown(item.parameter, part))
        if _is_set_once(item.parameter, row):
            raise ValueError(f"{item.parameter} is set once for the whole song and cannot have a lane")
        if item.parameter in seen:
            raise ValueError(f"{item.parameter} has two lanes: keep one")
        seen.add(item.parameter)
        for point in item.points:
            if not row.low <= point.value <= row.high:
                raise ValueError(
                    f"the lane of {item.parameter} has {quantity(point.value, row.unit)} at {point.time_s:g} s, but "
                    f"must be {allowed(row)}"
                )


def _is_set_once(path: str, row: Parameter) -> bool:
    return row.section in LANELESS_SECTIONS or path in LANELESS_SETTINGS


def _unknown(parameter: str, part: type[Strip] | type[Master]) -> str:
    from difflib import get_close_matches

    known = list(movable(part))
    near = get_close_matches(parameter, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f'settings are called e.g. "{known[0]}"'
    return f'there is no setting "{parameter}" for a lane; {hint}'
