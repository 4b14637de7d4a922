"""What is behind the strips: group buses, effect buses, and the sum of everything, all in time.

Group buses have latency (look-ahead, oversampling). Everything else waits for the slowest of them, and what comes out
first, belonging to no input, is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

import numpy as np

from ...presets.console import Delay, FxBus, Reverb, Strip
from ...presets.errors import PresetError
from ...presets.lanes.lane import Lane
from ...presets.preset import Preset
from ..audio.reading import Samples
from .effects.buses import BUSES, EffectBuses, tail_of, used_buses
from .moving.courses import Motion
from .moving.levels import sends_of
from .primitives import BUFFER_FRAMES, Hold
from .strip import ChannelOutput, Stages, loudest_sends

# Where a track without a group goes.
MIX: Final = "mix"
# One block of the sums of strips, shape (2, n), by destination: the mix, groups by name, effects by name.
DrySums = dict[str, Samples]
AnyLevel = TypeVar("AnyLevel")


class Routed(Protocol):
    """A track, as far as the buses have to know it."""

    @property
    def strip(self) -> Strip:
        """Its settings."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """Its settings that move."""

    @property
    def bus(self) -> str | None:
        """Name of its group."""


class Sized(Routed, Protocol):
    """A track whose length is known."""

    @property
    def frames(self) -> int:
        """Samples per channel."""


@dataclass(frozen=True)
class Buses:
    """Settings of all buses before the master.

    Attributes:
        groups: strips of the group buses by name; one that no input goes to does nothing.
        muted: names of groups that are left out of the mix.
        fx_bus: the reverb in twelve bands.
        reverb: the room.
        delay: the echoes.
        lanes: of groups, by name.
    """

    groups: Mapping[str, Strip] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    fx_bus: FxBus = field(default_factory=FxBus)
    reverb: Reverb = field(default_factory=Reverb)
    delay: Delay = field(default_factory=Delay)
    lanes: Mapping[str, tuple[Lane, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, preset: Preset) -> Buses:
        """The buses of a preset."""
        groups = {bus.name: bus.strip for bus in preset.buses}
        muted = frozenset(bus.name for bus in preset.buses if bus.mute)
        lanes = {bus.name: bus.lanes for bus in preset.buses if bus.lanes}
        return cls(groups, muted, preset.fx_bus, preset.reverb, preset.delay, lanes)

    def lanes_of(self, name: str) -> tuple[Lane, ...]:
        """The lanes of a group."""
        return self.lanes.get(name, ())

    def effects(
        self, sends: Iterable[Sequence[float]], sample_rate_hz: int, piece_frames: int = BUFFER_FRAMES
    ) -> EffectBuses:
        """Those effects that anything is sent to."""
        return EffectBuses(self.fx_bus, self.reverb, self.delay, sends, sample_rate_hz, piece_frames)


@dataclass(frozen=True)
class Sums:
    """One block of the console's buses.

    Attributes:
        mix: strips, groups and returns together, before the master, shape (2, n).
        buses: what each group and each effect adds to it, by the names in :attr:`Extent.bus_names`.
    """

    mix: Samples
    buses: Mapping[str, Samples]


@dataclass(frozen=True)
class Extent:
    """What a console has as a whole.

    Attributes:
        frames: the longest input, and the effects' tail if a send is on.
        groups: the groups that tracks go to, in the order of their first tracks.
        effects: the effects that anything is sent to.
    """

    frames: int
    groups: tuple[str, ...]
    effects: tuple[str, ...]

    @classmethod
    def of(cls, inputs: Sequence[Sized], buses: Buses, sample_rate_hz: int) -> Extent:
        """Measures the console that has these inputs."""
        groups = tuple(dict.fromkeys(source.bus for source in inputs if source.bus is not None))
        names = used_buses(_sends(inputs, buses), buses.delay)
        tail = tail_of(buses.fx_bus, buses.reverb, buses.delay, names, sample_rate_hz)
        return cls(max(source.frames for source in inputs) + tail, groups, names)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where strips go: the mix, groups, effects."""
        return (MIX, *self.groups, *self.effects)

    @property
    def bus_names(self) -> tuple[str, ...]:
        """What groups ("Drums bus") and effects ("reverb return") are called among the stems."""
        return (*map(group_stem, self.groups), *self.effects)

    def used(self, sends: Sequence[AnyLevel]) -> list[AnyLevel]:
        """Levels of those sends whose effects are in use."""
        return [level for name, level in zip(BUSES, sends, strict=True) if name in self.effects]


class WetStream:
    """Groups, effects and the sum, over the sums of strips.

    Args:
        extent: of the console.
        buses: settings of groups and effects.
        sample_rate_hz: of the audio.
        piece_frames: of the effects' convolutions.

    Attributes:
        latency_samples: how much later the sums come out of :meth:`process`.
    """

    def __init__(
        self,
        extent: Extent,
        buses: Buses,
        sample_rate_hz: int,
        *,
        piece_frames: int = BUFFER_FRAMES,
    ):
        self._extent = extent
        self._groups = {name: _Group(name, buses, sample_rate_hz) for name in extent.groups}
        self.latency_samples = max((group.latency_samples for group in self._groups.values()), default=0)
        self._waits = {
            name: Hold(2, self.latency_samples - (self._groups[name].latency_samples if name in self._groups else 0))
            for name in extent.destinations
        }
        self._sends = {
            name: sends_of(Motion(buses.groups[name], buses.lanes_of(name), sample_rate_hz), self.latency_samples)
            for name in extent.groups
        }
        levels = [1.0 if name in extent.effects else 0.0 for name in BUSES]
        self._effects = buses.effects([levels], sample_rate_hz, piece_frames)

    def run(self, blocks: Iterable[DrySums]) -> Iterator[Sums]:
        """The sums of everything for blocks of the strips' sums; as many samples, though not in the same blocks."""
        early = self.latency_samples
        for dry in blocks:
            sums = self.process(dry)
            frames = sums.mix.shape[1]
            if early < frames:
                yield _from(sums, early)
            early = max(0, early - frames)
        if self.latency_samples:
            silence = np.zeros((2, self.latency_samples), np.float32)
            yield _from(self.process(dict.fromkeys(self._extent.destinations, silence)), early)

    def process(self, dry: DrySums) -> Sums:
        """The sums of everything for the next block, later by `latency_samples`."""
        groups = {name: self._waits[name].process(group.process(dry[name])) for name, group in self._groups.items()}
        mix = self._waits[MIX].process(dry[MIX])
        sent = {name: self._waits[name].process(dry[name]) for name in self._extent.effects}
        for name, block in groups.items():
            mix = mix + block
            levels = self._extent.used([send.following(block.shape[1]) for send in self._sends[name]])
            for effect, level in zip(self._extent.effects, levels, strict=True):
                if np.any(level):
                    sent[effect] = sent[effect] + block * np.float32(level)
        returns = self._effects.process(sent)
        for block in returns.values():
            mix = mix + block
        return Sums(mix, {**{group_stem(name): block for name, block in groups.items()}, **returns})


def group_stem(name: str) -> str:
    """What a group bus is called among the stems."""
    return f"{name} bus"


def bus_names(preset: Preset) -> tuple[str, ...]:
    """The buses that a preset makes when all of its tracks play, as :attr:`Extent.bus_names` has them."""
    tracks = [track for track in preset.tracks if not track.mute]
    groups = dict.fromkeys(track.bus for track in tracks if track.bus is not None)
    return (*map(group_stem, groups), *used_buses(_sends(tracks, Buses.of(preset)), preset.delay))


def used_effects(track: Routed, buses: Buses) -> tuple[str, ...]:
    """The effects that a track, or the group that it goes to, sends to."""
    return used_buses(_sends([track], buses), buses.delay)


def _sends(tracks: Sequence[Routed], buses: Buses) -> list[Sequence[float]]:
    """Levels of the sends of tracks, and of the groups that they go to."""
    groups = dict.fromkeys(track.bus for track in tracks if track.bus is not None)
    of_tracks = [loudest_sends(track.strip, track.lanes) for track in tracks]
    return [*of_tracks, *(loudest_sends(buses.groups[name], buses.lanes_of(name)) for name in groups)]


class _Group:
    """A group bus: a strip over the sum of its tracks."""

    def __init__(self, name: str, buses: Buses, sample_rate_hz: int):
        self._name, self._is_muted = name, name in buses.muted
        strip, lanes = buses.groups[name], buses.lanes_of(name)
        self._stages = Stages(strip, 2, sample_rate_hz, lanes=lanes)
        self.latency_samples = self._stages.latency_samples
        self._output = ChannelOutput(strip, 2, sample_rate_hz, lanes, self.latency_samples)

    def process(self, block: Samples) -> Samples:
        with np.errstate(all="ignore"):  # what overflows is refused below
            processed = self._output.process(self._stages.process(block))
        if not np.isfinite(processed).all():
            raise PresetError(f"group {self._name!r} overflows with these settings: lower its gains and boosts.")
        return np.zeros_like(processed) if self._is_muted else processed


def _from(sums: Sums, begin: int) -> Sums:
    if not begin:
        return sums
    return Sums(sums.mix[:, begin:], {name: block[:, begin:] for name, block in sums.buses.items()})
