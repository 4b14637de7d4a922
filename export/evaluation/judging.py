"""What is compared, by name, and how it is rendered; the comparison itself is in :mod:`runtime.prediction.target`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...presets.preset import Preset
from ...runtime.audio.reading import Samples
from ...runtime.model.features import FeatureDistance
from ...runtime.rendering.in_memory import render_arrays

HARDLY_HEARD = 10**-2.5
"""A track that makes less than this part of a mix's power (-25 dB) hardly plays in it."""
TERMS = ("bark", "width", "imbalance", "crest", "rms", "total")


def terms_of(distance: FeatureDistance) -> dict[str, float]:
    """Gives a distance by the names of :data:`TERMS`."""
    return {term: float(getattr(distance, term)) for term in TERMS}


def render(stems: Mapping[str, Samples], preset: Preset, rate_hz: int) -> Samples:
    """Renders the mix of tracks in memory, shape (2, samples)."""
    return render_arrays(stems, rate_hz, preset).mix


def shares(audio: Mapping[str, Samples], preset: Preset, rate_hz: int) -> dict[str, float]:
    """Measures how much of a mix's power each track makes, 0..1."""
    stems = render_arrays(audio, rate_hz, preset).stems
    power = {name: float(np.square(stem, dtype=np.float64).mean()) for name, stem in stems.items()}
    total = sum(power.values()) or 1.0
    return {name: value / total for name, value in power.items()}
