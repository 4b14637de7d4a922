"""Faders and pans that move: a mix's lanes as the automation of a DAW, and back.

DAWs draw other lines between two points than the mix, which is straight in dB: what is written has as many points
between as hold it within a fiftieth of a dB, and what is read loses those again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ....presets.console import SEND_OFF_DB, Master, Parameter, Strip, get, parameters
from ....presets.edit import without_input_gain
from ....presets.editing.moving_lanes import as_linear
from ....presets.lanes.lane import SHORTEST_GAP_S, Lane, lane, lane_of
from ....presets.lanes.simplify import simplified
from ....presets.lanes.values import bus_at, from_straight, is_still, straight, value_at
from ....presets.preset import Preset, Track
from ....presets.sections import rows_of
from ....presets.units import decibels, gain_factor
from .balance import FaderPan, from_daw, to_daw
from .fades import Gains, automation_values
from .model import Automation, Interpolation, PanLaw, SessionTrack, gains_on_top

MOVABLE: Final = ("fader_db", "pan")
# How far what is written may be off, and what is read.
_OFF_DB: Final = 0.02
_OFF_PAN: Final = 0.002
_READ_OFF_DB: Final = 0.04
_READ_OFF_PAN: Final = 0.004
# Of other settings: in octaves and ratios as natural logarithms, and as a part of the range.
_READ_OFF_LOG: Final = 0.005
_READ_OFF: Final = 0.002
_JUMP_S: Final = 0.001
_MOST_HALVINGS: Final = 12
_SILENT_DB: Final = -120.0
_LISTED: Final = 6
# What notes call it.
MASTER: Final = "Master"
MASTER_FADER: Final = "output_gain_db"

# An owner (the name of a track or group, or MASTER) and one of its settings.
Carried = tuple[str, str]


@dataclass(frozen=True)
class MovingFader:
    """Automation of a track's fader (as factors) and pan (-1..1); None where it stands still."""

    volume: Automation | None
    pan: Automation | None


STILL: Final = MovingFader(None, None)


def moving_fader(track: Track, channels: int, law: PanLaw, between: Interpolation = "linear") -> MovingFader:
    """Make a DAW's automation of the lanes of a track's fader and pan.

    Args:
        track: of the mix, in its own terms.
        channels: of its stem, 1 or 2.
        law: what the DAW's pan means on this track.
        between: how the DAW runs between two points of a fader: "linear" in factors, or "ardour_gain".
    """
    lanes = [item for item in track.lanes if item.parameter in MOVABLE and not is_still(item)]
    if not lanes:
        return MovingFader(None, None)
    is_held = all(item.shape == "hold" for item in lanes)
    drawn = lanes if is_held else [as_linear(item) for item in lanes]
    still = bus_at(track.strip, [item for item in track.lanes if is_still(item)], 0.0)
    steady_db = None if lane_of(lanes, "pan") else to_daw(0.0, still.pan, channels, law)

    def at(time_s: float) -> FaderPan:
        strip = bus_at(still, drawn, time_s)
        fader_db = strip.fader_db + still.input_gain_db
        if steady_db is not None:
            return FaderPan(fader_db + steady_db.gain_db, steady_db.pan)
        return to_daw(fader_db, strip.pan, channels, law)

    times = sorted({point.time_s for item in drawn for point in item.points})
    how: Interpolation = "hold" if is_held else between
    places = times if is_held else _refined(times, at, between)
    settings = [at(time_s) for time_s in places]
    volume = Automation(
        tuple((time_s, gain_factor(item.gain_db)) for time_s, item in zip(places, settings, strict=True)), how
    )
    pan = Automation(
        tuple((time_s, item.pan) for time_s, item in zip(places, settings, strict=True)),
        "hold" if is_held else "linear",
    )
    return MovingFader(
        volume if _spread([item.gain_db for item in settings]) > _OFF_DB / 2 else None,
        pan if _spread([item.pan for item in settings]) > _OFF_PAN / 2 else None,
    )


def lanes_of(
    track: SessionTrack, channels: int, more_db: float = 0.0, on_top: Sequence[Automation] = ()
) -> tuple[Lane, ...]:
    """Make lanes of a session's automation of volume and pan, as few points as hold it within 0.04 dB.

    Args:
        track: of the session.
        channels: of its stem, 1 or 2.
        more_db: what acts on it behind its fader and stands still.
        on_top: gains over time of what acts on it behind its fader.
    """
    return lanes_of_fader(
        track.volume,
        track.pan_automation,
        track.gain_db,
        track.pan,
        channels,
        track.pan_law,
        more_db=more_db,
        on_top=(*on_top, *gains_on_top(track)),
    )


def lanes_of_fader(
    volume: Automation | None,
    pan: Automation | None,
    gain_db: float,
    side: float,
    channels: int,
    law: PanLaw,
    *,
    more_db: float = 0.0,
    on_top: Sequence[Automation] = (),
) -> tuple[Lane, ...]:
    """Make lanes of the automation of a fader and a pan.

    Args:
        volume: of the fader, as factors; None where it stands still.
        pan: of the pan, -1..1; None where it stands still.
        gain_db: of a fader that stands still.
        side: of a pan that stands still.
        channels: of what goes through them, 1 or 2.
        law: what the DAW's pan means there.
        more_db: level behind the fader that stands still.
        on_top: gains on top of the fader, 0 where something is muted: it then goes down to silence.
    """
    moving = [item for item in (volume, pan, *on_top) if item is not None]
    if not moving:
        return ()

    def given(time_s: float) -> FaderPan:
        there_db = gain_db if volume is None else decibels(float(automation_values(volume, _at(time_s))[0]))
        there_db += more_db + sum(decibels(float(automation_values(item, _at(time_s))[0])) for item in on_top)
        return FaderPan(
            max(there_db, _SILENT_DB), side if pan is None else float(automation_values(pan, _at(time_s))[0])
        )

    steady = None if pan is not None else from_daw(0.0, side, channels, law)

    def at(time_s: float) -> FaderPan:
        there = given(time_s)
        if steady is not None:
            return FaderPan(there.gain_db + steady.gain_db, steady.pan)
        return from_daw(there.gain_db, there.pan, channels, law)

    is_held = all(item.interpolation == "hold" for item in moving)
    times = _spaced(sorted(max(0.0, time_s) for item in moving for time_s in _jumps(item)))
    places = times if is_held else _refined(times, at, "decibel")
    settings = [(time_s, at(time_s)) for time_s in places]
    rows = parameters(Strip)
    result = []
    for path, off in zip(MOVABLE, (_READ_OFF_DB, _READ_OFF_PAN), strict=True):
        row = rows[path]
        points = [(time_s, row.clamp(item.gain_db if path == "fader_db" else item.pan)) for time_s, item in settings]
        if _spread([value for _, value in points]) <= off:
            continue
        result.append(lane(path, points if is_held else simplified(points, off), "hold" if is_held else "linear"))
    return tuple(result)


def moving_level(item: Lane, row: Parameter, more_db: float = 0.0, between: Interpolation = "linear") -> Automation:
    """Make a DAW's automation, as factors, of a lane in dB that stands for one control of its own.

    Args:
        item: the lane: of a send, or the master's fader.
        row: of its setting.
        more_db: what the control gives beside it.
        between: how the DAW runs between two points: "linear" in factors, or "ardour_gain".
    """
    is_held = item.shape == "hold"
    drawn = item if is_held else as_linear(item)

    def at(time_s: float) -> FaderPan:
        return FaderPan(value_at(drawn, row, time_s) + more_db, 0.0)

    times = [point.time_s for point in drawn.points]
    places = times if is_held else _refined(times, at, between)
    points = tuple((time_s, gain_factor(at(time_s).gain_db)) for time_s in places)
    return Automation(points, "hold" if is_held else between)


def moving_master(preset: Preset, between: Interpolation = "linear") -> Automation | None:
    """Make a DAW's automation, as factors, of the master's fader; None where that stands still."""
    item = lane_of(preset.master_lanes, MASTER_FADER)
    if item is None or is_still(item):
        return None
    plain = without_input_gain(preset.master)
    more_db = plain.output_gain_db - preset.master.output_gain_db
    return moving_level(item, parameters(Master)[MASTER_FADER], more_db, between)


def moving_sends(bus: Strip, lanes: Sequence[Lane], between: Interpolation = "linear") -> dict[str, Automation]:
    """Make a DAW's automation, as factors, of the sends of a strip that move; by the setting's path."""
    plain, rows = without_input_gain(bus), rows_of(Strip, "send")
    moving = [item for item in lanes if item.parameter in rows and not is_still(item)]
    return {
        item.parameter: moving_level(
            item, rows[item.parameter], get(plain, item.parameter) - get(bus, item.parameter), between
        )
        for item in moving
    }


def sends_open(bus: Strip, lanes: Sequence[Lane]) -> Strip:
    """Open the sends of a strip that are off and that lanes open later: a DAW needs them from the beginning."""
    rows = rows_of(Strip, "send")
    update: dict[str, object] = {}
    for item in lanes:
        if item.parameter in rows and get(bus, item.parameter) <= SEND_OFF_DB:
            loudest = max(point.value for point in item.points)
            if loudest > SEND_OFF_DB:
                update[item.parameter] = loudest
    return bus.model_copy(update=update) if update else bus


def level_lane(
    path: str, row: Parameter, automation: Automation, more_db: float = 0.0, *, on_top: Sequence[Automation] = ()
) -> Lane | None:
    """Make a lane of the automation of a level; None where it stands still. The reverse of :func:`moving_level`."""
    moving = (automation, *on_top)
    is_held = all(item.interpolation == "hold" for item in moving)

    def at(time_s: float) -> FaderPan:
        level_db = sum(decibels(float(automation_values(item, _at(time_s))[0])) for item in moving)
        return FaderPan(max(level_db, _SILENT_DB) - more_db, 0.0)

    times = _spaced(sorted(max(0.0, time_s) for item in moving for time_s in _jumps(item)))
    places = times if is_held else _refined(times, at, "decibel")
    points = [(time_s, row.clamp(at(time_s).gain_db)) for time_s in places]
    if _spread([value for _, value in points]) <= _READ_OFF_DB:
        return None
    return lane(path, points if is_held else simplified(points, _READ_OFF_DB), "hold" if is_held else "linear")


def sampled_lane(path: str, row: Parameter, times: Sequence[float], values: Sequence[float]) -> Lane | None:
    """Make a lane of what a setting was found to be at some times; None where it stands still.

    Args:
        path: of the setting.
        row: of it.
        times: in seconds, rising.
        values: at these times.
    """
    # What is straight in the setting's own scale is a line.
    points = [(time_s, straight(row, row.clamp(value))) for time_s, value in zip(times, values, strict=True)]
    off = (
        _READ_OFF_DB if row.unit == "dB" else _READ_OFF_LOG if row.scale == "log" else _READ_OFF * (row.high - row.low)
    )
    if _spread([value for _, value in points]) <= off:
        return None
    kept = simplified(points, off)
    # Before its first and behind its last point a lane stands anyway.
    while len(kept) > 2 and abs(kept[0][1] - kept[1][1]) <= off:
        kept = kept[1:]
    while len(kept) > 2 and abs(kept[-1][1] - kept[-2][1]) <= off:
        kept = kept[:-1]
    return lane(path, [(time_s, from_straight(row, value)) for time_s, value in kept])


def lanes_left_out(preset: Preset, names: Sequence[str], carried: Collection[Carried] = ()) -> Iterator[str]:
    """Say which lanes a copy does not have, a sentence for each track, group and the master.

    Args:
        preset: the mix.
        names: of its tracks that are in the copy.
        carried: lanes that it has, beside those of faders and pans of these tracks: owner and setting.
    """
    has = set(carried)
    for track in preset.tracks:
        if track.name in names:
            left = [item for item in track.lanes if item.parameter not in MOVABLE]
            yield from _said(track.name, [item for item in left if (track.name, item.parameter) not in has])
    for bus in preset.buses:
        yield from _said(bus.name, [item for item in bus.lanes if (bus.name, item.parameter) not in has])
    yield from _said(MASTER, [item for item in preset.master_lanes if (MASTER, item.parameter) not in has])


def _said(name: str, lanes: Sequence[Lane]) -> Iterator[str]:
    moving = [item.parameter for item in lanes if not is_still(item)]
    if moving:
        more = f" and {len(moving) - _LISTED} more" if len(moving) > _LISTED else ""
        yield f"{name}: its lanes of {', '.join(moving[:_LISTED])}{more} are left out; the settings stand still."


def _refined(times: Sequence[float], at: Callable[[float], FaderPan], between: Interpolation) -> list[float]:
    """Add times between which a DAW's own lines stay near enough to the course."""
    result = [times[0]]
    known: dict[float, FaderPan] = {}

    def value(time_s: float) -> FaderPan:
        if time_s not in known:
            known[time_s] = at(time_s)
        return known[time_s]

    def bend(begin: float, end: float, depth: int) -> None:
        low, high = value(begin), value(end)
        if (low != high) and end - begin > 2 * _JUMP_S and depth < _MOST_HALVINGS:
            middle = (begin + end) / 2
            inner = [(share, value(begin + share * (end - begin))) for share in (0.25, 0.5, 0.75)]
            if any(_is_off(low, high, wanted, share, between) for share, wanted in inner):
                bend(begin, middle, depth + 1)
                bend(middle, end, depth + 1)
                return
        result.append(end)

    for begin, end in pairwise(times):
        bend(begin, end, 0)
    return result


def _is_off(low: FaderPan, high: FaderPan, wanted: FaderPan, share: float, between: Interpolation) -> bool:
    pair = Automation(((0.0, gain_factor(low.gain_db)), (1.0, gain_factor(high.gain_db))), between)
    got_db = decibels(float(automation_values(pair, _at(share))[0]))
    pan = low.pan + share * (high.pan - low.pan)
    is_heard = wanted.gain_db > _SILENT_DB / 2 or got_db > _SILENT_DB / 2
    return (is_heard and abs(got_db - wanted.gain_db) > _OFF_DB) or abs(pan - wanted.pan) > _OFF_PAN


def _jumps(item: Automation) -> Iterator[float]:
    """List the times of points; before a jump, which is two at one time, the moment in front of it as well."""
    times = [time_s for time_s, _ in item.points]
    for place, time_s in enumerate(times):
        is_jump = item.interpolation != "hold" and place + 1 < len(times) and times[place + 1] - time_s < SHORTEST_GAP_S
        yield time_s - _JUMP_S if is_jump else time_s


def _spaced(times: Sequence[float]) -> list[float]:
    """Leave out times that a lane cannot have so near to each other."""
    result: list[float] = []
    for time_s in times:
        if not result or time_s - result[-1] >= SHORTEST_GAP_S:
            result.append(time_s)
    return result


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _at(time_s: float) -> Gains:
    return np.array([time_s])
