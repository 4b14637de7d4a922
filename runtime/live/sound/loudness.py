"""How loud two presets, or the mix and what comes in, are beside each other: for comparing them at one level."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...audio.loudness import k_weighting_sections
from ...audio.reading import Samples
from ...console.primitives import SectionStream

# No comparison is louder or softer by more.
_MOST_FACTOR: Final = 31.6
_SILENT_POWER: Final = 1e-10


def matching_gain(wanted: Samples, audio: Samples, sample_rate_hz: int) -> float:
    """Compute the factor that brings audio to the loudness of another, by K-weighted power; 1 where one is silent."""
    there, here = (weighted_power(block, sample_rate_hz) for block in (wanted, audio))
    if there < _SILENT_POWER or here < _SILENT_POWER:
        return 1.0
    return float(np.clip(np.sqrt(there / here), 1 / _MOST_FACTOR, _MOST_FACTOR))


def weighted_power(audio: Samples, sample_rate_hz: int) -> float:
    """Compute the mean square behind the K-weighting, of both channels together, shape (2, n)."""
    if not audio.shape[1]:
        return 0.0
    weighted = SectionStream(k_weighting_sections(sample_rate_hz), len(audio)).process(audio)
    return float(np.mean(np.square(weighted)) * len(audio))
