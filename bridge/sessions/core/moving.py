"""Faders and pans that move: a mix's lanes as the automation of a DAW, and back.

DAWs draw other lines between two points than the mix, which is straight in dB: what is written has as many points
between as hold it within a fiftieth of a dB, and what is read loses those again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ....presets.console import Strip, parameters
from ....presets.editing.moving_lanes import as_linear
from ....presets.lanes.lane import SHORTEST_GAP_S, Lane, lane, lane_of
from ....presets.lanes.simplify import simplified
from ....presets.lanes.values import bus_at, is_still
from ....presets.preset import Preset, Track
from ....presets.units import decibels, gain_factor
from .balance import FaderPan, from_daw, to_daw
from .fades import Gains, automation_values
from .model import Automation, Interpolation, PanLaw, SessionTrack

MOVABLE: Final = ("fader_db", "pan")
# How far what is written may be off, and what is read.
_OFF_DB: Final = 0.02
_OFF_PAN: Final = 0.002
_READ_OFF_DB: Final = 0.04
_READ_OFF_PAN: Final = 0.004
_JUMP_S: Final = 0.001
_MOST_HALVINGS: Final = 12
_SILENT_DB: Final = -120.0
_LISTED: Final = 6


@dataclass(frozen=True)
class MovingFader:
    """Automation of a track's fader (as factors) and pan (-1..1); None where it stands still."""

    volume: Automation | None
    pan: Automation | None


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


def lanes_of(track: SessionTrack, channels: int) -> tuple[Lane, ...]:
    """Make lanes of a session's automation of volume and pan, as few points as hold it within 0.04 dB.

    Args:
        track: of the session.
        channels: of its stem, 1 or 2.
    """
    moving = [item for item in (track.volume, track.pan_automation) if item is not None]
    if not moving:
        return ()
    volume, pan = track.volume, track.pan_automation

    def given(time_s: float) -> FaderPan:
        gain_db = track.gain_db if volume is None else decibels(float(automation_values(volume, _at(time_s))[0]))
        side = track.pan if pan is None else float(automation_values(pan, _at(time_s))[0])
        return FaderPan(max(gain_db, _SILENT_DB), side)

    steady = None if pan is not None else from_daw(0.0, track.pan, channels, track.pan_law)

    def at(time_s: float) -> FaderPan:
        there = given(time_s)
        if steady is not None:
            return FaderPan(there.gain_db + steady.gain_db, steady.pan)
        return from_daw(there.gain_db, there.pan, channels, track.pan_law)

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


def lanes_left_out(preset: Preset, names: Sequence[str], *, moves: bool = True) -> Iterator[str]:
    """Say which lanes a copy does not have, a sentence for each track, group and the master.

    Args:
        preset: the mix.
        names: of its tracks that are in the copy.
        moves: faders and pans of tracks are in it.
    """
    owners = [(track.name, track.lanes, moves) for track in preset.tracks if track.name in names]
    owners += [(bus.name, bus.lanes, False) for bus in preset.buses]
    for name, lanes, has_fader in owners:
        yield from _said(name, [item for item in lanes if not (has_fader and item.parameter in MOVABLE)])
    yield from _said("Master", preset.master_lanes)


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
