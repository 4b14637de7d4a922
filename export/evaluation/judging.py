"""How far a mix is from what it should be: rendered by the runtime, brought to equal loudness, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...presets.preset import Preset
from ...runtime.audio import Samples
from ...runtime.features import FeatureDistance, Features, feature_distance, mix_features
from ...runtime.loudness import integrated_loudness
from ...runtime.render import render_arrays

TERMS = ("bark", "width", "imbalance", "crest", "rms", "total")


@dataclass(frozen=True)
class Target:
    """What a mix is judged against.

    Attributes:
        features: of the audio.
        loudness_lufs: of the audio; mixes are brought there first.
        rate_hz: of the audio and of the mixes.
    """

    features: Features
    loudness_lufs: float
    rate_hz: int

    @classmethod
    def of(cls, audio: Samples, rate_hz: int) -> Target:
        """Measure stereo audio, shape (2, samples)."""
        return cls(mix_features(audio, rate_hz), integrated_loudness(audio, rate_hz), rate_hz)

    def measure(self, mix: Samples) -> Features:
        """The features of a mix at the target's loudness."""
        gain_db = self.loudness_lufs - integrated_loudness(mix, self.rate_hz)
        matched = mix * np.float32(10 ** (gain_db / 20)) if np.isfinite(gain_db) else mix
        return mix_features(matched, self.rate_hz)

    def distance(self, mix: Samples) -> dict[str, float]:
        """Weighted terms and their total."""
        return terms_of(feature_distance(self.measure(mix), self.features))


def terms_of(distance: FeatureDistance) -> dict[str, float]:
    """A distance by the names of :data:`TERMS`."""
    return {term: float(getattr(distance, term)) for term in TERMS}


def render(stems: Mapping[str, Samples], preset: Preset, rate_hz: int) -> Samples:
    """The mix of tracks in memory, shape (2, samples)."""
    return render_arrays(stems, rate_hz, preset).mix


def as_stereo(audio: Samples) -> Samples:
    """Shape (2, samples), of one or two channels."""
    return np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio


def repeated(audio: Samples, samples: int) -> Samples:
    """As a model hears a reference that is too short: over again (:func:`runtime.analysis.read_reference`)."""
    return np.tile(audio, (1, -(-samples // audio.shape[1])))[:, :samples]
