"""An Ardour session's file as a tree, and the numbers in it: bounded, finite, in frames and seconds.

Ardour 7 counts in superclocks of 1/282,240,000 s ("a123"), or in ticks of 1/1920 beat where something follows the tempo
("b123"); Ardour 6 counted in frames. Nothing here knows what a track or region is.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ....presets.errors import SessionError
from ....presets.inputs import check_regular, read_regular
from ..core.model import TempoPoint

LARGEST_FILE = 64 * 2**20
MOST_TAGS = 1_500_000
MOST_ATTRIBUTES = 3_000_000
DEEPEST = 64
MOST_POINTS = 1_000_000
TICKS_PER_BEAT = 1920
SUPERCLOCK_HZ = 282_240_000
# Nothing in a session is a year away; beyond it sums of such numbers would lose frames.
_FARTHEST_S = 366 * 24 * 3600


# A ramp of tempo is cut into lines over each of which it grows by no more than this share.
_LINE = 0.02


class FaultError(ValueError):
    """Something in the file that no session has; the reader says which file, and :func:`within` where in it."""


def parse(path: Path) -> Element:
    """Parse a session's file.

    Raises:
        SessionError: it cannot be read, is too large or nested too deep, is no XML, or is no Ardour session.
    """
    try:
        size = check_regular(path)
        if size > LARGEST_FILE:
            raise SessionError(f"{path} is {size / 2**20:.0f} MiB long; sessions of up to 64 MiB are read.")
        data = read_regular(path, LARGEST_FILE)
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror or error}.") from error
    # Each costs memory many times its length, so that they are counted before anything is made of them.
    if data.count(b"<") > MOST_TAGS or data.count(b"=") > MOST_ATTRIBUTES:
        raise SessionError(f"{path} has more elements than any session; it was not read.")
    try:
        # Comments are kept, for whoever writes the session again.
        builder = TreeBuilder(insert_comments=True, insert_pis=True)
        parser = ElementTree.DefusedXMLParser(target=builder, forbid_dtd=True)
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise SessionError(
            f"{path} declares a document type or entities, which no session does: it is refused."
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise SessionError(f"{path} is no Ardour session, or is damaged ({error}).") from error
    if root.tag != "Session" or root.get("sample-rate") is None:
        raise SessionError(f"{path} is no Ardour session: its first element is {root.tag[:80]!r}.")
    if _is_deeper(root, DEEPEST):
        raise SessionError(f"{path} is nested deeper than any session: it is refused.")
    return root


@contextmanager
def within(place: str) -> Iterator[None]:
    """Say with this place what is wrong in here."""
    try:
        yield
    except FaultError as fault:
        raise FaultError(f"{place}: {fault}") from fault


def number(node: Element, name: str, default: float | None = None) -> float:
    """Read an attribute that is a finite number; the default if it is not there."""
    text = node.get(name)
    if text is None:
        if default is None:
            raise FaultError(f"its {name} is missing")
        return default
    return finite(text, name)


def finite(text: str, name: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FaultError(f"its {name} is {text[:40]!r}, which is no usable number")
    return value


def whole(text: str, name: str) -> int:
    """Read a whole number."""
    try:
        return int(text) if len(text) < 20 else int("")
    except ValueError:
        raise FaultError(f"its {name} is {text[:40]!r}, which is no whole number") from None


def flag(node: Element, name: str, default: bool = False) -> bool:
    """Read an attribute that is a switch."""
    text = node.get(name)
    return default if text is None else text.lower() in {"1", "yes", "true", "y"}


@dataclass(frozen=True)
class _Tempo:
    superclock: int
    ticks: int
    superclocks_per_beat: float
    growth: float

    def superclock_at(self, ticks: float) -> float:
        beats = (ticks - self.ticks) / TICKS_PER_BEAT
        if self.growth == 0:
            return self.superclock + beats * self.superclocks_per_beat
        # The tempo grows with time by a constant rate, so time passes with the logarithm of the beats.
        inside = self.growth * beats * self.superclocks_per_beat
        if inside <= -1:
            raise FaultError("its tempo map has a ramp that never reaches its end")
        return self.superclock + math.log1p(inside) / self.growth


class Clock:
    """The times of one session.

    Args:
        root: of the session's file.

    Attributes:
        sample_rate_hz: of the session.
        tempo_bpm: quarter notes a minute at the beginning.
    """

    def __init__(self, root: Element):
        self.sample_rate_hz = whole(root.get("sample-rate", ""), "sample rate")
        if self.sample_rate_hz <= 0:
            raise FaultError(f"its sample rate is {self.sample_rate_hz} Hz")
        tempo_map = root.find("TempoMap")
        rate = tempo_map.get("superclocks-per-second") if tempo_map is not None else None
        self._superclock_hz = SUPERCLOCK_HZ if rate is None else whole(rate, "superclocks-per-second")
        if self._superclock_hz <= 0:
            raise FaultError("its superclocks-per-second is not above 0")
        with within("tempo map"):
            self._tempi = sorted(self._read_tempi(tempo_map), key=lambda tempo: tempo.ticks)
        self._ticks = [tempo.ticks for tempo in self._tempi]
        self.tempo_bpm = 60 * self._superclock_hz / self._tempi[0].superclocks_per_beat

    def tempo(self) -> tuple[TempoPoint, ...]:
        """List where the tempo changes, in lines over time; none if it does not."""
        if len({tempo.superclocks_per_beat for tempo in self._tempi}) < 2:
            return ()
        result = []
        for tempo, following in zip(self._tempi, (*self._tempi[1:], None), strict=True):
            length = 0 if following is None or not tempo.growth else following.superclock - tempo.superclock
            if abs(tempo.growth * length) > 100:
                raise FaultError("its tempo map has a ramp that no music has")
            # It grows by the same share in equal times; so much of it is a line.
            parts = max(1, math.ceil(abs(tempo.growth * length) / _LINE))
            for part in range(parts):
                since = length * part / parts
                bpm = 60 * self._superclock_hz / tempo.superclocks_per_beat * math.exp(tempo.growth * since)
                time_s = (tempo.superclock + since) / self._superclock_hz
                result.append(TempoPoint(time_s, bpm, bool(tempo.growth) and following is not None))
        return tuple(result)

    def seconds(self, text: str, name: str) -> float:
        """Read a time in seconds."""
        return self._superclocks(text, name) / self._superclock_hz

    def frames(self, text: str, name: str) -> int:
        """Read a time in the session's frames, rounded as Ardour does."""
        return self._rounded(self._superclocks(text, name))

    def exact_frames(self, text: str, name: str) -> float:
        """Read a time in the session's frames, and parts of them."""
        return self._superclocks(text, name) * self.sample_rate_hz / self._superclock_hz

    def span(self, text: str, name: str) -> tuple[int, int]:
        """Read where something begins and how long it is, in frames, from Ardour's "length@position"."""
        length, _, position = text.partition("@")
        begin = self._superclocks(position, name)
        if length.startswith("b"):
            ticks = whole(length[1:], name) + self._ticks_at(position, begin, name)
            return self._rounded(begin), self._rounded(self._beats(ticks)) - self._rounded(begin)
        return self._rounded(begin), self._rounded(self._superclocks(length, name))

    def _superclocks(self, text: str, name: str) -> float:
        kind, digits = text[:1], text[1:]
        if kind == "a":
            time: float = whole(digits, name)
        elif kind == "b":
            time = self._beats(whole(digits, name))
        else:  # Ardour 6: frames, whole ones or not
            time = finite(text, name) * self._superclock_hz / self.sample_rate_hz
        if abs(time) > _FARTHEST_S * self._superclock_hz:
            raise FaultError(f"its {name} is {text[:40]!r}, which is years away")
        return time

    def _rounded(self, superclocks: float) -> int:
        return math.floor(superclocks * self.sample_rate_hz / self._superclock_hz + 0.5)

    def _beats(self, ticks: float) -> float:
        return self._tempi[max(0, bisect_right(self._ticks, ticks) - 1)].superclock_at(ticks)

    def _ticks_at(self, position: str, superclocks: float, name: str) -> float:
        if position.startswith("b"):
            return whole(position[1:], name)
        tempo = next((item for item in reversed(self._tempi) if item.superclock <= superclocks), self._tempi[0])
        since = superclocks - tempo.superclock
        if tempo.growth:
            if abs(tempo.growth * since) > 100:
                raise FaultError("its tempo map has a ramp that no music has")
            since = math.expm1(tempo.growth * since) / tempo.growth
        return tempo.ticks + since / tempo.superclocks_per_beat * TICKS_PER_BEAT

    def _read_tempi(self, tempo_map: Element | None) -> Iterator[_Tempo]:
        nodes = [] if tempo_map is None else tempo_map.findall("Tempos/Tempo")
        for node in nodes:
            if "sclock" not in node.attrib:  # Ardour 6, where nothing that is read here follows it
                continue
            bpm = number(node, "npm") * 4 / number(node, "note-type", 4) if number(node, "note-type", 4) else 0
            if not 1 <= bpm <= 10_000:
                raise FaultError(f"a tempo of {bpm:g} is none")
            beats, _, ticks = node.get("quarters", "0:0").partition(":")
            place = whole(beats, "quarters") * TICKS_PER_BEAT + whole(ticks or "0", "quarters")
            yield _Tempo(
                whole(node.get("sclock", ""), "sclock"),
                place,
                self._superclock_hz * 60 / bpm,
                number(node, "omega", 0),
            )
        if not any("sclock" in node.attrib for node in nodes):
            yield _Tempo(0, 0, self._superclock_hz / 2, 0)


def points(events: Element | None, name: str) -> list[tuple[str, float]]:
    """Read the lines of a list of events: a time as written, and a value."""
    text = "" if events is None else events.text or ""
    lines = text.split("\n", MOST_POINTS)
    if len(lines) > MOST_POINTS:
        raise FaultError(f"its {name} has more than {MOST_POINTS} points")
    result = []
    for line in lines:
        words = line.split()
        if len(words) >= 2:
            result.append((words[0], finite(words[1], name)))
        elif words:
            raise FaultError(f"its {name} has the point {line[:40]!r}")
    return result


def _is_deeper(root: Element, most: int) -> bool:
    level = [root]
    for _ in range(most):
        level = [child for node in level for child in node]
        if not level:
            return False
    return True
