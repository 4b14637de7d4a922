"""What the thread of the audio calls: the console, another one that takes over, the bypass, and the guard behind it.

It does no I/O, waits for nobody and raises nothing for what sound or settings do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ....presets.errors import PresetError
from ....presets.units import gain_factor
from ...audio.reading import Samples
from .console import MOST_FRAMES, LiveConsole
from .parts import Parts
from .ramps import PRESET_FADE_MS, Ramp, fade_in, frames_of
from .ring import AudioRing
from .turns import AudioTurn

# A mono track stands in the middle at constant power, as the console's pan has it.
_MONO_GAIN: Final = np.float32(gain_factor(-3.0103))
# What a console that takes over hears first.
_PAST_S: Final = 1.0
_PIECE_FRAMES: Final = 2048


@dataclass(frozen=True)
class _Takeover:
    console: LiveConsole
    heard: int


class Player:
    """The engine's sound.

    Args:
        parts: settings to begin with.
        sample_rate_hz: of the audio.
        tap: takes what comes in, a row a channel.
        mixes: takes what goes out, two rows.

    Attributes:
        console: at work.
        bad_blocks: blocks that were silenced since samples in them were no numbers.
    """

    def __init__(self, parts: Parts, sample_rate_hz: int, tap: AudioRing, mixes: AudioRing):
        self.tap, self.mixes = tap, mixes
        self._rate_hz = sample_rate_hz
        self._channels = parts.structure.channels
        self.rows = sum(self._channels)
        self._turn = AudioTurn()
        self.console = LiveConsole(parts, sample_rate_hz, tap, tap.position, self._turn)
        self.bad_blocks = 0
        self._takeover: _Takeover | None = None
        self._incoming: LiveConsole | None = None
        self._curve, self._done = fade_in(1), 0
        self._scratch = np.zeros((2, MOST_FRAMES), np.float32)
        self._levels = Ramp(np.array([[1], [0]], np.float32))
        self._trim = Ramp(np.ones((1, 1), np.float32))
        self._level_wanted: tuple[float, float] | None = None
        self._trim_wanted: float | None = None

    @property
    def latency_samples(self) -> int:
        """How much later the mix comes out."""
        return self.console.latency_samples

    @property
    def is_busy(self) -> bool:
        """Whether another console is taking over."""
        return self._takeover is not None or self._incoming is not None

    def process(self, inputs: Samples, out: Samples) -> None:
        """Fill the mix, shape (2, n), from the next samples, shape (rows, n); n is at most `MOST_FRAMES`."""
        self._turn.begin()
        frames = inputs.shape[1]
        self.tap.write(inputs)
        with np.errstate(all="ignore"):  # what overflows is silenced below
            try:
                self.console.process(inputs, out)
            except PresetError:  # a group says so itself
                out[:] = np.nan
            if self._takeover is not None:
                self._begin(self._takeover, frames)
            if self._incoming is not None:
                self._fade(self._incoming, inputs, out)
            self._finish(out)
            if not math.isfinite(np.add.reduce(out, axis=None)):
                out[:] = 0
                self.bad_blocks += 1
        self.mixes.write(out)
        self._turn.end()

    def bypass(self, gain: float | None) -> None:
        """Fade to what comes in, at a gain that brings it to the level of the mix; None fades back."""
        self._level_wanted = (1.0, 0.0) if gain is None else (0.0, gain)

    def trim(self, gain: float) -> None:
        """Bring the mix to another level."""
        self._trim_wanted = gain

    def take_over(self, parts: Parts) -> None:
        """Fade to a console of its own for other settings; for the thread that changes settings.

        Args:
            parts: for the same tracks, in another structure, or looking further ahead.
        """
        now = self.tap.position
        heard = max(0, now - min(round(_PAST_S * self._rate_hz), self.tap.frames - self.tap.margin))
        console = LiveConsole(parts, self._rate_hz, self.tap, heard, self._turn)
        for _ in range(8):
            now = self.tap.position
            if now - heard <= MOST_FRAMES // 8:
                break
            heard = self._bring(console, heard, now, self._turn)
        self._takeover = _Takeover(console, heard)

    def _bring(self, console: LiveConsole, begin: int, end: int, turn: AudioTurn | None = None) -> int:
        """Let a console hear a stretch of what came in, between blocks where that is asked for."""
        while begin < end:
            if turn is not None:
                turn.wait()
            block = np.empty((self.rows, min(_PIECE_FRAMES, end - begin)), np.float32)
            self.tap.read_into(begin, block)
            console.process(block, np.empty((2, block.shape[1]), np.float32))
            begin += block.shape[1]
        return end

    def _begin(self, takeover: _Takeover, frames: int) -> None:
        now = self.tap.position - frames
        self._bring(takeover.console, max(takeover.heard, now - 2 * _PIECE_FRAMES), now)
        self._curve, self._done = fade_in(frames_of(PRESET_FADE_MS, self._rate_hz)), 0
        self._incoming, self._takeover = takeover.console, None

    def _fade(self, incoming: LiveConsole, inputs: Samples, out: Samples) -> None:
        frames = inputs.shape[1]
        new = self._scratch[:, :frames]
        incoming.process(inputs, new)
        curve = self._curve[self._done : self._done + frames]
        fading = len(curve)
        out[:, :fading] += (new[:, :fading] - out[:, :fading]) * curve
        out[:, fading:] = new[:, fading:]
        self._done += fading
        if self._done >= len(self._curve):
            self.console, self._incoming = incoming, None

    def _finish(self, out: Samples) -> None:
        """Trim and bypass."""
        frames = out.shape[1]
        if self._level_wanted is not None:
            wanted, self._level_wanted = self._level_wanted, None
            self._levels.go_to(np.array(wanted, np.float32)[:, None], frames_of(PRESET_FADE_MS, self._rate_hz))
        if self._trim_wanted is not None:
            gain, self._trim_wanted = self._trim_wanted, None
            self._trim.go_to(np.full((1, 1), gain, np.float32), frames_of(PRESET_FADE_MS, self._rate_hz))
        if self._trim.is_moving or self._trim.value[0, 0] != 1:
            out *= self._trim.next(frames)
        # What comes in has the level of what was heard: the trim is in it already.
        if self._levels.is_moving or self._levels.value[1, 0]:
            levels = self._levels.next(frames)
            out *= levels[0]
            out += self._dry(frames) * levels[1]

    def _dry(self, frames: int) -> Samples:
        """What came in, as late as the mix, as a stereo sum."""
        block = np.empty((self.rows, frames), np.float32)
        self.tap.read_into(self.tap.position - frames - self.latency_samples, block)
        return dry_sum(block, self._channels)


def dry_sum(inputs: Samples, channels: tuple[int, ...]) -> Samples:
    """Add up raw tracks, mono ones in the middle, shape (rows, n) to (2, n)."""
    left, right = _sides(channels)
    return np.stack([left @ inputs, right @ inputs])


def _sides(channels: tuple[int, ...]) -> tuple[Samples, Samples]:
    """How much of each row goes left, and right."""
    left: list[float] = []
    right: list[float] = []
    for count in channels:
        left.extend([float(_MONO_GAIN)] if count == 1 else [1.0, 0.0])
        right.extend([float(_MONO_GAIN)] if count == 1 else [0.0, 1.0])
    return np.array(left, np.float32), np.array(right, np.float32)
