"""The delay: echoes that come back weaker and darker, on the spot or from side to side.

pedalboard's Delay has no filter in its loop and no second channel to go to, and is not used.
"""

from __future__ import annotations

import math

import numpy as np

from ....presets.console import Delay
from ....presets.units import gain_factor
from ...audio.reading import Samples
from ..eq import HIGHEST_FREQ
from ..primitives import SectionStream
from .ducking import Ducker

_FLOOR_DB = 60.0
_LONGEST_TAIL_S = 60.0
_DENORMAL = np.float32(1e-30)


class DelayProcessor:
    """The delay bus: from the sum of the sends to the return, wet only, fed block by block.

    Args:
        settings: from the preset.
        sample_rate_hz: of the audio.

    Attributes:
        tail_samples: how long it sounds on after its input has ended.
    """

    def __init__(self, settings: Delay, sample_rate_hz: int):
        from scipy.signal import butter

        self._frames = _echo_frames(settings, sample_rate_hz)
        highest_hz = HIGHEST_FREQ * sample_rate_hz
        sections = [butter(1, min(settings.low_cut_hz, highest_hz), "highpass", output="sos", fs=sample_rate_hz)]
        if settings.high_cut_hz < highest_hz:
            sections.append(butter(1, settings.high_cut_hz, "lowpass", output="sos", fs=sample_rate_hz))
        self._filters = SectionStream(np.concatenate(sections), 2)
        self._feedback = np.float32(settings.feedback)
        self._across = np.float32(settings.ping_pong)
        self._gain = np.float32(gain_factor(settings.return_gain_db))
        self._ducker = Ducker(settings.ducking, sample_rate_hz)
        # What goes round; at the position stands what comes out next.
        self._loop = np.zeros((2, self._frames), np.float32)
        self._position = 0
        self.tail_samples = delay_tail(settings, sample_rate_hz)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n) to (2, n)."""
        wet = np.empty_like(block)
        begin = 0
        while begin < block.shape[1]:
            # What comes out before the loop's end does not depend on what goes in meanwhile.
            end = min(block.shape[1], begin + self._frames - self._position)
            wet[:, begin:end] = self._echo(block[:, begin:end])
            begin = end
        return self._ducker.process(block, wet * self._gain)

    def _echo(self, sends: Samples) -> Samples:
        count = sends.shape[1]
        place = self._loop[:, self._position : self._position + count]
        echo = self._filters.process(place).astype(np.float32)
        back = echo * self._feedback
        if self._across:
            back = (1 - self._across) * back + self._across * back[::-1]
            # Going from side to side begins on the left.
            middle = sends.mean(axis=0, dtype=np.float32)
            one_side = np.stack([middle, np.zeros_like(middle)])
            np.add((1 - self._across) * sends + self._across * one_side, back, out=place)
        else:
            np.add(sends, back, out=place)
        place[np.abs(place) < _DENORMAL] = 0
        self._position = (self._position + count) % self._frames
        return echo


def delay_tail(settings: Delay, sample_rate_hz: int) -> int:
    """Count the samples for which a delay sounds on after its input has ended."""
    echoes = 1 + _echoes(settings.feedback)
    return min(echoes * _echo_frames(settings, sample_rate_hz), round(_LONGEST_TAIL_S * sample_rate_hz))


def _echo_frames(settings: Delay, sample_rate_hz: int) -> int:
    return max(1, round(settings.echo_ms * sample_rate_hz / 1000))


def _echoes(feedback: float) -> int:
    """How many echoes until they have fallen by 60 dB."""
    if feedback <= 0:
        return 0
    return math.ceil(_FLOOR_DB / (-20 * math.log10(feedback)))
