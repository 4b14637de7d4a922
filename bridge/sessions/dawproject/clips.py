"""From the arrangement of a DAWproject, timelines in timelines, to the pieces of audio that it plays.

Clips may lie in clips, repeat, refer to the content of others, count in beats or seconds, and be warped. All of that is
flattened here; what has no sound that could be rendered becomes a note. Files are somebody else's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from ..core.kinds import Kind
from ..core.model import MOST_CLIPS, MOST_STRETCH, Automation
from .pieces import AimedLane, FadeSpan, Media, Piece, automation, is_whole, linear
from .time import TempoMap, TimeScope, TimeUnit
from .warps import Section, sections
from .xml import MalformedError, is_true, number

MOST_VISITS = 5 * MOST_CLIPS // 2
_DEEPEST = 32
_SAME_S = 1e-9
_LONGEST_NAME = 200
_NO_SOUND = {"Notes": Kind.MIDI(), "Video": Kind.VIDEO(), "ClipSlot": Kind.LAUNCHER()}
_POINTS = {"RealPoint", "BoolPoint", "IntegerPoint", "EnumPoint"}
_SILENT = {"Markers", "markers", "Marker", "Target", "Warp"}


@dataclass(frozen=True)
class Remark:
    """What is not rendered: the id of a track, "" for none; a clip's name, "" for the track as a whole; a phrase."""

    track: str
    clip: str
    what: str


class Arrangement:
    """What an arrangement plays.

    Args:
        root: its outermost lanes; None for an empty one.
        tempo: of the project.
        by_id: elements that may be referred to.
        media: gives the file of an <Audio>; None if it is missing.

    Attributes:
        pieces: of all tracks, in the order of the project.
        heard: ids of tracks with audio, found or missing.
        lanes: automation by the id of its parameter.
        remarks: what is not rendered.

    Raises:
        MalformedError: it refers to itself, holds numbers that are none, or more than any project.
    """

    def __init__(
        self,
        root: Element | None,
        tempo: TempoMap,
        by_id: Mapping[str, Element],
        media: Callable[[Element], Media | None],
    ):
        self._tempo, self._by_id, self._media = tempo, by_id, media
        self._visits = 0
        self.pieces: list[Piece] = []
        self.heard: set[str] = set()
        self.lanes: dict[str, AimedLane] = {}
        self.remarks: dict[Remark, None] = {}
        if root is not None:
            self._visit(root, _Place(TimeScope(tempo)))

    def _visit(self, element: Element, place: _Place) -> None:
        self._count()
        place = place.within(element)
        match element.tag:
            case "Lanes":
                self._visit_all(element, self._with_gain(element, place))
            case "Clips":
                for clip in element:
                    if clip.tag == "Clip":
                        self._clip(clip, place)
            case "Audio":
                self._audio(element, place)
            case "Warps":
                self._warps(element, place)
            case "Points":
                self._points(element, place)
            case tag if tag in _NO_SOUND:
                self._remark(place, _NO_SOUND[tag])
            case tag if tag not in _SILENT:
                self._remark(place, Kind.UNKNOWN_ELEMENT(tag[:40]))

    def _visit_all(self, element: Element, place: _Place) -> None:
        for child in element:
            self._visit(child, place)

    def _clip(self, clip: Element, place: _Place) -> None:
        self._count()
        scope = place.scope
        time = number(clip, "time")
        begin_s = scope.second(time)
        unit = _unit(clip, "contentTimeUnit") or scope.unit
        inner = scope.inside(time, number(clip, "playStart", 0.0), unit)
        end_s = place.end_s
        if clip.get("duration") is not None:
            end_s = scope.second(time + number(clip, "duration"))
        elif clip.get("playStop") is not None:
            end_s = inner.second(number(clip, "playStop"))
        fade_unit = _unit(clip, "fadeTimeUnit") or scope.unit
        fade_in_s = self._length_s(begin_s, number(clip, "fadeInTime", 0.0), fade_unit)
        # Counted back from the end, where the tempo may be another than behind it.
        fade_out_s = -self._length_s(end_s, -abs(number(clip, "fadeOutTime", 0.0)), fade_unit)
        if fade_in_s < 0:  # a crossfade: it begins so much earlier
            begin_s, fade_in_s = begin_s + fade_in_s, -fade_in_s
        inside = replace(
            place,
            scope=inner,
            begin_s=max(place.begin_s, begin_s),
            end_s=min(place.end_s, end_s),
            name=(clip.get("name") or place.name)[:_LONGEST_NAME],
            mute=place.mute or not is_true(clip, "enable", True),
            fades=(*place.fades, FadeSpan(begin_s, fade_in_s, end_s, fade_out_s)),
            in_clip=True,
        )
        content = self._content(clip, inside)
        if content is not None and inside.begin_s < inside.end_s:
            element, inside = content
            for part in self._passes(clip, element, inside):
                self._visit(element, part)

    def _content(self, clip: Element, place: _Place) -> tuple[Element, _Place] | None:
        """Return what a clip plays: its own timeline, or one that it refers to."""
        if len(clip):
            return clip[0], place
        reference = clip.get("reference")
        if reference is None:
            return None
        element = self._by_id.get(reference)
        if element is None:
            raise MalformedError(f"a clip refers to {reference[:40]!r}, which is not there")
        if element in place.references:
            raise MalformedError("its clips refer to each other in a circle")
        return element, replace(place, references=place.references | {element})

    def _passes(self, clip: Element, content: Element, place: _Place) -> Iterator[_Place]:
        """Repeat a clip's content as often as it is played, each with its place."""
        if clip.get("loopEnd") is None or not math.isfinite(place.end_s):
            yield place
            return
        scope = place.scope
        start, end = number(clip, "loopStart", 0.0), number(clip, "loopEnd")
        at = scope.second(end)
        if end <= start or number(clip, "playStart", 0.0) >= end or at >= place.end_s - _SAME_S:
            yield place
            return
        if content.tag == "Audio" and scope.unit == "seconds" and start >= 0:
            media = self._media(content)
            if media is None or is_whole((end - start) * media.sample_rate_hz):
                yield replace(place, loop=(start, end))
                return
        yield replace(place, end_s=min(at, place.end_s))
        while at < place.end_s - _SAME_S:
            self._count()
            scope = scope.inside(end, start, scope.unit)
            following = scope.second(end)
            if following <= at:
                raise MalformedError("a clip repeats a part that has no length")
            if following > place.begin_s:
                yield replace(place, scope=scope, begin_s=max(at, place.begin_s), end_s=min(following, place.end_s))
            at = following

    def _audio(self, audio: Element, place: _Place, stretch: float = 1.0, zero_s: float | None = None) -> None:
        media = self._media(audio)
        if place.track is not None:
            self.heard.add(place.track)
        zero_s = place.scope.second(0.0) if zero_s is None else zero_s
        begin_s = place.begin_s if math.isfinite(place.begin_s) else zero_s
        end_s = place.end_s
        if not math.isfinite(end_s):
            end_s = zero_s + number(audio, "duration") * stretch
        if media is None or begin_s >= end_s:
            return
        if place.track is None:
            self._remark(place, Kind.NO_TRACK())
            return
        if len(self.pieces) >= MOST_CLIPS:
            raise MalformedError(f"it has more than {MOST_CLIPS} clips")
        self.pieces.append(
            Piece(
                place.track,
                media,
                begin_s,
                end_s,
                zero_s,
                stretch,
                place.loop,
                place.fades,
                place.gains,
                place.mute,
                place.name,
                place.notes,
            )
        )

    def _warps(self, warps: Element, place: _Place) -> None:
        """Add audio at its own speed or at others, a piece for each."""
        content = next((child for child in warps if child.tag != "Warp"), None)
        if content is None:
            return
        if content.tag != "Audio":
            if content.tag not in _NO_SOUND:
                self._remark(place, Kind.STRETCHED_CLIPS())
            self._visit(content, place)
            return
        inner_unit = _unit(warps, "contentTimeUnit") or "seconds"
        markers = sorted(
            (number(warp, "time"), self._length_s(0.0, number(warp, "contentTime"), inner_unit))
            for warp in warps
            if warp.tag == "Warp"
        )
        self._count(len(markers))
        begin_s, end_s = self._span_s(content, place, markers)
        if begin_s >= end_s:
            self._audio(content, place)
            return
        parts = sections(markers, place.scope, begin_s, end_s)
        if parts is None or not all(1 / MOST_STRETCH < section.stretch < MOST_STRETCH for section in parts):
            self._remark(place, Kind.BACKWARD_WARPS())
            return
        self._count(len(parts))
        is_warped = any(section.stretch != 1 for section in parts)
        algorithm = (content.get("algorithm") or "")[:40]
        if is_warped and algorithm == "raw":
            self._raw(content, place, parts[0], end_s)
            return
        if is_warped and "pitch" not in algorithm.lower():
            rates = {f"{1 / section.stretch:.4g}" for section in parts}
            place = place.noting(Kind.TIME_STRETCH(rates.pop() if len(rates) == 1 else "that varies"))
        for section in parts:
            within = replace(place, begin_s=section.begin_s, end_s=section.end_s)
            self._audio(content, within, section.stretch, section.zero_s)

    def _raw(self, audio: Element, place: _Place, first: Section, end_s: float) -> None:
        """Add audio at its own speed from where its markers let it begin."""
        part = replace(place, begin_s=first.begin_s, end_s=end_s)
        part = part.noting(Kind.RAW_WARPS())
        self._audio(audio, part, 1.0, first.begin_s - first.content_s)

    def _span_s(self, audio: Element, place: _Place, markers: list[tuple[float, float]]) -> tuple[float, float]:
        """Return where warped audio begins and ends; without a clip around it, at its first and last marker."""
        first, last = (markers[0][0], markers[-1][0]) if markers else (0.0, 0.0)
        begin_s, end_s = place.begin_s, place.end_s
        if not math.isfinite(begin_s):
            begin_s = place.scope.second(first)
        if not math.isfinite(end_s):
            end_s = place.scope.second(last) if len(markers) > 1 else begin_s + number(audio, "duration")
        return begin_s, end_s

    def _points(self, points: Element, place: _Place) -> None:
        """Read automation of a parameter of the mixer; that of a clip's gain is read where the clip is."""
        target = points.find("Target")
        expression = target.get("expression") if target is not None else None
        if expression is not None:
            if expression != "gain" or not place.in_clip:
                self._remark(place, Kind.CLIP_AUTOMATION(expression[:40]))
            return
        parameter = target.get("parameter") if target is not None else None
        if parameter is None:
            return
        if place.in_clip:
            self._remark(place, Kind.AUTOMATION("a parameter, within a clip"))
            return
        lane = self._lane(points, place.scope)
        if lane.points:
            self.lanes[parameter] = lane

    def _lane(self, points: Element, scope: TimeScope) -> AimedLane:
        written = [
            (number(point, "time"), _value(point), point.get("interpolation", "hold") != "linear")
            for point in points
            if point.tag in _POINTS
        ]
        self._count(len(written))
        written.sort(key=lambda point: point[0])
        timed = list(self._timed(written, scope))
        return AimedLane(
            tuple((second, value) for second, value, _ in timed), tuple(hold for *_, hold in timed), points.get("unit")
        )

    def _timed(self, points: list[tuple[float, float, bool]], scope: TimeScope) -> Iterator[tuple[float, float, bool]]:
        """Put points into seconds, with more where a line over beats bends because the tempo changes."""
        for (time, value, hold), following in zip(points, (*points[1:], None), strict=True):
            second = scope.second(time)
            yield second, value, hold
            if following is None or hold or scope.unit != "beats" or following[0] <= time or following[1] == value:
                continue
            slope = (following[1] - value) / (following[0] - time)
            for bend_s in scope.tempo.bends(second, scope.second(following[0])):
                self._count()
                yield bend_s, value + slope * (scope.time(bend_s) - time), hold

    def _with_gain(self, lanes: Element, place: _Place) -> _Place:
        """Return the place with the gain that a clip's lanes give to the audio beside it."""
        if not place.in_clip:
            return place
        for points in lanes.iterfind("Points"):
            target = points.find("Target")
            if target is not None and target.get("expression") == "gain":
                unit = _unit(points, "timeUnit")
                lane = self._lane(points, place.scope.measured_in(unit) if unit else place.scope)
                gain = automation(lane, linear) if lane.points else None
                if gain is not None:
                    place = replace(place, gains=(*place.gains, gain))
                elif lane.points:
                    self._remark(place, Kind.CLIP_AUTOMATION("gain"))
        return place

    def _length_s(self, at_s: float, length: float, unit: TimeUnit) -> float:
        if unit == "seconds" or not length or not math.isfinite(at_s):
            return length if unit == "seconds" else 0.0
        return self._tempo.second(self._tempo.beat(at_s) + length) - at_s

    def _remark(self, place: _Place, what: str) -> None:
        self.remarks[Remark(place.track or "", place.name if place.in_clip else "", what)] = None

    def _count(self, visits: int = 1) -> None:
        self._visits += visits
        if self._visits > MOST_VISITS:
            raise MalformedError("its clips contain and repeat each other far more often than any project's")


@dataclass(frozen=True)
class _Place:
    """Where in the arrangement something stands, and what the clips around it do to it."""

    scope: TimeScope
    track: str | None = None
    begin_s: float = -math.inf
    end_s: float = math.inf
    name: str = ""
    mute: bool = False
    fades: tuple[FadeSpan, ...] = ()
    gains: tuple[Automation, ...] = ()
    loop: tuple[float, float] | None = None
    in_clip: bool = False
    notes: tuple[str, ...] = ()
    references: frozenset[Element] = frozenset()
    depth: int = 0

    def within(self, element: Element) -> _Place:
        """Go inside an element, whose own attributes hold."""
        if self.depth >= _DEEPEST:
            raise MalformedError(f"its timelines lie in each other more than {_DEEPEST} deep")
        unit = _unit(element, "timeUnit")
        scope = self.scope.measured_in(unit) if unit and unit != self.scope.unit else self.scope
        return replace(self, scope=scope, track=element.get("track") or self.track, depth=self.depth + 1)

    def noting(self, what: str) -> _Place:
        """Add a note."""
        return replace(self, notes=(*self.notes, what))


def _value(point: Element) -> float:
    return float(is_true(point, "value", False)) if point.tag == "BoolPoint" else number(point, "value")


def _unit(element: Element, name: str) -> TimeUnit | None:
    match element.get(name):
        case "beats":
            return "beats"
        case "seconds":
            return "seconds"
        case _:
            return None
