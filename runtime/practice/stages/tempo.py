"""The tempo of a session, told from how the onsets of its tracks repeat; or nothing, where they do not clearly.

Each track's onsets are compared with themselves, later by so much; where many tracks repeat after the same time, and
after twice, three and four times it, that time is a beat. Which of half and double it is does not matter to who sets
echoes: both are in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...audio.reading import Samples

Floats = NDArray[np.float64]

_HOP: Final = 256
_FRAME: Final = 1024
_SLOWEST_BPM, _FASTEST_BPM = 70.0, 140.0
# Candidates, finely enough for a quarter of a percent.
_BPM: Final = np.arange(_SLOWEST_BPM, _FASTEST_BPM, 0.25)
_BEATS: Final = (1.0, 2.0, 3.0, 4.0)
_BETWEEN: Final = (0.75, 1.25, 1.75, 2.25)
# Of a track that repeats itself exactly each beat is 1; and a track that says less than this says nothing.
_CLEAR: Final = 0.3
_SPEAKS: Final = 0.15
_LEAST_SPEAKING: Final = 2
# How far the best may be from the next that is no relative of it.
_AHEAD: Final = 1.15
_RELATED: Final = 0.03
_LEAST_S: Final = 4.0


def tempo_bpm(tracks: Sequence[Samples], sample_rate_hz: int) -> float | None:
    """Find the tempo of tracks, shape (1 or 2, n), each from wherever it plays: 70 to 140 bpm; None where unsure."""
    scores = [_scores(audio, sample_rate_hz) for audio in tracks if audio.shape[1] >= _LEAST_S * sample_rate_hz]
    speaking = [score for score in scores if score.max(initial=0) >= _SPEAKS]
    if len(speaking) < _LEAST_SPEAKING:
        return None
    together = np.mean(speaking, axis=0)
    best = int(np.argmax(together))
    if together[best] < _CLEAR:
        return None
    octaves = np.log2(_BPM / _BPM[best])
    others = np.abs(octaves - np.round(octaves)) > _RELATED
    if others.any() and together[best] < _AHEAD * together[others].max():
        return None
    return float(_BPM[best])


def _scores(audio: Samples, sample_rate_hz: int) -> Floats:
    """How well each candidate's beats are the times after which a track repeats itself."""
    repeats = _repeats(_onsets(audio, sample_rate_hz))
    lags = np.arange(len(repeats))

    def at(beats: float) -> Floats:
        places = beats * 60 / _BPM * sample_rate_hz / _HOP
        return np.interp(places, lags, repeats, right=0.0)

    on = np.mean([at(beats) for beats in _BEATS], axis=0)
    off = np.mean([at(beats) for beats in _BETWEEN], axis=0)
    return np.asarray(on - np.maximum(off, 0) / 2)


def _onsets(audio: Samples, sample_rate_hz: int) -> Floats:
    """How much louder bands become from frame to frame, around its own mean."""
    from scipy import fft  # late, as in audio/loudness.py

    mono = audio.mean(axis=0)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _FRAME)[::_HOP]
    power = np.square(np.abs(fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)), dtype=np.float64)
    edges = np.unique(np.geomspace(2, _FRAME // 2, 16).astype(int))
    bands = np.add.reduceat(power, edges, axis=1)
    levels = np.log10(bands + 1e-4 * bands.max() + 1e-12)
    rises = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)
    return np.asarray(rises - rises.mean())


def _repeats(onsets: Floats) -> Floats:
    """How much onsets are like themselves, later by so many frames: 1 at once."""
    from scipy import fft

    size = fft.next_fast_len(2 * len(onsets), real=True)
    smooth = np.convolve(onsets, np.hanning(7)[1:-1], mode="same")
    spectrum = fft.rfft(smooth, size)
    alike = fft.irfft(np.square(np.abs(spectrum)), size)[: len(onsets)]
    # Fewer frames meet the later it is.
    alike = alike / np.arange(len(onsets), 0, -1)
    return np.asarray(alike[: len(onsets) * 3 // 4] / (alike[0] + 1e-12))
