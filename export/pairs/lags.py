"""When one recording is heard in another: lags of passages by cross-correlation, and the line through them.

The correlation is whitened within the band of voices and most instruments, so that its peak is where the direct sound
is, whatever equalizers made of the spectrum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from ...runtime.audio.reading import Samples

Curve = NDArray[np.float64]

_SEARCH_RATE_HZ: Final = 12_000
_BAND_HZ: Final = (120.0, 5000.0)
_PASSAGE_S, _MOST_PASSAGES = 5.0, 10
# Passages this far below the loudest are too quiet to tell anything.
_QUIET_DB = 35.0
# Peaks of unrelated sound are five or six times as high as the mean of the correlation, seldom eight.
SURE_PEAK: Final = 9.0
_REACH_S, _FINE = 0.008, 16
# Clocks differ by up to this much, converters by far less.
_MOST_DRIFT = 1e-3
_SAME_S = 0.004


@dataclass(frozen=True)
class Lags:
    """By how much later the second recording has what the first has.

    Attributes:
        offset_s: at the beginning of the first.
        drift: seconds that the lag grows by in each second.
        polarity: 1, or -1 where the second is upside down.
        peak: height of the correlation's peak over its mean, median of the passages that agree.
        agreeing: share of the passages that agree on one line.
    """

    offset_s: float
    drift: float
    polarity: int
    peak: float
    agreeing: float


@dataclass(frozen=True)
class _Vote:
    at_s: float
    lag_s: float
    peak: float


def find_lags(first: Samples, second: Samples, sample_rate_hz: int) -> Lags:
    """Finds when the second recording has what the first has.

    Args:
        first: shape (samples,).
        second: likewise, of any length.
        sample_rate_hz: of both.
    """
    one, other = (_slow(each, sample_rate_hz) for each in (first, second))
    starts = _loud_passages(one, _SEARCH_RATE_HZ)
    votes = [_vote(one, other, start, _SEARCH_RATE_HZ) for start in starts]
    line, agreeing = _line(votes)
    kept = [vote for vote, agrees in zip(votes, agreeing, strict=True) if agrees]
    fine = [_refined(first, second, sample_rate_hz, vote.at_s, line[0] + line[1] * vote.at_s) for vote in kept]
    offset_s, drift = _fitted([(vote.at_s, lag_s) for vote, (lag_s, _) in zip(kept, fine, strict=True)])
    polarity = 1 if sum(value for _, value in fine) >= 0 else -1
    return Lags(offset_s, drift, polarity, float(np.median([vote.peak for vote in kept])), len(kept) / len(votes))


def fine_lag_s(first: Samples, second: Samples, sample_rate_hz: int) -> float:
    """Finds by how much later the second recording has what the first has, where that is a few milliseconds at most.

    Args:
        first: shape (samples,).
        second: likewise, as long.
        sample_rate_hz: of both.
    """
    starts = _loud_passages(first, sample_rate_hz)
    lags = [_refined(first, second, sample_rate_hz, start / sample_rate_hz, 0.0)[0] for start in starts]
    return float(np.median(lags))


def _slow(audio: Samples, sample_rate_hz: int) -> Samples:
    slow: Samples = soxr.resample(audio, sample_rate_hz, _SEARCH_RATE_HZ, quality="MQ")
    return slow


def _loud_passages(audio: Samples, rate_hz: int) -> list[int]:
    """Starts of passages, spread over the recording to its end, the loudest of each stretch."""
    size = min(len(audio), round(_PASSAGE_S * rate_hz))
    stretch = max(size, math.ceil(len(audio) / _MOST_PASSAGES))
    last = len(audio) - size
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    starts, levels = [], []
    for begin in range(0, last + 1, stretch):
        # What is no whole stretch behind the last one belongs to it: a voice may come in with the last bars alone.
        end = last if begin + stretch > last else begin + stretch - size
        places = np.append(np.arange(begin, end, max(1, size // 8)), end)
        levels_here = energy[places + size] - energy[places]
        starts.append(int(places[levels_here.argmax()]))
        levels.append(float(levels_here.max()))
    loudest = max(levels)
    return [start for start, level in zip(starts, levels, strict=True) if level >= loudest * 10 ** (-_QUIET_DB / 10)]


def _vote(first: Samples, second: Samples, start: int, rate_hz: int) -> _Vote:
    passage = first[start : start + round(_PASSAGE_S * rate_hz)]
    correlation = np.abs(_whitened(passage, second, rate_hz))
    # Behind the lags of a passage that ends after the second recording, the circle closes.
    lags = np.arange(len(correlation))
    lags = np.where(lags >= len(second), lags - len(correlation), lags)
    best = int(correlation.argmax())
    mean = math.sqrt(float(np.mean(np.square(correlation))))
    return _Vote(start / rate_hz, (int(lags[best]) - start) / rate_hz, float(correlation[best]) / max(mean, 1e-30))


def _whitened(passage: Samples, whole: Samples, rate_hz: int) -> Curve:
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(passage) + len(whole), real=True)
    window = np.hanning(len(passage)).astype(np.float32)
    cross = rfft(whole, size) * np.conj(rfft(passage * window, size))
    freqs_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    inside = (freqs_hz > _BAND_HZ[0]) & (freqs_hz < min(_BAND_HZ[1], 0.45 * rate_hz))
    height = np.abs(cross)
    floor = 1e-3 * height[inside].mean() + 1e-30
    correlation: Curve = irfft(np.where(inside, cross / (height + floor), 0), size)
    return correlation


def _line(votes: list[_Vote]) -> tuple[tuple[float, float], list[bool]]:
    """The line that most passages agree on, by the heights of their peaks."""
    best, best_line, best_agreeing = -1.0, (votes[0].lag_s, 0.0), [True] * len(votes)
    lines = [(vote.lag_s, 0.0) for vote in votes]
    for one in votes:
        for other in votes:
            if other.at_s > one.at_s:
                drift = (other.lag_s - one.lag_s) / (other.at_s - one.at_s)
                if abs(drift) <= _MOST_DRIFT:
                    lines.append((one.lag_s - drift * one.at_s, drift))
    for line in lines:
        agreeing = [abs(vote.lag_s - line[0] - line[1] * vote.at_s) < _SAME_S for vote in votes]
        # No drift, unless it explains more.
        weight = sum(vote.peak for vote, agrees in zip(votes, agreeing, strict=True) if agrees)
        if weight > best * 1.02:
            best, best_line, best_agreeing = weight, line, agreeing
    return best_line, best_agreeing


def _refined(first: Samples, second: Samples, rate_hz: int, at_s: float, lag_s: float) -> tuple[float, float]:
    """The lag of a passage to a fraction of a sample, and the height of the correlation with its sign."""
    begin, size = round(at_s * rate_hz), round(_PASSAGE_S * rate_hz)
    reach = round(_REACH_S * rate_hz)
    passage = first[begin : begin + size]
    there = begin + round(lag_s * rate_hz) - reach
    part = second[max(0, there) : max(0, there) + len(passage) + 2 * reach]
    lead = max(0, -there)
    part = np.concatenate([np.zeros(lead, np.float32), part])[: len(passage) + 2 * reach]
    correlation = _whitened(passage, np.pad(part, (0, len(passage) + 2 * reach - len(part))), rate_hz)[: 2 * reach + 1]
    # The whitened peak is a narrow one: interpolated by its spectrum.
    dense = _interpolated(correlation)
    best = int(np.abs(dense).argmax())
    exact = best / _FINE
    return (there + exact - begin) / rate_hz, float(dense[best])


def _interpolated(correlation: Curve) -> Curve:
    count = len(correlation)
    spectrum = np.fft.rfft(correlation)
    dense: Curve = np.fft.irfft(spectrum, count * _FINE) * _FINE
    return dense[: (count - 1) * _FINE + 1]


def _fitted(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Offset and drift; a drift that is no more than the points scatter is none."""
    lags = np.array([lag for _, lag in points])
    times = np.array([time for time, _ in points])
    flat = float(np.median(lags))
    if len(points) < 3 or np.ptp(times) < 2 * _PASSAGE_S:
        return flat, 0.0
    drift, offset = np.polyfit(times, lags, 1)
    for _ in range(3):
        error = np.abs(lags - offset - drift * times)
        weights = 1 / (error + 2e-5)
        drift, offset = np.polyfit(times, lags, 1, w=np.sqrt(weights))
    moved = abs(drift) * np.ptp(times)
    scatter = float(np.median(np.abs(lags - offset - drift * times)))
    if moved < max(1e-4, 4 * scatter):
        return flat, 0.0
    return float(offset), float(drift)
