"""How wet a song is, told from how its notes fall silent: how deep, and how fast from there.

A dry note falls at once when it ends; in a room it falls to the level of the room's tail, and then with the room's
decay. In a full mix something always plays on, but seldom on the same pitch: so falls are looked for in each bin of a
long transform by itself. The steepest tell how far the tail is below the sound, and what follows them how long it is.
The figures were measured on dry sessions of the corpus with the console's own room at known levels and decays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..audio.reading import Samples

Floats = NDArray[np.float64]

# Low bands have notes that ring by themselves.
_MIDDLE_HZ: Final = (600.0, 2400.0)
_HIGH_HZ: Final = (2400.0, 9600.0)
_FRAME_S: Final = 0.093
_OVERLAP: Final = 4
_FALL_S: Final = 0.14
_TAIL_S: Final = 0.23
# A note: louder than the bin mostly is, and no further below the loudest of the band.
_LOUD: Final = 0.7
_REACH_DB: Final = 45.0
_STEEPEST: Final = 0.9
# Of a line through a tail, in dB: what is further from it is no decay.
_STRAIGHT_DB: Final = 3.0
_LEAST_SLOPE: Final = 8.0  # dB a second
_LEAST_TAILS: Final = 30
_LEAST_FALLS: Final = 200
# In one channel a tail cancels itself now and then, which two do not at once: its notes seem to fall deeper.
_MONO_DEEPER_DB: Final = 3.0
_TINY: Final = 1e-12
# Decays that are measured where the room's own are these.
_MEASURED_S: Final = (1.7, 2.4, 3.2, 3.8)
_OF_ROOM_S: Final = (0.7, 1.5, 2.6, 3.2)
_USUAL_BRIGHTNESS: Final = 0.9
_ROOM_BRIGHTNESS: Final = 0.6
_BRIGHTNESSES: Final = (0.35, 0.85)


@dataclass(frozen=True)
class Tail:
    """What the ends of a song's notes tell.

    Attributes:
        fall_db: how far notes fall in a seventh of a second: 17 dry, 12 as songs are, 9 very wet; NaN for nothing.
        decay_s: of the room, in the middle; NaN where no tail is free.
        brightness: decay of the highs against that; NaN likewise.
    """

    fall_db: float
    decay_s: float = math.nan
    brightness: float = math.nan

    @property
    def is_known(self) -> bool:
        """Whether there was a note that ended."""
        return math.isfinite(self.fall_db)


def tail_of(audio: Samples, sample_rate_hz: int) -> Tail:
    """Measure audio of shape (1 or 2, n), of a few seconds and more."""
    size = 2 ** round(math.log2(_FRAME_S * sample_rate_hz))
    hop = size // _OVERLAP
    if audio.shape[1] < size + round((_FALL_S + _TAIL_S) * sample_rate_hz) + hop:
        return Tail(math.nan)
    levels_db = _levels_db(audio, size, hop)
    bins_hz = np.arange(levels_db.shape[1]) * sample_rate_hz / size
    step_s = hop / sample_rate_hz
    middle, high = (
        _falls(levels_db[:, (bins_hz >= low) & (bins_hz < top)], step_s) for low, top in (_MIDDLE_HZ, _HIGH_HZ)
    )
    falls = [fall for fall, _ in (middle, high) if math.isfinite(fall)]
    if not falls:
        return Tail(math.nan)
    decay_s = float(np.interp(middle[1], _MEASURED_S, _OF_ROOM_S)) if math.isfinite(middle[1]) else math.nan
    ratio = _ROOM_BRIGHTNESS * high[1] / middle[1] / _USUAL_BRIGHTNESS
    brightness = min(max(ratio, _BRIGHTNESSES[0]), _BRIGHTNESSES[1]) if math.isfinite(ratio) else math.nan
    is_mono = len(audio) == 1 or np.array_equal(audio[0], audio[-1])
    return Tail(float(np.mean(falls)) - (_MONO_DEEPER_DB if is_mono else 0.0), decay_s, brightness)


def _levels_db(audio: Samples, size: int, hop: int) -> NDArray[np.float32]:
    """Level of each bin over time, channels together, shape (frames, bins)."""
    from scipy import fft  # late, as in audio/loudness.py

    window = np.blackman(size).astype(np.float32)
    count = (audio.shape[1] - size) // hop + 1
    power = np.zeros((count, size // 2 + 1), np.float32)
    for channel in audio:
        frames = np.lib.stride_tricks.sliding_window_view(channel, size)[::hop]
        spectrum = fft.rfft(frames * window, axis=1)
        power += np.square(spectrum.real) + np.square(spectrum.imag)
    power += np.float32(_TINY)
    return np.asarray(10 * np.log10(power))


def _falls(levels_db: NDArray[np.float32], step_s: float) -> tuple[float, float]:
    """How far the notes of a band fall, and the decay behind that; NaN where too few end."""
    fall, after = round(_FALL_S / step_s), round(_TAIL_S / step_s)
    count = len(levels_db) - fall - after
    before = levels_db[:count]
    drop_db = before - levels_db[fall : fall + count]
    plays = (before > np.quantile(before, _LOUD, axis=0)) & (before > before.max() - _REACH_DB)
    if plays.sum() < _LEAST_FALLS:
        return math.nan, math.nan
    steep_db = float(np.quantile(drop_db[plays], _STEEPEST))
    if steep_db <= 0:
        return math.nan, math.nan
    at, bins = np.nonzero(plays & (drop_db >= steep_db))
    tails = np.stack([levels_db[at + fall + step, bins] for step in range(after)], axis=1).astype(np.float64)
    time_s = np.arange(after) * step_s
    time_s -= time_s.mean()
    level = tails.mean(axis=1, keepdims=True)
    slopes = ((tails - level) @ time_s) / (time_s @ time_s)
    apart_db = np.sqrt(np.square(tails - level - slopes[:, None] * time_s).mean(axis=1))
    free = slopes[(slopes < -_LEAST_SLOPE) & (apart_db < _STRAIGHT_DB)]
    return steep_db, 60 / -float(np.median(free)) if len(free) >= _LEAST_TAILS else math.nan
