"""The match curve: a filter through third-octave points for middle and sides, as convolution with its impulse response.

Between the points the gain runs smoothly over the logarithm of frequency and never beyond its neighbours (piecewise
cubic, Fritsch and Carlson); outside of them it stays. Minimum phase is made from the real cepstrum of the gain and has
no latency; linear phase is symmetrical, twice as long, and comes half its length later. Between the two, phase is
turned by a share.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from ...presets.parts.match import THIRDS_HZ, MatchCurve, ToneCurve, WidthCurve, is_flat, points_db
from ..audio.reading import Samples
from .effects.convolution import StereoConvolution

Curve = NDArray[np.float64]

# A third octave at 25 Hz is 6 Hz wide, which takes as long as this to be told from its neighbours.
_LENGTH_S: Final = 0.17
# Samples that are transformed together, beside those before them: longer transforms do not fit into a cache.
_TOGETHER: Final = 32768
# What an impulse response is cut off with, at its end, or at both.
_FADE: Final = 0.25
# The cepstrum is taken as if it went round: so many times longer, what comes round is far below single precision.
CEPSTRUM_LENGTHS: Final = 8
# Points are neighbours where nothing else is known: below the lowest and above the highest the gain stays.
_LOG_THIRDS: Final = np.log2(np.array(THIRDS_HZ))


def curve_gain_db(curve: ToneCurve | WidthCurve, freqs_hz: ArrayLike) -> Curve:
    """Compute the gain of one curve, at an amount of 1.

    Args:
        curve: its points.
        freqs_hz: where to look, shape (n,); 0 is as the lowest point.
    """
    return smooth_curve_db(np.array(points_db(curve)), freqs_hz)


def smooth_curve_db(gains_db: Curve, freqs_hz: ArrayLike) -> Curve:
    """Compute the gain between points at :data:`THIRDS_HZ`, shape (31,), at these frequencies."""
    from scipy.interpolate import PchipInterpolator  # late: slow to import, seldom needed

    octaves = np.log2(np.clip(np.asarray(freqs_hz, np.float64), THIRDS_HZ[0], THIRDS_HZ[-1]))
    between: Curve = PchipInterpolator(_LOG_THIRDS, gains_db)(np.clip(octaves, _LOG_THIRDS[0], _LOG_THIRDS[-1]))
    return between


def match_gains_db(match: MatchCurve, freqs_hz: ArrayLike) -> tuple[Curve, Curve]:
    """Compute the gains of middle and sides in dB, each of the shape of the frequencies."""
    middle_db = match.amount * curve_gain_db(match.tone, freqs_hz)
    return middle_db, middle_db + match.amount * curve_gain_db(match.width, freqs_hz)


class MatchProcessor:
    """The match curve over stereo, fed block by block; a flat one passes audio through.

    Args:
        match: its settings.
        sample_rate_hz: of the audio.
        piece_frames: of a convolution that is quick with short blocks, in single precision; None takes double
            precision, where each block costs as much as the response is long.

    Attributes:
        latency_samples: how much later the audio comes out; 0 for minimum phase.
    """

    def __init__(self, match: MatchCurve, sample_rate_hz: int, piece_frames: int | None = None):
        self.latency_samples = 0
        self._is_active = not is_flat(match)
        if not self._is_active:
            return
        responses, self._is_wide = _responses(match, sample_rate_hz)
        self._filters: FirStream | StereoConvolution = (
            FirStream(responses)
            if piece_frames is None
            else StereoConvolution(responses.astype(np.float32), 1.0, sample_rate_hz, piece_frames)
        )
        self.latency_samples = response_length(sample_rate_hz) if match.linear_phase else 0

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (2, n), later by `latency_samples`."""
        if not self._is_active:
            return block
        if not self._is_wide:
            return self._filters.process(block).astype(np.float32)
        filtered = self._filters.process(np.stack([block[0] + block[1], block[0] - block[1]]))
        return np.stack([filtered[0] + filtered[1], filtered[0] - filtered[1]]).astype(np.float32) * np.float32(0.5)


@lru_cache(maxsize=4)  # a master is tried and rendered with one curve many times
def _responses(match: MatchCurve, sample_rate_hz: int) -> tuple[Curve, bool]:
    """The impulse responses of middle and sides, shape (2, taps), read-only; and whether they differ."""
    taps = response_length(sample_rate_hz)
    freqs_hz = np.fft.rfftfreq(CEPSTRUM_LENGTHS * taps, 1 / sample_rate_hz)
    gains_db = match_gains_db(match, freqs_hz)
    responses = np.stack([_impulse_response(gain_db, taps, match.linear_phase) for gain_db in gains_db])
    responses.flags.writeable = False
    # What does not touch the width is the same for left and right.
    return responses, not np.array_equal(*gains_db)


def matched(audio: Samples, match: MatchCurve, sample_rate_hz: int) -> Samples:
    """Send a whole signal through a match curve, without delay; shape (2, n)."""
    processor = MatchProcessor(match, sample_rate_hz)
    late = processor.latency_samples
    return processor.process(np.pad(audio, ((0, 0), (0, late))))[:, late:]


class FirStream:
    """Filters with impulse responses, one for each channel, without latency, in double precision.

    Args:
        responses: shape (channels, taps).
    """

    def __init__(self, responses: Curve):
        self._responses = responses
        self._past = np.zeros((len(responses), responses.shape[1] - 1))
        self._spectra: NDArray[np.complex128] | None = None
        self._size = 0

    def process(self, block: Samples) -> Curve:
        """The next samples, shape (channels, n)."""
        frames, past = block.shape[1], self._past.shape[1]
        if not frames:
            return block.astype(np.float64)
        joined = np.concatenate([self._past, block], axis=1)
        self._past = joined[:, frames:].copy()
        if not joined.any():  # the past is used up: exact silence, and no work
            return np.zeros(block.shape)
        filtered = np.empty(block.shape)
        for begin in range(0, frames, _TOGETHER):
            end = min(frames, begin + _TOGETHER)
            filtered[:, begin:end] = self._filtered(joined[:, begin : end + past])
        return filtered

    def _filtered(self, joined: Curve) -> Curve:
        """Filter a piece, its past before it; what comes round in the transform falls into the past."""
        size = fft.next_fast_len(joined.shape[1], real=True)
        if self._spectra is None or self._size != size:
            self._size, self._spectra = size, fft.rfft(self._responses, size, axis=1)
        spectra = fft.rfft(joined, size, axis=1)
        spectra *= self._spectra
        valid = slice(self._past.shape[1], joined.shape[1])
        return np.asarray(fft.irfft(spectra, size, axis=1)[:, valid], np.float64)


def response_length(sample_rate_hz: int) -> int:
    """Count the samples of an impulse response: a power of two, about as long at every rate."""
    return int(2 ** np.ceil(np.log2(_LENGTH_S * sample_rate_hz)))


def _impulse_response(gain_db: Curve, taps: int, linear_phase: float) -> Curve:
    """Make the impulse response of gains at the bins of a transform that is longer by far.

    Args:
        gain_db: at the bins.
        taps: length of the response of minimum phase; any linear phase rings as long before as behind its middle.
        linear_phase: 0 minimum, 1 linear.
    """
    size = 2 * (len(gain_db) - 1)
    log_gain = gain_db * (np.log(10) / 20)
    cepstrum = np.fft.irfft(log_gain, size)
    # Folded onto positive times: the logarithm of a spectrum of minimum phase.
    cepstrum[1 : size // 2] *= 2
    cepstrum[size // 2 + 1 :] = 0
    turned = np.fft.rfft(cepstrum).imag * (1 - linear_phase)
    delay = taps if linear_phase else 0
    bins = np.arange(len(gain_db))
    response = np.fft.irfft(np.exp(log_gain + 1j * (turned - 2 * np.pi * bins * delay / size)), size)
    length = 2 * taps + 1 if linear_phase else taps
    return np.asarray(response[:length] * faded(length, at_both_ends=bool(linear_phase)))


def faded(length: int, *, at_both_ends: bool) -> Curve:
    """Make a window that ends in half a cosine."""
    fade = round(_FADE * length)
    falling = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / (fade + 1))
    window = np.ones(length)
    window[-fade:] = falling
    if at_both_ends:
        window[:fade] = falling[::-1]
    return window
