"""Measures programme loudness after ITU-R BS.1770-4, of an array or of a stream in constant memory.

Our own code on purpose: pyloudnorm wants the whole programme in memory, and a mix is measured while it is written. The
gating is done here on sums of 100 ms, which is all that a stream has to keep. The K-weighting has the design of
pyloudnorm, so that figures agree with it. Peaks are in :mod:`.peaks`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...presets.errors import AudioError
from ...presets.units import power_decibels, power_factor
from ..filtering import filter_sections, forget_silence
from .reading import Samples

SILENT_LUFS = -math.inf

# What is filtered at a time, in steps of 0.1 s: longer pieces of double precision do not fit into a cache.
_PIECE_STEPS = 15
_BLOCK_STEPS = 4  # gating blocks of 0.4 s, one beginning every 0.1 s
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_RANGE_GATE_LU, _RANGE_PERCENTILES = -20.0, (10.0, 95.0)
# The standard lists coefficients for 48 kHz only. These designs follow its curve at any rate; pyloudnorm has the same.
_SHELF_GAIN_DB, _SHELF_HZ, _SHELF_Q = 4.0, 1500.0, 1 / math.sqrt(2)
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.0, 0.5
# The spectrum takes audio as if it went round; what that changes is far less than this.
_SPECTRUM_MARGIN_LU = 3.0


def integrated_loudness(audio: Samples, sample_rate_hz: int) -> float:
    """Integrated loudness of a programme, ITU-R BS.1770-4.

    Args:
        audio: samples, shape (channels, samples), full scale 1.0; one or two channels.
        sample_rate_hz: their rate.

    Returns:
        Loudness in LUFS; -inf for silence (all below the gate of -70 LUFS). What is shorter than one gating
        block of 0.4 s counts as if silence filled the block.

    Raises:
        AudioError: a sample is not a finite number.
    """
    meter = StreamingLoudness(sample_rate_hz)
    meter.update(audio)
    return meter.integrated_lufs


def loudness_range(audio: Samples, sample_rate_hz: int, block_s: float = 3.0) -> float:
    """:meth:`StreamingLoudness.range_lu` of audio in memory, shape (channels, samples), in LU."""
    meter = StreamingLoudness(sample_rate_hz)
    meter.update(audio)
    return meter.range_lu(block_s)


def k_weights(freqs_hz: NDArray[np.float64], sample_rate_hz: int) -> NDArray[np.float64]:
    """The K-weighting's gain in power at these frequencies, shape (n,)."""
    delay = np.exp(-2j * np.pi * freqs_hz / sample_rate_hz)
    power = np.ones(len(freqs_hz))
    for first, *above, _, middle, last in k_weighting_sections(sample_rate_hz).tolist():
        gain = (first + delay * (above[0] + delay * above[1])) / (1 + delay * (middle + delay * last))
        power *= np.square(gain.real) + np.square(gain.imag)
    return power


@lru_cache(maxsize=8)
def bin_weights(samples: int, sample_rate_hz: int) -> NDArray[np.float64]:
    """The K-weighting's gain in power at the bins of a real transform of so many samples; read-only."""
    weights = k_weights(np.fft.rfftfreq(samples, 1 / sample_rate_hz).astype(np.float64), sample_rate_hz)
    weights.flags.writeable = False
    return weights


def is_silent(audio: Samples, sample_rate_hz: int, below_lufs: float) -> bool:
    """Whether the integrated loudness of audio is below this.

    Without the gates loudness is lower, and found from the spectrum alone, which spares importing filters for a second.

    Raises:
        AudioError: a sample is not a finite number.
    """
    spectrum = np.abs(np.fft.rfft(audio)) ** 2
    spectrum[:, 1:] *= 2  # negative frequencies
    power = float((spectrum @ bin_weights(audio.shape[1], sample_rate_hz)).sum()) / audio.shape[1] ** 2
    if power > _power(below_lufs + _SPECTRUM_MARGIN_LU):
        return False
    return integrated_loudness(audio, sample_rate_hz) < below_lufs


class StreamingLoudness:
    """A loudness meter that is fed block by block.

    Args:
        sample_rate_hz: of the samples to come.
    """

    def __init__(self, sample_rate_hz: int):
        self._rate_hz = sample_rate_hz
        self._sections = k_weighting_sections(sample_rate_hz)
        self._memory: NDArray[np.float64] | None = None
        self._frames = 0
        self._sums: list[float] = []
        self._open_sum = 0.0

    def update(self, block: Samples) -> None:
        """Takes the next samples, shape (channels, n); n may be anything.

        Raises:
            AudioError: a sample is not a finite number.
        """
        piece = _PIECE_STEPS * max(1, self._rate_hz // 10)
        for begin in range(0, block.shape[1], piece):
            self._take(block[:, begin : begin + piece])

    def _take(self, block: Samples) -> None:
        if self._memory is None:
            self._memory = np.zeros((block.shape[0], len(self._sections), 2))
        if not block.any() and not self._memory.any():
            self._collect(np.zeros((1, block.shape[1])))
            return
        weighted = block.astype(np.float64, order="C")
        filter_sections(self._sections, weighted, self._memory)
        forget_silence(self._memory)
        self._collect(weighted)

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness of all samples so far, in LUFS; -inf for silence."""
        sums = np.array([*self._sums, self._open_sum, *[0.0] * _BLOCK_STEPS])
        steps_s = self._frames / self._rate_hz * 10
        blocks = max(1, round(steps_s - _BLOCK_STEPS) + 1)
        power = np.convolve(sums, np.ones(_BLOCK_STEPS), "valid")[:blocks] / (_BLOCK_STEPS * self._rate_hz / 10)
        loud = power[power >= _power(_ABSOLUTE_GATE_LUFS)]
        if not len(loud):
            return SILENT_LUFS
        gate = _power(_lufs(float(loud.mean())) + _RELATIVE_GATE_LU)
        return _lufs(float(loud[loud > gate].mean()))

    def range_lu(self, block_s: float = 3.0) -> float:
        """Loudness range after EBU Tech 3342: from the quiet to the loud of blocks of this length; 0 for silence.

        The standard's blocks of 3 s ask for a whole song; of a passage shorter ones tell more.
        """
        steps = min(max(1, round(10 * block_s)), max(1, len(self._sums)))
        power = np.convolve(np.array(self._sums or [0.0]), np.ones(steps), "valid") / (steps * self._rate_hz / 10)
        loud = power[power >= _power(_ABSOLUTE_GATE_LUFS)]
        if not len(loud):
            return 0.0
        counted = loud[loud >= _power(_lufs(float(loud.mean())) + _RANGE_GATE_LU)]
        quiet, high = np.percentile(10 * np.log10(counted), _RANGE_PERCENTILES)
        return float(high - quiet)

    def _collect(self, weighted: NDArray[np.float64]) -> None:
        """Adds up power in steps of 0.1 s, from shape (channels, n)."""
        begin, frames = 0, weighted.shape[1]
        while begin < frames:
            length, uneven = divmod(self._rate_hz, 10)
            whole = (frames - begin) // length
            if not uneven and whole and self._frames == len(self._sums) * length:  # at the beginning of a step
                end = begin + whole * length
                self._sums.extend(_powers(weighted[:, begin:end].reshape(len(weighted), whole, length)))
                self._frames += end - begin
                begin = end
                continue
            step_ends = (len(self._sums) + 1) * self._rate_hz // 10
            end = min(frames, begin + step_ends - self._frames)
            self._open_sum += _powers(weighted[:, None, begin:end])[0]
            self._frames += end - begin
            begin = end
            if self._frames == step_ends:
                self._sums.append(self._open_sum)
                self._open_sum = 0.0


def _powers(steps: NDArray[np.float64]) -> list[float]:
    """The power of each step, from shape (channels, steps, n)."""
    powers = np.einsum("csn,csn->s", steps, steps)
    if not np.isfinite(powers).all():
        raise AudioError("the loudness of audio with samples that are not finite numbers cannot be measured.")
    sums: list[float] = powers.tolist()
    return sums


def k_weighting_sections(sample_rate_hz: int) -> NDArray[np.float64]:
    """Gives second-order sections of the K-weighting, shape (2, 6): a shelf for the head, and a high-pass."""
    return np.array([_high_shelf(sample_rate_hz), _high_pass(sample_rate_hz)])


def _high_shelf(sample_rate_hz: int) -> NDArray[np.float64]:
    """Designs the shelf after R. Bristow-Johnson's Audio EQ Cookbook, for any sample rate."""
    A, cos, alpha = _design(_SHELF_GAIN_DB, _SHELF_Q, _SHELF_HZ, sample_rate_hz)
    slope = 2 * np.sqrt(A) * alpha
    numerator = [
        A * ((A + 1) + (A - 1) * cos + slope),
        -2 * A * ((A - 1) + (A + 1) * cos),
        A * ((A + 1) + (A - 1) * cos - slope),
    ]
    denominator = [(A + 1) - (A - 1) * cos + slope, 2 * ((A - 1) - (A + 1) * cos), (A + 1) - (A - 1) * cos - slope]
    return np.asarray(np.array([*numerator, *denominator]) / denominator[0], np.float64)


def _high_pass(sample_rate_hz: int) -> NDArray[np.float64]:
    """Designs the high-pass, likewise."""
    _, cos, alpha = _design(0.0, _HIGH_PASS_Q, _HIGH_PASS_HZ, sample_rate_hz)
    numerator = [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2]
    denominator = [1 + alpha, -2 * cos, 1 - alpha]
    return np.array([*numerator, *denominator]) / denominator[0]


def _design(gain_db: float, q: float, freq_hz: float, sample_rate_hz: int) -> tuple[float, float, float]:
    """Gives the Cookbook's A, cos w0 and alpha."""
    w0 = 2.0 * np.pi * (freq_hz / sample_rate_hz)
    return 10 ** (gain_db / 40.0), float(np.cos(w0)), float(np.sin(w0) / (2.0 * q))


def _power(lufs: float) -> float:
    return power_factor(lufs + 0.691)


def _lufs(power: float) -> float:
    return -0.691 + power_decibels(power)
