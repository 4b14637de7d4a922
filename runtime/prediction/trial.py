"""Settings tried on the passage that was heard: rendered in memory, measured against the reference, or made plainer.

The plain mix is what anybody has without a model: the mix by role where it is known what each track is, else all tracks
equally loud in the centre, no EQ, no compression. It is what a prediction has to beat, and what it gives way to where
it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ...presets import console
from ...presets.console import Master, Parameter, Strip, parameters
from ...presets.edit import blended, scaled
from ...presets.preset import Preset
from ..audio.reading import Samples, as_stereo
from ..model.analysis import Passage
from ..model.features import feature_distance
from ..model.layout import balance_gain_db
from ..rendering.in_memory import Rendered, render_arrays, render_mix
from .casting import Cast, takes_of
from .target import FeatureTarget

Bus = TypeVar("Bus", bound=Strip | Master)

AMOUNTS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""How much of a prediction is tried, from all of it down to the plain mix."""

# Sides this far below the middle of their band sound like none: with a lower floor any settings that pan a little
# would seem better than the plain mix.
HEARD_SIDE_DB = 20.0
_SOUNDING = ("tracks", "buses", "master", "fx_bus", "reverb", "delay")


@dataclass(frozen=True)
class Trial:
    """A passage and a reference to try settings on.

    Attributes:
        passage: the tracks.
        reference: shape (1 or 2, samples), any length from 0.4 s.
        sample_rate_hz: of both.
        level_lufs: loudness that the plain mix brings every track to.
        by_role: the plain mix by role; None where nobody knows what the tracks are.
        cast: who plays what.
    """

    passage: Passage
    reference: Samples
    sample_rate_hz: int
    level_lufs: float
    by_role: Preset | None = None
    cast: Cast = field(default_factory=Cast)
    # The latest render and its preset: rails and confidence look at the same mix, one after the other.
    _latest: list[tuple[Preset, Rendered]] = field(default_factory=list, init=False, repr=False, compare=False)
    _distances: list[tuple[Preset, float]] = field(default_factory=list, init=False, repr=False, compare=False)

    def playing(self, preset: Preset) -> Mapping[str, Samples]:
        """The tracks that are heard under these settings, by name."""
        tried = self.passage.tried
        return {track.name: tried[track.name] for track in preset.tracks if not track.mute and track.name in tried}

    def render(self, preset: Preset) -> Rendered:
        """What is tried under these settings; tracks that are silent are left out."""
        for known, rendered in self._latest:
            if _sound_alike(known, preset):
                return rendered
        rendered = render_arrays(*self._heard(preset), takes_of(self.passage))
        self._latest[:] = [(preset, rendered)]
        return rendered

    def _heard(self, preset: Preset) -> tuple[Mapping[str, Samples], int, Preset]:
        """What is rendered: the tracks that play, and the settings for them alone."""
        audio = self.playing(preset)
        tracks = tuple(track for track in preset.tracks if track.name in audio)
        return audio, self.sample_rate_hz, preset.model_copy(update={"tracks": tracks})

    def distance(self, preset: Preset) -> float:
        """How far the mix is from the reference, both at the reference's loudness; infinite for a silent mix."""
        for known, distance in self._distances:
            if _sound_alike(known, preset):
                return distance
        distance = self._measured(preset)
        self._distances.append((preset, distance))
        return distance

    def _measured(self, preset: Preset) -> float:
        mix = next((rendered.mix for known, rendered in self._latest if _sound_alike(known, preset)), None)
        if mix is None:
            mix = render_mix(*self._heard(preset), takes_of(self.passage))
        gain = self._goal.match_gain(mix)
        if gain == 0:
            return float("inf")
        return feature_distance(self._goal.measure(mix, gain), self._goal.features).total

    def plain(self, preset: Preset) -> Preset:
        """The plain mix by role; or all tracks that play equally loud in the centre, where what only shapes stays."""
        if self.by_role is not None:
            return self.by_role.model_copy(update={"provenance": preset.provenance})
        audio = self.playing(preset)
        bare = scaled(preset, 0)
        tracks = tuple(
            track.model_copy(update={"strip": _raised(track.strip, self.level_lufs - self._loudness(track.name))})
            if track.name in audio
            else preset.track(track.name)
            for track in bare.tracks
        )
        master = _raised(bare.master, balance_gain_db([0.0] * len(audio)))
        return bare.model_copy(update={"tracks": tracks, "master": master, "provenance": preset.provenance})

    def nearer_plain(self, preset: Preset, amount: float) -> Preset:
        """The preset at `amount` of its effect on the plain mix: 0 is the plain mix, 1 as it is."""
        if amount == 1:
            return preset
        mixed = blended(self.plain(preset), preset, amount)
        return mixed.model_copy(update={"name": preset.name, "provenance": preset.provenance})

    def _loudness(self, name: str) -> float:
        return self.passage.loudness_lufs[name]

    @cached_property
    def stereo_reference(self) -> Samples:
        """The reference on two channels."""
        return as_stereo(self.reference)

    @cached_property
    def _goal(self) -> FeatureTarget:
        return FeatureTarget.of(self.stereo_reference, self.sample_rate_hz, HEARD_SIDE_DB)


def _sound_alike(one: Preset, other: Preset) -> bool:
    """Whether two presets are the same but for their names and where they come from."""
    return one is other or all(getattr(one, part) == getattr(other, part) for part in _SOUNDING)


def rows(bus: Strip | Master) -> Mapping[str, Parameter]:
    """The console's table of a strip or the master."""
    return parameters(type(bus))


def _raised(bus: Bus, gain_db: float) -> Bus:
    """Give input gain to a bus that has none; thresholds go along, so that they mean the same raw level."""
    moving = {path: row for path, row in rows(bus).items() if row.with_gain == "adds"}
    return console.replace(bus, {path: row.clamp(console.get(bus, path) + gain_db) for path, row in moving.items()})
