"""Ardour's regions as clips: which files their channels come from, their gain, their fades, their layer.

A region names a source for each of its channels, and a source is one channel of one file. A fade stands in the file as
a curve, and with it the curve of what it fades out below; short default fades are left out of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from ....presets.errors import AudioError
from ....presets.units import decibels
from ..core.kinds import Kind
from ..core.media import Resolver, shown
from ..core.model import NO_FADE, Automation, Clip, Fade, Interpolation, SessionNote
from ..stems.material import FileInfo, FilePool
from .xml import Clock, FaultError, flag, number, points, whole, within

INTERPOLATIONS: dict[str, Interpolation] = {
    "Discrete": "hold",
    "Linear": "linear",
    "Curved": "curved",
    "Logarithmic": "decibel",
    "Exponential": "ardour_gain",
}
MOST_CHANNELS = 64
# What Ardour gives a region that never got a fade: 64 frames of constant power, drawn with 33 points, of which those
# between stand on the whole frame before their place.
_DEFAULT_FRAMES, _DEFAULT_STEPS = 64, 32
_SILENCE = 1e-7


@dataclass(frozen=True)
class Source:
    """One channel of one file.

    Attributes:
        path: None if the file is missing, or there is none.
        channel: of the file, from 0.
        gain: linear.
        fault: why it has no file although none is missing.
    """

    path: Path | None
    channel: int
    gain: float = 1.0
    fault: str = ""


@dataclass
class Sources:
    """The sources of a session, found when a region needs them: sessions keep many that nothing uses any more.

    Attributes:
        nodes: by id.
        resolver: finds their files.
        places: folders for audio, relative to the session's.
        pool: tells what the files are.
    """

    nodes: dict[str, Element]
    resolver: Resolver
    places: tuple[str, ...]
    pool: FilePool
    _found: dict[str, Source] = field(default_factory=dict)

    def source(self, identity: str) -> Source:
        """Return a source by its id.

        Raises:
            FaultError: there is none.
            SessionError: its file lies outside the session's folder.
        """
        if identity not in self._found:
            node = self.nodes.get(identity)
            if node is None:
                raise FaultError(f"it uses the source {shown(identity)!r}, which the session does not have")
            self._found[identity] = self._read(node)
        return self._found[identity]

    def layout(self, sources: Sequence[Source]) -> tuple[tuple[Path, ...], tuple[int, ...] | None]:
        """List the files of some sources, each once, and which of all their channels are taken; None for all."""
        files = tuple(dict.fromkeys(source.path for source in sources if source.path))
        firsts, first = {}, 0
        for path in files:
            info = self._info(path)
            firsts[path] = first
            first += info.channels if info else 1
        rows = tuple(firsts[source.path] + source.channel for source in sources if source.path)
        return files, None if rows == tuple(range(first)) else rows

    def stretch(self, path: Path, sample_rate_hz: int) -> float:
        """Return the stretch of a file of another rate: Ardour plays it frame for frame, like a tape."""
        info = self._info(path)
        if info is None:
            return 1.0
        exact = info.sample_rate_hz / sample_rate_hz
        # So that dividing by it gives the session's rate to the last bit, and nothing is resampled.
        near = (exact, math.nextafter(exact, 0), math.nextafter(exact, 2 * exact))
        return next((value for value in near if info.sample_rate_hz / value == sample_rate_hz), exact)

    def _info(self, path: Path) -> FileInfo | None:
        """Return what a file has; None if it cannot be read, which whoever reads its sound says better."""
        try:
            return self.pool.info(path)
        except AudioError:
            return None

    def _read(self, node: Element) -> Source:
        if node.get("playlist") is not None:
            return Source(None, 0, fault=Kind.COMPOUND())
        if node.get("type", "audio") != "audio":
            return Source(None, 0, fault=Kind.MIDI())
        channel = whole(node.get("channel", "0"), "channel")
        if not 0 <= channel < MOST_CHANNELS:
            raise FaultError(f"it takes channel {channel} of a file")
        return Source(self._file(node.get("name", "")), channel, number(node, "gain", 1))

    def _file(self, name: str) -> Path | None:
        if name and "/" not in name:
            for place in self.places:
                if (self.resolver.folder / place / name).is_file():
                    return self.resolver.find(f"{place}/{name}")
        return self.resolver.find(name, under=self.places)


@dataclass(frozen=True)
class ClipReader:
    """Makes clips of regions.

    Attributes:
        clock: of the session.
        sources: of the session.
        with_fades: the session's switch for all fades of regions.
    """

    clock: Clock
    sources: Sources
    with_fades: bool = True

    def clip(self, region: Element, channels: int) -> Clip | SessionNote | None:
        """Make a clip of a region; say what it is if it cannot be rendered; None if its file is missing.

        Args:
            region: its node in a playlist.
            channels: of the track.

        Raises:
            FaultError: it holds what no region does.
        """
        name = region.get("name", "")
        with within(f"region {shown(name)!r}"):
            return self._clip(region, name, channels)

    def _clip(self, region: Element, name: str, channels: int) -> Clip | SessionNote | None:
        count = whole(region.get("channels", "1"), "channels")
        if not 1 <= count <= MOST_CHANNELS:
            raise FaultError(f"it has {count} channels")
        sources = [self.sources.source(region.get(f"source-{n}", "")) for n in range(min(count, channels))]
        fault = next((source.fault for source in sources if source.fault), "")
        if fault:
            return SessionNote("", name, fault)
        if any(source.path is None for source in sources):
            return None
        files, rows = self.sources.layout(sources)
        gain = number(region, "scale-amplitude", 1) * sources[0].gain
        position, length = self._span(region)
        return Clip(
            source=files[0],
            position=position,
            length=length,
            source_offset=self.clock.frames(region.get("start", "a0"), "start"),
            gain_db=decibels(abs(gain)),
            polarity=gain < 0,
            fade_in=self._fade(region, "in"),
            fade_out=self._fade(region, "out"),
            channels=rows,
            mute=flag(region, "muted"),
            stretch=self.sources.stretch(files[0], self.clock.sample_rate_hz),
            envelope=self._envelope(region),
            layer=whole(region.get("layering-index", "0"), "layer"),
            opaque=flag(region, "opaque", True),
            split=files[1:],
            name=name,
            notes=tuple(_clip_notes(region, sources)),
        )

    def _span(self, region: Element) -> tuple[int, int]:
        length = region.get("length", "")
        if "@" not in length:  # Ardour 6
            length = f"{length}@{region.get('position', '')}"
        return self.clock.span(length, "length")

    def _fade(self, region: Element, end: str) -> Fade:
        if not (self.with_fades and flag(region, f"fade-{end}-active", True)):
            return NO_FADE
        title = f"Fade{end.title()}"
        curve = self._curve(region, title)
        if not curve:
            return _default_fade(end)
        return Fade(round(curve[-1][0]), "points", curve, self._curve(region, f"Inverse{title}"), includes_end=True)

    def _curve(self, region: Element, tag: str) -> tuple[tuple[float, float], ...]:
        curve = points(region.find(f"{tag}/AutomationList/events"), tag)
        return tuple((self.clock.exact_frames(time, tag), value) for time, value in curve)

    def _envelope(self, region: Element) -> Automation | None:
        if not flag(region, "envelope-active"):
            return None
        automation = read_automation(region.find("Envelope/AutomationList"), self.clock, "envelope")
        if automation and all(abs(value - 1) < 2 * _SILENCE for _, value in automation.points):
            return None
        return automation


def read_automation(node: Element | None, clock: Clock, name: str) -> Automation | None:
    """Read a list of points; None if there are none.

    Raises:
        FaultError: it holds what no list does.
    """
    events = [] if node is None else points(node.find("events"), name)
    if node is None or not events:
        return None
    style = INTERPOLATIONS.get(node.get("interpolation-style", "Linear"))
    if style is None:
        raise FaultError(f"its {name} runs {node.get('interpolation-style', '')[:40]!r} between its points")
    return Automation(tuple((clock.seconds(time, name), value) for time, value in events), style)


def _clip_notes(region: Element, sources: Sequence[Source]) -> Iterator[str]:
    if len({source.gain for source in sources}) > 1:
        yield Kind.CHANNEL_GAIN()
    if region.find("RegionFXPlugin") is not None:  # Ardour 8
        yield Kind.CLIP_EFFECTS()


def _default_fade(end: str) -> Fade:
    first, last = (_SILENCE, 1.0) if end == "in" else (1.0, _SILENCE)
    turn = math.sin if end == "in" else math.cos
    shares = [step / (_DEFAULT_STEPS + 1) for step in range(1, _DEFAULT_STEPS)]
    between = [(float(int(_DEFAULT_FRAMES * share)), turn(share * math.pi / 2)) for share in shares]
    curve = ((0.0, first), *between, (float(_DEFAULT_FRAMES), last))
    under = tuple((_DEFAULT_FRAMES - frame, value) for frame, value in reversed(curve))
    return Fade(_DEFAULT_FRAMES, "points", curve, under, includes_end=True)
