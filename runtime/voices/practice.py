"""What engineers do with a vocal in a finished song, as numbers: mean, spread and limits of 385 vocal chains.

Made of the effect settings of DiffVox (Chin-Yun Yu et al., DAFx 2025, arXiv 2504.14735, MIT), which were fitted to 385
pairs of raw and mixed vocals. The four bands and two cuts of each chain were added up to one curve, with its mean from
300 Hz to 3 kHz taken off: that is the fader's. The directions are the first three principal components from 125 Hz on,
each as long as its standard deviation: brightness, body, presence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

BANDS_HZ: Final[Curve] = np.array(
    [125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000,
     12500, 16000], np.float64
)  # fmt: skip
"""Centres of the third-octave bands of all curves."""
MEAN_DB: Final[Curve] = np.array(
    [-4.94, -3.21, -2.02, -1.27, -0.83, -0.66, -0.57, -0.8, -0.28, 0.11, 0.44, 0.67, 0.9, 1.02, 1.28, 1.6, 1.96, 2.24,
     2.48, 2.61, 2.33, 0.29]
)  # fmt: skip
"""Mean curve of the chains."""
DIRECTIONS_DB: Final[Curve] = np.array([
    [0.08, 0.1, 0.12, 0.06, -0.06, -0.13, -0.17, -0.26, -0.2, -0.23, -0.16, 0.08, 0.35, 0.79, 1.14, 1.59, 2.05, 2.63,
     3.44, 4.51, 6.18, 9.15],
    [-6.55, -4.93, -3.32, -1.97, -1.02, -0.47, -0.27, -0.22, 0.05, 0.22, 0.28, 0.36, 0.47, 0.59, 0.7, 0.74, 0.62, 0.46,
     0.28, 0.16, -0.07, -0.54],
    [1.41, 0.61, -0.08, -0.68, -0.96, -0.91, -0.71, -0.47, -0.37, -0.22, 0.18, 0.63, 1.16, 1.67, 2.12, 2.31, 2.13, 1.87,
     1.42, 0.66, -0.66, -2.36],
])  # fmt: skip
"""How the curves vary, shape (3, bands), in standard deviations."""
HIGHEST_DB: Final[Curve] = np.array(
    [6.13, 5.3, 3.83, 3.87, 4.66, 2.9, 1.87, 1.61, 1.48, 2.35, 3.04, 3.79, 5.03, 6.35, 7.65, 8.57, 8.7, 8.91, 10.22,
     11.7, 14.03, 16.13]
)  # fmt: skip
"""98 % of the curves are below this."""
LOWEST_DB: Final[Curve] = np.array(
    [-19.68, -14.41, -10.62, -7.87, -6.63, -4.85, -3.84, -5.23, -2.95, -3.55, -2.88, -2.51, -2.39, -3.71, -4.41, -4.48,
     -3.96, -4.81, -5.9, -7.03, -12.24, -25.14]
)  # fmt: skip
"""98 % of the curves are above this."""
RAW_DB: Final[Curve] = np.array(
    [57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7, 53.0, 52.0, 48.7, 48.1, 46.8, 45.6, 44.5, 44.3, 43.7,
     43.4, 41.3, 40.7]
)  # fmt: skip
"""Long-term spectrum of voices before anybody touched them: third-octave levels of speakers of twelve languages.

D. Byrne et al., An international comparison of long-term average speech spectra, JASA 96 (1994).
"""


def within(low_hz: float, high_hz: float) -> NDArray[np.bool_]:
    """Tell which of the bands lie between two frequencies, both included."""
    return (low_hz <= BANDS_HZ) & (high_hz >= BANDS_HZ)


@dataclass(frozen=True)
class ChainSpan:
    """A setting over the chains.

    Attributes:
        low: 2 % of the chains are below it.
        middle: the median.
        high: 2 % of the chains are above it.
    """

    low: float
    middle: float
    high: float

    def clamp(self, value: float) -> float:
        """Find the nearest value that 96 % of the chains stay within."""
        return min(max(value, self.low), self.high)


# Thresholds are of a signal at -18 LUFS: here, relative to the loudness.
THRESHOLD_OVER_LUFS_DB: Final = ChainSpan(-10.4, -3.9, 0.9)
RATIO: Final = ChainSpan(1.39, 3.32, 16.1)
MAKEUP_DB: Final = ChainSpan(-1.94, 2.08, 8.94)
HIGH_PASS_HZ: Final = ChainSpan(22.6, 148.0, 399.0)
REVERB_DB: Final = ChainSpan(-25.4, -14.0, -4.7)
REVERB_S: Final = ChainSpan(0.19, 1.96, 5.3)
REVERB_HIGH_S: Final = ChainSpan(0.06, 1.21, 6.3)
# Their time constants, which the console's compressor states times two pi.
ATTACK_MS: Final = ChainSpan(0.065, 1.21, 27.0)
RELEASE_MS: Final = ChainSpan(2.3, 118.0, 1020.0)
