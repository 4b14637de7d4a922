"""The console's channels: a strip's stages, what is behind them, and the master, fed block by block.

What a setting means is said in `presets/console.py`; what these processors add is the sound. They keep their
state from block to block and belong to one thread at a time.

Input gain is applied behind the stages, whose settings move along (`presets.edit.without_input_gain`):
the same sound, and a preset and its desk form are then the same arithmetic. Literally in front, the last bits would
differ, and pedalboard's single-precision filters raise such differences to -60..-90 dB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ...presets.console import Equalizer, Master, Strip
from ...presets.lanes.lane import Lane
from ...presets.units import gain_factor
from ..audio.reading import Samples
from .compressor import CompressorProcessor
from .cut import CutProcessor
from .deesser import DeEsserProcessor
from .eq import eq_sections, section
from .gate import GateProcessor
from .match import MatchProcessor
from .moving.courses import Motion
from .moving.levels import FollowingLevel, Level, OutputGains, loudest_sends, pan_gains, sends_of
from .moving.stages import MovingStage, Retunable
from .primitives import SectionStream
from .saturation import SaturationProcessor

__all__ = [
    "ChannelOutput",
    "MasterProcessor",
    "MasterTone",
    "Stages",
    "StripProcessor",
    "Tone",
    "loudest_sends",
    "pan_gains",
]


class Stage(Protocol):
    """One stage: samples in, as many out, `latency_samples` later."""

    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""


MakeStage = Callable[[int, int], Stage]
"""Makes a stage for audio of so many channels, at a sample rate."""


class Stages:
    """The stages of a strip: gate, cuts, EQ, compressor, de-esser, saturation.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2; of linked tracks all of theirs, one track behind the other.
        sample_rate_hz: of the audio.
        lanes: settings that move.
        instead: what takes the place of stages, "eq" or "compressor", none of whose settings moves.

    Attributes:
        latency_samples: how much later the audio comes out.
    """

    def __init__(
        self,
        strip: Strip,
        channels: int,
        sample_rate_hz: int,
        *,
        lanes: Sequence[Lane] = (),
        instead: Mapping[str, MakeStage] | None = None,
    ):
        rate_hz = sample_rate_hz
        others = {name: _without_settings(make, channels, rate_hz) for name, make in (instead or {}).items()}
        chain = _Chain(Motion(strip, lanes, sample_rate_hz))
        chain.add(("gate",), lambda gate: GateProcessor(gate, rate_hz))
        cuts = chain.motion.moving("low_cut", "high_cut")
        chain.add(("low_cut", "high_cut"), lambda low, high: CutProcessor(low, high, channels, rate_hz, moving=cuts))
        bands = _moving_bands(chain.motion)
        chain.add(("eq",), others.get("eq", lambda eq: Tone(eq, channels, rate_hz, bands)))
        tone = len(chain.stages)
        own = others.get("compressor", lambda compressor: CompressorProcessor(compressor, channels, rate_hz))
        chain.add(("compressor",), own)
        moves_band = "deesser.freq_hz" in chain.motion.paths
        chain.add(("deesser",), lambda deesser: DeEsserProcessor(deesser, channels, rate_hz, moves_band=moves_band))
        chain.add(("saturation",), lambda saturation: SaturationProcessor(saturation, channels, rate_hz))
        self._tone, self._dynamics = chain.stages[:tone], chain.stages[tone:]
        self.latency_samples = chain.latency_samples

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to the same, before fader and pan."""
        return self.levelled(self.toned(block))

    def toned(self, block: Samples) -> Samples:
        """The first half of :meth:`process`: gate, cuts, EQ."""
        return _through(self._tone, block)

    def levelled(self, toned: Samples) -> Samples:
        """The second half: compressor, de-esser, saturation."""
        return _through(self._dynamics, toned)

    def skip(self, frames: int) -> None:
        """Let so much silence pass, which stages that rest need not hear."""
        _skip((*self._tone, *self._dynamics), frames)


def _without_settings(make: MakeStage, channels: int, sample_rate_hz: int) -> Callable[[Any], Stage]:
    return lambda _settings: make(channels, sample_rate_hz)


class _Chain:
    """Stages in a row as they are built: those with lanes follow them."""

    def __init__(self, motion: Motion):
        self.motion = motion
        self.stages: list[Stage] = []
        self.latency_samples = 0

    def add(self, sections: Sequence[str], make: Callable[..., Stage]) -> None:
        is_moving = bool(self.motion.moving(*sections))
        settings = self.motion.widest if is_moving else self._standing
        stage: Any = make(*map(settings, sections))
        late, self.latency_samples = self.latency_samples, self.latency_samples + stage.latency_samples
        retunable: Retunable = stage
        self.stages.append(MovingStage(retunable, self.motion, sections, late) if is_moving else stage)

    def _standing(self, section: str) -> Any:
        return getattr(self.motion.desk, section)


def _moving_bands(motion: Motion) -> frozenset[str]:
    return frozenset(path.split(".")[1] for path in motion.moving("eq"))


def _through(stages: Sequence[Stage], block: Samples) -> Samples:
    for stage in stages:
        block = stage.process(block)
    return block


def _skip(stages: Sequence[Stage], frames: int) -> None:
    for stage in stages:
        if isinstance(stage, MovingStage):
            stage.skip(frames)


class ChannelOutput:
    """What is behind a strip's stages: fader, pan and sends.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2.
        sample_rate_hz: of the audio.
        lanes: settings that move.
        late: how much later than the song the audio comes, in samples.

    Attributes:
        gains: of fader and pan at the beginning, left and right, shape (2, 1).
        sends: the highest levels behind the pan as factors, 0 where always off: fx bus, reverb, delay.
        levels: those of the samples of the latest block.
    """

    def __init__(self, strip: Strip, channels: int, sample_rate_hz: int = 1, lanes: Sequence[Lane] = (), late: int = 0):
        motion = Motion(strip, lanes, sample_rate_hz)
        self._gains = OutputGains(motion, channels, late)
        self.gains = self._gains.at(0)
        self._sends = sends_of(motion, late)
        self.sends = loudest_sends(strip, lanes)
        self.levels: Sequence[Level] = self.sends

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to (2, n)."""
        self.levels = [send.following(block.shape[1]) for send in self._sends]
        return block * self._gains.following(block.shape[1])


class StripProcessor:
    """One track's strip: its stages, then input gain, fader and pan.

    Args:
        strip: its settings.
        channels: of the track, 1 or 2.
        sample_rate_hz: of the audio.
        lanes: settings that move.

    Attributes:
        latency_samples: how much later the audio comes out.
        sends: levels of the sends behind the pan, as :class:`ChannelOutput` has them.
    """

    def __init__(self, strip: Strip, channels: int, sample_rate_hz: int, *, lanes: Sequence[Lane] = ()):
        self._stages = Stages(strip, channels, sample_rate_hz, lanes=lanes)
        self.latency_samples = self._stages.latency_samples
        self._output = ChannelOutput(strip, channels, sample_rate_hz, lanes, self.latency_samples)
        self.sends = self._output.sends

    @property
    def levels(self) -> Sequence[Level]:
        """Levels of the sends over the latest block."""
        return self._output.levels

    def process(self, block: Samples) -> Samples:
        """From shape (channels, n) to (2, n)."""
        return self._output.process(self._stages.process(block))


class MasterProcessor:
    """The stereo sum's channel: input gain, EQ, match curve, compressor, output gain.

    Args:
        master: its settings.
        sample_rate_hz: of the audio.
        piece_frames: of the match curve's convolution; None for one of double precision, which is for long blocks.
        lanes: settings that move.

    Attributes:
        latency_samples: how much later the audio comes out.
    """

    def __init__(
        self,
        master: Master,
        sample_rate_hz: int,
        *,
        piece_frames: int | None = None,
        lanes: Sequence[Lane] = (),
    ):
        self._tone = MasterTone(master, sample_rate_hz, lanes=lanes)
        self._match = MatchProcessor(master.match, sample_rate_hz, piece_frames)
        chain = _Chain(Motion(master, lanes, sample_rate_hz))
        chain.latency_samples = self._match.latency_samples
        chain.add(("compressor",), lambda compressor: CompressorProcessor(compressor, 2, sample_rate_hz))
        self._compressor: Any = chain.stages[0]
        self.latency_samples = chain.latency_samples
        self._out = FollowingLevel(chain.motion, "output_gain_db", gain_factor, self.latency_samples)
        self._out_gain: Level = 1.0

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
        audio: Samples = self._compressor.process(matched)
        self._out_gain = self._out.following(matched.shape[1])
        is_left = isinstance(self._out_gain, float) and self._out_gain == 1
        return audio if is_left else audio * np.float32(self._out_gain)

    def skip(self, frames: int) -> None:
        """Let so much silence pass, which a master that rests need not hear."""
        _skip((self._tone.stage, self._compressor), frames)
        self._out.following(frames)

    def latest_gains(self, frames: int) -> Samples:
        """Gives what was done to the level of the latest block, whose length this is, behind the EQ; shape (n,)."""
        gains: Samples = self._compressor.latest_gains(frames) * np.float32(self._out_gain)
        return gains


class MasterTone:
    """The equalizer of a master alone; arguments as for :class:`MasterProcessor`.

    Attributes:
        stage: the equalizer.
    """

    def __init__(self, master: Master, sample_rate_hz: int, *, lanes: Sequence[Lane] = ()):
        chain = _Chain(Motion(master, lanes, sample_rate_hz))
        bands = _moving_bands(chain.motion)
        chain.add(("eq",), lambda eq: Tone(eq, 2, sample_rate_hz, bands))
        self.stage = chain.stages[0]

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n)."""
        return self.stage.process(block)


class Tone:
    """The equalizer: all bands in one pass, in double precision.

    Args:
        eq: its settings.
        channels: of the audio.
        sample_rate_hz: of the audio.
        moving: bands that will be retuned.
    """

    latency_samples = 0

    def __init__(self, eq: Equalizer, channels: int, sample_rate_hz: int, moving: frozenset[str] = frozenset()):
        self._rate_hz = sample_rate_hz
        sections = eq_sections(eq, sample_rate_hz, moving)
        self._moving_rows = [(row, name) for row, name in enumerate(sections) if name in moving]
        self._sections = np.array(list(sections.values()))
        self._bands = SectionStream(self._sections, channels) if sections else None

    def retune(self, eq: Equalizer) -> None:
        """Take other settings from here on; the filters go on from where they are."""
        for row, name in self._moving_rows:
            self._sections[row] = section(name, getattr(eq, name), self._rate_hz)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        return block if self._bands is None else self._bands.process(block).astype(np.float32)
