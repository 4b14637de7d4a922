"""What a whole mix sounds like: spectrum of middle and sides while it plays, loudness, true peak.

The spectrum is kept in twelfths of an octave, four to each point of the match curve, so that what a curve does to it
can be computed. Frames far below the loudest music (gaps, fades) do not count. How much a band moves in time tells
music from noise: noise that stays is as loud in every frame, but for chance, which is known from bandwidth and length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...presets.parts.match import THIRDS_HZ
from ..audio.loudness import StreamingLoudness, k_weights
from ..audio.peaks import TruePeakMeter
from ..audio.reading import Samples, as_stereo

Floats = NDArray[np.float64]

PARTS: Final = 4
"""Parts of a third octave."""
PARTS_HZ: Final = np.array([hz * 2 ** ((part - 1.5) / 12) for hz in THIRDS_HZ for part in range(PARTS)])
"""Their centres, rising, shape (124,)."""
_LOUDNESS_WEIGHTS: Final = k_weights(PARTS_HZ, 192_000)
_EDGES: Final = 2 ** (np.array([-0.5, 0.5]) / 12)

# Long enough to tell twelfths of an octave at 50 Hz from each other, nearly.
_FRAME_S: Final = 0.37
_TOGETHER: Final = 8  # frames: as many as fit into a cache
# Below the loudness of the music, as in BS.1770; and what is silence whatever the rest is.
_GATE_DB: Final = 10.0
_SILENT_POWER: Final = 1e-9
_TINY: Final = 1e-20
# A band is there where it is no further below the whole, in power.
_PRESENT_DB: Final = 75.0
_TOP: Final = 0.46  # of the sample rate
# Decibels of standard deviation of chi-squared noise, times the square root of half its degrees of freedom.
_CHANCE_DB: Final = 10 / math.log(10)
_HANN_FRAMES: Final = 0.52  # independent seconds in a frame, as a share of it


@dataclass(frozen=True)
class Profile:
    """A mix, measured.

    Attributes:
        power: of middle and sides in parts of third octaves, mean over the frames that count, shape (2, 124).
        movement_db: how far each third octave moves in time beyond what noise does by chance, shape (2, 31).
        loudness_lufs: integrated, of all; -inf for silence.
        true_peak_dbtp: of all; -inf for silence.
        sample_rate_hz: of what was measured.
    """

    power: Floats
    movement_db: Floats
    loudness_lufs: float
    true_peak_dbtp: float
    sample_rate_hz: int

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to be matched."""
        return not math.isfinite(self.loudness_lufs) or not self.power.any()

    @property
    def peak_to_loudness_db(self) -> float:
        """True peak over integrated loudness."""
        return self.true_peak_dbtp - self.loudness_lufs

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Where there is anything in the middle that could be asked for, shape (31,)."""
        thirds = thirds_of(self.power)
        is_heard = thirds[0] > thirds.sum() * 10 ** (-_PRESENT_DB / 10)
        return np.asarray(is_heard & (np.array(THIRDS_HZ) < _TOP * self.sample_rate_hz))


def thirds_of(power: Floats) -> Floats:
    """Add up parts to third octaves, from shape (2, 124) to (2, 31)."""
    return np.asarray(power.reshape(len(power), -1, PARTS).sum(axis=2))


def loudness_power(power: Floats) -> float:
    """Weigh a spectrum as loudness does, and add it up; the sampling of the music does not matter."""
    return float((power * _LOUDNESS_WEIGHTS).sum())


def profile_of(blocks: Iterable[Samples], sample_rate_hz: int) -> Profile:
    """Measure a mix block by block.

    Args:
        blocks: shape (1 or 2, n) each.
        sample_rate_hz: of them.
    """
    loudness, peak, frames = StreamingLoudness(sample_rate_hz), TruePeakMeter(), _Frames(sample_rate_hz)
    with ThreadPoolExecutor(2) as pool:  # each measures on its own
        for block in blocks:
            stereo = as_stereo(block)
            others = [pool.submit(meter.update, stereo) for meter in (loudness, peak)]
            frames.update(stereo)
            for other in others:
                other.result()
    powers = frames.powers()
    counted = powers[_counted(powers)]
    mean = counted.mean(axis=0) if len(counted) else np.zeros((2, len(PARTS_HZ)))
    return Profile(mean, _movement_db(counted, frames.length_s), loudness.integrated_lufs, peak.peak_db, sample_rate_hz)


def pooled(profiles: Sequence[tuple[Profile, float]]) -> Profile:
    """What lies between several mixes, by weight: levels in dB, but sides against the middle in power.

    So half of a bright and half of a dark song is neither, and half of a mono and half of a wide one is half as wide. A
    band that some of them lack is asked of the others.

    Args:
        profiles: at least one that is not silent, with their weights; silent ones do not count.
    """
    sounding = [(profile, weight) for profile, weight in profiles if not profile.is_silent]
    if len(sounding) < 2:
        return sounding[0][0] if sounding else profiles[0][0]
    mixes = [profile for profile, _ in sounding]
    shares = np.array([weight for _, weight in sounding])
    shares = shares / shares.sum()
    levelled = np.stack([profile.power / loudness_power(profile.power) for profile in mixes])
    there = np.stack([np.repeat(profile.present, PARTS) for profile in mixes])
    weights = np.where(there | ~there.any(axis=0), shares[:, None], 0.0)
    weights = weights / weights.sum(axis=0)
    middle = np.exp((weights * np.log(levelled[:, 0] + _TINY)).sum(axis=0))
    sides = middle * (weights * levelled[:, 1] / (levelled[:, 0] + _TINY)).sum(axis=0)
    loudness_lufs = float(shares @ [profile.loudness_lufs for profile in mixes])
    peaks_db = float(shares @ [profile.peak_to_loudness_db for profile in mixes])
    movement_db = np.tensordot(shares, np.stack([profile.movement_db for profile in mixes]), axes=1)
    rate_hz = max(profile.sample_rate_hz for profile in mixes)
    return Profile(np.stack([middle, sides]), movement_db, loudness_lufs, loudness_lufs + peaks_db, rate_hz)


class _Frames:
    """Powers of middle and sides in overlapping frames of a stream."""

    def __init__(self, sample_rate_hz: int):
        self._size = 2 ** round(math.log2(_FRAME_S * sample_rate_hz))
        self.length_s = self._size / sample_rate_hz
        self._window = np.hanning(self._size + 1)[:-1].astype(np.float32)
        self._half_window = self._window * np.float32(0.5)
        self._rest = np.zeros((2, 0), np.float32)
        self._powers: list[Floats] = []
        bins = np.outer(PARTS_HZ, _EDGES) * self._size / sample_rate_hz
        # Bin k reaches from k - 1/2 to k + 1/2.
        self._places = np.clip(bins + 0.5, 0, self._size // 2 + 1)
        self._whole = np.minimum(self._places.astype(np.intp), self._size // 2)
        self._share = self._places - self._whole
        self._sums = np.zeros((_TOGETHER, 2, self._size // 2 + 2))  # from the lowest bin up; the first stays 0
        self._scale = 1 / float(np.square(self._window, dtype=np.float64).sum()) / self._size

    def update(self, stereo: Samples) -> None:
        joined = np.concatenate([self._rest, stereo], axis=1)
        hop = self._size // 2
        count = max(0, (joined.shape[1] - self._size) // hop + 1)
        if count:
            frames = sliding_window_view(joined, self._size, axis=1)[:, ::hop][:, :count]
            for begin in range(0, count, _TOGETHER):
                self._add(frames[:, begin : begin + _TOGETHER])
        self._rest = joined[:, count * hop :].copy()

    def powers(self) -> Floats:
        """Shape (frames, 2, 124); what is shorter than a frame is one, filled up with silence."""
        if not self._powers and self._rest.any():
            self._add(np.pad(self._rest, ((0, 0), (0, self._size - self._rest.shape[1])))[:, None])
        return np.concatenate(self._powers) if self._powers else np.zeros((0, 2, len(PARTS_HZ)))

    def _add(self, frames: Samples) -> None:
        """Takes frames, shape (2, count, size)."""
        from scipy.fft import rfft  # late, as in audio/loudness.py

        middle_side = np.stack([frames[0] + frames[1], frames[0] - frames[1]], axis=1) * self._half_window
        spectrum = rfft(middle_side, axis=-1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        sums = self._sums[: len(power)]
        np.cumsum(power, axis=-1, dtype=np.float64, out=sums[..., 1:])
        upto = sums[..., self._whole] * (1 - self._share) + sums[..., self._whole + 1] * self._share
        # Differences of sums: rounding may leave less than nothing where there is nothing.
        self._powers.append(np.maximum(upto[..., 1] - upto[..., 0], 0) * (2 * self._scale))


def _counted(powers: Floats) -> NDArray[np.bool_]:
    """Choose the frames in which the music plays."""
    levels = np.array([loudness_power(power) for power in powers])
    loud = levels > _SILENT_POWER
    if not loud.any():
        return loud
    return np.asarray(levels > levels[loud].mean() * 10 ** (-_GATE_DB / 10))


def _movement_db(powers: Floats, frame_s: float) -> Floats:
    """Tell how far thirds move in time: the standard deviation of their level, chance taken off, shape (2, 31)."""
    if len(powers) < 2:
        return np.full((2, len(THIRDS_HZ)), np.inf)
    levels_db = 10 * np.log10(np.stack([thirds_of(power) for power in powers]) + _TINY)
    spread_db = levels_db.std(axis=0)
    width_hz = np.array(THIRDS_HZ) * (2 ** (1 / 6) - 2 ** (-1 / 6))
    freedom = np.maximum(1.0, 2 * width_hz * frame_s * _HANN_FRAMES)
    chance_db = _CHANCE_DB * np.sqrt(2 / freedom)
    return np.asarray(np.sqrt(np.maximum(0, spread_db**2 - chance_db**2)))
