"""What a search may not spoil while it comes nearer to a reference.

That is the balance by role, what no engineer would leave in a mix, third octaves, and how far the loudness moves.
Each is a cost in units of the feature distance. The spectrum counts as it is; the others cost nothing while they are no
worse than where the search began, or than an engineer would mind.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...presets.parts.match import THIRDS_HZ
from ...presets.preset import Preset
from ...presets.units import power_decibels, power_factor
from ..audio.loudness import integrated_loudness, loudness_range
from ..audio.reading import Samples
from ..practice.sins import LEAN_LU, LIMITED_DB, LOW_SIDES_DB, lean_lu, limiter_db, low_sides_db
from .search_space import free_level_db
from .sensitivity import Sound

# Nepers squared, as the features' own spectrum has it; both together weigh as much as it does.
_THIRDS_WEIGHT: Final = 0.1
# A third of the sides this far below that of the middle counts as being there.
_HEARD_SIDE_DB: Final = 40.0
_SPECTRUM_FFT: Final = 16384
# Of one decibel too much, in shares of the distance at the start, which is counted as this at least: so what is held
# weighs as much where there is much to be won.
_LEVEL_COST, _RANGE_COST, _SIN_COST = 0.5, 0.15, 0.3
_LEAST_DISTANCE: Final = 0.05
# The rest of the song may lean a little more than the passage: so far from a sin it begins to cost.
_LEAN_MARGIN_LU, _LOWS_MARGIN_DB, _LIMITER_MARGIN_DB = 0.4, 3.0, 1.0
_MOMENT_S: Final = 0.4
# A range may move by so little; of a passage shorter than this it says nothing.
_FREE_RANGE_LU, _LEAST_RANGE_S = 0.1, 3.0
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Standing:
    """How a mix stands in what is held.

    Attributes:
        thirds: mean squared difference of third octaves to the reference, in nepers squared.
        range_apart_lu: how far its loudness range is from the reference's, either way.
        levels_db: of each track with a role against all other tracks.
        sins_db: by sin, how far it is over what is near to one; 0 and less is not.
    """

    thirds: float
    range_apart_lu: float
    levels_db: Mapping[str, float]
    sins_db: Mapping[str, float]


class Held:
    """What a search holds, judged beside where it began.

    Args:
        preset: where it begins.
        sound: how that sounds.
        reference: shape (2, n).
        sample_rate_hz: of all.
        distance: of the start to the reference.
    """

    def __init__(
        self, preset: Preset, sound: Sound, reference: Samples, sample_rate_hz: int, distance: float = _LEAST_DISTANCE
    ):
        self._worth = max(distance, _LEAST_DISTANCE)
        self._roles = {track.name: track.role for track in preset.tracks if track.role is not None}
        self._rate_hz = sample_rate_hz
        self._thirds = thirds_nepers(reference, sample_rate_hz)
        self._range_lu = loudness_range(reference, sample_rate_hz, _MOMENT_S)
        leans_lu = lean_lu(reference, sample_rate_hz)
        self._lean_lu = math.copysign(max(0.0, abs(leans_lu) - LEAN_LU), leans_lu)
        self._start = self.standing(sound)

    def cost(self, sound: Sound) -> float:
        """What a mix costs beside its distance."""
        now = self.standing(sound)
        start = self._start
        worse_lu = max(0.0, now.range_apart_lu - start.range_apart_lu - _FREE_RANGE_LU)
        moved = sum(
            max(0.0, abs(level - start.levels_db[name]) - self._free_db(name)) ** 2
            for name, level in now.levels_db.items()
            if name in start.levels_db
        )
        sins = sum(max(0.0, over - max(0.0, start.sins_db[name])) for name, over in now.sins_db.items())
        spoilt = _RANGE_COST * worse_lu + _LEVEL_COST * moved + _SIN_COST * sins
        return _THIRDS_WEIGHT * now.thirds + self._worth * spoilt

    def standing(self, sound: Sound) -> Standing:
        """Measure a mix."""
        rate_hz = self._rate_hz
        return Standing(
            thirds=float(np.mean(np.square(thirds_nepers(sound.mix, rate_hz) - self._thirds))),
            range_apart_lu=self._range_apart_lu(sound.mix),
            levels_db=levels_against_rest_db(sound.stems, self._roles, rate_hz) if self._roles else {},
            sins_db={
                "leaning": abs(lean_lu(sound.mix, rate_hz) - self._lean_lu) - LEAN_LU + _LEAN_MARGIN_LU,
                "lows in the sides": low_sides_db(sound.mix, rate_hz) - LOW_SIDES_DB + _LOWS_MARGIN_DB,
                "limiter at work": limiter_db(sound.mix, rate_hz) - LIMITED_DB + _LIMITER_MARGIN_DB,
            },
        )

    def _range_apart_lu(self, mix: Samples) -> float:
        if mix.shape[1] < _LEAST_RANGE_S * self._rate_hz:
            return 0.0
        return abs(loudness_range(mix, self._rate_hz, _MOMENT_S) - self._range_lu)

    def _free_db(self, name: str) -> float:
        return free_level_db(self._roles[name])


def levels_against_rest_db(
    stems: Mapping[str, Samples], names: Collection[str], sample_rate_hz: int
) -> dict[str, float]:
    """Loudness of each of these tracks against the power of all others; what is silent, or alone, is left out."""
    powers = {name: power_factor(integrated_loudness(stem, sample_rate_hz)) for name, stem in stems.items()}
    total = sum(powers.values())
    return {
        name: power_decibels(powers[name] / (total - powers[name]))
        for name in names
        if powers.get(name, 0.0) > _TINY and total - powers[name] > _TINY
    }


def thirds_nepers(audio: Samples, sample_rate_hz: int) -> NDArray[np.float64]:
    """Levels of middle and sides in third octaves at equal loudness, shape (2, thirds); nothing is very quiet."""
    from scipy import fft  # late, as in audio/loudness.py

    middle_sides = np.stack([audio[0] + audio[1], audio[0] - audio[1]])
    padded = np.pad(middle_sides, ((0, 0), (0, max(0, _SPECTRUM_FFT - audio.shape[1]))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SPECTRUM_FFT, axis=1)[:, :: _SPECTRUM_FFT // 2]
    window = np.hanning(_SPECTRUM_FFT).astype(np.float32)
    power = (np.abs(fft.rfft(frames * window, axis=2)).astype(np.float64) ** 2).mean(axis=1)
    edges = np.array([*THIRDS_HZ, THIRDS_HZ[-1] * 2 ** (1 / 3)]) * 2 ** (-1 / 6) * _SPECTRUM_FFT / sample_rate_hz
    places = np.clip(np.round(edges).astype(int), 1, power.shape[1] - 1)
    sums = np.concatenate([np.zeros((2, 1)), np.cumsum(power, axis=1)], axis=1)
    thirds = sums[:, places[1:]] - sums[:, places[:-1]]
    thirds /= power_factor(integrated_loudness(audio, sample_rate_hz)) * _SPECTRUM_FFT**2 + _TINY
    middle = np.maximum(thirds[0], thirds[0].max() * power_factor(-60.0) + _TINY)
    sides = np.maximum(thirds[1], middle * power_factor(-_HEARD_SIDE_DB))
    return np.asarray(np.log(np.stack([middle, sides])) / 2)
