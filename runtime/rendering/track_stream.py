"""One track through its strip, its group, the effects and the master, block by block: a mix of one, without files.

What comes out is what :func:`.render.render_arrays` makes of the whole track. Look-ahead is made up for: the first
sample out belongs to the first one in, and what is held back for it comes with :meth:`TrackStream.flush`.
"""

from __future__ import annotations

import math

import numpy as np

from ...presets.errors import PresetError
from ...presets.preset import Preset
from ..audio.reading import BLOCK_FRAMES, Samples
from ..console.buses import MIX, Buses, Extent, WetStream, used_effects
from ..console.limiter import Limiter
from ..console.strip import MasterProcessor, StripProcessor


class TrackStream:
    """The console with one track on it.

    Args:
        preset: its first track is the one.
        channels: of the track, 1 or 2.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how many samples are held back.
    """

    def __init__(self, preset: Preset, channels: int, sample_rate_hz: int):
        self._channels = channels
        track = preset.tracks[0]
        self._strip = StripProcessor(track.strip, channels, sample_rate_hz, lanes=track.lanes)
        self._master = MasterProcessor(preset.master, sample_rate_hz, lanes=preset.master_lanes)
        buses = Buses.of(preset)
        self._place = track.bus or MIX
        effects = used_effects(track, buses)
        extent = Extent(0, () if track.bus is None else (track.bus,), effects)
        self._effects, self._extent = effects, extent
        self._wet = WetStream(extent, buses, sample_rate_hz)
        self._early_strip = self._strip.latency_samples
        self._early_wet = self._wet.latency_samples
        self._early_master = self._master.latency_samples
        self.latency_samples = self._early_strip + self._early_wet + self._early_master

    def process(self, block: Samples) -> Samples:
        """The mix of the next samples, from shape (channels, n) to (2, m); m is n once the look-ahead is filled.

        Raises:
            PresetError: the settings overflow.
        """
        parts = [self._processed(block[:, at : at + BLOCK_FRAMES]) for at in range(0, block.shape[1], BLOCK_FRAMES)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)

    def flush(self) -> Samples:
        """The samples that are held back; nothing may come behind them."""
        return self.process(np.zeros((self._channels, self.latency_samples), np.float32))

    def _processed(self, block: Samples) -> Samples:
        with np.errstate(all="ignore"):  # what overflows is refused below
            bus = self._strip.process(block)
            levels = self._extent.used(self._strip.levels)
            early, self._early_strip = self._early_strip, max(0, self._early_strip - bus.shape[1])
            bus = bus[:, early:]
            sent = {
                name: bus * np.float32(level if isinstance(level, float) else level[early:])
                for name, level in zip(self._effects, levels, strict=True)
            }
            bus = self._wet.process({MIX: np.zeros_like(bus), **sent, self._place: bus}).mix
            early, self._early_wet = self._early_wet, max(0, self._early_wet - bus.shape[1])
            mix = self._master.process(bus[:, early:])
        if not np.isfinite(mix).all():
            raise PresetError("the track overflows with these settings: lower its gains and boosts.")
        early, self._early_master = self._early_master, max(0, self._early_master - mix.shape[1])
        return mix[:, early:]


class FinishedStream:
    """A track's mix at its loudness and under its ceiling, block by block.

    Args:
        track: the mix before; None passes audio through, which has to be as it was for silence.
        gain: factor of its loudness.
        ceiling: highest true peak, as a factor of full scale.
        channels: of the audio that comes in, and goes out.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how many samples are held back.
        lowest_gain: how far the limiter has turned down so far, as a factor; 1 if it never had to.
    """

    def __init__(self, track: TrackStream | None, gain: float, ceiling: float, channels: int, sample_rate_hz: int):
        self._track = track
        self._gain = np.float32(gain)
        self._channels = channels
        self._limiter = Limiter(ceiling, sample_rate_hz)
        self._early = self._limiter.latency_samples
        self.latency_samples = self._early + (track.latency_samples if track else 0)

    def process(self, block: Samples) -> Samples:
        """The next samples, from shape (channels, n) to (channels, m); m is n once the look-ahead is filled."""
        return self._finished(self._track.process(block) if self._track else block)

    def flush(self) -> Samples:
        """The samples that are held back; nothing may come behind them."""
        rest = self._track.flush() if self._track else np.zeros((self._channels, 0), np.float32)
        end = np.zeros((self._channels, self._limiter.latency_samples), np.float32)
        return np.concatenate([self._finished(rest), self._finished(end)], axis=1)

    @property
    def lowest_gain(self) -> float:
        """As above."""
        return self._limiter.lowest_gain

    def _finished(self, mix: Samples) -> Samples:
        if not mix.shape[1]:
            return np.zeros((self._channels, 0), np.float32)
        stereo = np.broadcast_to(mix, (2, mix.shape[1])) * self._gain
        limited = self._limiter.process(stereo)
        early, self._early = self._early, max(0, self._early - limited.shape[1])
        # In the middle both channels are the same.
        return limited[: self._channels, early:].copy()


def loudness_gain(loudness_lufs: float, target_lufs: float) -> float:
    """The factor between two loudnesses; 1 for silence."""
    return 10 ** ((target_lufs - loudness_lufs) / 20) if math.isfinite(loudness_lufs) else 1.0
