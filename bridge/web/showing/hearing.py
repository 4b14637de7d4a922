"""What the page plays: loops rendered by the runtime, and how loud each strip is in them.

A strip is rendered again only when its stages change (:class:`mixbridge.runtime.rendering.takes.Takes`); a fader, a pan
or a send costs a sum.
"""

from __future__ import annotations

import io
import math
from collections import deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, Literal

import numpy as np
from scipy.io import wavfile

from ....presets.console import Master, Strip
from ....presets.editing.changing_inserts import without_inserts
from ....presets.editing.passages import beginning_at
from ....presets.errors import PresetError
from ....presets.lanes.values import bus_at
from ....presets.preset import GroupBus, Preset, Track
from ....presets.units import decibels, gain_factor
from ....runtime.audio.loudness import integrated_loudness
from ....runtime.audio.peaks import true_peak_db
from ....runtime.audio.reading import Samples, as_stereo, read_passage
from ....runtime.console.buses import group_stem
from ....runtime.console.dynamics import compressor_work, equalized, followed_db
from ....runtime.console.response import compressor_gain_db
from ....runtime.mastering.fitting import rendering_again
from ....runtime.model.excerpts import choose_start_s
from ....runtime.rendering.finishing import Levels
from ....runtime.rendering.in_memory import Rendered, render_arrays
from ....runtime.rendering.render import RenderOptions
from ....runtime.rendering.takes import Takes
from ...report.listening import SoundFigures, measure
from ..material import Heard, PageReference

Version = Literal["mix", "predicted", "raw", "reference"]
VERSIONS: Final[tuple[Version, ...]] = ("mix", "predicted", "raw", "reference")

# Versions are compared at one loudness; few have peaks more than 19 dB above it.
_LEVEL_LUFS: Final = -20.0
_CEILING_DBFS: Final = -1.0
_STEP_S: Final = 0.05
_FLOOR_DB: Final = -90.0
_MOST_KEPT: Final = 4


@dataclass(frozen=True)
class LoopSound:
    """A loop to play.

    Attributes:
        samples: shape (2, n), as the runtime rendered them.
        sample_rate_hz: their rate.
        gain_db: brings it to the level at which all versions are compared.
    """

    samples: Samples
    sample_rate_hz: int
    gain_db: float

    def wav(self) -> bytes:
        """The samples as a WAV file of 32-bit floats: nothing is rounded or clipped.

        The same sound is the same file; libsndfile would write the time of day into it.
        """
        file = io.BytesIO()
        wavfile.write(file, self.sample_rate_hz, np.ascontiguousarray(self.samples.T))
        return file.getvalue()


@dataclass(frozen=True)
class Meters:
    """Levels over a loop, one each 50 ms.

    Attributes:
        step_s: from one to the next.
        peaks_db: highest sample, by track name, group, and "" for the mix, at the level at which it is played.
        reduced_db: what the compressor takes, 0 or more, by track name and group, and "" for the master.
        loudness_lufs: of the whole mix as the preset makes it; None for silence.
        finished_lufs: likewise, brought to the loudness that a rendered mix has.
    """

    step_s: float
    peaks_db: Mapping[str, list[float]]
    reduced_db: Mapping[str, list[float]]
    loudness_lufs: float | None
    finished_lufs: float | None


class Hearing:
    """Renders a loop.

    Args:
        heard: the loop in memory, whose arrays must not change.
        references: songs that can be heard beside it; each is read when it is asked for.
        before: what heard the same loop with other references: nothing of it is rendered again.

    Attributes:
        takes: strips that were rendered on it.
    """

    def __init__(self, heard: Heard, references: Sequence[PageReference] = (), before: Hearing | None = None) -> None:
        self.heard, self._references = heard, references
        self.takes: Takes = Takes() if before is None else before.takes
        self._lock, self._reading = Lock(), Lock()
        self._songs: dict[Path, Samples] = {}
        self._reduced: dict[str, tuple[Hashable, list[float]]] = {}
        self._kept: deque[tuple[Preset, Rendered]] = deque(maxlen=_MOST_KEPT)
        if before is not None:
            self._songs, self._reduced, self._kept = before._songs, before._reduced, before._kept
            self._lock, self._reading = before._lock, before._reading

    def reference(self, number: int | None = None) -> Samples | None:
        """The fullest part of a reference, as long as the loop or shorter; None where there is none.

        Args:
            number: which; None for the one that weighs most.

        Raises:
            PresetError: there is none of this number.
            AudioError: its file cannot be read.
        """
        if number is None:
            if not self._references:
                return None
            number = max(range(len(self._references)), key=lambda at: self._references[at].weight)
        if number >= len(self._references):
            raise PresetError(f"there is no reference {number + 1}.")
        path, length_s = self._references[number].path, self.heard.loop.length_s
        with self._reading:
            if path not in self._songs:
                start_s = choose_start_s([path], length_s)
                self._songs[path] = read_passage(path, start_s, length_s, self.heard.sample_rate_hz)
            return self._songs[path]

    def sound(
        self, version: Version, preset: Preset, solo: Collection[str] = (), number: int | None = None
    ) -> LoopSound:
        """What is played.

        Args:
            version: the stems through the preset, as they came, or the reference.
            preset: the settings; not looked at for the other two.
            solo: tracks that are heard alone, at the level that they have in the mix.
            number: which reference; None for the one that weighs most.

        Raises:
            PresetError: there is no such reference, or the settings overflow.
        """
        heard = self.heard
        match version:
            case "reference":
                song = self.reference(number)
                if song is None:
                    raise PresetError("there is no reference: drop a song on the page")
                samples = as_stereo(song)
            case "raw":
                samples = _summed(heard.stems)
            case _:
                samples = self.rendered(preset).mix
        gain_db = _gain_db(samples, heard.sample_rate_hz)
        if solo and version != "reference":
            alone = preset if version != "raw" else Preset(tracks=tuple(Track(name=name) for name in heard.stems))
            samples = self.rendered(_soloed(alone, solo)).mix
        return LoopSound(samples, heard.sample_rate_hz, gain_db)

    def meters(self, preset: Preset, solo: Collection[str] = ()) -> Meters:
        """How loud each strip is, and what its compressor takes, as :meth:`sound` plays it."""
        rate_hz = self.heard.sample_rate_hz
        whole = self.rendered(preset)
        rendered = self.rendered(_soloed(preset, solo)) if solo else whole
        factor = gain_factor(_gain_db(whole.mix, rate_hz))
        parts = {**rendered.stems, **rendered.buses, "": rendered.mix}
        frames = next(iter(self.heard.stems.values())).shape[1]
        peaks = {name: _peaks_db(part[:, :frames] * factor, rate_hz) for name, part in parts.items()}
        reduced = {
            track.name: self._reduced_by(track)
            for track in preset.tracks
            if track.strip.compressor.ratio > 1 and track.name in rendered.stems
        }
        reduced |= {
            group_stem(bus.name): self._group_reduced(rendered, preset, bus)
            for bus in preset.buses
            if bus.strip.compressor.ratio > 1 and not bus.mute and group_stem(bus.name) in rendered.buses
        }
        master = beginning_at(preset, self.heard.loop.start_s).master
        if master.compressor.ratio > 1:
            reduced[""] = _master_reduced_db(rendered.bus, rate_hz, master)
        loudness = integrated_loudness(whole.mix, rate_hz)
        if not math.isfinite(loudness):
            return Meters(_STEP_S, peaks, reduced, None, None)
        return Meters(_STEP_S, peaks, reduced, loudness, loudness + _finishing_db(preset, whole.mix, loudness))

    @cached_property
    def figures(self) -> tuple[SoundFigures, SoundFigures | None]:
        """All tracks together, as they came, and the reference in figures."""
        rate_hz, reference = self.heard.sample_rate_hz, self.reference()
        return measure(_summed(self.heard.stems), rate_hz), None if reference is None else measure(reference, rate_hz)

    def rendered(self, preset: Preset) -> Rendered:
        """The loop through a preset, cut to its length; silence where every track is muted.

        Raises:
            PresetError: the settings overflow.
        """
        with self._lock:  # one at a time: two would share two cores and both come late
            for known, rendered in self._kept:
                if known == preset:
                    return rendered
            rendered = self._render(preset)
            self._kept.append((preset, rendered))
            return rendered

    def _reduced_by(self, track: Track) -> list[float]:
        """What the compressor of a track takes; found again only where it, or what comes before it, was moved."""
        strip = bus_at(track.strip, track.lanes, self.heard.loop.start_s)
        settings = strip.input_gain_db, strip.eq, strip.compressor
        known = self._reduced.get(track.name)
        if known is None or known[0] != settings:
            known = settings, _reduced_db(self.heard.stems[track.name], self.heard.sample_rate_hz, strip)
            self._reduced[track.name] = known
        return known[1]

    def _group_reduced(self, rendered: Rendered, preset: Preset, bus: GroupBus) -> list[float]:
        """What the compressor of a group takes of the sum of its tracks, as they come out of theirs."""
        frames = next(iter(self.heard.stems.values())).shape[1]
        total = np.zeros((2, frames), np.float32)
        for track in preset.tracks:
            if track.bus == bus.name and track.name in rendered.stems:
                total += rendered.stems[track.name][:, :frames]
        strip = bus_at(bus.strip, bus.lanes, self.heard.loop.start_s)
        return _reduced_db(total, self.heard.sample_rate_hz, strip)

    def _render(self, preset: Preset) -> Rendered:
        playing = {track.name for track in preset.tracks if not track.mute}
        stems = {name: stem for name, stem in self.heard.stems.items() if name in playing}
        frames = next(iter(self.heard.stems.values())).shape[1]
        if not stems:
            silence = np.zeros((2, frames), np.float32)
            return Rendered(silence, silence, {}, {})
        rendered = render_arrays(
            stems, self.heard.sample_rate_hz, beginning_at(without_inserts(preset), self.heard.loop.start_s), self.takes
        )
        return Rendered(rendered.mix[:, :frames], rendered.bus[:, :frames], rendered.stems, rendered.buses)


def _soloed(preset: Preset, solo: Collection[str]) -> Preset:
    tracks = (track.model_copy(update={"mute": track.mute or track.name not in solo}) for track in preset.tracks)
    return preset.model_copy(update={"tracks": tuple(tracks)})


def _summed(stems: Mapping[str, Samples]) -> Samples:
    frames = next(iter(stems.values())).shape[1]
    total = np.zeros((2, frames), np.float32)
    for stem in stems.values():
        total += as_stereo(stem)
    return total


def _finishing_db(preset: Preset, mix: Samples, loudness_lufs: float) -> float:
    """The gain that rendering gives a mix at the end: to its loudness, and no further than the limiter may work."""
    target = rendering_again(preset, RenderOptions()).levels
    if target.loudness_lufs is None:
        return 0.0
    levels = Levels(loudness_lufs, true_peak_db(mix))
    return min(target.loudness_lufs - loudness_lufs, target.highest_gain_db(levels, target.ceiling_dbtp))


def _gain_db(samples: Samples, rate_hz: int) -> float:
    """Brings a sound to the level of comparison; no peak of it over the ceiling."""
    loudness = integrated_loudness(samples, rate_hz)
    if not math.isfinite(loudness):
        return 0.0
    return min(_LEVEL_LUFS - loudness, _CEILING_DBFS - decibels(float(np.abs(samples).max())))


def _peaks_db(samples: Samples, rate_hz: int) -> list[float]:
    peaks = _steps(np.abs(samples).max(axis=0), rate_hz).max(axis=1)
    return [round(max(_FLOOR_DB, decibels(float(peak))), 1) if peak > 0 else _FLOOR_DB for peak in peaks]


def _reduced_db(stem: Samples, rate_hz: int, strip: Strip) -> list[float]:
    shaped = equalized(stem, rate_hz, strip.eq)
    levels_db = followed_db(np.abs(shaped).max(axis=0), rate_hz, strip.compressor) + strip.input_gain_db
    gains_db = compressor_gain_db(strip.compressor, levels_db)
    reduced = _steps(-gains_db.astype(np.float32), rate_hz).max(axis=1)
    return [round(float(value), 1) for value in reduced]


def _master_reduced_db(bus: Samples, rate_hz: int, master: Master) -> list[float]:
    work = compressor_work(bus, rate_hz, master.input_gain_db, master.eq, master.compressor, master.match)
    gains_db = compressor_gain_db(master.compressor, work.levels_db + master.input_gain_db)
    reduced = _steps(-np.asarray(gains_db, np.float32), rate_hz).max(axis=1)
    return [round(float(value), 1) for value in reduced]


def _steps(line: Samples, rate_hz: int) -> Samples:
    """Cut a line of samples into steps, the last one filled up: shape (steps, samples)."""
    step = max(1, round(_STEP_S * rate_hz))
    return np.pad(line, (0, -len(line) % step)).reshape(-1, step)
