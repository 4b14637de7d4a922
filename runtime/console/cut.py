"""Low cut and high cut: Butterworth filters of 12 or 24 dB an octave.

pedalboard's HighpassFilter and LowpassFilter fall by 6 dB an octave and are not used; these are scipy's second-order
sections, in double precision, since a 16 Hz corner at 192 kHz is beyond single precision.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ...presets.console import HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, HighCut, LowCut
from ..audio.reading import Samples
from .eq import HIGHEST_FREQ
from .primitives import SectionStream

_Kind = Literal["highpass", "lowpass"]

# Between 12 and 24 dB an octave (a blend of presets) the nearer one is taken.
STEEP_DB: Final = 18.0


class CutProcessor:
    """Low cut and high cut over mono or stereo audio, fed block by block, without latency.

    Args:
        low_cut: settings; at its lowest frequency it is off.
        high_cut: settings; at its highest frequency it is off.
        channels: 1 or 2.
        sample_rate_hz: of the audio.
        moving: settings that will be retuned, by path; what they belong to is never off.
    """

    latency_samples = 0

    def __init__(
        self, low_cut: LowCut, high_cut: HighCut, channels: int, sample_rate_hz: int, moving: Collection[str] = ()
    ):
        self._always = frozenset(path.partition(".")[0] for path in moving)
        self._rate_hz = sample_rate_hz
        sections = cut_sections(low_cut, high_cut, sample_rate_hz, self._always)
        self._filters = SectionStream(sections, channels) if len(sections) else None

    def retune(self, low_cut: LowCut, high_cut: HighCut) -> None:
        """Take other corners from here on; the filters go on from where they are."""
        if self._filters is not None:
            self._filters.retune(cut_sections(low_cut, high_cut, self._rate_hz, self._always))

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if self._filters is None:
            return block
        return self._filters.process(block).astype(np.float32)


def cut_sections(
    low_cut: LowCut, high_cut: HighCut, sample_rate_hz: int, always: Collection[str] = ()
) -> NDArray[np.float64]:
    """Second-order sections of both cuts, shape (0..4, 6); none for a cut that is off.

    Args:
        low_cut: settings.
        high_cut: settings; a corner above 0.49 of the sample rate does nothing.
        sample_rate_hz: of the audio.
        always: "low_cut", "high_cut" where it is made at the end of its range, too.
    """
    highest_hz = HIGHEST_FREQ * sample_rate_hz
    has_low = low_cut.freq_hz > LOW_CUT_OFF_HZ or "low_cut" in always
    has_high = high_cut.freq_hz < min(HIGH_CUT_OFF_HZ, highest_hz) or "high_cut" in always
    if not has_low and not has_high:
        return np.zeros((0, 6))
    make = _quickly if always else _by_scipy
    sections = [np.zeros((0, 6))]
    if has_low:
        sections.append(make(_order(low_cut), min(low_cut.freq_hz, highest_hz), "highpass", sample_rate_hz))
    if has_high:
        sections.append(make(_order(high_cut), min(high_cut.freq_hz, highest_hz), "lowpass", sample_rate_hz))
    return np.concatenate(sections)


@lru_cache(maxsize=256)  # scipy takes half a millisecond, and other settings move much more often
def _by_scipy(order: int, corner_hz: float, kind: _Kind, sample_rate_hz: int) -> NDArray[np.float64]:
    from scipy.signal import butter

    sections: NDArray[np.float64] = butter(order, corner_hz, kind, output="sos", fs=sample_rate_hz)
    return sections


def _quickly(order: int, corner_hz: float, kind: _Kind, sample_rate_hz: int) -> NDArray[np.float64]:
    """The same filters in closed form, for corners that move thousands of times a second."""
    omega = 2 * math.pi * corner_hz / sample_rate_hz
    cosine, rows = math.cos(omega), []
    for pair in range(order // 2):
        alpha = math.sin(omega) * math.sin(math.pi * (2 * pair + 1) / (2 * order))
        edge = (1 + cosine) / 2 if kind == "highpass" else (1 - cosine) / 2
        middle = -2 * edge if kind == "highpass" else 2 * edge
        rows.append(np.array([edge, middle, edge, 1 + alpha, -2 * cosine, 1 - alpha]) / (1 + alpha))
    return np.array(rows)


def _order(cut: LowCut | HighCut) -> int:
    return 4 if cut.slope_db_per_octave >= STEEP_DB else 2
