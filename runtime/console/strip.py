"""The console's channels: a strip's stages, what is behind them, and the master, fed block by block.

What a setting means is said in `presets/console.py`; what these processors add is the sound. They keep their
state from block to block and belong to one thread at a time.

Input gain is applied behind the stages, whose settings move along (`presets.edit.without_input_gain`):
the same sound, and a preset and its desk form are then the same arithmetic. Literally in front, the last bits would
differ, and pedalboard's single-precision filters raise such differences to -60..-90 dB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from pedalboard import Chain

from ...presets.console import SEND_OFF_DB, Equalizer, Master, Strip
from ...presets.edit import without_input_gain
from ...presets.units import gain_factor
from ..audio.reading import Samples
from .compressor import CompressorProcessor
from .cut import CutProcessor
from .deesser import DeEsserProcessor
from .eq import eq_plugins
from .gate import GateProcessor
from .match import MatchProcessor
from .primitives import PluginStream
from .saturation import SaturationProcessor


class Stage(Protocol):
    """One stage: samples in, as many out, `latency_samples` later."""

    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""


class Stages:
    """The stages of a strip: gate, cuts, EQ, compressor, de-esser, saturation.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2; of linked tracks all of theirs, one track behind the other.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how much later the audio comes out.
    """

    def __init__(self, strip: Strip, channels: int, sample_rate_hz: int, *, any_blocks: bool = False):
        strip = without_input_gain(strip)
        self._tone: list[Stage] = [
            GateProcessor(strip.gate, sample_rate_hz),
            CutProcessor(strip.low_cut, strip.high_cut, channels, sample_rate_hz),
            Tone(strip.eq, channels, sample_rate_hz, LIFT if any_blocks else 1.0),
        ]
        self._dynamics: list[Stage] = [
            CompressorProcessor(strip.compressor, channels, sample_rate_hz),
            DeEsserProcessor(strip.deesser, channels, sample_rate_hz),
            SaturationProcessor(strip.saturation, channels, sample_rate_hz),
        ]
        self.latency_samples = sum(stage.latency_samples for stage in (*self._tone, *self._dynamics))

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to the same, before fader and pan."""
        return self.levelled(self.toned(block))

    def toned(self, block: Samples) -> Samples:
        """The first half of :meth:`process`: gate, cuts, EQ."""
        return _through(self._tone, block)

    def levelled(self, toned: Samples) -> Samples:
        """The second half: compressor, de-esser, saturation."""
        return _through(self._dynamics, toned)


def _through(stages: Sequence[Stage], block: Samples) -> Samples:
    for stage in stages:
        block = stage.process(block)
    return block


class ChannelOutput:
    """What is behind a strip's stages: fader, pan and sends.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2.

    Attributes:
        gains: of fader and pan, left and right, shape (2, 1).
        sends: levels behind the pan as factors, 0 where off: fx bus, reverb, delay.
    """

    def __init__(self, strip: Strip, channels: int):
        strip = without_input_gain(strip)
        left, right = pan_gains(strip.pan, channels)
        fader = gain_factor(strip.fader_db)
        self.gains = np.array([[fader * left], [fader * right]], np.float32)
        levels_db = (strip.fx_send_db, strip.reverb_send_db, strip.delay_send_db)
        self.sends = tuple(gain_factor(level_db) if level_db > SEND_OFF_DB else 0.0 for level_db in levels_db)

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to (2, n)."""
        return block * self.gains


# pedalboard's filters set what is below 1e-8 in them to zero at the end of each block, and raise that to -87 dB of the
# signal: the sound then depends on the blocks' lengths. So much louder (which is exact) nothing that
# matters is so small.
LIFT = 2.0**24


class StripProcessor:
    """One track's strip: its stages, then input gain, fader and pan.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2.
        sample_rate_hz: of the audio.
        any_blocks: the sound is the same whatever the blocks' lengths; see :data:`LIFT`.

    Attributes:
        latency_samples: how much later the audio comes out.
        sends: levels of the sends behind the pan, as :class:`ChannelOutput` has them.
    """

    def __init__(self, strip: Strip, channels: int, sample_rate_hz: int, *, any_blocks: bool = False):
        self._stages = Stages(strip, channels, sample_rate_hz, any_blocks=any_blocks)
        self._output = ChannelOutput(strip, channels)
        self.latency_samples = self._stages.latency_samples
        self.sends = self._output.sends

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to (2, n)."""
        return self._output.process(self._stages.process(block))


class MasterProcessor:
    """The stereo sum's channel: input gain, EQ, match curve, compressor, output gain.

    Args:
        master: its settings.
        sample_rate_hz: of the audio.
        any_blocks: the sound is the same whatever the blocks' lengths; see :data:`LIFT`.
        piece_frames: of the match curve's convolution; None for one of double precision, which is for long blocks.

    Attributes:
        latency_samples: how much later the audio comes out.
    """

    def __init__(
        self, master: Master, sample_rate_hz: int, *, any_blocks: bool = False, piece_frames: int | None = None
    ):
        master = without_input_gain(master)
        self._tone = Tone(master.eq, 2, sample_rate_hz, LIFT if any_blocks else 1.0)
        self._match = MatchProcessor(master.match, sample_rate_hz, piece_frames)
        self._compressor = CompressorProcessor(master.compressor, 2, sample_rate_hz)
        self._out_gain = np.float32(gain_factor(master.output_gain_db))
        self.latency_samples = self._match.latency_samples + self._compressor.latency_samples

    def process(self, block: Samples) -> Samples:
        """From shape (2, n) to (2, n)."""
        return self.levelled(self.matched(self.toned(block)))

    def toned(self, block: Samples) -> Samples:
        """The first part of :meth:`process`: EQ."""
        return self._tone.process(block)

    def matched(self, toned: Samples) -> Samples:
        """The second part: match curve."""
        return self._match.process(toned)

    def levelled(self, matched: Samples) -> Samples:
        """The third part: compressor and output gain."""
        audio = self._compressor.process(matched)
        return audio if self._out_gain == 1 else audio * self._out_gain

    def latest_gains(self, frames: int) -> Samples:
        """Gives what was done to the level of the latest block, whose length this is, behind the EQ; shape (n,)."""
        return self._compressor.latest_gains(frames) * self._out_gain


def pan_gains(pan: float, channels: int) -> tuple[float, float]:
    """Gains of the left and right output.

    A mono track is panned at constant power, 3 dB down in the centre. A stereo track is balanced: the side
    away from which it is turned fades out, and the centre leaves it as it is.

    Args:
        pan: -1 left, 0 centre, 1 right.
        channels: of the track, 1 or 2.
    """
    if channels == 1:
        angle = (pan + 1) * math.pi / 4
        return math.cos(angle), math.sin(angle)
    return math.cos(max(pan, 0) * math.pi / 2), math.cos(max(-pan, 0) * math.pi / 2)


class Tone:
    """The equalizer, one stream a channel.

    Args:
        eq: its settings.
        channels: of the audio.
        sample_rate_hz: of the audio.
        lift: factor between the filters and what is outside; see :data:`LIFT`.
    """

    latency_samples = 0

    def __init__(self, eq: Equalizer, channels: int, sample_rate_hz: int, lift: float = 1.0):
        self._lift = np.float32(lift)
        chains = [eq_plugins(eq, sample_rate_hz) for _ in range(channels)]
        self._channels = [PluginStream(Chain(plugins), sample_rate_hz) for plugins in chains if plugins]

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if not self._channels:
            return block
        if self._lift == 1:
            return np.stack([channel.process(row) for channel, row in zip(self._channels, block, strict=True)])
        rows = zip(self._channels, block * self._lift, strict=True)
        return np.stack([channel.process(row) for channel, row in rows]) / self._lift
