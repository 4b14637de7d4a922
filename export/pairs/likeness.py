"""How much of a recording is another one, filtered: the measure that tells pairs from what are none.

In each bin of a spectrum over long windows, the mixed recording is predicted from the raw one of now and of up to a
second before by the best linear filter. What cannot be predicted is other sound: other instruments, another take.
Compressors, echoes and rooms leave most of it predictable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...runtime.audio.reading import Samples

_WINDOW_S, _TAPS = 0.17, 6
_BAND_HZ: Final = (100.0, 8000.0)
# Frames of which this many dB below the loudest say nothing.
_RIDGE = 1e-4
_LONGEST_S = 60.0
_LEVEL_WINDOW_S, _LEVEL_BANDS = 0.09, 11
_LEVEL_BAND_HZ: Final = (150.0, 7000.0)
# Levels further down are noise; frames further down are pauses of both.
_LEVEL_FLOOR, _LEVEL_RANGE_DB = 1e-5, -40.0
_MOMENT_S = 0.05
# A raw recording this far below its loud moments, for so long, pauses: rooms and echoes have faded by then.
_PAUSE_DB, _FADED_S = -35.0, 0.7
_LEAST_PAUSES_S = 0.3
_LOUD_SHARE = 0.1
# Beside what sounds like that nothing of the raw recording is left.
_SOUNDING_DB, _CUT_DB = -25.0, -60.0


@dataclass(frozen=True)
class PairLikeness:
    """What tells whether two recordings are a pair.

    Attributes:
        explained: share of the mixed recording that is the raw one, filtered, 0..1.
        peak: of the correlation, over its mean; unrelated sound has 5 to 8.
        agreeing: share of the passages that agree on when the raw one is heard in the mixed one.
        following: how far the mixed one's levels move as those of the raw one, -1..1; None where that is not asked.
        pauses_db: level of the mixed one where the raw one has paused, in dB of its loud moments; None without pauses.
    """

    explained: float
    peak: float
    agreeing: float
    following: float | None = None
    pauses_db: float | None = None


def explained_share(raw: Samples, mixed: Samples, sample_rate_hz: int) -> float:
    """Measures which share of the mixed recording is the raw one, filtered, 0..1; bands count alike by loudness.

    Args:
        raw: shape (samples,).
        mixed: likewise, on the same time and as long.
        sample_rate_hz: of both.
    """
    frames = min(len(raw), round(_LONGEST_S * sample_rate_hz))
    size = 2 ** round(np.log2(_WINDOW_S * sample_rate_hz))
    # What a mix has more of in the lows is not to hide the rest.
    spectra = [_spectrum(np.diff(each[:frames], prepend=0), size) for each in (raw, mixed)]
    freqs_hz = np.fft.rfftfreq(size, 1 / sample_rate_hz)
    inside = (freqs_hz > _BAND_HZ[0]) & (freqs_hz < min(_BAND_HZ[1], 0.45 * sample_rate_hz))
    inputs, wanted = (spectrum[:, inside] for spectrum in spectra)
    count = len(inputs)
    taps = min(_TAPS, max(1, count // 8))
    delayed = np.stack([np.pad(inputs, ((tap, 0), (0, 0)))[:count] for tap in range(taps)], axis=-1)
    delayed, wanted = delayed.transpose(1, 0, 2), wanted.T[..., None]
    across = delayed.conj().transpose(0, 2, 1)
    square = across @ delayed
    ridge = _RIDGE * np.trace(square, axis1=1, axis2=2).real / taps + 1e-20
    filters = np.linalg.solve(square + ridge[:, None, None] * np.eye(taps), across @ wanted)
    left = np.square(np.abs(wanted - delayed @ filters)).sum(axis=(1, 2))
    total = np.square(np.abs(wanted)).sum(axis=(1, 2))
    # As many free numbers as taps explain that share of anything.
    left = left * count / max(1, count - taps)
    octave = np.floor(3 * np.log2(freqs_hz[inside] / _BAND_HZ[0])).astype(int)
    weights = np.bincount(octave, total) ** 0.5
    shares = np.bincount(octave, left) / np.maximum(np.bincount(octave, total), 1e-30)
    return float(np.clip(1 - (weights * shares).sum() / max(weights.sum(), 1e-30), 0, 1))


def _spectrum(audio: NDArray[np.float32], size: int) -> NDArray[np.complex128]:
    hop = size // 2
    audio = np.pad(audio, (0, max(0, size - len(audio))))
    windows = np.lib.stride_tricks.sliding_window_view(audio, size)[::hop]
    spectrum: NDArray[np.complex128] = np.fft.rfft(windows * np.hanning(size))
    return spectrum


def levels_alike(raw: Samples, mixed: Samples, sample_rate_hz: int) -> float:
    """Measures how far the levels of a recording move as those of another in halves of octaves: a correlation, -1..1.

    Where a voice was tuned its waves are others, and this stays; another take moves otherwise.

    Args:
        raw: shape (samples,).
        mixed: likewise, on the same time and as long.
        sample_rate_hz: of both.
    """
    frames = min(len(raw), round(_LONGEST_S * sample_rate_hz))
    size = 2 ** round(np.log2(_LEVEL_WINDOW_S * sample_rate_hz))
    edges_hz = np.geomspace(_LEVEL_BAND_HZ[0], min(_LEVEL_BAND_HZ[1], 0.45 * sample_rate_hz), _LEVEL_BANDS + 1)
    edges = np.unique(np.searchsorted(np.fft.rfftfreq(size, 1 / sample_rate_hz), edges_hz))
    levels_db, whole_db = [], []
    for audio in (raw, mixed):
        power = np.square(np.abs(_spectrum(audio[:frames], size)))
        bands = np.add.reduceat(power, edges, axis=1)[:, :-1]
        levels_db.append(10 * np.log10(bands + _LEVEL_FLOOR * bands.max(axis=0) + 1e-20))
        whole = bands.sum(axis=1)
        whole_db.append(10 * np.log10(whole / max(float(whole.max()), 1e-20) + 1e-20))
    heard = np.maximum(*whole_db) > _LEVEL_RANGE_DB
    moves = [level[heard] - level[heard].mean(axis=0) for level in levels_db]
    spreads = [np.sqrt(np.square(move).mean(axis=0)) for move in moves]
    both = spreads[0] * spreads[1]
    alike = (moves[0] * moves[1]).mean(axis=0)
    return float(alike.sum() / both.sum()) if both.sum() > 0 else 0.0


def pauses_level_db(raw: Samples, mixed: Samples, sample_rate_hz: int) -> float | None:
    """Measures how loud a recording is where another one has paused for a while, in dB of its loud moments.

    What a room leaves by then is far below; other instruments play on.

    Args:
        raw: shape (samples,).
        mixed: likewise, on the same time and as long.
        sample_rate_hz: of both.

    Returns:
        The level; None where there are no such pauses.
    """
    raw_db, mixed_db = (_moments_db(audio, sample_rate_hz) for audio in (raw, mixed))
    lead = round(_FADED_S / _MOMENT_S)
    is_quiet = np.concatenate([np.zeros(lead, bool), raw_db < _PAUSE_DB])
    paused = np.lib.stride_tricks.sliding_window_view(is_quiet, lead + 1).all(axis=1)
    if paused.sum() * _MOMENT_S < _LEAST_PAUSES_S:
        return None
    return float(np.median(mixed_db[paused]))


def cut_seconds(raw: Samples, mixed: Samples, sample_rate_hz: int) -> float:
    """Measures for how many seconds a recording is silent where another one sounds; arguments as above."""
    raw_db, mixed_db = (_moments_db(audio, sample_rate_hz) for audio in (raw, mixed))
    return float(((raw_db > _SOUNDING_DB) & (mixed_db < _CUT_DB)).sum() * _MOMENT_S)


def _moments_db(audio: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    """Levels over time in dB of the loud moments."""
    size = round(_MOMENT_S * sample_rate_hz)
    power = np.square(audio - audio.mean(), dtype=np.float64)
    moments = power[: len(power) // size * size].reshape(-1, size).mean(axis=1)
    return np.asarray(10 * np.log10((moments + 1e-14) / (np.quantile(moments, 1 - _LOUD_SHARE) + 1e-14)))
