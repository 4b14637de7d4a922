"""What of two sounds is compared where whole mixes are judged: by code that no fit uses.

Spectra of middle and sides by third octaves, how far peaks stand above loudness, the features; and three figures that
a reference can be followed in: tilt, width and crest. The fourth, reverb, is not told by how a mix sounds, since its
notes are the session's: of a mix it is what its effects return, of a song how its notes fall (:mod:`.making`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.parts.match import THIRDS_HZ
from ...runtime.audio.loudness import integrated_loudness
from ...runtime.audio.peaks import true_peak_db
from ...runtime.audio.reading import Samples
from ...runtime.model.features import Features, feature_distance, mix_features
from ...runtime.practice.sins import LOW_HZ

Floats = NDArray[np.float64]

MEASURES: Final[Mapping[str, str]] = {
    "third": "third-octave spectrum, dB",
    "sides": "middle and sides by third octaves, dB",
    "sides_above": "the same without sides below 120 Hz, dB",
    "peaks": "peak to loudness, dB",
    "features": "feature distance",
    "features_above": "the same without sides below 120 Hz",
}
TRAITS: Final = ("tilt", "width", "crest", "reverb")
"""What of a reference a mix can follow."""

RATE_HZ: Final = 44100
# At this loudness sounds are compared.
_LEVEL_LUFS: Final = -20.0
# 40 Hz to 16 kHz: below, a frame of the analysis holds less than a band; above, references in MP3 have nothing.
_BANDS: Final = slice(3, 30)
# 100 Hz to 10 kHz: what a slope is drawn through.
_SLOPE: Final = slice(4, 25)
_ABOVE: Final = np.array(THIRDS_HZ[_BANDS]) > LOW_HZ
# Sides further below the middle of their band are not heard.
_NO_SIDES_DB: Final = 30.0
_SEGMENT_S: Final = 0.37
_TINY: Final = 1e-12


@dataclass(frozen=True)
class WholeSound:
    """What is compared of a mix, at equal loudness.

    Attributes:
        total_db: power of both channels in third octaves.
        middle_db: of the middle.
        sides_db: of the sides, none of which counts as further below the middle than is heard.
        peak_to_loudness_db: true peak over integrated loudness.
        features: of the audio.
        features_above: of the audio without its sides below 120 Hz, where a good mix has next to none.
        above_db: by how much that is softer.
    """

    total_db: Floats
    middle_db: Floats
    sides_db: Floats
    peak_to_loudness_db: float
    features: Features
    features_above: Features
    above_db: float

    @classmethod
    def of(cls, stereo: Samples) -> WholeSound:
        """Measure a sound that is no silence, shape (2, n), at :data:`RATE_HZ`."""
        loudness = integrated_loudness(stereo, RATE_HZ)
        levelled = stereo * np.float32(10 ** ((_LEVEL_LUFS - loudness) / 20))
        left, right = levelled
        middle, sides = (_thirds(row) for row in ((left + right) / 2, (left - right) / 2))
        sides_db = np.maximum(_decibels(sides), _decibels(middle) - _NO_SIDES_DB)
        peaks_db = true_peak_db(stereo) - loudness
        features = mix_features(levelled, RATE_HZ)
        narrow = _without_low_sides(levelled)
        above_db = _LEVEL_LUFS - integrated_loudness(narrow, RATE_HZ)
        above = mix_features(narrow * np.float32(10 ** (above_db / 20)), RATE_HZ)
        return cls(_decibels(middle + sides), _decibels(middle), sides_db, peaks_db, features, above, above_db)

    def differences(self, other: WholeSound) -> dict[str, float]:
        """How far two sounds are apart, by the names of :data:`MEASURES`."""
        middle, sides = self.middle_db - other.middle_db, self.sides_db - other.sides_db
        above = np.concatenate([middle, sides[_ABOVE]]) + self.above_db - other.above_db
        return {
            "third": float(np.abs(self.total_db - other.total_db).mean()),
            "sides": float(np.abs(np.concatenate([middle, sides])).mean()),
            "sides_above": float(np.abs(above).mean()),
            "peaks": abs(self.peak_to_loudness_db - other.peak_to_loudness_db),
            "features": feature_distance(self.features, other.features).total,
            "features_above": feature_distance(self.features_above, other.features_above).total,
        }

    @property
    def traits(self) -> dict[str, float]:
        """What another mix can follow, by the names of :data:`TRAITS`, but for reverb: dB per octave, dB, dB."""
        octaves = np.arange(len(self.total_db[_SLOPE])) / 3
        heard = slice(_SLOPE.start, None)
        power = [(10 ** (row[heard] / 10)).sum() for row in (self.sides_db, self.middle_db)]
        return {
            "tilt": float(np.polyfit(octaves, self.total_db[_SLOPE], 1)[0]),
            "width": float(10 * np.log10(power[0] / power[1])),
            "crest": self.peak_to_loudness_db,
        }


def _without_low_sides(stereo: Samples) -> Samples:
    """The sound with its lows in the middle alone."""
    from scipy import fft

    middle, sides = (stereo[0] + stereo[1]) / 2, (stereo[0] - stereo[1]) / 2
    size = fft.next_fast_len(len(sides), real=True)
    spectrum = fft.rfft(sides, size)
    spectrum[fft.rfftfreq(size, 1 / RATE_HZ) < LOW_HZ] = 0
    sides = fft.irfft(spectrum, size)[: len(sides)]
    return np.stack([middle + sides, middle - sides]).astype(np.float32)


def _thirds(samples: Samples) -> Floats:
    """Power in third octaves, of a long-time spectrum, in the bands that are compared."""
    from scipy.signal import welch

    freqs_hz, power = welch(
        samples.astype(np.float64), RATE_HZ, nperseg=round(_SEGMENT_S * RATE_HZ), scaling="spectrum"
    )
    centres_hz = np.array(THIRDS_HZ)[_BANDS]
    edges = ((freqs_hz >= hz * 2 ** (-1 / 6)) & (freqs_hz < hz * 2 ** (1 / 6)) for hz in centres_hz)
    return np.array([power[inside].sum() for inside in edges])


def _decibels(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(power + _TINY))
