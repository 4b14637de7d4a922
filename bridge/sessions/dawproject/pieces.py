"""What the arrangement of a DAWproject plays, piece by piece in seconds, and each as a clip counted in frames.

Its automation is here, too: lanes of points in seconds, and what they are in a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ....presets.units import decibels, gain_factor
from ..core.fades import automation_values
from ..core.model import Automation, Clip, Fade

# Numbers in XML are rounded: a frame that is missed by less is meant.
_FRAME_SLACK = 1e-3
_SAME_S = 1e-6
# Into so many lines a product of gains is cut between two of their points: two whole fades at once are within 0.001.
_PARTS = 16


@dataclass(frozen=True)
class Media:
    """An audio file, and its rate."""

    path: Path
    sample_rate_hz: int


@dataclass(frozen=True)
class FadeSpan:
    """The fades of a clip, in seconds of the arrangement: where it begins and ends, and how long they are."""

    begin_s: float
    fade_in_s: float
    end_s: float
    fade_out_s: float


@dataclass(frozen=True)
class AimedLane:
    """Automation of one parameter, in seconds of the arrangement.

    Attributes:
        points: (second, value).
        holds: for each whether its value holds until the next.
        unit: of the values, as the project names it.
    """

    points: tuple[tuple[float, float], ...]
    holds: tuple[bool, ...]
    unit: str | None


@dataclass(frozen=True)
class Piece:
    """A stretch of the arrangement in which one file is heard.

    Attributes:
        track: id of its track.
        media: the file.
        begin_s: in seconds of the arrangement, as all times but those of `loop`.
        end_s: where it ends.
        zero_s: where the file's first frame would fall.
        stretch: how many times longer than recorded.
        loop: the part of the file that repeats, in seconds of the file.
        fades: of the clips that it lies in, outermost first.
        gains: of the clips that it lies in, linear, over the arrangement's time.
        mute: its clip or track is switched off.
        name: of its clip.
        notes: what of it is not rendered.
    """

    track: str
    media: Media
    begin_s: float
    end_s: float
    zero_s: float
    stretch: float = 1.0
    loop: tuple[float, float] | None = None
    fades: tuple[FadeSpan, ...] = ()
    gains: tuple[Automation, ...] = ()
    mute: bool = False
    name: str = ""
    notes: tuple[str, ...] = ()


def clip_of(piece: Piece, rate_hz: int) -> Clip:
    """Make a clip of a piece, for a session at this rate; its length may be 0."""
    position, end = round(piece.begin_s * rate_hz), round(piece.end_s * rate_hz)
    source_rate_hz = piece.media.sample_rate_hz
    # Pieces of other speeds follow one another: each begins with what is heard at its first frame.
    begin_s = piece.begin_s if piece.stretch == 1 else position / rate_hz
    first = _framed((begin_s - piece.zero_s) / piece.stretch * source_rate_hz)
    loop_start, loop_end = (time * source_rate_hz for time in piece.loop or (0.0, 0.0))
    fade_in, fade_out, around = _fades(piece, rate_hz)
    gain_db, envelope = _gain(piece, around)
    return Clip(
        piece.media.path,
        position,
        max(0, end - position),
        first,
        gain_db=gain_db,
        fade_in=fade_in,
        fade_out=fade_out,
        mute=piece.mute,
        loop_start=_framed(loop_start) if piece.loop else 0.0,
        loop_frames=_framed(loop_end - loop_start) if piece.loop else None,
        stretch=piece.stretch,
        envelope=envelope,
        name=piece.name,
        notes=piece.notes,
    )


def automation(lane: AimedLane, convert: Callable[[float, str | None], float | None]) -> Automation | None:
    """Convert a lane to what a session has; None if a value cannot be.

    Where some points hold and others do not, the value stands twice: before the step and behind it.
    """
    values = [convert(value, lane.unit) for _, value in lane.points]
    points: list[tuple[float, float]] = []
    steps = len(set(lane.holds[:-1])) > 1
    for index, ((time, _), value) in enumerate(zip(lane.points, values, strict=True)):
        if value is None:
            return None
        if steps and index and lane.holds[index - 1]:
            points.append((time, points[-1][1]))
        points.append((time, value))
    if lane.holds[0] and not steps:
        return Automation(tuple(points), "hold")
    return Automation(tuple(points), "decibel" if lane.unit == "decibel" else "linear")


def is_whole(frames: float) -> bool:
    """Tell whether a number of frames is whole, but for rounding."""
    return abs(frames - round(frames)) < _FRAME_SLACK


def linear(value: float, unit: str | None) -> float | None:
    """Convert a gain to a factor; None in a unit that is none of a gain."""
    match unit:
        case "decibel":
            return gain_factor(min(value, 1000.0))
        case "percent":
            return value / 100
        case "linear" | "normalized" | None:
            return value
        case _:
            return None


def _framed(frames: float) -> float:
    whole = round(frames)
    return float(whole) if is_whole(frames) else frames


def _fades(piece: Piece, rate_hz: int) -> tuple[Fade, Fade, list[FadeSpan]]:
    """Sort fades: those that begin or end with the piece, and those of clips around it that reach into it."""
    fade_in, fade_out = Fade(), Fade()
    around = []
    for span in reversed(piece.fades):
        left = right = 0.0
        if span.fade_in_s > 0 and span.begin_s + span.fade_in_s > piece.begin_s:
            if abs(span.begin_s - piece.begin_s) < _SAME_S and not fade_in.length:
                fade_in = Fade(round(span.fade_in_s * rate_hz))
            else:
                left = span.fade_in_s
        if span.fade_out_s > 0 and span.end_s - span.fade_out_s < piece.end_s:
            if abs(span.end_s - piece.end_s) < _SAME_S and not fade_out.length:
                fade_out = Fade(round(span.fade_out_s * rate_hz))
            else:
                right = span.fade_out_s
        if left or right:
            around.append(FadeSpan(span.begin_s, left, span.end_s, right))
    return fade_in, fade_out, around


def _gain(piece: Piece, around: list[FadeSpan]) -> tuple[float, Automation | None]:
    """Return gain in dB, and envelope since the clip's beginning: its own gain times the fades of clips around it."""
    gain_db, curves = 0.0, [Automation(ramp) for span in around for ramp in _ramps(span, piece.begin_s)]
    for gain in piece.gains:
        values = {value for _, value in gain.points}
        if len(values) == 1:
            gain_db += decibels(values.pop())
        else:
            points = tuple((time - piece.begin_s, value) for time, value in gain.points)
            curves.append(Automation(points, gain.interpolation))
    if len(curves) < 2:
        return gain_db, curves[0] if curves else None
    return gain_db, _product(curves, piece.end_s - piece.begin_s)


def _ramps(span: FadeSpan, since_s: float) -> Iterator[tuple[tuple[float, float], ...]]:
    begin_s, end_s = span.begin_s - since_s, span.end_s - since_s
    rise, fall = ((begin_s, 0.0), (begin_s + span.fade_in_s, 1.0)), ((end_s - span.fade_out_s, 1.0), (end_s, 0.0))
    if span.fade_in_s and span.fade_out_s and rise[-1][0] <= fall[0][0]:
        yield (*rise, *fall)
        return
    if span.fade_in_s:
        yield rise
    if span.fade_out_s:
        yield fall


def _product(curves: list[Automation], length_s: float) -> Automation:
    """Multiply several gains, in lines that are fine enough where more than one of them moves."""
    edges = {0.0, length_s, *(time for curve in curves for time, _ in curve.points if 0 < time < length_s)}
    marks = sorted(edges)
    # A step stands twice, as it is just before its time and at it.
    times = [marks[0]]
    for begin, end in pairwise(marks):
        times += [*np.linspace(begin, end, _PARTS + 1)[1:-1], np.nextafter(end, begin), end]
    places = np.array(times)
    values = np.prod([automation_values(curve, places) for curve in curves], axis=0)
    return Automation(tuple(zip(places.tolist(), values.tolist(), strict=True)))
