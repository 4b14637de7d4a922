"""Clips and automation of a session as elements of a DAWproject, in seconds; and which clips it has no words for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from ....presets.units import gain_factor
from ..core.model import Automation, Clip, Interpolation, SessionTrack
from ..stems.material import FilePool

_SPOKEN: tuple[Interpolation, ...] = ("linear", "hold")


@dataclass(frozen=True)
class PackedSource:
    """A file as a project names it.

    Attributes:
        path: in the zip, or from the project's folder.
        external: it is not in the zip.
        sample_rate_hz: its own.
        channels: of it.
        frames: of it.
    """

    path: str
    external: bool
    sample_rate_hz: int
    channels: int
    frames: int


def unspoken(track: SessionTrack, pool: FilePool) -> str | None:
    """Say why a track's clips cannot be written as they are; None if they can.

    Raises:
        AudioError: a file cannot be read.
    """
    for clip in track.clips:
        if not clip.mute and (reason := _unspoken(clip, pool)):
            return reason
    end = end_of_opaque = -math.inf
    for clip in sorted(track.clips, key=lambda clip: clip.position):
        if clip.mute or not clip.length:
            continue
        if clip.position < (end if clip.opaque else end_of_opaque):
            return "clips that hide each other"
        end = max(end, clip.end)
        end_of_opaque = max(end_of_opaque, clip.end if clip.opaque else end_of_opaque)
    return None


def clip_element(clip: Clip, source: PackedSource, rate_hz: int, *, crossfades: bool = False) -> Element:
    """Make the element of a clip with its file.

    Args:
        clip: one that can be written as it is.
        source: its file.
        rate_hz: of the session.
        crossfades: its fade-in is one end of a crossfade: in the format, that lies before the clip.
    """
    # Seconds of the clip for a frame of the file.
    step_s = clip.stretch / source.sample_rate_hz
    play_start_s = clip.source_offset * step_s
    begin_s, length_s = clip.position / rate_hz, clip.length / rate_hz
    # What is before the file or the song is silent, or not heard.
    late_s = min(length_s, max(0.0, -begin_s, -play_start_s))
    fade_in_s = max(0.0, clip.fade_in.length / rate_hz - late_s)
    if crossfades and fade_in_s < length_s - late_s:
        late_s, fade_in_s = late_s + fade_in_s, -fade_in_s
    element = Element(
        "Clip",
        time=repr(begin_s + late_s),
        duration=repr(length_s - late_s),
        contentTimeUnit="seconds",
        playStart=repr(play_start_s + late_s),
        fadeTimeUnit="seconds",
        fadeInTime=repr(fade_in_s),
        fadeOutTime=repr(clip.fade_out.length / rate_hz),
        name="".join(letter if letter.isprintable() else "?" for letter in clip.label),
    )
    if clip.loop_frames is not None:
        element.set("loopStart", repr(clip.loop_start * step_s))
        element.set("loopEnd", repr((clip.loop_start + clip.loop_frames) * step_s))
    if clip.mute:
        element.set("enable", "false")
    content = _content(clip, source)
    gain = _gain_points(clip, play_start_s)
    if gain is None:
        element.append(content)
    else:
        lanes = SubElement(element, "Lanes")
        lanes.extend((content, gain))
    return element


def points_element(
    target: Mapping[str, str], points: Sequence[tuple[float, float]], unit: str, interpolation: Interpolation
) -> Element:
    """Make the element of automation: (second, value) in a unit."""
    element = Element("Points", unit=unit, timeUnit="seconds")
    SubElement(element, "Target", dict(target))
    how = "hold" if interpolation == "hold" else "linear"
    for time, value in points:
        SubElement(element, "RealPoint", time=repr(time), value=repr(value), interpolation=how)
    return element


def points_of(what: str, automation: Automation, parameter: str, more: float = 1.0) -> Element:
    """Make the automation of a "volume" or "pan", whose element has this id; factors times `more`."""
    points = automation.points
    if what == "pan":
        points = tuple((time, (value + 1) / 2) for time, value in points)
    elif more != 1:
        points = tuple((time, value * more) for time, value in points)
    unit = "normalized" if what == "pan" else "linear"
    return points_element({"parameter": parameter}, points, unit, automation.interpolation)


def tempo_element(tempo: str, changes: Sequence[tuple[float, float, bool]]) -> Element:
    """Make the element of changes of tempo: (beat, beats per minute, whether it runs in a line to the next)."""
    element = Element("TempoAutomation", unit="bpm", timeUnit="beats")
    SubElement(element, "Target", parameter=tempo)
    for beat, bpm, is_line in changes:
        how = "linear" if is_line else "hold"
        SubElement(element, "RealPoint", time=repr(beat), value=repr(bpm), interpolation=how)
    return element


def _content(clip: Clip, source: PackedSource) -> Element:
    length_s = source.frames / source.sample_rate_hz
    audio = Element(
        "Audio",
        timeUnit="seconds",
        duration=repr(length_s),
        sampleRate=str(source.sample_rate_hz),
        channels=str(source.channels),
    )
    SubElement(audio, "File", path=source.path, external="true" if source.external else "false")
    if clip.stretch == 1:
        return audio
    audio.set("algorithm", "repitch")
    warps = Element("Warps", timeUnit="seconds", contentTimeUnit="seconds")
    warps.append(audio)
    for time in (0.0, length_s):
        SubElement(warps, "Warp", time=repr(time * clip.stretch), contentTime=repr(time))
    return warps


def _gain_points(clip: Clip, play_start_s: float) -> Element | None:
    """Make the clip's own gain over its content's time; None if it has none."""
    level = gain_factor(clip.gain_db)
    if clip.envelope is None:
        points: Sequence[tuple[float, float]] = [(0.0, level)]
        if clip.gain_db == 0:
            return None
    else:
        points = [(play_start_s + time, level * value) for time, value in clip.envelope.points]
    interpolation: Interpolation = "hold" if clip.envelope is None else clip.envelope.interpolation
    return points_element({"expression": "gain"}, points, "linear", interpolation)


def _unspoken(clip: Clip, pool: FilePool) -> str | None:
    if clip.reverse:
        return "a clip that is turned round"
    if clip.polarity:
        return "a clip with inverted polarity"
    if clip.split or clip.downmix:
        return "a clip whose channels are put together anew"
    if clip.channels is not None and clip.channels != tuple(range(pool.info(clip.source).channels)):
        return "a clip that takes some channels of its file"
    if clip.envelope is not None and clip.envelope.interpolation not in _SPOKEN:
        return "a clip with a curved gain"
    return None
