"""The parts of the console that are replaced as a whole while it runs: a strip, what is behind the strips, the master.

Each takes a block of rows and fills another, later by the latency that all of its kind have: what is quicker waits. A
strip's fader and pan are inside, so that a strip whose gain moved before its stages fades to the new one as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np

from ....presets.console import Master, Strip
from ....presets.errors import PresetError
from ....presets.lanes.lane import Lane
from ...audio.reading import Samples
from ...console.buses import MIX, Buses, Extent, WetStream
from ...console.effects.buses import BUSES
from ...console.moving.courses import Motion
from ...console.moving.levels import OutputGains
from ...console.primitives import Hold
from ...console.strip import ChannelOutput, MasterProcessor, Stages
from .bank import MonoStrip, is_bankable
from .ramps import Ramp

PIECE_FRAMES: Final = 1024
"""Pieces in which reverbs and match curves are convolved: the least work on the whole for blocks of 64 to 1024."""


class Unit(Protocol):
    """Rows in, rows out."""

    def process(self, block: Samples, out: Samples) -> None:
        """Fill `out`, shape (rows out, n), from the next samples, shape (rows, n)."""


class StripUnit:
    """The stages of linked tracks, or a single one, with fader and pan of each.

    Args:
        strips: settings, by track; those of the first are those of the stages.
        channels: 1 or 2, by track.
        muted: by track.
        lanes: settings that move, by track, from the first sample on that comes in.
        latency_samples: how much later the sound comes out, at least as much as the stages take.
        sample_rate_hz: of the audio.

    Attributes:
        levels: faders with pans, by track.
    """

    def __init__(
        self,
        strips: Sequence[Strip],
        channels: Sequence[int],
        muted: Sequence[bool],
        lanes: Sequence[Sequence[Lane]],
        latency_samples: int,
        sample_rate_hz: int,
    ):
        self._channels = channels
        rows = sum(channels)
        self._stages = Stages(strips[0], rows, sample_rate_hz, lanes=lanes[0])
        self._hold = Hold(rows, _wait(latency_samples, self._stages.latency_samples))
        self.levels = [Ramp(gains) for gains in _gains(strips, channels, muted)]
        self._courses = [
            OutputGains(Motion(strip, moving, sample_rate_hz), count, latency_samples) if moving and not mute else None
            for strip, count, mute, moving in zip(strips, channels, muted, lanes, strict=True)
        ]

    def process(self, block: Samples, out: Samples) -> None:
        """From the tracks' channels, one below the other, to two rows a track."""
        processed = self._hold.process(self._stages.process(block))
        begin = 0
        courses = zip(self._channels, self.levels, self._courses, strict=True)
        for place, (count, level, course) in enumerate(courses):
            frames = block.shape[1]
            factors = level.next(frames) if course is None else course.following(frames)
            np.multiply(processed[begin : begin + count], factors, out=out[2 * place : 2 * place + 2])
            begin += count


AnyStrip = StripUnit | MonoStrip


def strip_unit(
    strips: Sequence[Strip],
    channels: Sequence[int],
    muted: Sequence[bool],
    lanes: Sequence[Sequence[Lane]],
    latency_samples: int,
    sample_rate_hz: int,
) -> AnyStrip:
    """Make what runs linked tracks, or a single one; arguments as for :class:`StripUnit`."""
    if is_bankable(strips[0], channels, lanes, sample_rate_hz):
        (gains,) = _gains(strips, channels, muted)
        return MonoStrip(strips[0], Ramp(gains), latency_samples, sample_rate_hz)
    return StripUnit(strips, channels, muted, lanes, latency_samples, sample_rate_hz)


def move_levels(
    unit: AnyStrip,
    strips: Sequence[Strip],
    channels: Sequence[int],
    muted: Sequence[bool],
    frames: int,
) -> None:
    """Bring faders and pans to other settings in so many samples; the stages stay."""
    levels = [unit.level] if isinstance(unit, MonoStrip) else unit.levels
    for level, gains in zip(levels, _gains(strips, channels, muted), strict=True):
        level.go_to(gains, frames)


class WetUnit:
    """Groups, effects and the sum.

    Args:
        layout: which rows of a block are what.
        buses: settings.
        effects: those that anything is sent to.
        latency_samples: how much later the sum comes out.
        sample_rate_hz: of the audio.
    """

    def __init__(
        self, layout: DryRows, buses: Buses, effects: Sequence[str], latency_samples: int, sample_rate_hz: int
    ):
        self._rows = {name: layout.rows(name) for name in (MIX, *layout.groups, *effects)}
        extent = Extent(0, layout.groups, tuple(effects))
        self._wet = WetStream(extent, buses, sample_rate_hz, piece_frames=PIECE_FRAMES)
        self._is_plain = not layout.groups and not effects
        self._hold = Hold(2, _wait(latency_samples, self._wet.latency_samples))

    def process(self, block: Samples, out: Samples) -> None:
        """From two rows a destination to the stereo sum."""
        if self._is_plain:
            mix = block[self._rows[MIX]]
        else:
            mix = self._wet.process({name: block[rows] for name, rows in self._rows.items()}).mix
        out[:] = self._hold.process(mix)


class MasterUnit:
    """The master.

    Args:
        master: its settings.
        lanes: those that move, from the first sample on that comes in.
        latency_samples: how much later the mix comes out.
        sample_rate_hz: of the audio.
    """

    def __init__(self, master: Master, lanes: Sequence[Lane], latency_samples: int, sample_rate_hz: int):
        self._master = MasterProcessor(master, sample_rate_hz, piece_frames=PIECE_FRAMES, lanes=lanes)
        self._hold = Hold(2, _wait(latency_samples, self._master.latency_samples))

    def process(self, block: Samples, out: Samples) -> None:
        """From the stereo sum to the mix."""
        out[:] = self._hold.process(self._master.process(block))


@dataclass(frozen=True)
class DryRows:
    """Where strips go, in rows of two: the mix, the groups, the three effects, used or not.

    Attributes:
        groups: names, in the order of their first tracks.
    """

    groups: tuple[str, ...]

    @property
    def destinations(self) -> tuple[str, ...]:
        """All of them, in order."""
        return (MIX, *self.groups, *BUSES)

    def rows(self, name: str) -> slice:
        """Tell which rows are those of a destination."""
        place = self.destinations.index(name)
        return slice(2 * place, 2 * place + 2)


def strip_latency(strip: Strip, lanes: tuple[Lane, ...], sample_rate_hz: int) -> int:
    """Count the samples by which a strip's stages are late."""
    if lanes:
        return _stages_latency(strip, lanes, sample_rate_hz)
    # Cuts and EQ are never late; to make them whenever one moves would be most of the work.
    late = Strip(gate=strip.gate, compressor=strip.compressor, deesser=strip.deesser, saturation=strip.saturation)
    return _stages_latency(late, (), sample_rate_hz)


@lru_cache(maxsize=1024)
def _stages_latency(strip: Strip, lanes: tuple[Lane, ...], sample_rate_hz: int) -> int:
    return Stages(strip, 1, sample_rate_hz, lanes=lanes).latency_samples


def wet_latency(buses: Buses, names: Sequence[str], sample_rate_hz: int) -> int:
    """Count the samples by which the slowest of these groups is late."""
    found = (strip_latency(buses.groups[name], buses.lanes_of(name), sample_rate_hz) for name in names)
    return max(found, default=0)


@lru_cache(maxsize=64)
def master_latency(master: Master, lanes: tuple[Lane, ...], sample_rate_hz: int) -> int:
    """Count the samples by which a master is late."""
    processor = MasterProcessor(master, sample_rate_hz, piece_frames=PIECE_FRAMES, lanes=lanes)
    return processor.latency_samples


def _gains(strips: Sequence[Strip], channels: Sequence[int], muted: Sequence[bool]) -> list[Samples]:
    return [
        np.zeros((2, 1), np.float32) if is_muted else ChannelOutput(strip, count).gains
        for strip, count, is_muted in zip(strips, channels, muted, strict=True)
    ]


def _wait(latency_samples: int, own_samples: int) -> int:
    if own_samples > latency_samples:
        raise PresetError("these settings look further ahead than the console that they came to.")
    return latency_samples - own_samples
