"""A sound that mixes are compared with, at equal loudness: its features, and how far a mix is from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...presets.units import gain_factor
from ..audio.loudness import integrated_loudness
from ..audio.reading import Samples
from ..model.features import DEFAULT_WEIGHTS, FeatureDistance, Features, Weights, feature_distance, mix_features

NEPER_PER_DB = math.log(10) / 20


@dataclass(frozen=True)
class FeatureTarget:
    """What mixes are judged against.

    Attributes:
        features: of the audio.
        loudness_lufs: of the audio; mixes are brought there first.
        sample_rate_hz: of the audio and of the mixes.
        side_floor_db: sides further than this below the middle of their band count as being there: without a floor
            the logarithm of an empty side outweighs all else. None for no floor.
    """

    features: Features
    loudness_lufs: float
    sample_rate_hz: int
    side_floor_db: float | None = None

    @classmethod
    def of(cls, audio: Samples, sample_rate_hz: int, side_floor_db: float | None = None) -> FeatureTarget:
        """Measure stereo audio, shape (2, samples)."""
        features = _floored(mix_features(audio, sample_rate_hz), side_floor_db)
        return cls(features, integrated_loudness(audio, sample_rate_hz), sample_rate_hz, side_floor_db)

    def match_gain(self, mix: Samples) -> float:
        """The factor that brings a mix to the target's loudness; 0 for a silent mix."""
        return self.gain_from(integrated_loudness(mix, self.sample_rate_hz))

    def gain_from(self, loudness_lufs: float) -> float:
        """:meth:`match_gain` of a mix that is this loud."""
        gain_db = self.loudness_lufs - loudness_lufs
        return gain_factor(gain_db) if math.isfinite(gain_db) else 0.0

    def measure(self, mix: Samples, gain: float | None = None) -> Features:
        """The features of a mix, shape (2, samples), behind this factor; None takes :meth:`match_gain`."""
        factor = self.match_gain(mix) if gain is None else gain
        return _floored(mix_features(mix * np.float32(factor), self.sample_rate_hz), self.side_floor_db)

    def distance(
        self, mix: Samples, weights: Weights = DEFAULT_WEIGHTS, *, gain: float | None = None
    ) -> FeatureDistance:
        """How far a mix is from the target, behind a factor as for :meth:`measure`."""
        return feature_distance(self.measure(mix, gain), self.features, weights)


def _floored(features: Features, side_floor_db: float | None) -> Features:
    if side_floor_db is None:
        return features
    bark = features.bark.copy()
    bark[:, 1] = np.maximum(bark[:, 1], bark[:, 0] - np.float32(side_floor_db * NEPER_PER_DB))
    return replace(features, bark=bark)
