"""Low cuts: set on a track that has something below its own lows, as many as engineers set; none where nothing changes.

An engineer cuts the guitar that booms, and leaves the one that does not. How much has to be there differs by role: of
hi-hats half are cut, of keys a fifth. The line through both was laid on held-out sessions of the corpus.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....presets.console import LowCut, parameters
from ....presets.roles import Family, Role
from ...audio.reading import Samples
from ..sounds import RoleSound, mean_power

Curve = NDArray[np.float64]

# A low cut may take this share of a track's power; what it takes beyond is the instrument.
_CUT_SHARE: Final = 0.02
# Of what engineers set, what is cut at least: below it is rumble, whatever its power.
_LEAST_CUT: Final = 0.7
_LOWEST_NOTES_HZ: Final = 35.0
_DEEP_FAMILIES: Final[frozenset[Family]] = frozenset({"keys", "orchestra", "other"})
_LEAST_HZ: Final[dict[Role, float]] = {"kick": 28.0, "bass": 28.0, "tom": 35.0, "percussion": 60.0}
# What lies below the frequency at which engineers cut a role, in dB of the track's power, from which on it is cut: for
# a role that every fifth engineer cuts, and how much less is enough for each hundredth more of them.
_ENOUGH_DB: Final = -12.0
_USUAL_SHARE: Final = 0.19
_DB_A_SHARE: Final = 60.0
# What carries the lows is cut below its notes, where as much as this is there.
_DEEP_HZ: Final[dict[Role, float]] = {"kick": 30.0, "bass": 30.0, "tom": 40.0}
_DEEP_DB: Final = -32.0
# Rumble: stays while the track rests, is heard, and hardly gets louder while it plays.
_FRAME_S: Final = 0.093
_RESTS_DB: Final = 20.0
_HEARD_DB: Final = -45.0
_STEADY_DB: Final = 6.0
# A plosive: as loud in the lows as hardly less than the voice.
_PLOSIVE_DB: Final = -9.0
_FFT: Final = 16384
_TINY: Final = 1e-14


def low_cut_of(sound: RoleSound, sample_rate_hz: int) -> LowCut:
    """A low cut no higher than engineers set it for the role, and than the track itself begins; off without need."""
    practice, role = sound.practice, sound.role
    if practice.high_pass_share == 0:
        return LowCut()
    usual_hz = min(practice.high_pass_hz, parameters(LowCut)["freq_hz"].high)
    freqs_hz, power = mean_power(sound.audio, sample_rate_hz, np.hanning(_FFT).astype(np.float32))
    usual_least_hz = _LOWEST_NOTES_HZ if sound.trait.family in _DEEP_FAMILIES else _LEAST_CUT * usual_hz
    least_hz = usual_least_hz if role is None else _LEAST_HZ.get(role, usual_least_hz)
    freq_hz = round(max(least_hz, min(usual_hz, _begins_hz(freqs_hz, power))), 1)
    if role in _DEEP_HZ:
        needed = below_db(freqs_hz, power, _DEEP_HZ[role]) >= _DEEP_DB
    else:
        enough_db = _ENOUGH_DB - _DB_A_SHARE * (practice.high_pass_share - _USUAL_SHARE)
        needed = below_db(freqs_hz, power, usual_hz) >= enough_db or _is_alien(sound, freq_hz, sample_rate_hz)
    return LowCut(freq_hz=freq_hz) if needed else LowCut()


def below_db(freqs_hz: Curve, power: Curve, corner_hz: float) -> float:
    """What of a track lies below a frequency, in dB of all its power."""
    share = power[freqs_hz < corner_hz].sum() / (power.sum() + _TINY)
    return float(10 * np.log10(share + _TINY))


def _begins_hz(freqs_hz: Curve, power: Curve) -> float:
    """The frequency below which a track has next to nothing."""
    shares = np.cumsum(power) / (power.sum() + _TINY)
    return float(freqs_hz[min(int(np.searchsorted(shares, _CUT_SHARE)), len(freqs_hz) - 1)])


def _is_alien(sound: RoleSound, below_hz: float, sample_rate_hz: int) -> bool:
    """Whether what is below a frequency is no part of what the track plays: rumble, or a voice's plosives."""
    lows_db, rest_db = _levels_db(sound.audio, below_hz, sample_rate_hz)
    if len(rest_db) < 4:
        return False
    loud_db = float(np.quantile(rest_db, 0.95))
    if sound.trait.is_voice and float(np.quantile(lows_db, 0.99)) > loud_db + _PLOSIVE_DB:
        return True
    rests = rest_db < loud_db - _RESTS_DB
    if rests.mean() < 0.05 or rests.all():
        return False
    between_db = float(np.median(lows_db[rests]))
    return between_db > loud_db + _HEARD_DB and float(np.median(lows_db[~rests])) < between_db + _STEADY_DB


def _levels_db(audio: Samples, below_hz: float, sample_rate_hz: int) -> tuple[Curve, Curve]:
    """Levels over time below a frequency, and of all above."""
    from scipy import fft  # late, as in audio/loudness.py

    size = 2 ** round(np.log2(_FRAME_S * sample_rate_hz))
    if audio.shape[1] < size:
        return np.zeros(0), np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(audio, size, axis=1)[:, :: size // 2]
    power = np.square(np.abs(fft.rfft(frames * np.blackman(size).astype(np.float32), axis=2)), dtype=np.float64)
    both = power.sum(axis=0) / size**2
    edge = max(1, round(below_hz * size / sample_rate_hz))
    # A window leaks into three bins beside a note.
    low, high = both[:, :edge].sum(axis=1), both[:, edge + 3 :].sum(axis=1)
    return 10 * np.log10(low + _TINY), 10 * np.log10(high + _TINY)
