"""Low cut and high cut: Butterworth filters of 12 or 24 dB an octave.

pedalboard's HighpassFilter and LowpassFilter fall by 6 dB an octave and are not used; these are scipy's second-order
sections, in double precision, since a 16 Hz corner at 192 kHz is beyond single precision.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.console import HIGH_CUT_OFF_HZ, LOW_CUT_OFF_HZ, HighCut, LowCut
from ..audio.reading import Samples
from .eq import HIGHEST_FREQ
from .primitives import SectionStream

# Between 12 and 24 dB an octave (a blend of presets) the nearer one is taken.
STEEP_DB: Final = 18.0


class CutProcessor:
    """Low cut and high cut over mono or stereo audio, fed block by block, without latency.

    Args:
        low_cut: settings; at its lowest frequency it is off.
        high_cut: settings; at its highest frequency it is off.
        channels: 1 or 2.
        sample_rate_hz: of the audio.
    """

    latency_samples = 0

    def __init__(self, low_cut: LowCut, high_cut: HighCut, channels: int, sample_rate_hz: int):
        sections = cut_sections(low_cut, high_cut, sample_rate_hz)
        self._filters = SectionStream(sections, channels) if len(sections) else None

    def process(self, block: Samples) -> Samples:
        """The next samples, shape (channels, n)."""
        if self._filters is None:
            return block
        return self._filters.process(block).astype(np.float32)


def cut_sections(low_cut: LowCut, high_cut: HighCut, sample_rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections of both cuts, shape (0..4, 6); none for a cut that is off.

    Args:
        low_cut: settings.
        high_cut: settings; a corner above 0.49 of the sample rate does nothing.
        sample_rate_hz: of the audio.
    """
    if low_cut.freq_hz <= LOW_CUT_OFF_HZ and high_cut.freq_hz >= HIGH_CUT_OFF_HZ:
        return np.zeros((0, 6))
    from scipy.signal import butter

    sections = [np.zeros((0, 6))]
    highest_hz = HIGHEST_FREQ * sample_rate_hz
    if low_cut.freq_hz > LOW_CUT_OFF_HZ:
        corner_hz = min(low_cut.freq_hz, highest_hz)
        sections.append(butter(_order(low_cut), corner_hz, "highpass", output="sos", fs=sample_rate_hz))
    if high_cut.freq_hz < min(HIGH_CUT_OFF_HZ, highest_hz):
        sections.append(butter(_order(high_cut), high_cut.freq_hz, "lowpass", output="sos", fs=sample_rate_hz))
    return np.concatenate(sections)


def _order(cut: LowCut | HighCut) -> int:
    return 4 if cut.slope_db_per_octave >= STEEP_DB else 2
