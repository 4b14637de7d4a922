"""What the arrangement of a DAWproject plays, piece by piece in seconds, and each as a clip counted in frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ....presets.units import decibels, gain_factor
from ..core.model import Automation, Clip, Fade

# Numbers in XML are rounded: a frame that is missed by less is meant.
_FRAME_SLACK = 1e-3
_SAME_S = 1e-6


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
        gain: of the clip, linear, over the arrangement's time.
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
    gain: Automation | None = None
    mute: bool = False
    name: str = ""
    notes: tuple[str, ...] = ()


def clip_of(piece: Piece, rate_hz: int) -> Clip:
    """A piece as a clip of a session at this rate; its length may be 0."""
    position, end = round(piece.begin_s * rate_hz), round(piece.end_s * rate_hz)
    source_rate_hz = piece.media.sample_rate_hz
    first = _framed((piece.begin_s - piece.zero_s) / piece.stretch * source_rate_hz)
    loop_start, loop_end = (time * source_rate_hz for time in piece.loop or (0.0, 0.0))
    fade_in, fade_out, around = _fades(piece, rate_hz)
    gain_db, envelope, notes = _gain(piece, around)
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
        notes=(*piece.notes, *notes),
    )


def is_whole(frames: float) -> bool:
    """Whether a number of frames is one, but for rounding."""
    return abs(frames - round(frames)) < _FRAME_SLACK


def linear(value: float, unit: str | None) -> float | None:
    """A gain as a factor; None in a unit that is none of a gain."""
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
    """The fades that begin or end with the piece, and those of clips around it that reach into it otherwise."""
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


def _gain(piece: Piece, around: list[FadeSpan]) -> tuple[float, Automation | None, list[str]]:
    """Gain in dB, envelope since the clip's beginning, and what does not fit into the two."""
    gain_db, envelope = 0.0, None
    if piece.gain:
        values = {value for _, value in piece.gain.points}
        if len(values) == 1:
            gain_db = decibels(values.pop())
        else:
            points = tuple((time - piece.begin_s, value) for time, value in piece.gain.points)
            envelope = Automation(points, piece.gain.interpolation)
    notes = []
    for span in around:
        points = tuple(_ramp(span, piece.begin_s))
        if envelope is None and all(a[0] <= b[0] for a, b in pairwise(points)):
            envelope = Automation(points)
        else:
            notes.append("a fade of the clip that it lies in")
    return gain_db, envelope, notes


def _ramp(span: FadeSpan, since_s: float) -> Iterator[tuple[float, float]]:
    if span.fade_in_s:
        yield span.begin_s - since_s, 0.0
        yield span.begin_s + span.fade_in_s - since_s, 1.0
    if span.fade_out_s:
        yield span.end_s - span.fade_out_s - since_s, 1.0
        yield span.end_s - since_s, 0.0
