"""What is compared, by name, and how it is rendered; the comparison itself is :class:`runtime.target.Target`."""

from __future__ import annotations

from collections.abc import Mapping

from ...presets.preset import Preset
from ...runtime.audio import Samples
from ...runtime.features import FeatureDistance
from ...runtime.render import render_arrays

TERMS = ("bark", "width", "imbalance", "crest", "rms", "total")


def terms_of(distance: FeatureDistance) -> dict[str, float]:
    """A distance by the names of :data:`TERMS`."""
    return {term: float(getattr(distance, term)) for term in TERMS}


def render(stems: Mapping[str, Samples], preset: Preset, rate_hz: int) -> Samples:
    """The mix of tracks in memory, shape (2, samples)."""
    return render_arrays(stems, rate_hz, preset).mix
