"""Saturation: a soft bend of the waveform, oversampled, with tone, mix and matched level.

The law: tanh(drive * x) / drive (pedalboard's Distortion, brought back by the drive), at so many times the sample rate
that what folds back stays below -70 dB of a full-scale 10 kHz tone at any drive. Tone tilts the sound around 1 kHz
before the bend and back behind it, so that highs (or lows) are bent more and the balance stays. Level matching
brings the loudness of the bent sound (K-weighted, over 0.4 s) back to that of the input. Mix adds the input,
delayed alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import Saturation
from ..audio.loudness import k_weighting_sections
from ..audio.reading import Samples
from .oversampling import Oversampler, Waveform
from .primitives import SectionStream, short_filter

TONE_DB: Final = 6.0
TONE_HZ: Final = 1000.0
_LEVEL_S = 0.4
# Far below what is heard; keeps the gain at 1 in silence.
QUIET: Final = 1e-9
LOUDEST_MATCH: Final = 200.0
_SILENT = 1e-30
# Of the drive that a moving one is built for: so little bends nothing.
_LEAST_DRIVEN = 1e-3
# Differences below this are numerical noise in the antiderivative: the bend itself is taken in the middle.
_SMALLEST_STEP = 1e-4
# From here on log cosh x is |x| - log 2 in double precision (and the log 2 goes out in the difference).
_STRAIGHT = 19.0
# Samples of the multiple that are worked on at a time.
_PIECE = 32768


@dataclass(frozen=True)
class _Quality:
    """How much is done against aliases up to a drive: measured on a 10 kHz tone at full scale, 44.1 kHz."""

    drive: float
    factor: int
    is_smoothed: bool


_QUALITIES = (
    _Quality(2, 4, is_smoothed=False),
    _Quality(4, 8, is_smoothed=False),
    _Quality(8, 16, is_smoothed=False),
    _Quality(math.inf, 16, is_smoothed=True),
)
MEASURED_AT_HZ: Final = 44_100


def factor_at(drive: float, sample_rate_hz: int) -> int:
    """The multiple of the sample rate at which a drive is bent."""
    spare = max(1, sample_rate_hz // MEASURED_AT_HZ)
    return max(2, _quality(drive).factor >> (spare.bit_length() - 1))


def is_smoothed_at(drive: float) -> bool:
    """Whether the mean between neighbouring samples is taken, which comes half a sample of the multiple late."""
    return _quality(drive).is_smoothed


def level_pole(sample_rate_hz: int) -> float:
    """What is left of a step of loudness after one sample, where levels are matched."""
    return math.exp(-1 / (_LEVEL_S * sample_rate_hz))


def _quality(drive: float) -> _Quality:
    return next(quality for quality in _QUALITIES if drive <= quality.drive)


class SaturationProcessor:
    """Saturation over mono or stereo audio, fed block by block.

    Args:
        settings: from the preset; drive 0 passes audio through.
        channels: 1 or 2.
        sample_rate_hz: of the audio.

    Attributes:
        latency_samples: how much later the audio comes out.
    """

    def __init__(self, settings: Saturation, channels: int, sample_rate_hz: int):
        self.is_active = settings.drive > 0 and settings.mix > 0
        self.latency_samples = 0
        if not self.is_active:
            return
        self._bend = _Bend(settings.drive, channels, sample_rate_hz)
        self.latency_samples = self._bend.latency_samples
        self._drive = settings.drive
        self._drives: NDArray[np.float32] | None = None
        self._driven = np.float32(1)
        self._mix = np.float32(settings.mix)
        self._tilts = [short_filter(sections, channels) for sections in _tilts(settings.tone, sample_rate_hz)]
        self._match = _LevelMatch(settings.level_match, channels, sample_rate_hz) if settings.level_match else None
        self._dry = np.zeros((channels, self.latency_samples), np.float32)

    def retune(self, settings: Saturation) -> None:
        """Take another drive, at most the one that it was built for, mix and matching from here on.

        tanh(d x) / d is what the bend at its own drive D makes of d/D x, times D/d.
        """
        if not self.is_active:
            return
        self._driven = np.float32(max(settings.drive / self._drive, _LEAST_DRIVEN))
        if self._drives is None:
            self._drives = np.full(self.latency_samples, self._driven)
        self._mix = np.float32(settings.mix)
        if self._match is not None:
            self._match.retune(settings.level_match)

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n), later by `latency_samples`."""
        if not self.is_active or not block.shape[1]:
            return block
        joined = np.concatenate([self._dry, block], axis=1)
        dry, self._dry = joined[:, : block.shape[1]], joined[:, block.shape[1] :].copy()
        wet = self._tilted(self._bent(self._tilted(block, 0)), 1)
        if self._match is not None:
            wet = self._match.process(dry, wet)
        if self._mix == 1:
            return wet
        mixed: Samples = dry + self._mix * (wet - dry)
        return mixed

    def _bent(self, block: Samples) -> Samples:
        if self._drives is None:
            return self._bend.process(block)
        drives = np.concatenate([self._drives, np.full(block.shape[1], self._driven)])
        self._drives = drives[block.shape[1] :]
        bent: Samples = self._bend.process(block * self._driven) / drives[: block.shape[1]]
        return bent

    def _tilted(self, block: Samples, way: int) -> Samples:
        if not self._tilts:
            return block
        return self._tilts[way].process(block).astype(np.float32, copy=False)


class _Bend:
    """tanh(drive * x) / drive at a multiple of the sample rate."""

    def __init__(self, drive: float, channels: int, sample_rate_hz: int):
        is_smoothed = is_smoothed_at(drive)
        dtype = np.float64 if is_smoothed else np.float32
        factor = factor_at(drive, sample_rate_hz)
        self._oversampler = Oversampler(factor, channels, dtype, drive)
        self._piece = _PIECE // factor
        self._before = np.zeros((channels, 1)) if is_smoothed else None
        self.latency_samples = self._oversampler.latency_samples

    def process(self, block: Samples) -> Samples:
        """In pieces that stay in the processor's cache."""
        bent = np.empty(block.shape, np.float32)
        for begin in range(0, block.shape[1], self._piece):
            piece = slice(begin, begin + self._piece)
            bent[:, piece] = self._bent(block[:, piece])
        bent[np.abs(bent) < _SILENT] = 0
        return bent

    def _bent(self, block: Samples) -> Waveform:
        raised = self._oversampler.up(block)
        bent = np.tanh(raised, out=raised) if self._before is None else self._smoothed(raised)
        return self._oversampler.down(bent)

    def _smoothed(self, raised: Waveform) -> Waveform:
        """The mean of tanh between neighbouring samples, by its antiderivative log cosh (Parker et al., DAFx 2016)."""
        joined = np.concatenate([self._before, raised], axis=1)
        self._before = joined[:, -1:].copy()
        step: Waveform = np.diff(joined, axis=1)
        middle: Waveform = (joined[:, 1:] + joined[:, :-1]) / 2
        is_small = np.abs(step) < _SMALLEST_STEP
        if is_small.all():  # silence costs no more than sound
            return np.tanh(middle, out=middle)
        size = np.abs(joined)
        is_round = size < _STRAIGHT
        size[is_round] += np.log1p(np.exp(-2 * size[is_round]))
        area: Waveform = np.diff(size, axis=1)
        step[is_small] = 1
        area /= step
        area[is_small] = np.tanh(middle[is_small])
        return area


class _LevelMatch:
    """Brings a sound's loudness to that of another, slowly."""

    def __init__(self, amount: float, channels: int, sample_rate_hz: int):
        self.retune(amount)
        weighting = k_weighting_sections(sample_rate_hz)
        self._weightings = [SectionStream(weighting, channels) for _ in range(2)]
        self._pole = level_pole(sample_rate_hz)
        self._powers = [np.zeros(1) for _ in range(2)]

    def retune(self, amount: float) -> None:
        """Match by another share from here on."""
        self._exponent = np.float32(amount / 2)

    def process(self, wanted: Samples, audio: Samples) -> Samples:
        """`audio` at the loudness of `wanted`, shapes (channels, n)."""
        ratio = (self._power(0, wanted) + QUIET) / (self._power(1, audio) + QUIET)
        gain: Samples = np.minimum(ratio.astype(np.float32) ** self._exponent, np.float32(LOUDEST_MATCH))
        return audio * gain

    def _power(self, which: int, audio: Samples) -> NDArray[np.float64]:
        power = np.square(self._weightings[which].process(audio)).sum(axis=0)
        from scipy.signal import lfilter

        followed, self._powers[which] = lfilter([1 - self._pole], [1, -self._pole], power, zi=self._powers[which])
        if self._powers[which][0] < _SILENT:
            self._powers[which][:] = 0
        result: NDArray[np.float64] = followed
        return result


def _tilts(tone: float, sample_rate_hz: int) -> list[NDArray[np.float64]]:
    """The tilt before the bend and its exact inverse behind it, as sections; none for tone 0."""
    if not tone:
        return []
    root = 10 ** (tone * TONE_DB / 20)
    corner = math.tan(math.pi * min(TONE_HZ, 0.4 * sample_rate_hz) / sample_rate_hz)
    # One pole and one zero, by the bilinear transform: 1 / root in the lows, 1 at the corner, root in the highs.
    before = np.array([root + corner, corner - root, 0.0, 1 + root * corner, root * corner - 1, 0.0])
    behind = np.concatenate([before[3:], before[:3]])
    return [(before / before[3])[None], (behind / behind[3])[None]]
